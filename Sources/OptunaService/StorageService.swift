internal import JSON
internal import Stores
internal import StudyModel
internal import System

/// Answers the calls of Optuna's storage service from a store, as Optuna's own service does.
///
/// What clients may see and do is a matter of ``StorageAccess``. Parameters and reports are
/// acknowledged when it is sure that the store will take them, and stored together with others:
/// when their trial ends, when anything of their study is written, and in any case within
/// ``DeferredChanges/patience``, for which ``flush()`` is to be called.
struct StorageService {
  /// The note of a study that a client has created, by which it is offered again later.
  private static let note = "optuna_service"

  let store: any StudyStore
  private let access: StorageAccess
  /// By id.
  private var studies: [Int: OfferedStudy] = [:]
  /// The study of each trial that is known, by ids.
  private var owners: [Int: Int] = [:]
  private var deferred = DeferredChanges()
  /// Distributions by their text, of which a study has few.
  private var distributions: [String: Distribution] = [:]

  /// - Throws: ``StoreError``, for a name that no study has too.
  init(_ store: any StudyStore, _ access: StorageAccess) throws(StoreError) {
    self.store = store
    self.access = access
    guard case .offered(let names) = access else { return }
    for name in names { offer(try store.study(named: name)) }
    for glance in try store.glance(at: [Self.note]) where glance.notes[Self.note] != nil {
      offer(glance.study)
    }
  }

  private mutating func offer(_ record: StudyRecord) {
    if studies[record.id]?.record != record {
      studies[record.id] = OfferedStudy(record, access)
    }
  }

  /// Takes in studies that others have made or deleted, where all are offered.
  private mutating func discover() throws(StoreError) {
    guard case .all = access else { return }
    let present = try store.studies()
    let ids = Set(present.map(\.id))
    for id in studies.keys where !ids.contains(id) { studies[id] = nil }
    for record in present { offer(record) }
  }

  // MARK: Calls

  /// Answers calls that have no order among themselves: each client waits for its answer.
  ///
  /// What changes trials is done first, in one transaction for each study, then what changes
  /// studies, then what reads.
  ///
  /// - Returns: The calls that ended trials: each is to be answered by ``StorageReply/updated``
  ///   when the disk has what was written.
  mutating func answer(
    _ calls: [StorageCall], _ reply: (StorageCall, StorageReply) -> Void
  ) -> [StorageCall] {
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
          if canWait(change, in: study) {
            studies[study]?.apply(change)
            deferred.add(change, to: study, at: Monitor.now)
            reply(call, .empty)
          } else {
            commits[study, default: []].append((call, change))
          }
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
    return ends
  }

  // MARK: What waits

  /// When ``flush()`` is to be called, in seconds of a clock that only runs forward; nil while
  /// nothing waits.
  var due: Double? { deferred.due }

