package import StudyModel

/// A trial that this process runs, no matter who decides about it: a coordinator in the same
/// process, or one that is reached over the network. Objectives, slots and the library reach a
/// trial through this alone.
///
/// Thread-safe.
package protocol HeldTrial: Sendable {
  /// What is to be run.
  var assignment: Assignment { get }
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
  /// Why the trial should stop now; nil to keep running.
  ///
  /// - Throws: ``StoreError/leaseLost(trial:)`` where the loss of the lease is known.
  func shouldStop() throws -> Stop?
  /// Records a value that the objective printed, and says why the trial should stop, as far as that
  /// is known without waiting: where the answer takes a while, it comes by
  /// ``whenStopped(_:isStopped:)``.
  func reportPrinted(_ value: Double, step: Int) throws -> Stop?
  /// Sets or replaces an attribute of the user; one that ``Attribute/reportingConstraint(_:_:)``
  /// made becomes one of the trial's constraints.
  func setAttribute(_ attribute: Attribute) throws
  /// Sets or replaces an attribute of the user of the trial's study.
  ///
  /// - Throws: What the store throws, and a sentence where the trial's holder may not.
  func setStudyAttribute(_ attribute: Attribute) throws
  /// Queues a trial of the study, unless one was queued with the same values: each trial of a study
  /// runs the same program.
  ///
  /// - Throws: As ``setStudyAttribute(_:)``.
  func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]) throws
  /// Has orders to stop passed on that come while the objective does not ask.
  ///
  /// - Parameters:
  ///   - stopper: Called at most once, from any thread.
  ///   - isStopped: Whether the objective is to end already; requests that wait are then given up.
  func whenStopped(
    _ stopper: @escaping @Sendable (Stop) -> Void, isStopped: @escaping @Sendable () -> Bool)
  /// Ends the attempt and waits for what becomes of its result.
  ///
  /// - Throws: ``TrialError/notRunning(number:)`` for a trial that was ended before, and what the
  ///   store throws: then the trial stays as it is, and ending it may be tried again.
  func end(_ outcome: Outcome) throws -> Verdict
  /// Ends the attempt without waiting for a coordinator on the network.
  ///
  /// - Parameter takesNext: Whether the caller comes back for another trial, which may be asked for
  ///   with the same request.
  /// - Returns: What became of the result; nil while it is on its way.
  /// - Throws: As ``end(_:)``.
  func handIn(_ outcome: Outcome, takesNext: Bool) throws -> Verdict?
}

extension HeldTrial {
  package var number: Int { assignment.trial }
  package var attempt: Int { assignment.attempt }

  package func reportPrinted(_ value: Double, step: Int) throws -> Stop? {
    try report(value, step: step)
    return try shouldStop()
  }

  package func handIn(_ outcome: Outcome, takesNext: Bool) throws -> Verdict? { try end(outcome) }
}
