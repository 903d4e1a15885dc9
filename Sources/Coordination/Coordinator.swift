internal import Dispatch
internal import JSON
internal import Probability
public import Pruners
public import Samplers
public import Stores
public import StudyModel
internal import System
package import Trials

/// Decides for one study: hands out trials, samples their parameters, prunes, and takes results.
///
/// Any number of coordinators, in one process or in many, may work on one study; the store keeps
/// their claims apart. Each follows what the others write, as far as its sampler or pruner needs
/// it. Thread-safe. While trials are active, leases are renewed and reports written in the
/// background.
public final class Coordinator: Sendable {
  /// Where everything is written.
  public let store: any StudyStore
  /// The study that trials are handed out for.
  public let study: StudyRecord
  /// What chooses parameters.
  public let sampler: any Sampler
  /// What stops trials early.
  public let pruner: any Pruner
  /// The seed of all suggestions: with the same seed, trial number and history they are the same.
  public let seed: UInt64
  /// Whether trials may repeat a point of a space that has finitely many. If not, no trial gets the
  /// parameters of another one while there are others, in whatever process it runs.
  public let allowsRepeats: Bool
  /// Which attempts are followed by another one.
  public let retries: RetryPolicy
  /// Who holds the leases of this coordinator's trials: the name of a ``WorkerIdentity``, or
  /// another text for a holder that outlives its process.
  public let worker: String
  /// How long a lease lasts without being renewed; it is renewed three times in that time.
  public let leaseDuration: Duration

  /// The longest time that other processes wait to see a report.
  static let writeDelay = DispatchTimeInterval.milliseconds(50)
  /// How old what ``control()`` says may be.
  static let controlDelay: Duration = .seconds(1)

  let queue = DispatchQueue(label: "needletail.coordinator")
  /// What is known of the study. Held while the store is read, so nothing that must not wait takes
  /// it.
  let state: Lock<State>
  /// The leases. Never held while anything waits: heartbeats and results ask them.
  let leases: Lock<Leases>
  /// Held while what is unwritten is written.
  let flushing = Lock(())
  /// Held while a trial is planned, so that each knows the one before.
  let sampling = Lock(())
  /// A sampler that takes longer is asked ahead, and not while the state is locked.
  let lookAheadTime: Duration
  /// By how much a test's time is ahead of the clocks.
  private let timeAhead: @Sendable () -> Duration

  struct State {
    var history: TrialHistory
    var cursor = StoreCursor()
    /// The trials that this coordinator handed out and that did not end yet, by number.
    var active: [Int: HandedOut] = [:]
    var isTicking = false
    var hasLoaded = false
    /// How long the latest plan of the sampler took.
    var samplingTime: Duration = .zero
    /// The plan that was made for the next trial.
    var prepared: PreparedPlan?
    var isPreparing = false
    /// The declared parameters of the latest trial.
    var space: SearchSpace?
    /// Whether trials only fail.
    var failures = FailureRule()
    /// How many trials of the study had succeeded when ``failures`` began to count.
    var succeededBefore = 0
    /// Why no more trials are handed out here: they only fail.
    var failure: String?
    /// What ends the study early; nil when nothing does.
    var ending: EndingRule?
  }

  /// What heartbeats need. Taken alone, or within ``state``, never around it.
  struct Leases {
    var table: LeaseTable
    /// Called when a lease ran out or was given back.
    var onWake: (@Sendable () -> Void)?
    /// What the user wants, and when that was read.
    var control: (StudyControl, readAt: Duration)?
    /// When it was read which trials the user wants stopped.
    var wishesReadAt: Duration = .zero
  }

  /// A trial that lives as long as its holder: when it is dropped without being told, it is
  /// written no more, and its lease runs out.
  struct HandedOut {
    weak var trial: ActiveTrial?
  }

  /// Creates a coordinator; reads nothing yet.
  ///
  /// - Parameter leaseDuration: At least two seconds.
  public convenience init(
    store: any StudyStore, study: StudyRecord, sampler: any Sampler, pruner: any Pruner,
    seed: UInt64, allowsRepeats: Bool = false, retries: RetryPolicy = RetryPolicy(),
    worker: String = WorkerIdentity.current().name,
    leaseDuration: Duration = .seconds(60)
  ) {
    self.init(
      store: store, study: study, sampler: sampler, pruner: pruner, seed: seed,
      allowsRepeats: allowsRepeats, retries: retries, worker: worker,
      leaseDuration: leaseDuration, timeAhead: { .zero })
  }

