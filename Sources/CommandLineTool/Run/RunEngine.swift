internal import Coordination
internal import Messages
internal import Objectives
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials
internal import Working

/// How a run ended.
struct RunEnd: Sendable {
  enum Stop: Sendable, Hashable {
    /// The study has its trials.
    case budget
    case timeout
    case interrupt
    /// The study has reached what it was to reach; what, in a sentence.
    case reached(String)
    /// Going on made no sense; why, in a sentence.
    case failures(String)
    /// The study was stopped or cancelled.
    case control(StudyControl)
  }

  var stop: Stop
  /// What ended it against its will.
  var error: (any Error)?
  /// Trials that this process finished.
  var finished: Int
  /// Trials that were given back here and no process has taken again.
  var givenBack: Int
  /// Why the last trial that failed here did.
  var lastFailure: String?
  var elapsed: Duration
  /// How many trials the study gets in all, as was known at the end; nil for no limit.
  var budget: Int?
}

/// Runs a study's trials in slots until there is nothing left to run or it is stopped.
///
/// The calling thread listens for signals, draws the view, and follows what other processes do.
final class RunEngine: SlotObserver {
  /// Between two looks at what other processes did to the study, at least; and at least so many
  /// times as long as a look takes.
  private static let followInterval: Duration = .seconds(2)
  private static let followShare = 50

  private let plan: RunPlan
  private let study: StoredStudy
  private let coordinator: Coordinator
  private let trials: StudyTrials
  private let console: Console
  private let mark: String?
  private let progress: RunProgress
  private let isLive: Bool
  /// By the steady clock, as all times here: setting the system's ends no run.
  private let startedAt = SteadyClock.timestamp
  private let state = Lock(State())

  private struct State {
    var reason: RunEnd.Stop?
    var finished = 0
    var lastFailure: String?
    var announced = StudyControl.running
    /// What was noted of the study's file and budget at the last look.
    var plan: StudyPlan?
  }

  /// - Parameter budget: How many trials the study gets in all; nil for no limit. Another one that
  ///   is said meanwhile is followed.
  init(
    _ plan: RunPlan, _ study: StoredStudy, _ coordinator: Coordinator,
    _ objective: TrialObjective, budget: Int?, _ console: Console, mark: String?
  ) throws {
    self.plan = plan
    self.mark = mark
    self.study = study
    self.coordinator = coordinator
    trials = StudyTrials(coordinator, objective, limit: budget, space: plan.file.space)
    self.console = console
    isLive = console.isInteractive && !plan.options.isQuiet
    progress = RunProgress(
      RunSnapshot(study: coordinator.study.name, limit: budget),
      directions: coordinator.study.directions, startedAt: startedAt,
      plan.options.isQuiet ? .quiet : isLive ? .live : .full)
    try follow()
  }

  // MARK: The calling thread

  /// Runs until the end; blocks.
  func run() -> RunEnd {
    let stops = StopRequests()
    defer { stops.end() }
    var resources = SlotResources()
    resources.mark = mark
    let pool = SlotPool(slots: plan.workers, trials, self, resources: resources)
    pool.start()
    var view = LiveView(console)
    var nextLook = startedAt.advanced(by: Self.followInterval)
    while pool.isRunning {
      stops.wait(milliseconds: isLive ? 100 : 1_000)
      let now = SteadyClock.timestamp
      react(to: stops, pool)
      followControl()
      if now >= nextLook {
        lookAround()
        let after = SteadyClock.timestamp
        let pause = max(Self.followInterval, after.since(now) * Self.followShare)
        nextLook = after.advanced(by: pause)
      }
      let lines = progress.takeLines()
      if isLive {
        if !lines.isEmpty { view.insert(lines) }
        view.draw(progress.snapshot(at: now), at: now)
      } else {
        lines.forEach(console.note)
      }
    }
    // The last to hold the store must be this thread, so that the store is closed in order.
    pool.join()
    view.clear()
    progress.takeLines().forEach(console.note)
    let ending = ending
    return state.withLock { state in
      RunEnd(
        stop: pool.level > .none ? .interrupt : state.reason ?? ending, error: pool.error,
        finished: state.finished, givenBack: trials.givenBack, lastFailure: state.lastFailure,
        elapsed: SteadyClock.timestamp.since(startedAt), budget: trials.limit)
    }
  }

