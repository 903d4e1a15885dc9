public import StudyModel

/// Stops a trial whose latest report lies outside given limits, or is NaN.
///
/// Other trials do not matter, so that a hopeless or exploding trial is stopped from the first one
/// on. As Optuna 5 decides. A study with several objectives is never pruned.
public struct ThresholdPruner: Pruner {
  public let name = "threshold"
  public let readsHistory = false

  /// The smallest value that is kept.
  public let lower: Double
  /// The largest value that is kept.
  public let upper: Double
  private let decisions: DecisionInterval

  /// Creates the pruner; at least one limit makes sense.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a limit that is NaN, limits that
  ///   exclude every value, no limit at all, negative `warmupSteps`, or an `interval` below 1.
  public init(
    lower: Double = -.infinity, upper: Double = .infinity, warmupSteps: Int = 0,
    interval: Int = 1
  ) throws(PrunerError) {
    guard lower <= upper else {
      throw .badSetting(name: "lower", value: "\(lower)", fix: "give numbers, lower below upper")
    }
    guard lower > -.infinity || upper < .infinity else {
      throw .badSetting(name: "upper", value: "\(upper)", fix: "give lower or upper")
    }
    self.lower = lower
    self.upper = upper
    decisions = try DecisionInterval(warmupSteps: warmupSteps, interval: interval)
  }

  /// Steps of each trial below which it is left alone.
  public var warmupSteps: Int { decisions.warmupSteps }
  /// Steps between decisions, counted from `warmupSteps`.
  public var interval: Int { decisions.interval }

  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      let last = history.reports[trial].last,
      decisions.isDue(at: last.step, after: history.reports[trial].dropLast().last?.step)
    else { return .keepRunning }
    if last.value.isNaN { return .prune(because: "its report at step \(last.step) is NaN") }
    guard last.value < lower || last.value > upper else { return .keepRunning }
    let (limit, side) = last.value < lower ? (lower, "below") : (upper, "above")
    let (value, bound) = (last.value.text(significantDigits: 6), limit.text(significantDigits: 6))
    return .prune(because: "its report \(value) at step \(last.step) is \(side) the limit \(bound)")
  }
}
