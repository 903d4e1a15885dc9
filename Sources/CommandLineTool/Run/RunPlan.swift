internal import Pruners
internal import Samplers
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import System

/// What is to be run, from study file, command line and environment; checked as far as that is
/// possible without a store.
struct RunPlan {
  let file: StudyFile
  let name: String
  let workers: Int
  let timeout: Duration?
  let store: StoreSelection
  let options: RunOptions

  /// Checks the study file with what is said beside it; writes nothing.
  init(
    file: StudyFile, _ options: RunOptions, environment: (String) -> String?
  ) throws {
    self.file = file
    self.options = options
    name = options.name ?? file.studyName
    try StoreError.checkStudyName(name)
    workers =
      options.workers ?? file.workers
      ?? (file.usesAllProcessors ? max(1, Processors.cores.count) : 1)
    timeout = options.timeout ?? file.timeout
    // Made once here, so that a mistake is found before a store is made for it.
    _ = try file.sampler?.makeSampler()
    _ = try file.pruner?.makePruner()
    store = try StoreSelection(
      option: options.store ?? Self.store(of: file), environment: environment)
  }

  /// The store that a study file names; nil when it names none.
  static func store(of file: StudyFile) -> String? {
    // Relative to the file, so that it means the same wherever the command is started.
    file.store.map { address in
      address.contains("://") || address.hasPrefix("/") || file.folder == "."
        ? address : "\(file.folder)/\(address)"
    }
  }
}
