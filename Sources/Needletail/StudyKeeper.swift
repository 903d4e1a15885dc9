internal import Coordination
internal import Samplers
internal import Stores
internal import StudyModel
internal import Trials

/// Who keeps a study and gives its trials: a store and a coordinator in this process, or a coordinator on
/// the network.
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

  /// Called before trials are run, `workers` at a time.
  func begin(workers: Int) throws
  /// Called when no more trials are run for the moment.
  func rest()
  /// Why ``take()``, which waits for a short while at most, gave no trial; nil when it may give one if
  /// it is asked again.
  func halt() throws -> (any Error)?
  /// Queues a trial and returns its number.
  func enqueue(_ values: [(name: String, value: ParameterValue)]) throws -> Int
}

/// A study whose coordinator is in this process.
struct LocalStudy: StudyKeeper {
  let coordinator: Coordinator
  private let opened: any StudyStore
  /// How often a worker of a paused study looks whether it goes on.
  private static let pause: Duration = .milliseconds(500)

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
  func trial(_ number: Int) throws -> Trial {
    guard let trial = try opened.trials(in: record, numbers: [number]).first else {
      throw StoreError.unknownTrial(number: number, study: name)
    }
    return trial
  }

  func trials() throws -> [Trial] { try opened.trials(in: record, numbers: nil) }
  func attributes() throws -> [Attribute] { try opened.attributes(.user, of: record) }
  func set(_ attribute: Attribute) throws { try opened.set(attribute, .user, of: record) }

  func begin(workers: Int) throws { _ = try coordinator.recoverFromDeadWorkers() }
  func rest() {}

  func take() throws -> Supply<any HeldTrial> {
    let wasRunning = try coordinator.control() == .running
    if let trial = try coordinator.ask() { return .trial(trial) }
    let control = try coordinator.control()
    // Behind the last point of a sampler that tries each once there is nothing.
    if wasRunning, control == .running, coordinator.sampler.exhaustsSpace { return .never }
    return control == .paused || control == .running ? .later(Self.pause) : .never
  }

  func halt() throws -> (any Error)? {
    let control = try coordinator.control()
    if control == .running, coordinator.sampler.exhaustsSpace { return SamplerError.exhausted }
    return StudyHalted(study: name, control: control)
  }

  func enqueue(_ values: [(name: String, value: ParameterValue)]) throws -> Int {
    try coordinator.enqueue(values).number
  }
}
