internal import JSON
internal import Stores
internal import StudyModel

/// Answers the calls of Optuna's storage service from a store, as Optuna's own service does.
///
/// Offered are the studies that are named, and those that clients have created. None is deleted,
/// and Needletail's own attributes are neither shown nor taken.
struct StorageService {
  /// The note of a study that a client has created, by which it is offered again later.
  private static let note = "optuna_service"

  private let store: any StudyStore
  /// By id.
  private var studies: [Int: OfferedStudy] = [:]
  /// The study of each trial that is known, by ids.
  private var owners: [Int: Int] = [:]

  /// - Parameter names: The studies that are offered, beside those that clients created.
  /// - Throws: ``StoreError``, for a name that no study has too.
  init(_ store: any StudyStore, offering names: [String]) throws(StoreError) {
    self.store = store
    for name in names { offer(try store.study(named: name)) }
    for glance in try store.glance(at: [Self.note]) where glance.notes[Self.note] != nil {
      offer(glance.study)
    }
  }

  private mutating func offer(_ record: StudyRecord) { studies[record.id] = OfferedStudy(record) }

  // MARK: Calls

  /// Answers calls that have no order among themselves: each client waits for its answer.
  ///
  /// What changes trials is done first, in one transaction for each study, then what changes
  /// studies, then what reads. What ends trials is answered last, when the disk has it.
  mutating func answer(
    _ calls: [StorageCall], _ reply: (StorageCall, StorageReply) -> Void
  ) {
    var commits: [Int: [(call: StorageCall, change: TrialChange)]] = [:]
    var others: [(StorageCall, WireMessage)] = []
    for call in calls {
      do throws(CallStatus) {
        let message: WireMessage
        do throws(WireMessage.Fault) {
          message = try WireMessage(call.message[...])
        } catch {
          throw .malformed
        }
        if let (study, change) = try change(call.method, message) {
          commits[study, default: []].append((call, change))
        } else {
          others.append((call, message))
        }
      } catch {
        reply(call, StorageReply(error))
      }
    }
    var ends: [StorageCall] = []
    for (study, changes) in commits.sorted(by: { $0.key < $1.key }) {
      ends += commit(changes, to: study, reply)
    }
    for (call, message) in others.sorted(by: { !$0.0.method.reads && $1.0.method.reads }) {
      do {
        reply(call, try answer(call.method, message))
      } catch let status as CallStatus {
        reply(call, StorageReply(status))
      } catch let error as StoreError {
        reply(call, StorageReply(CallStatus(error)))
      } catch {
        reply(call, StorageReply(.malformed))
      }
    }
    if ends.isEmpty { return }
    do throws(StoreError) {
      try store.synchronize()
      for call in ends { reply(call, StorageReply { $0.integer(1, 1) }) }
    } catch {
      for call in ends { reply(call, StorageReply(CallStatus(error))) }
    }
  }

  /// Makes changes of a study's trials.
  ///
  /// - Returns: The calls that ended trials, which are not answered yet.
  private mutating func commit(
    _ changes: [(call: StorageCall, change: TrialChange)], to id: Int,
    _ reply: (StorageCall, StorageReply) -> Void
  ) -> [StorageCall] {
    guard let record = studies[id]?.record else { return [] }
    let results: [StoreStep.Result]
    do throws(StoreError) {
      results = try store.perform(
        changes.map { .commit([$0.change], under: []) }, in: record)
    } catch {
      for (call, _) in changes { reply(call, StorageReply(CallStatus(error))) }
      return []
    }
    var ends: [StorageCall] = []
    for ((call, change), result) in zip(changes, results) {
      if case .failed(let error) = result {
        reply(call, StorageReply(CallStatus(error)))
        continue
      }
      studies[id]?.apply(change)
      if case .finished = change.event {
        ends.append(call)
      } else {
        reply(call, .empty)
      }
    }
    return ends
  }

