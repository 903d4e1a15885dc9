package import StudyModel

/// The trial that a command runs for, as the command reaches it: what it prints and what it asks over
/// the trial channel ends here. Called from the thread that runs the command, one call at a time.
package protocol TrialHandler: Sendable {
  /// The value of a parameter; the same for every call with one name.
  func suggest(_ parameter: Parameter) throws -> ParameterValue
  /// Records a value at a step; a second report of one step is ignored.
  func report(_ value: Double, step: Int) throws
  /// Why the trial should stop now; nil to go on.
  func pruningReason() throws -> String?
  /// Records a value that the command printed, and says why the trial should stop, as far as that is
  /// known without waiting.
  func reportPrinted(_ value: Double, step: Int) throws -> String?
  /// Sets or replaces an attribute of the user.
  func setUserAttribute(_ attribute: Attribute) throws
}

extension TrialHandler {
  package func reportPrinted(_ value: Double, step: Int) throws -> String? {
    try report(value, step: step)
    return try pruningReason()
  }
}
