internal import JSON
internal import Pruners
internal import Stores
public import StudyModel
internal import System
package import Trials

/// A trial that runs now, in this process: suggests parameters, takes reports, says when to stop.
///
/// Life: active → told | given back | lost. Only the coordinator that handed it out ends it. What
/// it is told becomes durable with its end; before that, other processes see it within a twentieth
/// of a second. Thread-safe; calls about one trial wait for each other.
public final class ActiveTrial: Sendable {
  /// The trial's number and key.
  public let reference: TrialReference
  /// The right to run it; nil for a trial that another program started and a user takes over.
  public let lease: Lease?
  /// When this attempt began.
  public let startedAt: Timestamp

  let coordinator: Coordinator
  private let state: Lock<State>

  struct State {
    /// What is known of the trial; the reports and attributes of earlier attempts included as
    /// stored.
    var trial: Trial
    /// The joint sample, until each of its parameters is asked for.
    var jointSample: [ParameterAssignment]
    /// Values given in advance, by parameter.
    var fixed: [JSONValue.Member]
    /// What the store does not have yet, the oldest first.
    var unwritten: [TrialChange] = []
    /// How many changes were written before those.
    var written = 0
    var phase = Phase.active
    /// Stops the objective from outside; called at most once.
    var stopper: (@Sendable (Stop) -> Void)?
  }

  enum Phase {
    case active
    /// Its end is being written.
    case ending
    case over
    /// The store refused the lease while the trial was active.
    case lost
  }

  init(
    _ trial: Trial, lease: Lease?, jointSample: [ParameterAssignment], unwritten: [TrialChange],
    startedAt: Timestamp, coordinator: Coordinator
  ) {
    reference = trial.reference
    self.lease = lease
    self.startedAt = startedAt
    self.coordinator = coordinator
    var fixed: [JSONValue.Member] = []
    if case .object(let members)? = trial.systemAttributes.last(where: { $0.key == "fixed_params" }
    )?.value {
      fixed = members
    }
    state = Lock(
      State(trial: trial, jointSample: jointSample, fixed: fixed, unwritten: unwritten))
  }

  /// The number within the study, counted from 0.
  public var number: Int { reference.number }
  /// The attempt, counted from 1.
  public var attempt: Int { lease?.attempt ?? 1 }
  /// The lease's token; empty without a lease.
  var token: String { lease?.token ?? "" }
  /// The lease as a commit wants it.
  var leases: [Lease] { lease.map { [$0] } ?? [] }
  /// What is known of the trial at this moment.
  public var snapshot: Trial { state.withLock { $0.trial } }

  /// The value of a parameter: the one it already has, else the queued, else the jointly sampled,
  /// else one sampled by itself.
  ///
  /// - Throws: ``TrialError``, or ``StoreError/incompatibleDistribution(parameter:stored:given:)``
  ///   when earlier trials had another kind of distribution under that name.
  public func suggest(_ parameter: Parameter) throws -> ParameterValue {
    try withActiveState { state in
      if let known = state.trial.parameters.first(where: { $0.name == parameter.name }) {
        guard known.distribution.isCompatible(with: parameter.distribution) else {
          throw TrialError.suggestedDifferently(
            parameter: parameter.name, first: known.distribution.summary,
            second: parameter.distribution.summary)
        }
        return known.value
      }
      let internalValue = try chooseValue(of: parameter, state)
      let assignment = ParameterAssignment(
        parameter.name, parameter.distribution, internalValue: internalValue)
      record(.parameterSet(assignment), in: &state)
      return assignment.value
    }
  }

  private func chooseValue(of parameter: Parameter, _ state: State) throws -> Double {
    let distribution = parameter.distribution
    try coordinator.checkCompatibility(of: parameter)
    if let fixed = state.fixed.last(where: { $0.name == parameter.name })?.value {
      guard let number = distribution.internalValue(of: fixed.parameterValue) else {
        throw TrialError.unusableFixedValue(
          parameter: parameter.name, value: fixed.text(), distribution: distribution.summary)
      }
      return number
    }
    if let reason = distribution.opaqueReason {
      throw SearchSpaceError.opaque(name: parameter.name, reason: reason)
    }
    if distribution.isSingleValued { return distribution.firstInternalValue }
    if let sampled = state.jointSample.first(where: { $0.name == parameter.name }),
      sampled.distribution.isCompatible(with: distribution),
      distribution.contains(sampled.internalValue)
    {
      return sampled.internalValue
    }
    return try coordinator.sample(parameter, for: number)
  }

  /// Records a value at a step; a second report of one step is ignored.
  ///
  /// - Parameter value: May be infinite or NaN.
  /// - Throws: ``TrialError/negativeStep(_:)``, ``TrialError/reportWithSeveralObjectives``.
  public func report(_ value: Double, step: Int) throws {
    guard step >= 0 else { throw TrialError.negativeStep(step) }
    guard coordinator.study.directions.count == 1 else {
      throw TrialError.reportWithSeveralObjectives
    }
    try withActiveState { state in
      record(.reported(IntermediateValue(step: step, value: value)), in: &state)
    }
  }

