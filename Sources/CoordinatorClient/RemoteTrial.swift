internal import Coordination
package import Messages
package import Stores
package import StudyModel
internal import System

/// A trial that a coordinator on the network handed to this worker.
///
/// Life: held → stopped by order | lost | over; ``WorkerSession`` moves it. Thread-safe.
package final class RemoteTrial: HeldTrial {
  package let assignment: Assignment
  /// When this worker got it.
  package let startedAt = Timestamp.now()
  private let worker: WorkerSession
  private let state: Lock<State>

  /// Why whoever runs the trial should stop.
  package enum Stop: Sendable, Hashable {
    /// The pruner says so.
    case pruned(String)
    /// The study was cancelled.
    case cancelled(String)
    /// The trial is not this worker's any more.
    case lost(String)
  }

  private struct State {
    var trial: Trial
    var stop: Stop?
    /// Whether an order to prune stops the objective from outside: when it prints its reports, it does
    /// not ask.
    var isPrunedFromOutside = false
    /// Called once, with the first order that stops the objective from outside.
    var stopper: (@Sendable (Stop) -> Void)?
    /// Whether whoever runs the trial was asked to stop, for whatever reason.
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
  package var number: Int { assignment.trial }
  package var attempt: Int { assignment.attempt }
  package var snapshot: Trial { state.withLock { $0.trial } }

  /// Has orders to stop passed on.
  ///
  /// - Parameters:
  ///   - stopper: Called at most once, from any thread.
  ///   - isStopped: Whether the objective is to end already; requests that wait are then given up.
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
    if state.withLock({ $0.trial.apply(.reported(report)) }) { worker.send(report, of: self) }
  }

  /// Sends what was reported and says what the coordinator answers; while it is away, that the trial
  /// goes on.
  package func pruningReason() throws -> String? {
    guard assignment.directions.count == 1 else { throw TrialError.reportWithSeveralObjectives }
    try checkHeld()
    if let reason = stopReason { return reason }
    worker.deliverReports(of: self)
    try checkHeld()
    return stopReason
  }

  /// The answer comes later, and stops the trial from outside if need be.
  package func reportPrinted(_ value: Double, step: Int) throws -> String? {
    let due: (Stop, (@Sendable (Stop) -> Void)?)? = state.withLock { state in
      state.isPrunedFromOutside = true
      let stopper = state.stopper
      return Self.dueStop(&state).map { ($0, stopper) }
    }
    if let due { due.1?(due.0) }
    try report(value, step: step)
    return stopReason
  }

  package func setAttribute(_ attribute: Attribute) throws {
    try checkHeld()
    if state.withLock({ $0.trial.apply(.userAttributeSet(attribute)) }) {
      worker.send(attribute, of: self)
    }
  }

  private func checkHeld() throws(StoreError) {
    if isLost { throw .leaseLost(trial: number) }
  }

  private var stopReason: String? {
    switch state.withLock({ $0.stop }) {
    case .pruned(let reason)?, .cancelled(let reason)?: reason
    case .lost?, nil: nil
    }
  }

  // MARK: For the worker

  /// Whether it is another worker's now, or nobody's.
  package var isLost: Bool {
    state.withLock { state in
      if case .lost? = state.stop { true } else { false }
    }
  }

  /// Whether the objective was asked to end.
  var isStopped: Bool { state.withLock { $0.isStopped }() }

  /// Takes an order in; the first counts, except that a loss replaces any.
  func take(_ stop: Stop) {
    let due: (Stop, (@Sendable (Stop) -> Void)?)? = state.withLock { state in
      if case .lost = stop { state.stop = stop } else if state.stop == nil { state.stop = stop }
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
