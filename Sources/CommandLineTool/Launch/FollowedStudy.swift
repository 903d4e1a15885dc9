internal import JSON
internal import StudyModel

/// A study that others run, as a launch sees it from one look to the next.
struct FollowedStudy {
  private let coordinator: any LaunchCoordinator
  private let startedAt: Timestamp
  private var meter: RateMeter
  /// Trials that were not finished at the last look.
  private var open: Set<Int> = []
  /// Trials below this number were seen.
  private var seen = 0
  private var isFirstLook = true
  private var finishedBefore = 0

  var snapshot: RunSnapshot
  /// Why the last trial failed that ended since the launch began; empty when none did.
  private(set) var lastFailure = ""
  /// Why the study is failing, in a sentence; nil when it is not.
  private(set) var failure: String?
  /// Why it came to its end early, in a clause; nil when it did not.
  private(set) var ending: String?

  /// How many trials one look reads at most.
  private static let batch = 500

  init(
    _ coordinator: any LaunchCoordinator, name: String, startedAt: Timestamp
  ) {
    self.coordinator = coordinator
    self.startedAt = startedAt
    meter = RateMeter(startedAt: startedAt)
    snapshot = RunSnapshot(study: name, limit: nil)
  }

  /// Whether the study has its trials, all of them finished.
  var isOver: Bool {
    guard let limit = snapshot.limit, snapshot.finished >= limit else { return false }
    return (snapshot.counts[.running] ?? 0) + (snapshot.counts[.waiting] ?? 0) == 0
  }

  /// How a study ended that has come to its end early, with no trial running; nil when it has not.
  var early: RunEnd.Stop? {
    guard let ending, snapshot.counts[.running] ?? 0 == 0 else { return nil }
    return .reached(ending)
  }

  /// The view at this moment.
  func snapshot(at now: Timestamp) -> RunSnapshot {
    var (snapshot, meter) = (snapshot, meter)
    snapshot.rate = meter.rate(at: now)
    snapshot.elapsed = now.since(startedAt)
    return snapshot
  }

  /// How the launch ended.
  func end(_ stop: RunEnd.Stop, error: (any Error)? = nil) -> RunEnd {
    RunEnd(
      stop: stop, error: error, finished: snapshot.finished - finishedBefore,
      givenBack: stop == .interrupt ? snapshot.counts[.running] ?? 0 : 0,
      lastFailure: lastFailure.isEmpty ? nil : lastFailure,
      elapsed: Timestamp.now().since(startedAt), budget: snapshot.limit)
  }

  /// Looks what happened since the last time; returns a line for each trial that ended.
  @discardableResult
  mutating func look() throws -> [String] {
    let look = try coordinator.look()
    snapshot.counts = look.counts
    snapshot.best = look.best
    snapshot.limit = look.budget
    failure = look.failure
    ending = look.ending
    let total = look.counts.values.reduce(0, +)
    if isFirstLook {
      isFirstLook = false
      finishedBefore = snapshot.finished
      // Of a study that is gone on with, only what is open matters; that it has gaps is rare.
      let unfinished = total - finishedBefore
      seen = max(0, total - unfinished - Self.batch)
    }
    let new = min(total, seen + Self.batch)
    let trials = try coordinator.trials(open.sorted() + Array(seen..<max(seen, new)))
    seen = max(seen, new)
    var lines: [String] = []
    for trial in trials.sorted(by: { $0.number < $1.number }) {
      if trial.state.isFinished {
        open.remove(trial.number)
        if let end = trial.completedAt, end >= startedAt { lines.append(conclude(trial)) }
      } else {
        open.insert(trial.number)
      }
    }
    snapshot.running = trials.filter { $0.state == .running }
      .sorted { $0.number < $1.number }
      .map { trial in
        RunSnapshot.RunningTrial(
          number: trial.number, attempt: 1, startedAt: trial.startedAt ?? startedAt,
          parameters: trial.parametersText, lastReport: trial.intermediateValues.last)
      }
    return lines
  }

  private mutating func conclude(_ trial: Trial) -> String {
    meter.add(at: .now())
    let time = trial.duration?.brief ?? "-"
    let parameters = trial.parametersText
    switch trial.state {
    case .failed:
      let reason = trial.systemAttributes.first { $0.key == "needletail:reason" }
      // The first line is the sentence; what the command printed follows.
      let sentence = reason?.value.string?.split(whereSeparator: \.isNewline).first
      lastFailure = sentence.map(String.init) ?? "its command failed"
      return "trial \(trial.number) failed: \(lastFailure)"
    case .pruned:
      return "trial \(trial.number) pruned in \(time)  \(parameters)"
    default:
      return "trial \(trial.number) completed: \(trial.valuesText) in \(time)  \(parameters)"
    }
  }
}
