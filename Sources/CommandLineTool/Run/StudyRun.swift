internal import Coordination
internal import Objectives
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import Working

/// One `needletail run`: opens the study, lets the engine run it, and tells how it ended.
struct StudyRun {
  private let plan: RunPlan
  private let console: Console
  private let study: StoredStudy
  private let coordinator: Coordinator
  private let objective: TrialObjective
  private let isNew: Bool
  /// How many trials the study gets in all; nil for no limit.
  private let budget: Int?
  /// The guardian's mark, for the environment of the commands; nil without a guardian.
  private let mark: String?

  /// Opens or creates store and study. What can be refused is refused before anything is written.
  init(_ plan: RunPlan, _ console: Console, mark: String?) throws {
    self.plan = plan
    self.mark = mark
    self.console = console
    try TrialObjective.check(plan.file, toolFolder: OwnFiles.toolFolder)
    let submission = try StoredStudy.submit(
      plan.file, name: plan.name, trials: plan.options.trials, seed: plan.options.seed,
      resuming: .ifStoppedByItself, in: try plan.store.openOrCreate())
    for warning in submission.warnings { console.warn(warning.printable) }
    (study, isNew, budget) = (submission.study, submission.isNew, submission.budget)
    coordinator = try study.coordinator(plan.file, budget: budget, seed: plan.options.seed)
    objective = try TrialObjective(
      plan.file,
      folders: TrialFolders(
        in: plan.store.trialFolder, study: study.name, token: study.record.token),
      clientFolder: OwnFiles.pythonClient(console), toolFolder: OwnFiles.toolFolder)
  }

  /// Runs the study until it has its trials, its time is over, or it is stopped.
  func run() throws -> ExitCode {
    announce()
    let recovered = try coordinator.recoverFromDeadWorkers()
    if !recovered.isEmpty {
      let numbers = recovered.map(String.init).joined(separator: ", ")
      console.note("runs again what a process that is gone left running: trial \(numbers)")
    }
    let engine = try RunEngine(
      plan, study, coordinator, objective, budget: budget, console, mark: mark)
    let (console, token) = (console, study.record.token)
    let desk =
      plan.file.notices.isEmpty
      ? nil
      : NoticeDesk(study.store) {
        console.warn($0)
      } follows: {
        $0.study.record.token == token
      }
    let backup = try plan.options.backup.map {
      try StoreBackup($0, of: study.store) { console.warn($0) }
    }
    let end = engine.run()
    desk?.close()
    let isCopied = backup?.close() ?? true
    let report = RunReport(
      study: study.record, store: study.store, limit: end.budget, console: console,
      isQuiet: plan.options.isQuiet, json: plan.options.json)
    let code = try report.conclude(end)
    return code == .success && !isCopied ? .failed : code
  }

  private func announce() {
    objective.warnings.forEach(console.warn)
    guard !plan.options.isQuiet else { return }
    var text = budget.map { "\($0) trials" } ?? "no limit of trials"
    if plan.options.trials == nil, budget != plan.file.trials {
      let own = plan.file.trials.map { "says \($0)" } ?? "sets no limit"
      text += " (as was said last with --trials; the file \(own))"
    }
    console.note(
      "\(isNew ? "new study" : "study") '\(study.name.printable)' in "
        + "\(study.store.location.printable): \(text), \(plan.workers) at a time")
  }
}
