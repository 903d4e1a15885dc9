public import StudyModel
internal import System

/// Stops a trial whose best report is behind a percentile of what completed trials reported at its
/// step.
///
/// Only completed trials that reported at exactly the trial's latest step are compared with, so a
/// step that no other trial knows never stops one. A trial that reported nothing but NaN is
/// stopped. Golovin et al., "Google Vizier", KDD 2017, §3.3.1, as Optuna 5 decides. A study with
/// several objectives is never pruned.
///
/// A pruner keeps what completed trials reported, step by step, for the next decision; the copies
/// of a pruner share that. Decisions do not depend on it.
public struct PercentilePruner: Pruner {
  public let name: String
  public let readsHistory = true

  /// The percentage of trials kept, best first; from 0 to 100.
  public let percentile: Double
  /// Completed trials before the first decision.
  public let startupTrials: Int
  /// Steps of each trial below which it is left alone.
  public var warmupSteps: Int { decisions.warmupSteps }
  /// Steps between decisions, counted from `warmupSteps`; the first report of each interval
  /// decides.
  public var interval: Int { decisions.interval }
  /// Completed trials that must have reported at the step.
  public let minimumTrials: Int

  private let decisions: DecisionInterval
  private let cache = CompletedReportsCache()

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a percentile outside 0 to 100, a
  ///   negative count, or an `interval` or `minimumTrials` below 1.
  public init(
    percentile: Double, startupTrials: Int = 5, warmupSteps: Int = 0, interval: Int = 1,
    minimumTrials: Int = 1
  ) throws(PrunerError) {
    try self.init(
      name: "percentile", percentile: percentile, startupTrials: startupTrials,
      warmupSteps: warmupSteps, interval: interval, minimumTrials: minimumTrials)
  }

  init(
    name: String, percentile: Double, startupTrials: Int, warmupSteps: Int, interval: Int,
    minimumTrials: Int
  ) throws(PrunerError) {
    guard percentile >= 0 && percentile <= 100 else {
      throw .badSetting(
        name: "percentile", value: "\(percentile)", fix: "give a number from 0 to 100")
    }
    try require(startupTrials, atLeast: 0, as: "startup_trials")
    decisions = try DecisionInterval(warmupSteps: warmupSteps, interval: interval)
    try require(minimumTrials, atLeast: 1, as: "minimum_trials")
    self.name = name
    self.percentile = percentile
    self.startupTrials = startupTrials
    self.minimumTrials = minimumTrials
  }

  /// The median with the default settings, which need no check.
  init() {
    name = "median"
    percentile = 50
    startupTrials = 5
    minimumTrials = 1
    decisions = DecisionInterval()
  }

  /// Decides in the time it takes to read the trial's reports and those of the trials that have
  /// completed since the decision before.
  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    let completed = history.counts[.completed] ?? 0
    guard history.directions.count == 1, completed > 0, completed >= startupTrials,
      history.reports.indices.contains(trial), let step = history.reports[trial].last?.step,
      decisions.isDue(at: step, after: history.reports[trial].dropLast().last?.step)
    else { return .keepRunning }

    let direction = history.direction
    let own = history.reports[trial].reduce(Double.nan) { best, report in
      direction.isBetter(report.value, than: best) ? report.value : best
    }
    if own.isNaN { return .prune(because: "every report up to step \(step) is NaN") }

    let limit = limit(at: step, in: history)
    guard !limit.isNaN, direction.isBetter(limit, than: own) else { return .keepRunning }
    let (best, bound) = (own.text(significantDigits: 6), limit.text(significantDigits: 6))
    let kind = percentile == 50 ? "median" : "\(percentile.text(significantDigits: 6)) % limit"
    return .prune(because: "its best report \(best) is behind the \(kind) \(bound) at step \(step)")
  }

  /// The percentile of what completed trials reported at `step`; NaN when too few did.
  private func limit(at step: Int, in history: TrialHistory) -> Double {
    let share = (history.direction == .minimize ? percentile : 100 - percentile) / 100
    return cache.reports.withLock { reports in
      reports.advance(to: history)
      guard let values = reports.byStep[step], values.count >= minimumTrials else { return .nan }
      return values.quantile(share)
    }
  }

  /// How many trials this pruner and its copies have read.
  var trialsRead: Int { cache.reports.withLock { $0.trialsRead } }
}

/// The state that the copies of a pruner share.
private final class CompletedReportsCache: Sendable {
  let reports = Lock(CompletedReports())
}
