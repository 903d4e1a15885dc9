internal import StudyFiles
internal import StudyModel

/// The file that is to be run, of our own form or another tool's, and what the command line says
/// beside it of what the file lacks. All verbs that take a study file read it here.
struct SourceStudy: Sendable {
  let path: String
  /// Whose file it is; nil to tell by its content.
  var format: String?
  /// Which of several experiments is meant.
  var selection: String?
  var metric: String?
  var direction: Direction?
  /// What each trial runs; empty for the file's own.
  var command: [String] = []
  /// Whether what is surely a mistake is run all the same.
  var accepts = false
  /// Whether trials run in the image that another tool's file names.
  var runsInImage = false
  /// The words of the verb, for advice.
  var verb = "run"

  /// What a verb's description lists of the file itself.
  static let argument = VerbDescription.Argument(
    name: "study.yaml",
    help: "The study file: YAML or JSON, or another tool's (needletail help convert).",
    completion: .file)

  /// What a verb's description lists for a command behind `--`.
  static let commandArgument = VerbDescription.Argument(
    name: "command",
    help: "Behind '--': what each trial runs where the file has no command, in words that may "
      + "have {args} or {name} in them.",
    isOptional: true, isRepeated: true)

  /// What a verb's description lists.
  static let options: [VerbDescription.Option] = [
    .init(
      name: "--metric", placeholder: "NAME",
      help: "The objective's name, where the file names none."),
    .init(
      name: "--direction", placeholder: "WORD", help: "minimize or maximize it.",
      completion: .words(["minimize", "maximize"])),
    .init(
      name: "--format", placeholder: "TOOL",
      help: "Whose file it is, such as wandb, katib or needletail; else the content tells.",
      completion: .words(["needletail"] + ForeignTool.allCases.map(\.rawValue))),
    .init(
      name: "--select", placeholder: "NAME",
      help: "Which of several experiments or tasks in another tool's file is meant."),
    containerOption,
    .init(
      name: "--accept",
      help: "Run what another tool accepts although it is surely a mistake."),
  ]

  /// What a verb's description lists for the image of another tool's file.
  static let containerOption = VerbDescription.Option(
    name: "--container",
    help: "Run the command of another tool's file in the image that the file names, by podman or "
      + "docker; else as a process.")

  /// A file of our own or another tool's, with nothing said beside it.
  init(path: String) { self.path = path }

  /// Takes the file and what is said beside it from a command line.
  init(_ arguments: inout ArgumentScanner, verb: String) throws(UsageError) {
    let command = arguments.behindSeparator()
    self.init(path: try arguments.positional("study file"))
    self.verb = verb
    self.command = command
    try takeOptions(&arguments)
  }

  /// Takes several files; what is said beside them is for one file alone.
  static func several(
    _ arguments: inout ArgumentScanner, verb: String
  ) throws(UsageError) -> [SourceStudy] {
    let command = arguments.behindSeparator()
    var common = SourceStudy(path: "")
    common.verb = verb
    common.command = command
    try common.takeOptions(&arguments)
    let paths = arguments.remaining()
    let said: [(String, Bool)] = [
      ("--metric", common.metric != nil), ("--direction", common.direction != nil),
      ("--format", common.format != nil), ("--select", common.selection != nil),
      ("--container", common.runsInImage), ("a command behind '--'", !command.isEmpty),
    ]
    if let option = said.first(where: \.1)?.0, paths.count != 1 {
      throw .conflict("\(option) is for one study file, and there are \(paths.count); give one")
    }
    return paths.map { common.with(path: $0) }
  }

  private mutating func takeOptions(_ arguments: inout ArgumentScanner) throws(UsageError) {
    format = arguments.value("--format")
    selection = arguments.value("--select")
    metric = arguments.value("--metric")
    direction = try arguments.word("--direction", of: ["minimize", "maximize"])
      .flatMap(Direction.init)
    runsInImage = arguments.flag("--container")
    accepts = arguments.flag("--accept")
  }

  private func with(path: String) -> SourceStudy {
    var study = SourceStudy(path: path)
    (study.format, study.selection, study.metric) = (format, selection, metric)
    (study.direction, study.command, study.accepts) = (direction, command, accepts)
    (study.runsInImage, study.verb) = (runsInImage, verb)
    return study
  }

  /// Reads it, and says on the console how another tool's file was read.
  ///
  /// - Parameter needsCommand: Whether a file without a command is refused; else it is only a
  ///   search space.
  func read(telling console: Console, needsCommand: Bool = true) throws -> StudyFile {
    guard
      var study = try ForeignStudy.read(
        contentsOf: path, format: format, selecting: selection)
    else { return try own() }
    try study.fill(metric: metric, direction: direction, command: command, inImage: runsInImage)
    console.note("needletail: \(study.announcement.harmless)")
    for note in study.notes { console.note("  \(note.harmless)") }
    if let suspicion = study.suspicions.first, !accepts {
      throw StudyFileError(
        path: path, location: nil, problem: "\(suspicion); or insist with --accept")
    }
    for suspicion in study.suspicions { console.warn(suspicion) }
    guard study.hasCommand || !needsCommand else {
      throw StudyFileError(
        path: path, location: nil,
        problem: "there is no command to run; give one behind '--', such as: needletail \(verb) "
          + "\(path) -- python3 train.py {args}")
    }
    return try StudyFile(text: try study.studyFileText(), path: path)
  }

  /// A study file of our own, with the lines that the command line adds.
  private func own() throws -> StudyFile {
    let file = try StudyFile(contentsOf: path)
    guard !runsInImage else {
      throw StudyFileError(
        path: path, location: nil,
        problem: "--container is for other tools' files; write 'executor: {container: IMAGE}'")
    }
    guard metric != nil || direction != nil || !command.isEmpty else { return file }
    return try file.adding(metric: metric, direction: direction, command: command)
  }
}