  /// - Parameters:
  ///   - lookAheadTime: How long a joint sample must take for the next to be made ahead.
  ///   - timeAhead: By how much the coordinator's time is ahead of the clocks; a test moves it.
  package init(
    store: any StudyStore, study: StudyRecord, sampler: any Sampler, pruner: any Pruner,
    seed: UInt64, allowsRepeats: Bool = false, retries: RetryPolicy, worker: String,
    leaseDuration: Duration, lookAheadTime: Duration = .milliseconds(5),
    timeAhead: @escaping @Sendable () -> Duration
  ) {
    precondition(leaseDuration >= .seconds(2), "a lease of \(leaseDuration) is too short")
    self.store = store
    self.study = study
    self.sampler = sampler
    self.pruner = pruner
    self.seed = seed
    self.allowsRepeats = allowsRepeats
    self.retries = retries
    self.worker = worker
    self.leaseDuration = leaseDuration
    self.lookAheadTime = lookAheadTime
    self.timeAhead = timeAhead
    state = Lock(
      State(
        history: TrialHistory(directions: study.directions, studyName: study.name)))
    leases = Lock(Leases(table: LeaseTable(duration: leaseDuration)))
  }

  /// The time that leases in memory count on.
  var steadyTime: Duration { SteadyClock.now + timeAhead() }

  /// The time that leases in the store count on.
  func leaseTime() throws(StoreError) -> Timestamp {
    try store.leaseTime(in: study).advanced(by: timeAhead())
  }

  /// What the user wants of the study, as of a second ago at most.
  package func control() throws -> StudyControl {
    let now = steadyTime
    if let (known, readAt) = leases.withLock({ $0.control }), now - readAt < Self.controlDelay {
      return known
    }
    let control = try store.control(of: study)
    noteControl(control, readAt: now)
    return control
  }

  func noteControl(_ control: StudyControl, readAt moment: Duration) {
    let isResumed = leases.withLock { leases in
      let isResumed = control.handsOut && leases.control?.0.handsOut == false
      leases.control = (control, moment)
      _ = leases.table.handle(.cancelled(control == .cancelled), at: moment)
      return isResumed
    }
    // The user, or a trial that completed, set the study going again.
    if isResumed {
      state.withLock { state in
        state.failures.startOver()
        state.failure = nil
      }
    }
    guard control == .cancelled else { return }
    let cancelled = state.withLock { $0.active.values.compactMap(\.trial) }
    for trial in cancelled { trial.stop(.cancelledStudy) }
  }

  // MARK: Handing out

  /// Hands out the next trial: a queued one, else one whose attempt is to be repeated, else a new
  /// one.
  ///
  /// - Parameters:
  ///   - limit: How many trials the study may have; nil for no limit.
  ///   - space: When the parameters are known beforehand, they are all chosen now and written.
  /// - Returns: nil when the study has `limit` trials, or as many as ``trialLimit(atMost:in:)``
  ///   says, and none of them waits to be run; and while its ``StudyControl`` keeps it from handing
  ///   out any.
  public func ask(limit: Int? = nil, assigning space: SearchSpace? = nil) throws -> ActiveTrial? {
    let request = TrialRequest(worker: worker, count: 1)
    let result = try exchange([], [request], limit: limit, assigning: space)
    if let failure = result.failure { throw failure }
    return result.taken[0].first
  }

  /// Takes up a running trial that another process handed out, under its open lease, so that it can
  /// be reported on and told here.
  ///
  /// - Throws: ``StoreError/unknownTrial(number:study:)``, ``TrialError/notRunning(number:)``.
  public func resume(_ number: Int) throws -> ActiveTrial {
    guard let trial = try store.trials(in: study, numbers: [number]).first else {
      throw StoreError.unknownTrial(number: number, study: study.name)
    }
    if trial.state.isFinished { throw StoreError.trialFinished(number: number) }
    guard trial.state == .running else { throw TrialError.notRunning(number: number) }
    let lease = try store.openLeases(in: study).first { $0.trial.number == number }
    return try resume(trial, lease)
  }

  /// Takes up the trial of a lease that was handed out before this coordinator was made.
  func resume(_ lease: Lease) throws -> ActiveTrial {
    guard let trial = try store.trials(in: study, numbers: [lease.trial.number]).first else {
      throw StoreError.unknownTrial(number: lease.trial.number, study: study.name)
    }
    return try resume(trial, lease)
  }

