package import StudyModel

/// What the running trial under a lease says.
package struct Report: Sendable, Hashable {
  /// The lease as it travels.
  package var lease: String
  /// What it says.
  package var content: Content

  /// What a trial can say while it runs.
  package enum Content: Sendable, Hashable {
    /// The objective's value at a step.
    case value(IntermediateValue)
    /// An attribute of the user.
    case attribute(Attribute)
  }

  /// Creates the report of a value or an attribute.
  package init(lease: String, _ content: Content) {
    self.lease = lease
    self.content = content
  }
}
