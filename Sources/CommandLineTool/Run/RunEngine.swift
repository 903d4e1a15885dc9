internal import Coordination
internal import Objectives
internal import StudyFiles
internal import StudyModel
internal import Synchronization

/// How a run ended.
struct RunEnd: Sendable {
  enum Stop: Sendable, Hashable {
    /// The study has its trials.
    case budget
    case timeout
    case interrupt
    /// Going on made no sense; why, in a sentence.
    case failures(String)
  }

  var stop: Stop
  /// What ended it against its will.
  var error: (any Error)?
  /// Trials that this process finished.
  var finished: Int
  /// Trials that were given back here and nobody has taken again.
  var givenBack: Int
  /// Why the last trial that failed here did.
  var lastFailure: String?
  var elapsed: Duration
}

/// Runs trials in slots, one thread each, until there is nothing left to run or somebody stops it.
///
/// A slot asks, runs the command, tells, and asks again. The calling thread meanwhile listens for
/// signals, draws the view, and follows what other processes do.
final class RunEngine: Sendable {
  /// Trials that may fail one after the other, right from the start, before the run gives up: a budget
  /// of 10,000 is not worth burning on a typing error.
  static let failuresAllowed = 10
  /// Attempts at a trial whose command says each time that it was interrupted (exit code 130).
  static let interruptionsAllowed = 5
  /// Between two looks at what other processes did to the study, at least; and at least so many times
  /// as long as a look takes.
  private static let followInterval: Duration = .seconds(2)
  private static let followShare = 50

  private let plan: RunPlan
  private let coordinator: Coordinator
  private let objective: CommandObjective
  private let console: Console
  private let progress: RunProgress
  private let isLive: Bool
  private let startedAt = Timestamp.now()
  private let state = Mutex(State())

  private struct State {
    var level = StopLevel.none
    var isPreempted = false
    /// Stops the command of a slot that runs one.
    var handles: [Int: StopHandle] = [:]
    /// How many slots hold a trial.
    var busySlots = 0
    var slotsLeft = 0
    /// When trials that were given back here may be taken again.
    var retries: [Timestamp] = []
    var error: (any Error)?
    var reason: RunEnd.Stop?
    var finished = 0
    var lastFailure: String?
    var failuresFromStart = 0
    var hasSucceeded = false

    /// Whether nothing has ended the run yet.
    var isOpen: Bool { level == .none && error == nil && reason == nil }
  }

  init(
    _ plan: RunPlan, _ coordinator: Coordinator, _ objective: CommandObjective,
    _ console: Console
  ) throws {
    self.plan = plan
    self.coordinator = coordinator
    self.objective = objective
    self.console = console
    isLive = console.isInteractive && !plan.options.isQuiet
    progress = RunProgress(
      RunSnapshot(study: coordinator.study.name, limit: plan.limit),
      directions: coordinator.study.directions, startedAt: startedAt,
      plan.options.isQuiet ? .quiet : isLive ? .live : .full)
    try follow()
  }

  // MARK: The calling thread