  /// The change of a trial that a call makes, and the id of its study; nil for another call.
  private mutating func change(
    _ method: StorageCall.Method, _ message: WireMessage
  ) throws(CallStatus) -> (study: Int, change: TrialChange)? {
    do {
      switch method {
      case .setParameter, .report, .setTrialUserAttribute, .setTrialSystemAttribute: break
      case .setState:
        guard try TrialState(wireNumber: message.integer(2)).isFinished else { return nil }
      default: return nil
      }
      let (study, trial, state) = try find(trial: message.integer(1))
      // Whether it is open is said before what is wrong with the rest, as Optuna does.
      if state.isFinished { throw StoreError.trialFinished(number: trial.number) }
      let event: TrialChange.Event
      switch method {
      case .setParameter:
        let name = try message.text(2)
        event = .parameterSet(
          ParameterAssignment(
            name, try Distribution(wire: message.text(4), of: name),
            internalValue: try message.double(3)))
      case .report:
        event = .reported(
          IntermediateValue(step: try message.integer(2), value: try message.double(3)))
      case .setTrialUserAttribute:
        event = .userAttributeSet(try Attribute(key: message.text(2), json: message.text(3)))
      case .setTrialSystemAttribute:
        event = .systemAttributeSet(try Attribute(key: message.text(2), json: message.text(3)))
      default:
        event = .finished(
          try TrialState(wireNumber: message.integer(2)), values: try message.doubles(3), at: .now()
        )
      }
      return (study, TrialChange(trial, event))
    } catch let status as CallStatus {
      throw status
    } catch let error as StoreError {
      throw CallStatus(error)
    } catch {
      throw .malformed
    }
  }

  /// Answers a call that makes no change of a running trial.
  private mutating func answer(
    _ method: StorageCall.Method, _ message: WireMessage
  ) throws -> StorageReply {
    switch method {
    case .createStudy: return try createStudy(message)
    case .deleteStudy:
      let record = try study(message.integer(1)).record
      throw CallStatus(
        .permissionDenied,
        "this service deletes no studies; use needletail study delete \(record.name.prefix(200))")
    case .setStudyUserAttribute, .setStudySystemAttribute:
      let record = try study(message.integer(1)).record
      let attribute = try Attribute(key: message.text(2), json: message.text(3))
      try store.set(attribute, method == .setStudyUserAttribute ? .user : .system, of: record)
      return .empty
    case .studyID:
      let name = try message.text(1)
      guard let id = try record(named: name)?.id else {
        throw CallStatus(.notFound, "no study '\(name.prefix(200))' is offered here")
      }
      return StorageReply { $0.integer(1, id) }
    case .studyName:
      let name = try study(message.integer(1)).record.name
      return StorageReply { $0.text(1, name) }
    case .directions:
      let directions = try study(message.integer(1)).record.directions
      return StorageReply { $0.integers(1, directions.map(\.wireNumber)) }
    case .studyUserAttributes, .studySystemAttributes:
      let record = try study(message.integer(1)).record
      let attributes = try store.attributes(
        method == .studyUserAttributes ? .user : .system, of: record)
      return StorageReply { $0.attributes(1, attributes) }
    case .studies: return try allStudies()
    case .createTrial: return try createTrial(message)
    case .trialID:
      let study = try message.integer(1)
      let number = try message.integer(2)
      try follow(study)
      guard let id = studies[study]?.id(ofNumber: number) else {
        throw CallStatus(.notFound, "the study has no trial \(number)")
      }
      return StorageReply { $0.integer(1, id) }
    case .setState: return try start(message)
    case .trial:
      let (study, trial, _) = try find(trial: message.integer(1))
      try follow(study)
      return studies[study]?.reply(withTrial: trial.id) ?? .empty
    case .trials:
      let study = try message.integer(1)
      let included = try message.integers(2)
      let start = try message.integer(3)
      try follow(study)
      return studies[study]?.reply(withTrialsAfter: start, and: included) ?? .empty
    case .setParameter, .report, .setTrialUserAttribute, .setTrialSystemAttribute:
      throw CallStatus.malformed
    }
  }

  // MARK: Studies

  /// The study of that id.
  ///
  /// - Throws: ``CallStatus`` for one that is not offered.
  private func study(_ id: Int) throws(CallStatus) -> OfferedStudy {
    guard let study = studies[id] else {
      throw CallStatus(.notFound, "no study \(id) is offered here")
    }
    return study
  }

  /// The study of that name; nil when none is offered that is still there.
  private mutating func record(named name: String) throws(StoreError) -> StudyRecord? {
    guard let known = studies.values.first(where: { $0.record.name == name }) else { return nil }
    do throws(StoreError) {
      let present = try store.study(named: name)
      if present == known.record { return present }
    } catch {
      guard case .unknownStudy = error else { throw error }
    }
    studies[known.record.id] = nil
    return nil
  }

  /// Has the study of that id as it is now.
  ///
  /// - Throws: ``CallStatus`` for one that is not offered, and ``StoreError``.
  private mutating func follow(_ id: Int) throws {
    guard studies[id] != nil else {
      throw CallStatus(.notFound, "no study \(id) is offered here")
    }
    if let error = look(id) { throw error }
  }