  /// Stores all that waits.
  ///
  /// - Throws: What keeps some of it waiting.
  mutating func flush() throws(StoreError) {
    var failure: StoreError?
    for study in deferred.studies {
      do throws(StoreError) {
        _ = try store([], to: study)
      } catch {
        // What waited for a study that was deleted went with it.
        if case .unknownStudy = error { continue }
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  /// Whether a change is one that the store takes for certain, unless its trial ends meanwhile:
  /// what it may refuse is asked of it at once.
  private func canWait(_ change: TrialChange, in study: Int) -> Bool {
    switch change.event {
    case .reported(let report):
      // The steps that all stores hold.
      !deferred.isFull && (0...Int(Int32.max)).contains(report.step)
    case .parameterSet(let assignment):
      !deferred.isFull && !assignment.internalValue.isNaN
        && studies[study]?.kinds[assignment.name].map(assignment.distribution.isCompatible) == true
    default: false
    }
  }

  /// Stores changes of a study's trials, and all that waits for it, in one transaction.
  ///
  /// - Returns: Why a change was not made; nil for each that was.
  /// - Throws: Why nothing was; then all that waited waits on.
  private mutating func store(
    _ changes: [TrialChange], to id: Int
  ) throws(StoreError) -> [StoreError?] {
    let waiting = deferred.take(from: id)
    guard let record = studies[id]?.record else {
      return changes.map { .unknownTrial(number: $0.trial.number, study: "") }
    }
    var steps: [[TrialChange]] = []
    var places: [Int] = []
    // With a trial's end goes what is known of it, so that both are there or neither.
    var ending: [Int: [TrialChange]] = [:]
    for change in changes {
      guard case .finished = change.event else { continue }
      ending[change.trial.id] =
        store.mayForget ? studies[id]?.knownChanges(of: change.trial.id) ?? [] : []
    }
    for batch in waiting {
      if ending[batch.trial.id] == nil {
        steps.append(batch.changes)
      } else if !store.mayForget {
        ending[batch.trial.id]? += batch.changes
      }
    }
    for change in changes {
      places.append(steps.count)
      if case .finished = change.event {
        steps.append((ending.removeValue(forKey: change.trial.id) ?? []) + [change])
      } else {
        steps.append([change])
      }
    }
    let results: [StoreStep.Result]
    do throws(StoreError) {
      results = try store.perform(steps.map { .commit($0, under: []) }, in: record)
    } catch {
      if case .unknownStudy = error {
        studies[id] = nil
      } else {
        deferred.putBack(waiting, to: id, at: Monitor.now)
      }
      throw error
    }
    let failures: [StoreError?] = results.map { result in
      if case .failed(let error) = result { error } else { nil }
    }
    // Trials that ended elsewhere before all was stored that is known of them here.
    let late = zip(steps, failures).filter { $0.1 != nil }.map { $0.0[0].trial }
    adopt(late.filter { trial in waiting.contains { $0.trial == trial } }, in: id)
    return places.map { failures[$0] }
  }

  /// Makes changes of a study's trials.
  ///
  /// - Returns: The calls that ended trials, which are not answered yet.
  private mutating func commit(
    _ changes: [(call: StorageCall, change: TrialChange)], to id: Int,
    _ reply: (StorageCall, StorageReply) -> Void
  ) -> [StorageCall] {
    let failures: [StoreError?]
    do throws(StoreError) {
      failures = try store(changes.map(\.change), to: id)
    } catch {
      for (call, _) in changes { reply(call, StorageReply(CallStatus(error))) }
      return []
    }
    var ends: [StorageCall] = []
    var ended: [TrialReference] = []
    for ((call, change), failure) in zip(changes, failures) {
      if let failure {
        reply(call, StorageReply(CallStatus(failure)))
        continue
      }
      studies[id]?.apply(change)
      switch change.event {
      case .finished:
        ends.append(call)
        ended.append(change.trial)
      case .parameterSet(let assignment):
        if studies[id]?.kinds[assignment.name] == nil {
          studies[id]?.kinds[assignment.name] = assignment.distribution
        }
        reply(call, .empty)
      default: reply(call, .empty)
      }
    }
    adopt(ended, in: id)
    return ends
  }

  /// Takes trials that have ended for what the store has of them: others may have added to them
  /// before, and clients keep for ever what they are shown of one.
  private mutating func adopt(_ trials: [TrialReference], in id: Int) {
    guard !trials.isEmpty, let record = studies[id]?.record,
      // What cannot be read is shown as it is known here, and the next call meets the fault.
      let kept = try? store.trials(in: record, numbers: trials.map(\.number))
    else { return }
    for trial in kept where trials.contains(trial.reference) { studies[id]?.replace(with: trial) }
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
            name, try distribution(message.text(4), of: name),
            internalValue: try message.double(3)))
      case .report:
        event = .reported(
          IntermediateValue(step: try message.integer(2), value: try message.double(3)))
      case .setTrialUserAttribute:
        event = .userAttributeSet(
          try Attribute(key: message.text(2), json: message.text(3), access))
      case .setTrialSystemAttribute:
        event = .systemAttributeSet(
          try Attribute(key: message.text(2), json: message.text(3), access))
      default:
        let (state, values) = (
          try TrialState(wireNumber: message.integer(2)), try message.doubles(3)
        )
        // Here already: what waits for the trial is stored together with its end.
        try StoreError.checkValues(
          values, of: trial.number, as: state,
          objectives: studies[study]?.record.directions.count ?? 1)
        event = .finished(state, values: values, at: .now())
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
      return try deleteStudy(message.integer(1))
    case .setStudyUserAttribute, .setStudySystemAttribute:
      let record = try study(message.integer(1)).record
      let attribute = try Attribute(
        key: message.text(2), json: message.text(3), access)
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
      return StorageReply { [access] in $0.attributes(1, attributes, access) }
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
      let error = look(study) { (study, store) throws(StoreError) in
        try study.follow(trial: trial.id, store)
      }
      if let error { throw error }
      return studies[study]?.reply(withTrial: trial.id) ?? .empty
    case .trials:
      let study = try message.integer(1)
      let included = try message.integers(2)
      let start = try message.integer(3)
      // Of ours: those alone that wait.
      if try message.integer(4) == 1 {
        _ = try self.study(study)
        let error = look(study) { (study, store) throws(StoreError) in
          try study.followWaiting(store)
        }
        if let error { throw error }
        return studies[study]?.replyWithWaiting() ?? .empty
      }
      try follow(study)
      return studies[study]?.reply(withTrialsAfter: start, and: included) ?? .empty
    case .recordHeartbeat:
      let (study, trial, _) = try find(trial: message.integer(1))
      guard let record = studies[study]?.record else { throw CallStatus.malformed }
      try store.recordHeartbeat(of: trial, in: record)
      return .empty
    case .silentTrials:
      let record = try study(message.integer(1)).record
      let silent = try store.silentTrials(in: record, after: message.integer(2))
      return StorageReply { $0.integers(1, silent.map(\.id)) }
    case .setParameter, .report, .setTrialUserAttribute, .setTrialSystemAttribute:
      throw CallStatus.malformed
    }
  }