  /// Runs until the end; blocks.
  func run() -> RunEnd {
    let stops = StopRequests()
    defer { stops.end() }
    let threads = startSlots()
    var view = LiveView(console)
    var nextLook = startedAt.advanced(by: Self.followInterval)
    while state.withLock({ $0.slotsLeft > 0 }) {
      stops.wait(milliseconds: isLive ? 100 : 1_000)
      let now = Timestamp.now()
      react(to: stops)
      if now >= nextLook {
        lookAround()
        let after = Timestamp.now()
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
    for thread in threads { thread.join() }
    view.clear()
    progress.takeLines().forEach(console.note)
    return state.withLock { state in
      RunEnd(
        stop: state.level > .none ? .interrupt : state.reason ?? .budget, error: state.error,
        finished: state.finished, givenBack: state.retries.count, lastFailure: state.lastFailure,
        elapsed: Timestamp.now().since(startedAt))
    }
  }

  private func startSlots() -> [BlockingThread] {
    state.withLock { $0.slotsLeft = plan.workers }
    var threads: [BlockingThread] = []
    for slot in 0..<plan.workers {
      let thread = BlockingThread { [self] in
        runSlot(slot)
        state.withLock { $0.slotsLeft -= 1 }
        StopRequests.wake()
      }
      guard let thread else {
        state.withLock { state in
          state.error = CommandError.other(
            "the system refuses thread \(slot + 1) of \(plan.workers); give fewer --workers")
          state.slotsLeft -= plan.workers - slot
        }
        break
      }
      threads.append(thread)
    }
    return threads
  }

  private func react(to stops: StopRequests) {
    let (level, isPreempted) = (stops.level, stops.isPreempted)
    let handles: [StopHandle]? = state.withLock { state in
      guard level > state.level else { return nil }
      state.level = level
      state.isPreempted = isPreempted
      return Array(state.handles.values)
    }
    guard let handles else { return }
    switch level {
    case .none: return
    case .finish:
      progress.announce(
        handles.isEmpty
          ? "stopping"
          : "finishing what runs; Ctrl-C again stops it, to be run again next time")
    case .stop:
      progress.announce("stopping what runs; Ctrl-C again kills it")
      for handle in handles { handle.request(isPreempted ? .preempted : .interrupted) }
    case .kill:
      progress.announce("killing what runs")
      for handle in handles { handle.kill() }
    }
  }

  /// Follows other processes: their trials count, and those that died leave some behind.
  private func lookAround() {
    do {
      if isLive { try follow() }
      let recovered = try coordinator.recoverFromDeadWorkers()
      guard !recovered.isEmpty else { return }
      state.withLock { $0.retries += recovered.map { _ in Timestamp.now() } }
    } catch {
      // A slot that asks or tells meets the same error, and it is the one to end the run.
      progress.note("needletail: warning: \(error)")
    }
  }

  private func follow() throws(StoreError) {
    let overview = try StudyOverview(coordinator.study, in: coordinator.store)
    progress.update(counts: overview.counts, best: overview.best)
  }

  // MARK: Slots

  private func runSlot(_ slot: Int) {
    do {
      while let active = try nextTrial() {
        defer { state.withLock { $0.busySlots -= 1 } }
        let handle = StopHandle()
        register(handle, slot)
        progress.start(active, slot)
        let snapshot = active.snapshot
        let job = TrialJob(
          study: coordinator.study.name, number: active.number, attempt: active.attempt,
          seed: coordinator.seed, slot: slot,
          parameters: snapshot.parameters.map { ($0.name, $0.value) },
          userAttributes: snapshot.userAttributes)
        let handler = SlotTrial(active: active, progress: progress, slot: slot)
        let result = objective.run(job, for: handler, stoppedBy: handle)
        state.withLock { _ = $0.handles.removeValue(forKey: slot) }
        try conclude(active, result, slot)
      }
    } catch {
      let isAlone = state.withLock { state in
        if state.error == nil { state.error = error }
        return state.busySlots == 0
      }
      if !isAlone { progress.announce("finishing what runs, then stopping: \(error)") }
    }
  }

  /// The next trial to run; nil when there is none and none will come. Counts the slot as busy.
  private func nextTrial() throws -> ActiveTrial? {
    while true {
      let mayAsk = state.withLock { state in
        guard isOpen(&state) else { return false }
        state.busySlots += 1
        return true
      }
      guard mayAsk else { return nil }
      do {
        let space = plan.file.space
        if let active = try coordinator.ask(
          limit: plan.limit, assigning: space.parameters.isEmpty ? nil : space)
        {
          return active
        }
      } catch {
        state.withLock { $0.busySlots -= 1 }
        throw error
      }
      state.withLock { $0.busySlots -= 1 }
      guard !waitForMore() else { continue }
      // Another process may have died just now, and nobody else may be left to take its trials.
      guard state.withLock({ isOpen(&$0) }), try !coordinator.recoverFromDeadWorkers().isEmpty
      else { return nil }
    }
  }

  /// Whether slots take further trials; notices that the time is over.
  private func isOpen(_ state: inout State) -> Bool {
    guard state.isOpen else { return false }
    if let timeout = plan.timeout, Timestamp.now().since(startedAt) >= timeout {
      state.reason = .timeout
      return false
    }
    return true
  }

  /// Waits until a trial may be given back by another slot or is due for its next attempt; false when
  /// nothing can come any more.
  private func waitForMore() -> Bool {
    while true {
      let now = Timestamp.now()
      let answer: Bool? = state.withLock { state in
        guard isOpen(&state) else { return false }
        if let due = state.retries.firstIndex(where: { $0 <= now }) {
          state.retries.remove(at: due)
          return true
        }
        return state.busySlots == 0 && state.retries.isEmpty ? false : nil
      }
      if let answer { return answer }
      BlockingThread.pause(milliseconds: 20)
    }
  }

  private func register(_ handle: StopHandle, _ slot: Int) {
    let (level, isPreempted) = state.withLock { state in
      state.handles[slot] = handle
      return (state.level, state.isPreempted)
    }
    if level >= .stop { handle.request(isPreempted ? .preempted : .interrupted) }
    if level >= .kill { handle.kill() }
  }

  private func conclude(_ active: ActiveTrial, _ result: TrialResult, _ slot: Int) throws {
    let outcome = result.outcome
    let told: Trial?
    do {
      told = try tell(active, trialOutcome(of: outcome, attempt: active.attempt))
    } catch StoreError.leaseLost {
      told = nil
    } catch TrialError.notRunning {
      // The background noticed the loss of the lease first.
      told = nil
    }
    let isFinal = told?.state.isFinished ?? false
    state.withLock { state in
      if isFinal { state.finished += 1 }
      if told?.state == .completed || told?.state == .pruned {
        state.hasSucceeded = true
      } else if told?.state == .failed {
        state.lastFailure = outcome.reason
      }
      if outcome.attemptOutcome.isFault {
        state.failuresFromStart += 1
        if outcome.isHopeless {
          state.reason = .failures(outcome.reason)
        } else if !state.hasSucceeded, state.failuresFromStart >= Self.failuresAllowed {
          state.reason = .failures(
            "stopped: the first \(state.failuresFromStart) attempts failed, the last because "
              + "\(outcome.reason.printable)")
        }
      }
      if let told, !told.state.isFinished {
        let isWanted = [.interrupted, .preempted].contains(outcome.attemptOutcome)
        let delay: Duration = isWanted ? .zero : coordinator.retries.delay
        state.retries.append(Timestamp.now().advanced(by: delay))
      }
    }
    progress.finish(active, told, result, slot)
  }

  /// The outcome in the coordinator's words.
  private func trialOutcome(of outcome: CommandOutcome, attempt: Int) -> TrialOutcome {
    switch outcome {
    case .completed(let values): return .completed(values)
    case .pruned, .prunedItself: return .pruned
    case .requeued where attempt > Self.interruptionsAllowed:
      // Else a command that always says so would run for ever.
      return .ended(.failed, reason: "\(outcome.reason), at attempt \(attempt)")
    default: return .ended(outcome.attemptOutcome, reason: outcome.reason)
    }
  }

  /// Tells the result; a store that is locked or full gets some more chances.
  private func tell(_ active: ActiveTrial, _ outcome: TrialOutcome) throws -> Trial {
    var chances = 5
    while true {
      do {
        return try coordinator.tell(active, outcome)
      } catch let error as StoreError where error.isTransient && chances > 0 {
        chances -= 1
        BlockingThread.pause(milliseconds: 200)
      }
    }
  }
}

/// A slot's trial as its command reaches it.
private struct SlotTrial: TrialHandler {
  let active: ActiveTrial
  let progress: RunProgress
  let slot: Int

  func suggest(_ parameter: Parameter) throws -> ParameterValue {
    let value = try active.suggest(parameter)
    progress.suggested(active, slot)
    return value
  }

  func report(_ value: Double, step: Int) throws {
    try active.report(value, step: step)
    progress.report(IntermediateValue(step: step, value: value), slot)
  }

  func pruningReason() throws -> String? { try active.pruningReason() }

  func setUserAttribute(_ attribute: Attribute) throws { try active.setAttribute(attribute) }
}

extension AttemptOutcome {
  /// Whether the objective or its surroundings are to blame, and not somebody's wish.
  fileprivate var isFault: Bool {
    switch self {
    case .failed, .timedOut, .outOfMemory, .metricMissing: true
    default: false
    }
  }
}
