public import StudyModel
internal import System

/// Stops a trial that is among the worst of all trials after as many reports.
///
/// Azure Machine Learning's truncation selection: at each decision the trial's best report is
/// compared with what trials in any state had as their best after the same number of reports, and
/// the given percentage of them, rounded down and worst first, goes; of equal values none counts as
/// worse. A trial that reported nothing but NaN is stopped. A study with several objectives is
/// never pruned.
public struct TruncationPruner: Pruner {
  public let name = "truncation"
  public let readsHistory = true

  /// The percentage of trials that is stopped; from 1 to 99.
  public let percentage: Double
  /// Whether trials that have finished do not count among those compared.
  public let excludesFinished: Bool
  /// Reports between decisions.
  public var interval: Int { decisions.interval }
  /// How many reports of each trial are left alone.
  public var delay: Int { decisions.delay }

  private let decisions: ReportInterval
  private let cache = BestSoFarCache()

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a percentage outside 1 to 99, an
  ///   `interval` below 1 or a negative `delay`.
  public init(
    percentage: Double, excludesFinished: Bool = false, interval: Int = 1, delay: Int = 0
  ) throws(PrunerError) {
    guard percentage >= 1, percentage <= 99 else {
      throw .badSetting(
        name: "percentage", value: "\(percentage)", fix: "give a number from 1 to 99")
    }
    self.percentage = percentage
    self.excludesFinished = excludesFinished
    decisions = try ReportInterval(interval: interval, delay: delay)
  }

  /// Decides in the time it takes to read the reports of the running trials and of those that have
  /// finished since the decision before.
  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      case let count = history.reports[trial].count, count > 0, decisions.isDue(at: count),
      let own = BestSoFar.best(of: trial, after: count, in: history)
    else { return .keepRunning }
    if own.isNaN { return .prune(because: "all of its \(count) reports are NaN") }
    let direction = history.direction
    var (better, others) = (0, 0)
    if !excludesFinished {
      (better, others) = cache.bests.withLock { bests in
        bests.advance(to: history)
        guard let ranked = bests.ranked(after: count) else { return (0, 0) }
        return (ranked.count(betterThan: own, direction), ranked.count)
      }
    }
    for other in history.running where other != trial {
      guard let value = BestSoFar.best(of: other, after: count, in: history) else { continue }
      others += 1
      if direction.isBetter(value, than: own) { better += 1 }
    }
    let stopped = Int(clamped: (Double(others + 1) * percentage / 100).rounded(.down))
    guard stopped > 0, better >= others + 1 - stopped else { return .keepRunning }
    return .prune(
      because: "its best report \(own.text(significantDigits: 6)) is outranked by \(better) of "
        + "\(others) trials after \(count) \(count == 1 ? "report" : "reports"), and the worst "
        + "\(percentage.text(significantDigits: 6)) % go")
  }
}
