internal import Coordination
internal import Pruners
internal import Samplers
internal import Stores
internal import Studies
internal import StudyModel
internal import System

/// Who decides about a study: a coordinator in this process, or one on the network.
protocol StudyBackend: Sendable {
  var name: String { get }
  var directions: [Direction] { get }
  /// The seed of all suggestions; nil when a coordinator on the network does not tell.
  var seed: UInt64? { get }
  /// The store that keeps the study; nil when only a coordinator on the network has it.
  var store: (any StudyStore)? { get }

  func bestTrial() throws -> Trial?
  func trials() throws -> [Trial]
  func attributes() throws -> [Attribute]
  func set(_ attribute: Attribute) throws

  /// Called before trials are run, `workers` at a time and `trials` at most; nil for no limit.
  func begin(workers: Int, trials: Int?) throws
  /// Called when no more trials are run for the moment.
  func rest()
  /// The next trial; waits for a short while at most.
  ///
  /// - Parameter isByHand: Whether the user asks for this one trial, which then comes beside the budget.
  func next(isByHand: Bool) throws -> NextTrial
  /// Why the study is failing, in a sentence; nil when it is not.
  func failure() throws -> String?
  /// Why there is none; nil when there may be one by and by.
  func halt() throws -> (any Error)?
  /// Ends a trial.
  ///
  /// - Returns: The trial as it is stored; nil when that is not `wanted`, or when the trial is another
  ///   worker's now.
  func tell(_ trial: any HeldTrial, _ outcome: TrialOutcome, wanted: Bool) throws -> Trial?
  /// Queues a trial and returns its number.
  func enqueue(_ values: [(name: String, value: ParameterValue)]) throws -> Int
}

/// What a study has for a worker.
enum NextTrial {
  case trial(any HeldTrial)
  /// Nothing at the moment.
  case later
  /// Nothing, unless somebody changes the study.
  case over
}

/// A study whose coordinator is in this process.
final class LocalStudy: StudyBackend {
  private let study: StoredStudy
  private let coordinator: Coordinator
  /// How many trials the study gets in all, as was known when trials were last begun; nil for no limit.
  private let budget: Lock<Int?>

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

  func next(isByHand: Bool) throws -> NextTrial {
    let wasRunning = try coordinator.control() == .running
    let limit = isByHand ? nil : budget.withLock { $0 }
    if let trial = try coordinator.ask(limit: limit) { return .trial(trial) }
    let control = try coordinator.control()
    // Behind the last trial of the budget, and the last point of a sampler that tries each once, there is
    // nothing.
    let hasEnd = limit != nil || coordinator.sampler.exhaustsSpace || coordinator.ownFailure != nil
    if wasRunning, control == .running, hasEnd { return .over }
    return control == .paused || control == .running ? .later : .over
  }

  func failure() throws -> String? { try coordinator.failure() }

  func halt() throws -> (any Error)? {
    if let reason = try coordinator.failure() { return StudyFailing(study: name, reason: reason) }
    let control = try coordinator.control()
    if control == .running, coordinator.sampler.exhaustsSpace { return SamplerError.exhausted }
    return StudyHalted(study: name, control: control)
  }

  func tell(_ trial: any HeldTrial, _ outcome: TrialOutcome, wanted: Bool) throws -> Trial? {
    guard let active = trial as? ActiveTrial else {
      preconditionFailure("a trial was told to another study than it came from")
    }
    return try coordinator.tell(active, outcome)
  }

  func enqueue(_ values: [(name: String, value: ParameterValue)]) throws -> Int {
    try coordinator.enqueue(values).number
  }
}
