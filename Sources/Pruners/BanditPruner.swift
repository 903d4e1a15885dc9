public import StudyModel
internal import System

/// Stops a trial whose best report is behind that of the best trial after as many reports, by more
/// than a slack.
///
/// Azure Machine Learning's bandit policy: the slack is an amount, or a factor *s*, with which the
/// best value *b* of trials in any state becomes *b* / (1 + *s*) when maximizing and *b* · (1 +
/// *s*) when minimizing; for a *b* below 0, where that would be ahead of it, the other way round. A
/// trial that reported nothing but NaN is stopped. A study with several objectives is never pruned.
public struct BanditPruner: Pruner {
  public let name = "bandit"
  public let readsHistory = true

  /// How far a trial may be behind.
  public enum Slack: Sendable, Hashable {
    /// In proportion to the best; at least 0.
    case factor(Double)
    /// In the metric's own unit; at least 0.
    case amount(Double)
  }

  /// How far a trial may be behind the best one.
  public let slack: Slack
  /// Reports between decisions.
  public var interval: Int { decisions.interval }
  /// How many reports of each trial are left alone.
  public var delay: Int { decisions.delay }

  private let decisions: ReportInterval
  private let cache = BestSoFarCache()

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a slack that is negative or not
  ///   finite, an `interval` below 1 or a negative `delay`.
  public init(slack: Slack, interval: Int = 1, delay: Int = 0) throws(PrunerError) {
    let (name, value) =
      switch slack {
      case .factor(let value): ("slack_factor", value)
      case .amount(let value): ("slack_amount", value)
      }
    guard value >= 0, value < .infinity else {
      throw .badSetting(name: name, value: "\(value)", fix: "give a number from 0 on")
    }
    self.slack = slack
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
    var best: Double = cache.bests.withLock { bests in
      bests.advance(to: history)
      guard let ranked = bests.ranked(after: count), ranked.numberCount > 0 else { return .nan }
      return ranked[direction == .minimize ? 0 : ranked.numberCount - 1]
    }
    for other in history.running where other != trial {
      if let value = BestSoFar.best(of: other, after: count, in: history),
        direction.isBetter(value, than: best)
      {
        best = value
      }
    }
    guard !best.isNaN else { return .keepRunning }
    let limit = limit(behind: best, direction)
    guard direction.isBetter(limit, than: own) else { return .keepRunning }
    let (ours, bound) = (own.text(significantDigits: 6), limit.text(significantDigits: 6))
    return .prune(
      because: "its best report \(ours) is behind \(bound), the best of all after \(count) "
        + "\(count == 1 ? "report" : "reports") with the slack")
  }

  /// The worst value that goes on beside the best one.
  func limit(behind best: Double, _ direction: Direction) -> Double {
    switch slack {
    case .amount(let amount): return direction == .minimize ? best + amount : best - amount
    case .factor(let factor):
      // Towards the worse side, whatever the sign.
      return (direction == .minimize) == (best >= 0) ? best * (1 + factor) : best / (1 + factor)
    }
  }
}
