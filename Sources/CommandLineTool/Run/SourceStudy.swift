internal import StudyFiles
internal import StudyModel

/// The file that is to be run, of our own form or another tool's, and what the command line says
/// beside it of what the file lacks.
struct SourceStudy: Sendable {
  let path: String
  /// Whose file it is; nil to tell by its content.
  let format: String?
  /// Which of several experiments is meant.
  let selection: String?
  let metric: String?
  let direction: Direction?
  /// What each trial runs; empty for the file's own.
  let command: [String]
  /// Whether what is surely a mistake is run all the same.
  let accepts: Bool

  /// Reads it, and says on the console how another tool's file was read.
  func read(telling console: Console) throws -> StudyFile {
    guard
      var study = try ForeignStudy.read(
        contentsOf: path, format: format, selecting: selection)
    else { return try own() }
    study.fill(metric: metric, direction: direction, command: command)
    console.note("needletail: \(study.announcement.harmless)")
    for note in study.notes { console.note("  \(note.harmless)") }
    if let suspicion = study.suspicions.first, !accepts {
      throw StudyFileError(
        path: path, location: nil, problem: "\(suspicion); or insist with --accept")
    }
    for suspicion in study.suspicions { console.warn(suspicion) }
    guard study.hasCommand else {
      throw StudyFileError(
        path: path, location: nil,
        problem: "there is no command to run; give one behind '--', such as: needletail run "
          + "\(path) -- python3 train.py {args}")
    }
    return try StudyFile(text: try study.studyFileText(), path: path)
  }

  /// A study file of our own, with the lines that the command line adds.
  private func own() throws -> StudyFile {
    let file = try StudyFile(contentsOf: path)
    guard metric != nil || direction != nil || !command.isEmpty else { return file }
    return try file.adding(metric: metric, direction: direction, command: command)
  }
}
