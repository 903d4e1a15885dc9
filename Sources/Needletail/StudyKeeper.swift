internal import Coordination
internal import Pruners
internal import Samplers
internal import Stores
internal import Studies
internal import StudyModel
internal import System
internal import Trials

/// Who keeps a study and gives its trials: a store and a coordinator in this process, or a
/// coordinator on the network.
protocol StudyKeeper: TrialSource where Taken == any HeldTrial {
  var name: String { get }
  var directions: [Direction] { get }
  /// The seed of all suggestions; nil when a coordinator on the network does not tell.
  var seed: UInt64? { get }
  /// The store that keeps the study; nil when only a coordinator on the network has it.
  var store: (any StudyStore)? { get }

  func bestTrial() throws -> Trial?
  /// A trial as it is stored.
  func trial(_ number: Int) throws -> Trial
  func trials() throws -> [Trial]
  func attributes() throws -> [Attribute]
  func set(_ attribute: Attribute) throws

  /// Called before trials are run, `workers` at a time and `trials` at most; nil for no limit.
  func begin(workers: Int, trials: Int?) throws
  /// Called when no more trials are run for the moment.
  func rest()
  /// The next trial that the user asks for, whatever the study's budget; else as ``take()``.
  func ask() throws -> Supply<any HeldTrial>
  /// Why the study is failing, in a sentence; nil when it is not.
  func failure() throws -> String?
  /// Why ``take()`` or ``ask()``, which wait for a short while at most, gave no trial; nil when
  /// they may give one if they are asked again.
  func halt() throws -> (any Error)?
  /// Queues a trial and returns its number.
  func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws -> Int
  /// Takes up a running trial that another process asked for.
  func resume(_ number: Int) throws -> any HeldTrial
  /// From now on, failures alone do not stop the study.
  func tolerateFailures()
}

/// A study whose coordinator is in this process.
final class LocalStudy: StudyKeeper {
  private let study: StoredStudy
  private let coordinator: Coordinator
  /// How many trials the study gets in all, as was known when trials were last begun; nil for no
  /// limit.
  private let budget: Lock<Int?>
  /// How often a worker of a paused study looks whether it goes on.
  private static let pause: Duration = .milliseconds(500)

  init(
    _ study: StoredStudy, sampler: any Sampler, pruner: any Pruner, seed: UInt64?
  ) throws {
    self.study = study
    let known = try study.budget()
    budget = Lock(known)
    coordinator = try study.coordinator(
      nil, budget: known, sampler: sampler, pruner: pruner, seed: seed)
  }

  private var record: StudyRecord { study.record }
  private var opened: any StudyStore { study.store }
  var name: String { record.name }
  var directions: [Direction] { record.directions }
  var seed: UInt64? { coordinator.seed }
  var store: (any StudyStore)? { opened }

  func bestTrial() throws -> Trial? { try opened.bestTrial(in: record) }
  func trial(_ number: Int) throws -> Trial {
    guard let trial = try opened.trials(in: record, numbers: [number]).first else {
      throw StoreError.unknownTrial(number: number, study: name)
    }
    return trial
  }

  func trials() throws -> [Trial] { try opened.trials(in: record, numbers: nil) }
  func attributes() throws -> [Attribute] { try opened.attributes(.user, of: record) }
  func set(_ attribute: Attribute) throws { try opened.set(attribute, .user, of: record) }

  func begin(workers: Int, trials: Int?) throws {
    if try study.failure() != nil { try study.setControl(.running) }
    let known = try study.budget()
    budget.withLock { $0 = known }
    try study.watchFailures(coordinator, budget: known, round: trials)
    coordinator.follow(try study.control())
    _ = try coordinator.recoverFromDeadWorkers()
  }
  func rest() {}

  func take() throws -> Supply<any HeldTrial> { try next(limit: budget.withLock { $0 }) }

  func ask() throws -> Supply<any HeldTrial> { try next(limit: nil) }

  private func next(limit: Int?) throws -> Supply<any HeldTrial> {
    let wasRunning = try coordinator.control() == .running
    if let trial = try coordinator.ask(limit: limit) { return .trial(trial) }
    let control = try coordinator.control()
    // Behind the last trial of the budget, and the last point of a sampler that tries each once,
    // there is nothing.
    let hasEnd = limit != nil || coordinator.sampler.exhaustsSpace || coordinator.ownFailure != nil
    if wasRunning, control == .running, hasEnd { return .never }
    return control == .paused || control == .running ? .later(Self.pause) : .never
  }

  func failure() throws -> String? { try coordinator.failure() }

  func halt() throws -> (any Error)? {
    if let reason = try coordinator.failure() { return StudyFailing(study: name, reason: reason) }
    let control = try coordinator.control()
    if control == .running, coordinator.sampler.exhaustsSpace { return SamplerError.exhausted }
    return StudyHalted(study: name, control: control)
  }

  func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws -> Int {
    try coordinator.enqueue(values, userAttributes: attributes).number
  }

  func resume(_ number: Int) throws -> any HeldTrial { try coordinator.resume(number) }

  // With no trials left, the rule has nothing to save.
  func tolerateFailures() { coordinator.watchFailures(left: 0, succeeded: 0) }
}
