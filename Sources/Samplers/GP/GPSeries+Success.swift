internal import StudyModel

extension GPSeries {
  /// Which trials failed and which did not, as values of a constraint: 1 and −1. Nil while none has
  /// failed.
  ///
  /// So a failure, which tells nothing of the objective, tells where others are likely: Gelbart,
  /// Snoek and Adams, "Bayesian Optimization with Unknown Constraints", UAI 2014, with the values
  /// themselves in place of a link function.
  ///
  /// - Parameter points: Those of the observed trials of the evidence.
  static func success(
    _ evidence: Evidence, _ points: [[Double]], in space: GPSpace, _ history: TrialHistory
  ) -> GPSeries? {
    let failures = evidence.failures.map {
      (point: space.point(of: $0.number, in: history), finishedUpTo: $0.finishedUpTo, loss: 1.0)
    }.filter { $0.point.contains { !$0.isNaN } }
    guard !failures.isEmpty else { return nil }
    var rows = zip(points, evidence.finishedUpTo).map {
      (point: $0, finishedUpTo: $1, loss: -1.0)
    }
    rows += failures
    rows.sort { $0.finishedUpTo < $1.finishedUpTo }
    return GPSeries(
      head: "success", points: rows.map(\.point), losses: rows.map(\.loss), unit: nil,
      finishedUpTo: rows.map(\.finishedUpTo), scoring: .plain)
  }
}