  /// Takes in what others wrote into a study; one that was deleted is offered no more.
  ///
  /// - Returns: Why that was not possible.
  private mutating func look(_ id: Int) -> StoreError? {
    guard var study = studies.removeValue(forKey: id) else { return nil }
    do throws(StoreError) {
      try study.follow(store)
    } catch {
      if case .unknownStudy = error { return error }
      studies[id] = study
      return error
    }
    studies[id] = study
    return nil
  }

  private mutating func createStudy(_ message: WireMessage) throws -> StorageReply {
    let directions = try message.integers(1).map { $0 == 1 ? Direction.maximize : .minimize }
    guard !directions.isEmpty else {
      throw CallStatus(.invalidArgument, "the study has no direction; give one for each objective")
    }
    let record = try store.createStudy(named: message.text(2), directions: directions)
    offer(record)
    try store.setNote(Self.note, to: "created", of: record)
    return StorageReply { $0.integer(1, record.id) }
  }

  private mutating func allStudies() throws -> StorageReply {
    let present = Set(try store.studies())
    studies = studies.filter { present.contains($0.value.record) }
    var pieces: [[UInt8]] = []
    for record in studies.values.map(\.record).sorted(by: { $0.id < $1.id }) {
      let user = try store.attributes(.user, of: record)
      let system = try store.attributes(.system, of: record)
      var writer = WireWriter()
      writer.message(1) {
        $0.integer(1, record.id)
        $0.text(2, record.name)
        $0.integers(3, record.directions.map(\.wireNumber))
        $0.attributes(4, user)
        $0.attributes(5, system)
      }
      pieces.append(writer.bytes)
    }
    return StorageReply(pieces: pieces, ownSize: pieces.reduce(0) { $0 + $1.count })
  }

  // MARK: Trials

  /// The trial of that id, and its study's id.
  ///
  /// - Throws: ``CallStatus`` for one of no study that is offered.
  private mutating func find(
    trial id: Int
  ) throws -> (study: Int, trial: TrialReference, state: TrialState) {
    if let study = owners[id], let (trial, state) = studies[study]?.trial(withID: id) {
      return (study, trial, state)
    }
    for study in studies.keys.sorted() {
      if studies[study]?.trial(withID: id) == nil {
        // One that was deleted has no trial of that id either.
        if let error = look(study), studies[study] != nil { throw error }
      }
      if let (trial, state) = studies[study]?.trial(withID: id) {
        owners[id] = study
        return (study, trial, state)
      }
    }
    throw CallStatus(.notFound, "no trial \(id) of a study that is offered here")
  }

  private mutating func createTrial(_ message: WireMessage) throws -> StorageReply {
    let id = try message.integer(1)
    let record = try study(id).record
    var trial = Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: .now())
    if try message.integer(3) == 0 { trial = try message.message(2).template() }
    let reference: TrialReference
    do throws(StoreError) {
      (reference, _) = try store.createTrial(trial, in: record, lease: nil)
    } catch {
      if case .unknownStudy = error { studies[id] = nil }
      throw error
    }
    trial.reference = reference
    studies[id]?.add(trial)
    owners[reference.id] = id
    return StorageReply { $0.integer(1, reference.id) }
  }

  /// Has a queued trial run, which one of its askers is told.
  private mutating func start(_ message: WireMessage) throws -> StorageReply {
    let (study, trial, state) = try find(trial: message.integer(1))
    if state.isFinished { throw StoreError.trialFinished(number: trial.number) }
    guard try message.doubles(3).isEmpty else {
      throw CallStatus(.invalidArgument, "a trial has values when it is finished")
    }
    guard try TrialState(wireNumber: message.integer(2)) == .running else {
      guard state == .waiting else {
        throw CallStatus(
          .invalidArgument, "a running trial cannot be queued again; enqueue a new one")
      }
      return StorageReply { $0.integer(1, 1) }
    }
    guard let record = studies[study]?.record else { throw CallStatus.malformed }
    let now = Timestamp.now()
    let isStarted = try store.startTrial(trial, in: record, at: now)
    if isStarted { studies[study]?.apply(TrialChange(trial, .started(at: now))) }
    return StorageReply { $0.integer(1, isStarted ? 1 : 0) }
  }
}

extension StorageCall.Method {
  /// Whether the call changes nothing, and is answered after those that do.
  fileprivate var reads: Bool {
    switch self {
    case .studyID, .studyName, .directions, .studyUserAttributes, .studySystemAttributes, .studies,
      .trialID, .trial, .trials:
      true
    default: false
    }
  }
}

extension Direction {
  /// The direction's number in the service.
  fileprivate var wireNumber: Int { self == .minimize ? 0 : 1 }
}