  /// The distribution of a request, made once.
  private mutating func distribution(
    _ text: String, of name: String
  ) throws(CallStatus) -> Distribution {
    if let known = distributions[text] {
      try CallStatus.checkName(name)
      return known
    }
    let made = try Distribution(wire: text, of: name)
    if distributions.count >= 1_000 { distributions = [:] }
    distributions[text] = made
    return made
  }

  // MARK: Studies

  /// The study of that id.
  ///
  /// - Throws: ``CallStatus`` for one that is not offered.
  private mutating func study(_ id: Int) throws -> OfferedStudy {
    if studies[id] == nil { try discover() }
    guard let study = studies[id] else {
      throw CallStatus(.notFound, "no study \(id) is offered here")
    }
    return study
  }

  /// The study of that name; nil when none is offered that is still there.
  private mutating func record(named name: String) throws(StoreError) -> StudyRecord? {
    if access.includesOwn { try discover() }
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
    _ = try study(id)
    if let error = look(id) { throw error }
  }

  /// Takes in what others wrote into a study; one that was deleted is offered no more.
  ///
  /// - Parameter isUrgent: Whether it is done also when it was done just now.
  /// - Returns: Why that was not possible.
  private mutating func look(_ id: Int, isUrgent: Bool = false) -> StoreError? {
    look(id) { (study, store) throws(StoreError) in
      try study.follow(store, isUrgent: isUrgent)
    }
  }

  /// As ``look(_:isUrgent:)``, in the way that is given.
  private mutating func look(
    _ id: Int, _ follow: (inout OfferedStudy, any StudyStore) throws(StoreError) -> Void
  ) -> StoreError? {
    guard var study = studies.removeValue(forKey: id) else { return nil }
    do throws(StoreError) {
      try follow(&study, store)
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
    if case .offered = access { try store.setNote(Self.note, to: "created", of: record) }
    return StorageReply { $0.integer(1, record.id) }
  }

  private mutating func deleteStudy(_ id: Int) throws -> StorageReply {
    let record = try study(id).record
    guard case .all = access else {
      throw CallStatus(
        .permissionDenied,
        "this service deletes no studies; use needletail study delete \(record.name.prefix(200))")
    }
    try store.delete(record)
    studies[id] = nil
    _ = deferred.take(from: id)
    return .empty
  }

  private mutating func allStudies() throws -> StorageReply {
    try discover()
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
        $0.attributes(4, user, access)
        $0.attributes(5, system, access)
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
    try discover()
    for study in studies.keys.sorted() {
      if studies[study]?.trial(withID: id) == nil {
        // One that was deleted has no trial of that id either.
        if let error = look(study, isUrgent: access.includesOwn), studies[study] != nil {
          throw error
        }
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
    if try message.integer(3) == 0 { trial = try message.message(2).template(access) }
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
      .trialID, .trial, .trials, .silentTrials:
      true
    default: false
    }
  }
}

extension Direction {
  /// The direction's number in the service.
  fileprivate var wireNumber: Int { self == .minimize ? 0 : 1 }
}
