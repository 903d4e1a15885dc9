internal import Coordination
package import Stores
package import StudyModel

extension StoredStudy {
  /// How a user ends a running trial by hand.
  package enum End: Sendable, Hashable {
    /// With one value per objective.
    case completed([Double])
    /// Its last report becomes its value.
    case pruned
    /// For good, whatever the study file says of retries.
    case failed(reason: String)
  }

  /// Ends a running trial by hand, under its open lease if it has one. Survives a power cut.
  ///
  /// - Returns: The trial as it is stored then.
  /// - Throws: ``StoreError``, among them ``StoreError/unknownTrial(number:study:)`` and
  ///   ``StoreError/badValues(trial:problem:)``.
  package func end(_ number: Int, as end: End) throws(StoreError) -> Trial {
    let trial = try trial(number)
    let leases = try store.openLeases(in: record).filter { $0.trial.number == number }
    let changes =
      switch end {
      case .completed(let values):
        Coordinator.endChanges(
          of: trial.reference, .completed, values: values, outcome: nil, reason: "")
      case .pruned:
        Coordinator.endChanges(
          of: trial.reference, .pruned,
          values: trial.intermediateValues.last.flatMap { $0.value.isNaN ? nil : [$0.value] } ?? [],
          outcome: nil, reason: "")
      case .failed(let reason):
        Coordinator.endChanges(
          of: trial.reference, .failed, values: [], outcome: .failed, reason: reason)
      }
    try store.commit(changes, to: record, under: leases, durability: .powerCut)
    return try self.trial(number)
  }
}
