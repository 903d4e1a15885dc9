internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import System
internal import Trials

/// A study that a coordinator on the network keeps; this process is one of its workers while it
/// runs trials.
final class RemoteStudy: StudyKeeper {
  private let client: CoordinatorClient
  let name: String
  let directions: [Direction]
  let seed: UInt64?
  private let session = Lock<WorkerSession?>(nil)

  /// How long a worker waits before it looks whether it is to stop.
  private static let patience: Duration = .milliseconds(500)
  /// How many trials are read at once.
  private static let pageSize = 500

  // MARK: Creating and loading

  /// Loads a study.
  ///
  /// - Throws: ``CoordinatorError``; its sentence names the study when there is none.
  init(_ name: String, _ client: CoordinatorClient) throws {
    self.client = client
    let summary = try client.study(name)
    self.name = name
    directions = (summary["directions"]?.array ?? []).compactMap {
      $0.string.flatMap(Direction.init(rawValue:))
    }
    seed = summary["seed"]?.string.flatMap { UInt64($0) }
  }

  /// Creates a study, or loads it if that is allowed.
  static func create(
    _ name: String, _ directions: [Direction], seed: UInt64?, mayExist: Bool,
    _ client: CoordinatorClient
  ) throws -> RemoteStudy {
    if let existing = try find(name, client) {
      guard mayExist else { throw StoreError.studyExists(name: name) }
      try StoredStudy.check(directions, against: existing.directions, of: name)
      return existing
    }
    _ = try client.submit(.defineByRun(name: name, directions: directions, seed: seed))
    return try RemoteStudy(name, client)
  }

  private static func find(_ name: String, _ client: CoordinatorClient) throws -> RemoteStudy? {
    do {
      return try RemoteStudy(name, client)
    } catch let error as CoordinatorError {
      guard case .refused(404, _, _) = error else { throw error }
      return nil
    }
  }

  deinit { session.withLock { $0 }?.endAndLeave() }

  var store: (any StudyStore)? { nil }

  // MARK: Reading

  func bestTrial() throws -> Trial? {
    guard let number = try client.study(name)["best_trial"]?.number.map({ Int(clamped: $0) }) else {
      return nil
    }
    return try trial(number)
  }

  func trial(_ number: Int) throws -> Trial {
    try Trial(jsonForm: client.trial(number, of: name))
  }

  func trials() throws -> [Trial] {
    var all: [Trial] = []
    var last: Int?
    while true {
      let page = try client.trials(of: name, after: last, limit: Self.pageSize)
      let list = page["trials"]?.array ?? []
      all += try list.map { try Trial(jsonForm: $0) }
      guard let next = page["after"]?.number, !list.isEmpty else { return all }
      last = Int(clamped: next)
    }
  }

  func attributes() throws -> [Attribute] {
    guard case .object(let members)? = try client.study(name)["user_attributes"] else { return [] }
    return members.map { Attribute($0.name, $0.value) }
  }

  func set(_ attribute: Attribute) throws {
    throw StoreError.readOnly(location: "the study at \(client.address)")
  }

  // MARK: Running

  func begin(workers: Int, trials: Int?) throws { _ = try worker(slots: workers) }

  /// The session as a worker; begins one.
  private func worker(slots: Int = 1) throws -> WorkerSession {
    try session.withLock { session in
      if let session { return session }
      let host = Host.name
      let new = WorkerSession(
        client,
        WorkerRegistration(
          wireProtocol: WireProtocol.version, version: Release.version,
          name: "\(host)-\(getpid())-\(String(UInt32.random(in: 0...0xFFFF), radix: 16))",
          host: host, slots: slots), study: name)
      try new.register()
      try new.start()
      session = new
      return new
    }
  }

  func rest() {
    let ended: WorkerSession? = session.withLock { session in
      guard let held = session, held.takenCount == 0 else { return nil }
      session = nil
      return held
    }
    ended?.endAndLeave()
  }

  func ask() throws -> Supply<any HeldTrial> { try take() }

  func take() throws -> Supply<any HeldTrial> {
    switch try worker().take(atMost: Self.patience) {
    case .trial(let trial): .trial(trial)
    case .later(let pause): .later(pause)
    case .never: .never
    }
  }

  func failure() throws -> String? { try client.study(name)["failure"]?.string }

  func halt() throws -> (any Error)? {
    let summary = try client.study(name)
    if let reason = summary["failure"]?.string { return StudyFailing(study: name, reason: reason) }
    let control = summary["control"]?.string.flatMap(StudyControl.init(rawValue:))
    return control.flatMap { StudyHalted(study: name, control: $0) }
  }

  func resume(_ number: Int) throws -> any HeldTrial {
    throw CoordinatorError.refused(
      status: 400, code: "held",
      message: "trial \(number) belongs to the worker that took it; tell its result there")
  }

  // The coordinator has its own rule.
  func tolerateFailures() {}

  func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws -> Int {
    guard attributes.isEmpty else {
      throw CoordinatorError.refused(
        status: 400, code: "attributes",
        message: "a trial is queued at a coordinator without attributes; set them when it runs")
    }
    let answer = try client.enqueue(EnqueueRequest(parameters: values), in: name)
    guard let number = answer["number"]?.number else {
      throw CoordinatorError.notACoordinator(
        address: client.address.text, problem: "it did not number the queued trial")
    }
    return Int(clamped: number)
  }
}
