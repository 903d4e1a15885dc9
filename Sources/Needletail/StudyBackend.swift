internal import Coordination
internal import Samplers
internal import Stores
internal import StudyModel

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

  /// Called before trials are run, `workers` at a time.
  func begin(workers: Int) throws
  /// Called when no more trials are run for the moment.
  func rest()
  /// The next trial; waits for a short while at most.
  func next() throws -> NextTrial
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
struct LocalStudy: StudyBackend {
  let coordinator: Coordinator
  private let opened: any StudyStore

  init(_ coordinator: Coordinator) {
    self.coordinator = coordinator
    opened = coordinator.store
  }

  private var record: StudyRecord { coordinator.study }
  var name: String { record.name }
  var directions: [Direction] { record.directions }
  var seed: UInt64? { coordinator.seed }
  var store: (any StudyStore)? { opened }

  func bestTrial() throws -> Trial? { try opened.bestTrial(in: record) }
  func trials() throws -> [Trial] { try opened.trials(in: record, numbers: nil) }
  func attributes() throws -> [Attribute] { try opened.attributes(.user, of: record) }
  func set(_ attribute: Attribute) throws { try opened.set(attribute, .user, of: record) }

  func begin(workers: Int) throws { _ = try coordinator.recoverFromDeadWorkers() }
  func rest() {}

  func next() throws -> NextTrial {
    let wasRunning = try coordinator.control() == .running
    if let trial = try coordinator.ask() { return .trial(trial) }
    let control = try coordinator.control()
    // Behind the last point of a sampler that tries each once there is nothing.
    if wasRunning, control == .running, coordinator.sampler.exhaustsSpace { return .over }
    return control == .paused || control == .running ? .later : .over
  }

  func halt() throws -> (any Error)? {
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