  /// Why the trial should stop now, as its pruner says; nil to keep running.
  package func shouldStop() throws -> Stop? {
    guard coordinator.study.directions.count == 1 else {
      throw TrialError.reportWithSeveralObjectives
    }
    return try withActiveState { state in
      let decision = try coordinator.pruningDecision(for: number)
      for rung in decision.completedRungs {
        record(.systemAttributeSet(.completedRung(rung.number, rung.value)), in: &state)
      }
      if let reason = decision.reason {
        let attribute = Attribute("needletail:pruned", .string(reason))
        record(.systemAttributeSet(attribute), in: &state)
      }
      return decision.reason.map(Stop.pruned)
    }
  }

  /// Sets or replaces an attribute; one that ``Attribute/reportingConstraint(_:_:)`` made becomes
  /// one of the trial's constraints.
  public func setAttribute(_ attribute: Attribute) throws {
    try withActiveState { state in
      let event = attribute.constraint.map(TrialChange.Event.systemAttributeSet)
      record(event ?? .userAttributeSet(attribute), in: &state)
    }
  }

  private func record(_ event: TrialChange.Event, in state: inout State) {
    guard state.trial.apply(event) else { return }
    let change = TrialChange(reference, event)
    state.unwritten.append(change)
    coordinator.note(CollectionOfOne(change))
  }

  private func withActiveState<Result>(
    _ body: (inout sending State) throws -> Result
  ) throws -> Result {
    try state.withLock { state in
      guard state.phase == .active else { throw TrialError.notRunning(number: reference.number) }
      return try body(&state)
    }
  }

  // MARK: For the coordinator

  /// What the store does not have yet, and how many changes there are up to its end; nothing while
  /// the trial is ended by a caller, who writes it.
  var unwritten: (changes: [TrialChange], end: Int) {
    state.withLock { state in
      let changes = state.phase == .active ? state.unwritten : []
      return (changes, state.written + changes.count)
    }
  }

  /// Takes note that all changes up to `end` are in the store. Two threads may have written the
  /// same.
  func wrote(upTo end: Int) {
    state.withLock { state in
      guard state.phase == .active, end > state.written else { return }
      state.unwritten.removeFirst(end - state.written)
      state.written = end
    }
  }

  /// Takes note that the store refuses the lease.
  func lost() {
    state.withLock { state in
      if state.phase == .active { state.phase = .lost }
    }
  }

  /// Stops the objective from outside, if that can be done and was not yet.
  func stop(_ stop: Stop) {
    let stopper = state.withLock { state in
      defer { state.stopper = nil }
      return state.stopper
    }
    stopper?(stop)
  }

  /// Begins to end the trial: nothing else happens to it until ``ended(as:)`` or ``keptActive()``.
  ///
  /// - Returns: What is known of it, and what is unwritten. Some of that may be in the store
  ///   already, which does no harm.
  func beginEnding() throws -> (Trial, [TrialChange]) {
    if state.withLock({ $0.phase }) == .lost { throw StoreError.leaseLost(trial: number) }
    return try withActiveState { state in
      state.phase = .ending
      guard coordinator.store.mayForget else { return (state.trial, state.unwritten) }
      // The first says that it runs, which only a store may say.
      let known = state.trial.changes(isNew: false, isRestarted: false).dropFirst()
      return (state.trial, Array(known))
    }
  }

  /// The trial's end is in the store, or another worker has the trial.
  ///
  /// - Parameter trial: Its last form; nil when it is another worker's.
  func ended(as trial: Trial?) {
    state.withLock { state in
      state.phase = .over
      state.unwritten = []
      if let trial { state.trial = trial }
    }
  }

  /// The end could not be written.
  func keptActive() {
    state.withLock { $0.phase = .active }
  }
}

extension ActiveTrial: HeldTrial {
  package var assignment: Assignment {
    let known = snapshot
    return Assignment(
      study: coordinator.study.name, directions: coordinator.study.directions, trial: number,
      attempt: attempt, lease: lease?.ticket ?? "", seed: coordinator.seed,
      parameters: known.parameters, userAttributes: known.userAttributes)
  }

  /// Orders come when the study is cancelled.
  package func whenStopped(
    _ stopper: @escaping @Sendable (Stop) -> Void, isStopped: @escaping @Sendable () -> Bool
  ) {
    state.withLock { $0.stopper = stopper }
  }

  package func setStudyAttribute(_ attribute: Attribute) throws {
    try coordinator.store.set(attribute, .user, of: coordinator.study)
  }

  package func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws {
    try coordinator.enqueueOnce(values, userAttributes: attributes)
  }

  package func end(_ outcome: Outcome) throws -> Verdict {
    do {
      return .accepted(try coordinator.tell(self, outcome))
    } catch StoreError.leaseLost {
      return .lost("trial \(number) is another worker's now")
    }
  }
}
