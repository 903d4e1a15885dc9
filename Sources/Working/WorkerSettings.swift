internal import Objectives
internal import StudyFiles

/// What a worker was told about the trials it runs.
package struct WorkerSettings: Sendable {
  /// The only study to work for; nil for all that have a command.
  package var study: String?
  /// Stands in for the study files' folders: where commands run, and where the trials' files go.
  package var folder: String
  /// Which commands it runs; nil for all.
  package var filter: CommandFilter?
  /// How much memory a trial may hold, in bytes, beside the study files' limits; nil for none.
  package var memoryLimit: Int?
  /// Whether it ends when there is nothing more to run.
  package var endsWhenDone: Bool
  /// How long a coordinator that is away is borne while nothing runs; nil for ever.
  package var patience: Duration?
  /// The folder of the Python client; nil without one.
  package var clientFolder: String?
  /// The folder of this program; nil where the system does not tell.
  package var toolFolder: String?

  package init(folder: String) {
    self.folder = folder
    endsWhenDone = false
  }

  /// What runs a study's command here.
  ///
  /// - Throws: ``WorkerError/setsVariables(_:)``, and what preparing the command throws.
  func objective(for file: StudyFile, _ folders: TrialFolders) throws -> TrialObjective {
    if filter != nil, let variable = file.environment.first {
      throw WorkerError.setsVariables(variable.name)
    }
    return try TrialObjective(
      file, folders: folders, clientFolder: clientFolder, toolFolder: toolFolder,
      memoryLimit: memoryLimit, refusal: { refusal(of: $0) })
  }

  /// Why a command with these words is not run here; nil when it is.
  func refusal(of words: [String]) -> String? {
    guard let filter, !filter.allows(words) else { return nil }
    let command = words.joined(separator: " ")
    let shown = command.count > 120 ? command.prefix(120) + "…" : command[...]
    return "this worker's --allow does not cover the command '\(shown)'"
  }
}
