public import StudyModel

/// Stops a trial whose best report is behind the median of what completed trials reported at its
/// step.
///
/// A ``PercentilePruner`` of 50 %; see there for the rule.
public struct MedianPruner: Pruner {
  public let name = "median"
  public let readsHistory = true

  private let rule: PercentilePruner

  /// Creates the pruner with its default settings.
  public init() { rule = PercentilePruner() }

  /// Creates the pruner; the settings are those of ``PercentilePruner``.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a negative count, or an `interval`
  ///   or `minimumTrials` below 1.
  public init(
    startupTrials: Int = 5, warmupSteps: Int = 0, interval: Int = 1, minimumTrials: Int = 1
  ) throws(PrunerError) {
    rule = try PercentilePruner(
      name: "median", percentile: 50, startupTrials: startupTrials, warmupSteps: warmupSteps,
      interval: interval, minimumTrials: minimumTrials)
  }

  /// Completed trials before the first decision.
  public var startupTrials: Int { rule.startupTrials }
  /// Steps of each trial below which it is left alone.
  public var warmupSteps: Int { rule.warmupSteps }
  /// Steps between decisions, counted from `warmupSteps`.
  public var interval: Int { rule.interval }
  /// Completed trials that must have reported at the step.
  public var minimumTrials: Int { rule.minimumTrials }

  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    rule.decide(on: trial, given: history)
  }
}
