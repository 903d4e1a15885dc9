public import StudyModel

/// Never stops a trial.
public struct NopPruner: Pruner {
  public let name = "none"
  public let readsHistory = false

  /// Creates the pruner.
  public init() {}

  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    .keepRunning
  }
}
