internal import Objectives
internal import StudyModel
internal import System
internal import Trials

/// What a run's slots tell its view: counts, the best trial, what runs, and lines for the log.
final class RunProgress: Sendable {
  /// How much the log says.
  enum Verbosity: Sendable {
    /// Warnings and announcements only.
    case quiet
    /// Beside a live view: what went wrong, too.
    case live
    /// Each attempt.
    case full
  }

  private let state: Lock<State>
  private let startedAt: Timestamp
  /// The objective's direction; nil when there are several objectives.
  private let direction: Direction?
  private let verbosity: Verbosity

  private struct State {
    var snapshot: RunSnapshot
    var meter: RateMeter
    /// By slot.
    var running: [Int: RunSnapshot.RunningTrial] = [:]
    var lines: [String] = []
  }

  init(
    _ snapshot: RunSnapshot, directions: [Direction], startedAt: Timestamp, _ verbosity: Verbosity
  ) {
    self.startedAt = startedAt
    self.verbosity = verbosity
    direction = directions.count == 1 ? directions[0] : nil
    state = Lock(State(snapshot: snapshot, meter: RateMeter(startedAt: startedAt)))
  }

  /// The run at this moment.
  func snapshot(at now: Timestamp) -> RunSnapshot {
    state.withLock { state in
      state.snapshot.rate = state.meter.rate(at: now)
      state.snapshot.elapsed = now.since(startedAt)
      state.snapshot.running = state.running.sorted { $0.key < $1.key }.map(\.value)
      return state.snapshot
    }
  }

  /// Takes the lines that were not written yet.
  func takeLines() -> [String] {
    state.withLock { state in
      defer { state.lines = [] }
      return state.lines
    }
  }

  /// Adds a line to the log.
  func note(_ line: String) {
    state.withLock { $0.lines.append(line) }
    StopRequests.wake()
  }

  /// Keeps a sentence in view, or adds it to the log where there is no view.
  func announce(_ sentence: String) {
    state.withLock { state in
      state.snapshot.notice = sentence
      if verbosity != .live { state.lines.append(sentence) }
    }
    StopRequests.wake()
  }

  /// Sets how many trials the study gets in all; nil for no limit.
  func update(limit: Int?) {
    state.withLock { $0.snapshot.limit = limit }
  }

  /// Sets what the store says, trials of other processes included.
  func update(counts: [TrialState: Int], best: Trial?) {
    state.withLock { state in
      state.snapshot.counts = counts
      state.snapshot.best = best
    }
  }

  func start(_ active: any HeldTrial, _ slot: Int) {
    let trial = active.snapshot
    state.withLock { state in
      state.running[slot] = RunSnapshot.RunningTrial(
        number: active.number, attempt: active.attempt, startedAt: .now(),
        parameters: trial.parametersText)
    }
  }

  func suggested(_ active: any HeldTrial, _ slot: Int) {
    let text = active.snapshot.parametersText
    state.withLock { $0.running[slot]?.parameters = text }
  }

  func report(_ report: IntermediateValue, _ slot: Int) {
    state.withLock { $0.running[slot]?.lastReport = report }
  }

  /// Takes note of the end of an attempt.
  ///
  /// - Parameter told: The trial as it is stored now; nil when another worker has it.
  func finish(_ active: any HeldTrial, _ told: Trial?, _ result: CommandResult, _ slot: Int) {
    let isGood = told?.state == .completed || told?.state == .pruned
    let isLogged = verbosity == .full || (verbosity == .live && !isGood)
    let line = isLogged ? Self.line(active, told, result) : nil
    state.withLock { state in
      state.running[slot] = nil
      if let told, told.state.isFinished {
        state.meter.add(at: .now())
        state.snapshot.counts[told.state, default: 0] += 1
        if isBetter(told, than: state.snapshot.best) { state.snapshot.best = told }
      }
      // Warnings are for everybody.
      state.lines += result.notes.map { "trial \(active.number): warning: \($0.printable)" }
      if let line { state.lines.append(line) }
    }
    StopRequests.wake()
  }

  /// The store has the last word, at the next look: it knows of constraints.
  private func isBetter(_ trial: Trial, than best: Trial?) -> Bool {
    guard let direction, trial.state == .completed, let value = trial.value else { return false }
    guard let known = best?.value else { return true }
    return direction.isBetter(value, than: known)
  }

  /// What the log says of an attempt.
  private static func line(_ active: any HeldTrial, _ told: Trial?, _ result: CommandResult)
    -> String
  {
    let attempt = active.attempt > 1 ? " (attempt \(active.attempt))" : ""
    let start = "trial \(active.number)\(attempt)"
    let time = result.duration.brief
    guard let told else {
      return "\(start) was taken over by another worker; its result was not taken"
    }
    let parameters = told.parametersText.printable
    switch told.state {
    case .completed: return "\(start) completed: \(told.valuesText) in \(time)  \(parameters)"
    case .pruned:
      return "\(start) pruned: \(result.outcome.reason.printable) in \(time)  \(parameters)"
    case .failed:
      return "\(start) failed: \(result.outcome.reason.printable)\(result.place)"
    case .running, .waiting:
      return "\(start) stopped: \(result.outcome.reason.printable); it will be run again"
    }
  }
}
