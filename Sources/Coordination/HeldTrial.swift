package import Stores
package import StudyModel

/// A trial that this process runs, whoever decides about it: a coordinator in the same process, or one
/// that is reached over the network.
///
/// Thread-safe.
package protocol HeldTrial: Sendable {
  /// The number within the study, counted from 0.
  var number: Int { get }
  /// The attempt, counted from 1.
  var attempt: Int { get }
  /// What is known of the trial at this moment.
  var snapshot: Trial { get }
  /// The value of a parameter; the same for every call with one name.
  func suggest(_ parameter: Parameter) throws -> ParameterValue
  /// Records a value at a step; a second report of one step is ignored.
  func report(_ value: Double, step: Int) throws
  /// Why the trial should stop now, as its pruner says; nil to keep running.
  func pruningReason() throws -> String?
  /// Records a value that the objective printed, and says why the trial should stop, as far as that is
  /// known without waiting: where the answer takes a while, it stops the trial from outside.
  func reportPrinted(_ value: Double, step: Int) throws -> String?
  /// Sets or replaces an attribute of the user; one that ``Attribute/reportingConstraint(_:_:)`` made
  /// becomes one of the trial's constraints.
  func setAttribute(_ attribute: Attribute) throws
}

extension HeldTrial {
  package func reportPrinted(_ value: Double, step: Int) throws -> String? {
    try report(value, step: step)
    return try pruningReason()
  }
}

extension ActiveTrial: HeldTrial {}