  /// Why the slots ended by themselves.
  private var ending: RunEnd.Stop {
    if let end = coordinator.ownEnding {
      return end.isSuccess ? .reached(end.sentence) : .failures("stopped: \(end.sentence)")
    }
    if let reason = failure {
      return .failures("stopped: \(reason.printable); run it again when that is mended")
    }
    let control = trials.control
    return control == .stopped || control == .cancelled ? .control(control) : .budget
  }

  /// Why the study is failing; nil when it is not, and when the store cannot tell now.
  private var failure: String? {
    let known = Result { try coordinator.failure() }
    return if case .success(let reason) = known { reason } else { nil }
  }

  private func react(to stops: StopRequests, _ pool: SlotPool) {
    let level = stops.level
    guard let running = pool.stop(level, isPreempted: stops.isPreempted) else { return }
    switch level {
    case .none: return
    case .finish:
      progress.announce(
        running == 0
          ? "stopping"
          : "finishing what runs; Ctrl-C again stops it, to be run again next time")
    case .stop: progress.announce("stopping what runs; Ctrl-C again kills it")
    case .kill: progress.announce("killing what runs")
    }
  }

  /// Follows what the user wants of the study, and says so.
  private func followControl() {
    trials.attend()
    let control = trials.control
    let isNew = state.withLock { state in
      defer { state.announced = control }
      return state.announced != control
    }
    guard isNew else { return }
    if let reason = coordinator.ownEnding?.sentence ?? failure {
      progress.announce("finishing what runs, then stopping: \(reason)")
    } else {
      progress.announce(
        control.sentence(for: coordinator.study.name.printable)
          ?? "study '\(coordinator.study.name.printable)' goes on")
    }
  }

  /// Follows other processes: their trials count, and those that died leave some behind.
  private func lookAround() {
    do {
      if isLive { try follow() }
      try followBudget()
      let recovered = try coordinator.recoverFromDeadWorkers()
      if !recovered.isEmpty { trials.recovered(recovered.count) }
    } catch {
      // A slot that asks or tells meets the same error, and it is the one to end the run.
      progress.note("needletail: warning: \(error)")
    }
  }

  private func follow() throws(StoreError) {
    let overview = try StudyOverview(coordinator.study, in: coordinator.store)
    progress.update(counts: overview.counts, best: overview.best)
  }

  /// Follows what another process says of the budget meanwhile.
  private func followBudget() throws {
    let plan = try study.plan()
    let isNew = state.withLock { state in
      defer { state.plan = plan }
      return state.plan != plan
    }
    // A file that this version cannot read says nothing.
    guard isNew, case .success(let file) = Result(catching: { try plan.file(of: study.name) })
    else { return }
    let budget = plan.budget(of: file)
    guard budget != trials.limit else { return }
    trials.limit = budget
    progress.update(limit: budget)
    progress.announce(
      "the study gets \(budget.map { "\($0) trials" } ?? "any number of trials") from now on")
  }

  // MARK: Slots

  /// Whether slots take further trials; notices that the time is over.
  var mayTake: Bool {
    state.withLock { state in
      guard state.reason == nil else { return false }
      if let timeout = plan.timeout, SteadyClock.timestamp.since(startedAt) >= timeout {
        state.reason = .timeout
        return false
      }
      return true
    }
  }

  func started(_ trial: SlotTrial, in slot: Int) { progress.start(trial.held, slot) }

  func suggested(_ trial: SlotTrial, in slot: Int) { progress.suggested(trial.held, slot) }

  func reported(_ report: IntermediateValue, in slot: Int) { progress.report(report, slot) }

  func ended(_ trial: SlotTrial, _ result: CommandResult, _ verdict: Verdict?, in slot: Int) {
    let outcome = result.outcome
    let told = verdict?.trial
    state.withLock { state in
      if told?.state.isFinished ?? false { state.finished += 1 }
      if told?.state == .failed { state.lastFailure = outcome.reason }
      if outcome.isHopeless { state.reason = .failures(outcome.reason) }
    }
    progress.finish(trial.held, told, result, slot)
  }

  func unstored(_ trial: SlotTrial, _ result: CommandResult) {
    progress.note(
      "needletail: warning: trial \(trial.number) \(result.outcome.unstored) is not stored")
  }

  func failed(_ error: any Error, othersRun: Bool) {
    if othersRun { progress.announce("finishing what runs, then stopping: \(error)") }
  }

  func slotEnded() { StopRequests.wake() }
}

extension CommandOutcome {
  /// How the trial ended, for a sentence that goes on with what became of that.
  var unstored: String {
    guard let values else { return "ended as \(attemptOutcome.rawValue): this" }
    return "completed with \(values.map { "\($0)" }.joined(separator: ", ")): this"
  }
}
