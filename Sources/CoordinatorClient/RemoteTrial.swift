internal import Messages
internal import Stores
package import StudyModel
internal import System
package import Trials

/// A trial that a coordinator on the network handed to this worker.
///
/// Life: held → stopped by order | lost | over; ``WorkerSession`` moves it. Thread-safe.
package final class RemoteTrial: HeldTrial {
  package let assignment: Assignment
  /// When this worker got it.
  package let startedAt = Timestamp.now()
  private let worker: WorkerSession
  private let state: Lock<State>

  private struct State {
    var trial: Trial
    var stop: Stop?
    /// Whether an order to prune stops the objective from outside: when it prints its reports, it
    /// does not ask.
    var isPrunedFromOutside = false
    /// Called once, with the first order that stops the objective from outside.
    var stopper: (@Sendable (Stop) -> Void)?
    /// Whether the trial's objective was asked to stop, for whatever reason.
    var isStopped: @Sendable () -> Bool = { false }
  }

  init(_ assignment: Assignment, _ worker: WorkerSession) {
    self.assignment = assignment
    self.worker = worker
    state = Lock(
      State(
        trial: Trial(
          TrialReference(id: 0, number: assignment.trial), state: .running,
          parameters: assignment.parameters, userAttributes: assignment.userAttributes,
          startedAt: startedAt)))
  }

  /// The token under which everything about the trial is sent.
  var lease: String { assignment.lease }
  package var snapshot: Trial { state.withLock { $0.trial } }

  package func whenStopped(
    _ stopper: @escaping @Sendable (Stop) -> Void, isStopped: @escaping @Sendable () -> Bool
  ) {
    let due: Stop? = state.withLock { state in
      state.stopper = stopper
      state.isStopped = isStopped
      return Self.dueStop(&state)
    }
    if let due { stopper(due) }
  }

  // MARK: For the objective

  package func suggest(_ parameter: Parameter) throws -> ParameterValue {
    if let known = try knownValue(of: parameter) { return known }
    let value = try worker.suggest(parameter, for: self)
    guard parameter.distribution.contains(value) else {
      throw MessageError(
        "the coordinator suggested \(value) for '\(parameter.name)', which is outside "
          + parameter.distribution.summary)
    }
    return state.withLock { state in
      // Another thread of the objective may have asked at the same moment.
      if let known = state.trial.parameters.first(where: { $0.name == parameter.name }) {
        return known.value
      }
      let assignment = ParameterAssignment(
        parameter.name, parameter.distribution, internalValue: value)
      state.trial.apply(.parameterSet(assignment))
      return assignment.value
    }
  }

  private func knownValue(of parameter: Parameter) throws -> ParameterValue? {
    try state.withLock { state in
      guard let known = state.trial.parameters.first(where: { $0.name == parameter.name }) else {
        return nil
      }
      guard known.distribution.isCompatible(with: parameter.distribution) else {
        throw TrialError.suggestedDifferently(
          parameter: parameter.name, first: known.distribution.summary,
          second: parameter.distribution.summary)
      }
      return known.value
    }
  }

  package func report(_ value: Double, step: Int) throws {
    guard step >= 0 else { throw TrialError.negativeStep(step) }
    guard assignment.directions.count == 1 else { throw TrialError.reportWithSeveralObjectives }
    try checkHeld()
    let report = IntermediateValue(step: step, value: value)
    if state.withLock({ $0.trial.apply(.reported(report)) }) {
      worker.send(.value(report), of: self)
    }
  }

  /// Sends what was reported and says what the coordinator answers; while it is away, that the
  /// trial goes on.
  package func shouldStop() throws -> Stop? {
    guard assignment.directions.count == 1 else { throw TrialError.reportWithSeveralObjectives }
    try checkHeld()
    if let order { return order }
    worker.deliverReports(of: self)
    try checkHeld()
    return order
  }

  /// The answer comes later, and stops the trial from outside if need be.
  package func reportPrinted(_ value: Double, step: Int) throws -> Stop? {
    let due: (Stop, (@Sendable (Stop) -> Void)?)? = state.withLock { state in
      state.isPrunedFromOutside = true
      let stopper = state.stopper
      return Self.dueStop(&state).map { ($0, stopper) }
    }
    if let due { due.1?(due.0) }
    try report(value, step: step)
    return order
  }

  package func setAttribute(_ attribute: Attribute) throws {
    try checkHeld()
    if state.withLock({ $0.trial.apply(.userAttributeSet(attribute)) }) {
      worker.send(.attribute(attribute), of: self)
    }
  }

  package func setStudyAttribute(_ attribute: Attribute) throws {
    throw CoordinatorError.refused(
      status: 403, code: "role",
      message: "a worker sets no attributes of its study; set the trial's, or run the program at "
        + "the study's store")
  }

  package func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws {
    throw CoordinatorError.refused(
      status: 403, code: "role",
      message: "a worker queues no trials; queue them once with: needletail trial enqueue")
  }

  private func checkHeld() throws(StoreError) {
    if isLost { throw .leaseLost(trial: number) }
  }

  /// The order to stop under a lease that this worker holds.
  private var order: Stop? {
    state.withLock { $0.stop }.flatMap { $0.isLoss ? nil : $0 }
  }

  package func end(_ outcome: Outcome) throws -> Verdict {
    worker.finishAndWait(self, outcome)
  }

  package func handIn(_ outcome: Outcome, takesNext: Bool) throws -> Verdict? {
    worker.finish(self, outcome, wantsNext: takesNext) ? nil : takenOver
  }

  /// What becomes of a result under a lease that was lost.
  var takenOver: Verdict { .lost("trial \(number) is another worker's now") }

  // MARK: For the worker

  /// Whether it is another worker's now, or no worker's.
  package var isLost: Bool { state.withLock { $0.stop?.isLoss ?? false } }

  /// Whether the objective was asked to end.
  var isStopped: Bool { state.withLock { $0.isStopped }() }

  /// Takes an order in; the first counts, except that a loss replaces any.
  func take(_ stop: Stop) {
    let due: (Stop, (@Sendable (Stop) -> Void)?)? = state.withLock { state in
      if stop.isLoss || state.stop == nil { state.stop = stop }
      let stopper = state.stopper
      return Self.dueStop(&state).map { ($0, stopper) }
    }
    if let due { due.1?(due.0) }
  }

  /// The order that is to be passed on now, once.
  private static func dueStop(_ state: inout State) -> Stop? {
    guard let stop = state.stop, state.stopper != nil else { return nil }
    if case .pruned = stop, !state.isPrunedFromOutside { return nil }
    state.stopper = nil
    return stop
  }
}
