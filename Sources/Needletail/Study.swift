internal import Coordination
internal import CoordinatorClient
public import JSON
public import Pruners
public import Samplers
public import Stores
internal import Studies
public import StudyModel
internal import System
internal import Trials

/// A study: an objective's trials, a sampler that proposes the next, and a store that keeps them.
///
/// Any number of `Study` objects, in one process or in many, may work on the same stored study.
/// Thread-safe.
public final class Study: Sendable {
  /// What happens when a study of that name exists already.
  public enum ExistingStudy: Sendable {
    /// An error.
    case fail
    /// It is loaded, provided its directions are the same.
    case load
  }

  /// What is called after a trial ended, with the trial as it is stored then.
  public typealias Callback = @Sendable (Study, Trial) throws -> Void

  let keeper: any StudyKeeper
  private let isStopped = Lock(false)

  private init(_ keeper: any StudyKeeper) {
    self.keeper = keeper
  }

  // MARK: Creating, loading, deleting

  /// Creates a study, or loads it if it exists and `existing` allows that.
  ///
  /// - Parameters:
  ///   - directions: One per objective; at least one.
  ///   - store: Where the study is; at a coordinator's address, sampler and pruner are the
  ///     coordinator's.
  ///   - seed: The seed of all suggestions; drawn at random when nil. A stored study keeps its
  ///     seed.
  /// - Throws: ``StoreError/studyExists(name:)``,
  ///   ``StoreError/directionsDiffer(name:stored:given:)``, and what opening a store throws.
  public static func create(
    _ name: String, directions: [Direction] = [.minimize], store: StoreLocation = .memory,
    sampler: any Sampler = AutoSampler(), pruner: any Pruner = PredictivePruner(),
    seed: UInt64? = nil, ifExists existing: ExistingStudy = .fail
  ) throws -> Study {
    if let client = try store.client() {
      return Study(
        try RemoteStudy.create(
          name, directions, seed: seed, mayExist: existing == .load, client))
    }
    let (study, _) = try StoredStudy.createOrLoad(
      name, directions, mayExist: existing == .load, in: try store.opened())
    return Study(try LocalStudy(study, sampler: sampler, pruner: pruner, seed: seed))
  }

  /// Loads a study.
  ///
  /// - Throws: ``StoreError/unknownStudy(name:known:)``, and what opening a store throws.
  public static func load(
    _ name: String, store: StoreLocation, sampler: any Sampler = AutoSampler(),
    pruner: any Pruner = PredictivePruner()
  ) throws -> Study {
    if let client = try store.client() { return Study(try RemoteStudy(name, client)) }
    let study = try StoredStudy.load(name, in: try store.opened())
    return Study(try LocalStudy(study, sampler: sampler, pruner: pruner, seed: nil))
  }

  /// Deletes a study with all its trials.
  ///
  /// - Throws: As ``load(_:store:sampler:pruner:)``.
  public static func delete(_ name: String, store: StoreLocation) throws {
    if let client = try store.client() { return try client.delete(name) }
    let store = try store.opened()
    try store.delete(try store.study(named: name))
  }

  // MARK: Reading

  /// The study's name.
  public var name: String { keeper.name }
  /// One per objective.
  public var directions: [Direction] { keeper.directions }
  /// The seed of all suggestions; nil when the study's coordinator is on the network and does not
  /// tell.
  public var seed: UInt64? { keeper.seed }
  /// The store that keeps the study; nil when only a coordinator on the network has it.
  public var store: (any StudyStore)? { keeper.store }

  /// The feasible completed trial with the best first value; nil without one.
  public var bestTrial: Trial? {
    get throws { try keeper.bestTrial() }
  }

  /// All trials by number, those of other processes included.
  public var trials: [Trial] {
    get throws { try keeper.trials() }
  }

  /// The attributes that users set on the study.
  public var attributes: [Attribute] {
    get throws { try keeper.attributes() }
  }

  /// Sets or replaces an attribute of the study.
  public func setAttribute(_ key: String, _ value: JSONValue) throws {
    try keeper.set(Attribute(key, value))
  }

  // MARK: Optimizing

  /// Runs an objective with one value in trial after trial.
  ///
  /// An error that the objective throws fails that trial, with its message as the reason, and the
  /// study goes on; ``TrialPruned`` prunes it. When the task is cancelled, no further trial starts,
  /// and a trial whose objective throws `CancellationError` is queued again. While the study is
  /// paused (`needletail study pause`), no trial starts; when it is stopped, the call ends. So it
  /// does when the study has the number of trials that a study file or `--trials` gave it.
  ///
  /// - Parameters:
  ///   - trials: How many trials this call runs; nil for no limit.
  ///   - timeout: After this time no further trial starts; nil for no limit.
  ///   - workers: How many trials run at once, each on a thread of its own; at least 1.
  ///   - callbacks: Called in turn after each trial, on its worker's thread.
  /// - Throws: ``StudyFailing`` when the first attempts all failed, what the store or the sampler
  ///   throws, and `CancellationError`.
  public func optimize(
    trials: Int? = nil, timeout: Duration? = nil, workers: Int = 1,
    callbacks: [Callback] = [],
    objective: @escaping @Sendable (RunningTrial) async throws -> Double
  ) async throws {
    try await optimize(
      trials: trials, timeout: timeout, workers: workers, callbacks: callbacks
    ) { trial in [try await objective(trial)] }
  }

