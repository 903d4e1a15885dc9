package import StudyModel
internal import System

/// A run at one moment, as its view shows it.
package struct RunSnapshot: Sendable {
  /// The study's name.
  package var study: String
  /// How many trials the study may have; nil for no limit.
  package var limit: Int?
  /// The study's trials in each state, those of other processes included.
  package var counts: [TrialState: Int] = [:]
  /// The best completed trial; nil without one, and with several objectives.
  package var best: Trial?
  /// What runs in this process, by slot.
  package var running: [RunningTrial] = []
  /// Trials finished per second, lately.
  package var rate = 0.0
  /// Since the run began.
  package var elapsed: Duration = .zero
  /// A sentence that stays in view, such as what Ctrl-C does next.
  package var notice: String?

  /// A trial in a slot.
  package struct RunningTrial: Sendable {
    /// Within the study.
    package var number: Int
    /// Counted from 1.
    package var attempt: Int
    /// When this attempt started.
    package var startedAt: Timestamp
    /// As they are shown, such as `x=0.5 y=tanh`.
    package var parameters: String
    /// Nil before the first report.
    package var lastReport: IntermediateValue?

    package init(
      number: Int, attempt: Int, startedAt: Timestamp, parameters: String,
      lastReport: IntermediateValue? = nil
    ) {
      self.number = number
      self.attempt = attempt
      self.startedAt = startedAt
      self.parameters = parameters
      self.lastReport = lastReport
    }
  }

  package init(study: String, limit: Int?) {
    self.study = study
    self.limit = limit
  }

  /// The trials that are over.
  package var finished: Int {
    TrialState.allCases.filter(\.isFinished).reduce(0) { $0 + (counts[$1] ?? 0) }
  }

  /// The time until the budget is used up at the present rate; nil when that is not known.
  package var remaining: Duration? {
    guard let limit, rate > 0, limit > finished else { return nil }
    return .seconds(clamped: Double(limit - finished) / rate)
  }
}

/// Counts events per second over the latest half minute.
package struct RateMeter: Sendable {
  private static let window = 30
  private let startedAt: Timestamp
  /// Events per second of the clock; the second `s` in place `s` modulo the window.
  private var buckets = [Int](repeating: 0, count: RateMeter.window)
  private var latest: Int

  package init(startedAt: Timestamp) {
    self.startedAt = startedAt
    latest = Int(startedAt.microseconds / 1_000_000)
  }

  /// Takes note of an event.
  package mutating func add(at moment: Timestamp) {
    advance(to: moment)
    buckets[latest % Self.window] += 1
  }

  /// Events per second; 0 before the first.
  package mutating func rate(at moment: Timestamp) -> Double {
    advance(to: moment)
    let past = moment.since(startedAt).inSeconds
    // The second that is not over yet counts with the part that is.
    let fraction = Double(moment.microseconds % 1_000_000) / 1e6
    let span = min(past, Double(Self.window - 1) + fraction)
    return span > 0 ? Double(buckets.reduce(0, +)) / span : 0
  }

  private mutating func advance(to moment: Timestamp) {
    let second = Int(moment.microseconds / 1_000_000)
    guard second > latest else { return }
    for passed in (latest + 1)...max(second, latest + 1) where passed > second - Self.window {
      buckets[passed % Self.window] = 0
    }
    latest = second
  }
}
