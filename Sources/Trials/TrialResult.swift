package import StudyModel

/// How the attempt under a lease ended, with what was not said before. The same value from the
/// worker, over its spool and the wire, to the coordinator that takes it.
package struct TrialResult: Sendable, Hashable {
  /// The lease as it travels.
  package var lease: String
  /// How it ended.
  package var outcome: Outcome
  /// Reports that the coordinator may not have.
  package var reports: [IntermediateValue]
  /// Attributes of the user that the coordinator may not have.
  package var attributes: [Attribute]

  /// Creates the result; by default all else was said.
  package init(
    lease: String, outcome: Outcome, reports: [IntermediateValue] = [],
    attributes: [Attribute] = []
  ) {
    self.lease = lease
    self.outcome = outcome
    self.reports = reports
    self.attributes = attributes
  }
}
