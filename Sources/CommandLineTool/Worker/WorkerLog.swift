internal import CoordinatorClient
internal import Messages
internal import Objectives
internal import StudyModel
internal import System
internal import Trials
internal import Working

/// What a worker has to say, kept until its main thread writes it.
final class WorkerLog: Sendable {
  private let lines = Lock<[String]>([])
  let isQuiet: Bool

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  /// Adds a line, unless the worker is to be quiet.
  func note(_ line: String) {
    if !isQuiet { add(line) }
  }

  /// Adds a warning.
  func warn(_ sentence: String) { add("needletail: warning: \(sentence.harmless)") }

  private func add(_ line: String) {
    lines.withLock { $0.append(line) }
    StopRequests.wake()
  }

  /// Takes the lines that were not written yet.
  func takeLines() -> [String] {
    lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
  }

  /// Adds what happens between worker and coordinator.
  func take(_ news: WorkerSession.News) {
    switch news {
    case .away(let error):
      warn("\(error); trials go on, and results are kept until it is back")
    case .back(let results):
      note(
        results == 0
          ? "the coordinator is back"
          : "the coordinator is back, and gets the \(results) results that waited")
    case .notTaken(let trial, _, let reason):
      let what = trial.map { "trial \($0.number) of \($0.assignment.study.printable)" } ?? "a trial"
      warn("the result of \(what) was not taken: \(reason)")
    }
  }
}

/// Logs and counts what a worker's slots do.
final class WorkerObserver: SlotObserver {
  struct Counts: Sendable {
    var completed = 0, pruned = 0, failed = 0, givenBack = 0, takenOver = 0

    /// `12 completed, 3 pruned`
    var summary: String {
      let parts = [
        (completed, "completed"), (pruned, "pruned"), (failed, "failed"),
        (givenBack, "given back"), (takenOver, "taken over by others"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      return parts.isEmpty ? "no trials were run" : "trials: \(parts.joined(separator: ", "))"
    }
  }

  private let log: WorkerLog
  private let state = Lock(Counts())

  init(_ log: WorkerLog) { self.log = log }

  var counts: Counts { state.withLock { $0 } }

  var mayTake: Bool { true }

  func started(_ trial: SlotTrial, in slot: Int) {}
  func suggested(_ trial: SlotTrial, in slot: Int) {}
  func reported(_ report: IntermediateValue, in slot: Int) {}

  func unstored(_ trial: SlotTrial, _ result: CommandResult) {
    log.warn(
      "\(trial.study.printable): trial \(trial.number) \(result.outcome.unstored) is not stored")
  }

  func ended(_ trial: SlotTrial, _ result: CommandResult, _ verdict: Verdict?, in slot: Int) {
    let attempt = trial.attempt > 1 ? " (attempt \(trial.attempt))" : ""
    let start = "\(trial.study.printable): trial \(trial.number)\(attempt)"
    for note in result.notes { log.warn("\(start): \(note)") }
    if case .lost? = verdict {
      state.withLock { $0.takenOver += 1 }
      log.note("\(start) was taken over by another worker")
      return
    }
    let outcome = result.outcome
    let reason = outcome.reason.printable
    let time = result.duration.brief
    switch outcome.attemptOutcome {
    case .completed:
      state.withLock { $0.completed += 1 }
      let values = (outcome.values ?? []).map(\.brief).joined(separator: ", ")
      log.note("\(start) completed: \(values) in \(time)")
    case .pruned:
      state.withLock { $0.pruned += 1 }
      log.note("\(start) pruned: \(reason) in \(time)")
    case .interrupted, .preempted, .tryAgain:
      state.withLock { $0.givenBack += 1 }
      log.note("\(start) given back: \(reason)")
    default:
      state.withLock { $0.failed += 1 }
      log.note("\(start) failed: \(reason)\(result.place)")
    }
  }

  func failed(_ error: any Error, othersRun: Bool) {
    if othersRun { log.warn("finishing what runs, then stopping: \(error)") }
  }

  func slotEnded() { StopRequests.wake() }
}