  /// Runs an objective with several values, one per direction, in trial after trial.
  ///
  /// - Throws, parameters: As for one value.
  public func optimize(
    trials: Int? = nil, timeout: Duration? = nil, workers: Int = 1,
    callbacks: [Callback] = [],
    objective: @escaping @Sendable (RunningTrial) async throws -> [Double]
  ) async throws {
    precondition(workers >= 1, "\(workers) workers cannot run a trial")
    try keeper.begin(workers: workers, trials: trials)
    defer { keeper.rest() }
    let budget = TrialBudget(trials: trials, until: timeout.map { ContinuousClock.now + $0 })
    isStopped.withLock { $0 = false }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<workers {
        group.addTask(executorPreference: WorkerThread(number: number)) {
          try await self.work(budget, callbacks, objective)
        }
      }
      try await group.waitForAll()
    }
  }

  /// Runs trials one after the other until the budget is used up.
  private func work(
    _ budget: TrialBudget, _ callbacks: [Callback],
    _ objective: @Sendable (RunningTrial) async throws -> [Double]
  ) async throws {
    while !Task.isCancelled, !isStopped.withLock({ $0 }), budget.takeOne() {
      guard let trial = try await nextTrial() else { break }
      let ended = try await run(objective, in: trial, wanted: !callbacks.isEmpty)
      guard let ended else { continue }
      for callback in callbacks { try callback(self, ended) }
    }
    try Task.checkCancellation()
  }

  /// The next trial, for which a paused study lets its workers wait; nil when there will be none.
  private func nextTrial() async throws -> RunningTrial? {
    while !isStopped.withLock({ $0 }), !Task.isCancelled {
      switch try keeper.take() {
      case .trial(let held): return RunningTrial(held: held)
      case .never:
        if let reason = try keeper.failure() { throw StudyFailing(study: name, reason: reason) }
        return nil
      case .later(let pause): try await Task.sleep(for: pause)
      }
    }
    return nil
  }

  /// Runs the objective and tells its result; nil when the trial as it is stored is not wanted, or
  /// when the trial is another worker's now.
  private func run(
    _ objective: @Sendable (RunningTrial) async throws -> [Double], in trial: RunningTrial,
    wanted: Bool
  ) async throws -> Trial? {
    do {
      let values = try await objective(trial)
      return try end(trial, .completed(values), wanted: wanted)
    } catch is TrialPruned {
      return try end(trial, .pruned, wanted: wanted)
    } catch is CancellationError {
      return try end(
        trial, .ended(.interrupted, reason: "the task was cancelled"), wanted: wanted)
    } catch StoreError.leaseLost where keeper.store == nil {
      // The coordinator took it away, because this worker was not heard of for too long.
      return nil
    } catch let error as StoreError {
      throw error
    } catch {
      return try end(trial, .ended(.failed, reason: "\(error)"), wanted: wanted)
    }
  }

  /// Ends a trial.
  ///
  /// - Returns: The trial as it is stored; nil when that is not `wanted` and not known.
  func end(_ trial: RunningTrial, _ outcome: Outcome, wanted: Bool) throws -> Trial? {
    switch try trial.held.end(outcome) {
    case .accepted(let told), .repeated(let told):
      return try told ?? (wanted ? keeper.trial(trial.number) : nil)
    case .lost: throw StoreError.leaseLost(trial: trial.number)
    case .refused(let reason):
      throw CoordinatorError.refused(status: 400, code: "refused", message: reason)
    }
  }

  /// Lets running trials finish and starts no further one in
  /// ``optimize(trials:timeout:workers:callbacks:objective:)``.
  public func stop() {
    isStopped.withLock { $0 = true }
  }

  // MARK: One trial at a time

  /// Starts a trial; the caller runs the objective and then tells the result.
  ///
  /// A queued trial comes first, then one that is to be repeated, then a new one, whatever the
  /// study's budget.
  ///
  /// - Throws: ``StudyHalted`` while the study is paused, stopped or cancelled;
  ///   ``SamplerError/exhausted`` when the sampler has nothing left to try; what the store or the
  ///   sampler throws.
  public func ask() throws -> RunningTrial {
    while true {
      if let trial = try askOnce() { return trial }
    }
  }

  /// Ends a trial with its objective's value; NaN makes it a failed one.
  ///
  /// - Returns: The trial as it is stored now.
  @discardableResult
  public func tell(_ trial: RunningTrial, _ value: Double) throws -> Trial {
    try tell(trial, values: [value])
  }

  /// Ends a trial with one value per direction; a wrong count or a NaN makes it a failed one.
  @discardableResult
  public func tell(_ trial: RunningTrial, values: [Double]) throws -> Trial {
    try tell(trial, .completed(values))
  }

  /// Ends a trial as pruned: its last report becomes its value.
  @discardableResult
  public func tellPruned(_ trial: RunningTrial) throws -> Trial {
    try tell(trial, .pruned)
  }

  /// Ends a trial as failed, for a reason that is kept with it.
  @discardableResult
  public func tellFailed(_ trial: RunningTrial, because reason: String) throws -> Trial {
    try tell(trial, .ended(.failed, reason: reason))
  }

  private func tell(_ trial: RunningTrial, _ outcome: Outcome) throws -> Trial {
    guard let told = try end(trial, outcome, wanted: true) else {
      throw StoreError.leaseLost(trial: trial.number)
    }
    return told
  }

  /// Queues a trial with given values for some or all of its parameters; it is run before new ones.
  ///
  /// - Returns: The number of the queued trial.
  @discardableResult
  public func enqueue(_ values: KeyValuePairs<String, ParameterValue>) throws -> Int {
    try keeper.enqueue(values.map { ($0.key, $0.value) }, attributes: [])
  }
}