  private func resume(_ trial: Trial, _ lease: Lease?) throws -> ActiveTrial {
    let number = trial.number
    let active = ActiveTrial(
      trial, lease: lease, jointSample: [], unwritten: [],
      startedAt: trial.startedAt ?? .now(), coordinator: self)
    try state.withLock { state in
      try follow(&state)
      state.active[number] = HandedOut(trial: active)
    }
    scheduleTick()
    return active
  }

  /// How many trials the study may have: `limit`, or fewer when the sampler has nothing left to try
  /// after so many. Grows when others add trials that the sampler did not choose.
  ///
  /// - Throws: ``StoreError``, and ``SamplerError`` for a space that the sampler cannot work in.
  public func trialLimit(atMost limit: Int?, in space: SearchSpace?) throws -> Int? {
    guard sampler.exhaustsSpace else { return limit }
    let own = try state.withLock { state in
      try follow(&state)
      return try sampler.trialLimit(in: space, given: state.history)
    }
    return [limit, own].compactMap(\.self).min()
  }

  /// Queues a trial with given values for some or all of its parameters.
  public func enqueue(
    _ values: [(name: String, value: ParameterValue)], userAttributes: [Attribute] = []
  ) throws(StoreError) -> TrialReference {
    let fixed = values.map { JSONValue.Member($0.name, JSONValue($0.value)) }
    let template = Trial(
      TrialReference(id: 0, number: 0), state: .waiting, userAttributes: userAttributes,
      systemAttributes: [Attribute("fixed_params", .object(fixed))])
    return try store.createTrial(template, in: study, lease: nil).0
  }

  /// Queues a trial, unless one was queued with these values, in whatever process.
  package func enqueueOnce(
    _ values: [(name: String, value: ParameterValue)], userAttributes: [Attribute]
  ) throws(StoreError) {
    let fixed = JSONValue.object(values.map { JSONValue.Member($0.name, JSONValue($0.value)) })
    // Which process queues it is decided in the store, by the number of a trial that none has.
    let process = Int(UInt32.random(in: 1...UInt32.max))
    let owner = try store.claim(
      "queued:" + String(StableHash.bits64(Array(fixed.text().utf8)), radix: 16), for: process,
      from: nil, of: study)
    guard owner == process else { return }
    _ = try enqueue(values, userAttributes: userAttributes)
  }

  /// Closes the attempts of workers on this machine whose processes are gone, so that their trials
  /// can be handed out again at once.
  ///
  /// - Returns: The numbers of those trials.
  public func recoverFromDeadWorkers() throws(StoreError) -> [Int] {
    var recovered: [Int] = []
    for lease in try store.openLeases(in: study) {
      guard let other = WorkerIdentity(name: lease.worker), other.isDead else { continue }
      let reason = "process \(other.process) on \(other.host) is gone"
      if try store.close(lease, as: .lost, reason: reason, retryAt: try leaseTime()) {
        recovered.append(lease.trial.number)
      }
    }
    return recovered
  }

  /// Checks that the study's trials gave no parameter of the space another kind of distribution.
  ///
  /// - Throws: ``StoreError/incompatibleDistribution(parameter:stored:given:)`` for the first that
  ///   does not fit.
  public func checkCompatibility(of space: SearchSpace) throws(StoreError) {
    try state.withLock { state throws(StoreError) in try follow(&state) }
    for parameter in space.parameters { try checkCompatibility(of: parameter) }
  }

  // MARK: For active trials

  func note(_ changes: some Sequence<TrialChange>) {
    state.withLock { state in
      for change in changes { state.history.apply(change) }
    }
  }

  func checkCompatibility(of parameter: Parameter) throws(StoreError) {
    try state.withLock { state throws(StoreError) in
      try state.history.checkCompatibility(of: parameter)
    }
  }

  func pruningDecision(for trial: Int) throws(StoreError) -> PruningDecision {
    try state.withLock { state throws(StoreError) in
      if pruner.readsHistory { try follow(&state) }
      return pruner.decide(on: trial, given: state.history)
    }
  }

  /// Reads what others wrote. All there is at first; later only if an answer depends on it.
  func follow(_ state: inout State) throws(StoreError) {
    let isFollowed = sampler.readsHistory || pruner.readsHistory || state.ending != nil
    if !state.hasLoaded || isFollowed {
      try store.read(in: study, since: &state.cursor, into: &state.history)
      state.hasLoaded = true
    }
    state.ending?.follow(state.history)
  }
}
