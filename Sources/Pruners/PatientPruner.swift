public import StudyModel

/// Stops a trial that has not improved for some reports, or lets another pruner decide from then
/// on.
///
/// A trial has improved when the best of its latest `patience` + 1 reports is at least as good as
/// the best before them, give or take `minimumDelta`. NaN is no report. Early stopping after
/// Prechelt, "Early Stopping – But When?", 1998, as Optuna 5 decides. A study with several
/// objectives is never pruned.
public struct PatientPruner: Pruner {
  public let name = "patient"
  public var readsHistory: Bool { wrapped?.readsHistory ?? false }

  /// Who decides about a trial that does not improve; nil to stop it.
  public let wrapped: (any Pruner)?
  /// Reports that a trial may go without improving.
  public let patience: Int
  /// What counts as no change for the worse, in units of the objective.
  public let minimumDelta: Double

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a negative `patience`, or a
  ///   `minimumDelta` that is negative or not a number.
  public init(
    _ wrapped: (any Pruner)? = nil, patience: Int, minimumDelta: Double = 0
  ) throws(PrunerError) {
    try require(patience, atLeast: 0, as: "patience")
    guard minimumDelta >= 0 else {
      throw .badSetting(name: "min_delta", value: "\(minimumDelta)", fix: "give 0 or more")
    }
    self.wrapped = wrapped
    self.patience = patience
    self.minimumDelta = minimumDelta
  }

  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      history.reports[trial].count - 1 > patience
    else { return .keepRunning }
    let reports = history.reports[trial]
    func leastLoss(_ reports: ArraySlice<IntermediateValue>) -> Double {
      reports.reduce(.nan) { least, report in
        let loss = history.direction.loss(report.value)
        return least.isNaN || loss < least ? loss : least
      }
    }
    let before = leastLoss(reports.dropLast(patience + 1))
    let since = leastLoss(reports.suffix(patience + 1))
    guard before + minimumDelta < since else { return .keepRunning }
    guard let wrapped else {
      return .prune(because: "it has not improved over its last \(patience + 1) reports")
    }
    return wrapped.decide(on: trial, given: history)
  }
}
