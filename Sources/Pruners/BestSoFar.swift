internal import StudyModel
internal import System

/// The best value that each trial had reported by its first, second, … report, derived from a
/// history: finished trials in order, so that a decision costs what has finished since the one
/// before, and what runs.
///
/// Everything here is a function of the history; one that does not continue the last one starts it
/// anew.
struct BestSoFar {
  /// By number of reports, the bests of the finished trials that have as many.
  private var finished: [RankedValues] = []
  private var consumed = 0
  private var fingerprint: UInt64 = 0

  /// The most reports of a trial that are told apart.
  private static let mostReports = 100_000

  /// The best of a trial's first `count` reports; NaN when all of them are, nil when it has fewer.
  static func best(of trial: Int, after count: Int, in history: TrialHistory) -> Double? {
    let reports = history.reports[trial]
    guard reports.count >= count else { return nil }
    return reports.prefix(count).reduce(Double.nan) { best, report in
      history.direction.isBetter(report.value, than: best) ? report.value : best
    }
  }

  /// Takes in the trials that have finished since the last call.
  mutating func advance(to history: TrialHistory) {
    let order = history.finishedOrder
    if consumed > order.count
      || (consumed > 0 && history.finishedFingerprints[consumed - 1] != fingerprint)
    {
      (finished, consumed) = ([], 0)
    }
    guard consumed < order.count else { return }
    for number in order[consumed...] {
      var best = Double.nan
      for (place, report) in history.reports[number].prefix(Self.mostReports).enumerated() {
        if history.direction.isBetter(report.value, than: best) { best = report.value }
        if finished.count == place { finished.append(RankedValues()) }
        finished[place].insert(best)
      }
    }
    consumed = order.count
    fingerprint = history.finishedFingerprints[consumed - 1]
  }

  /// The bests after `count` reports of the finished trials; nil when none has as many.
  func ranked(after count: Int) -> RankedValues? {
    finished.indices.contains(count - 1) ? finished[count - 1] : nil
  }
}

/// The state that the copies of a pruner share.
final class BestSoFarCache: Sendable {
  let bests = Lock(BestSoFar())
}

/// At which of a trial's reports a pruner that counts them decides: at each multiple of an interval
/// from a delay on.
struct ReportInterval: Sendable {
  /// How many reports are left alone; at least 0.
  let delay: Int
  /// Reports between decisions; at least 1.
  let interval: Int

  /// - Throws: ``PrunerError/badSetting(name:value:fix:)``.
  init(interval: Int, delay: Int) throws(PrunerError) {
    try require(interval, atLeast: 1, as: "interval")
    try require(delay, atLeast: 0, as: "delay")
    self.interval = interval
    self.delay = delay
  }

  /// Whether the report of that number, counted from 1, decides.
  func isDue(at count: Int) -> Bool { count >= delay && count % interval == 0 }
}
