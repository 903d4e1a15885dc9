/// Thrown by an objective to end its trial as pruned, usually after ``RunningTrial/shouldPrune``.
public struct TrialPruned: Error, Hashable {
  /// Creates the error.
  public init() {}
}
