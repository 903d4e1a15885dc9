internal import Coordination
internal import Messages
internal import Objectives
internal import Pruners
internal import Samplers
internal import Stores
internal import StudyFiles
internal import StudyModel

/// One `needletail run`: opens the study, lets the engine run it, and tells how it ended.
struct StudyRun {
  private let plan: RunPlan
  private let console: Console
  private let store: any StudyStore
  private let study: StudyRecord
  private let coordinator: Coordinator
  private let objective: CommandObjective
  private let isNew: Bool

  /// Opens or creates store and study. What can be refused is refused before anything is written.
  init(_ plan: RunPlan, _ console: Console) throws {
    self.plan = plan
    self.console = console
    try CommandObjective.check(plan.file, toolFolder: OwnFiles.toolFolder)
    store = try plan.store.openOrCreate()
    let known = try store.studies().first { $0.name == plan.name }
    isNew = known == nil
    if let known, known.directions != plan.file.directions {
      throw StoreError.directionsDiffer(
        name: plan.name, stored: known.directions, given: plan.file.directions)
    }
    if let known {
      try Self.checkSpace(plan.file.space, against: known, in: store)
    }
    study =
      try known ?? Self.createOrLoad(plan.name, plan.file.directions, in: store)
    coordinator = Coordinator(
      store: store, study: study, sampler: plan.sampler, pruner: plan.pruner,
      seed: try store.seed(of: study, proposed: plan.seed),
      allowsRepeats: plan.file.allowsRepeats, retries: plan.file.retries)
    objective = try CommandObjective(
      plan.file,
      folders: TrialFolders(in: plan.store.trialFolder, study: study.name, token: study.token),
      clientFolder: OwnFiles.pythonClient(console), toolFolder: OwnFiles.toolFolder)
    try store.setNote(StoredStudyFile.key, to: plan.file.text, of: study)
  }

  /// Another process may create the study at the same moment.
  private static func createOrLoad(
    _ name: String, _ directions: [Direction], in store: any StudyStore
  ) throws -> StudyRecord {
    do throws(StoreError) {
      return try store.createStudy(named: name, directions: directions)
    } catch {
      guard case .studyExists = error else { throw error }
      return try store.study(named: name)
    }
  }

  /// Refuses a space that gives a parameter another kind of distribution than the stored trials.
  private static func checkSpace(
    _ space: SearchSpace, against study: StudyRecord, in store: any StudyStore
  ) throws {
    let reader = Coordinator(
      store: store, study: study, sampler: RandomSampler(), pruner: NopPruner(), seed: 0)
    try reader.checkCompatibility(of: space)
  }

  /// Runs the study until it has its trials, its time is over, or somebody stops it.
  func run() throws -> ExitCode {
    announce()
    let recovered = try coordinator.recoverFromDeadWorkers()
    if !recovered.isEmpty {
      let numbers = recovered.map(String.init).joined(separator: ", ")
      console.note("runs again what a process that is gone left running: trial \(numbers)")
    }
    let engine = try RunEngine(plan, coordinator, objective, console)
    let end = engine.run()
    let report = RunReport(
      study: study, store: store, limit: plan.limit, console: console,
      isQuiet: plan.options.isQuiet, json: plan.options.json)
    return try report.conclude(end)
  }

  private func announce() {
    objective.warnings.forEach(console.warn)
    guard !plan.options.isQuiet else { return }
    let budget = plan.limit.map { "\($0) trials" } ?? "no limit of trials"
    console.note(
      "\(isNew ? "new study" : "study") '\(study.name.printable)' in "
        + "\(store.location.printable): \(budget), \(plan.workers) at a time")
  }
}
