internal import Coordination
internal import Messages
internal import Pruners
internal import Samplers
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// The studies of the store: those that are served, and those that might be.
///
/// A study is served from the moment that it is asked for by name, that a worker of an earlier
/// coordinator holds one of its trials, or that it has a command and trials to run.
final class StudyBook: Sendable {
  let store: any StudyStore
  private let leaseDuration: Duration
  private let state = Lock(State())
  /// One study is opened at a time, so that none is opened twice.
  private let opening = Lock(())
  /// Called when a study that is served may have trials.
  private let onAvailable: @Sendable (ServedStudy) -> Void
  private let log: @Sendable (String) -> Void

  private struct State {
    var byID: [Int: ServedStudy] = [:]
    /// Studies that were looked at and have nothing to run, by id, with what was true then.
    var passedOver: [Int: String] = [:]
  }

  init(
    _ store: any StudyStore, leaseDuration: Duration, log: @escaping @Sendable (String) -> Void,
    onAvailable: @escaping @Sendable (ServedStudy) -> Void
  ) {
    self.store = store
    self.leaseDuration = leaseDuration
    self.log = log
    self.onAvailable = onAvailable
  }

  /// All that are served, by id.
  var served: [ServedStudy] {
    state.withLock { $0.byID.values.sorted { $0.record.id < $1.record.id } }
  }

  /// The study of that name, which is served from now on.
  ///
  /// - Throws: ``APIError`` for an unknown one, which does not tell the names of the others.
  func study(named name: String) throws -> ServedStudy {
    let known = state.withLock { $0.byID.values.first { $0.record.name == name } }
    return try known ?? serve(try record(named: name))
  }

  /// The record of the study of that name, whether it is served or not.
  func record(named name: String) throws -> StudyRecord {
    do throws(StoreError) {
      return try store.study(named: name)
    } catch {
      guard case .unknownStudy = error else { throw error }
      throw APIError(404, "unknown_study", "there is no study '\(name.prefix(200))'")
    }
  }

  /// The study that a lease belongs to.
  func study(of lease: String) throws -> ServedStudy? {
    guard let ticket = LeaseTicket(lease) else { return nil }
    if let known = state.withLock({ $0.byID[ticket.studyID] }) { return known }
    guard let record = try store.studies().first(where: { $0.id == ticket.studyID }) else {
      return nil
    }
    return try serve(record)
  }

  /// Serves a study, if it is not served yet, or anew with the study file that it has now.
  func serve(_ record: StudyRecord) throws -> ServedStudy {
    try opening.withLock { _ in
      if let known = state.withLock({ $0.byID[record.id] }), known.record == record,
        !known.isStale
      {
        return known
      }
      let study = try ServedStudy(record, in: store, leaseDuration: leaseDuration)
      let replaced = state.withLock { state in
        state.passedOver[record.id] = nil
        return state.byID.updateValue(study, forKey: record.id)
      }
      replaced?.dispatcher.close()
      study.dispatcher.onAvailable { [weak self, weak study] in
        guard let self, let study else { return }
        onAvailable(study)
      }
      return study
    }
  }

  /// Looks what others did to the store: studies that came, went or changed.
  func refresh() throws {
    let records = try store.studies()
    let present = Dictionary(records.map { ($0.id, $0) }) { $1 }
    let gone = state.withLock { state in
      let gone = state.byID.filter { present[$0.key] != $0.value.record }
      for id in gone.keys { state.byID[id] = nil }
      return gone.values.map { $0 }
    }
    for study in gone { study.dispatcher.close() }
    for study in served {
      do {
        try study.refresh()
        if study.isStale { onAvailable(try serve(study.record)) }
      } catch let error as StudyFileError {
        log("study '\(study.name)' keeps its former study file: \(error)")
      }
    }
    let servedIDs = state.withLock { Set($0.byID.keys) }
    for record in records where !servedIDs.contains(record.id) { try consider(record) }
  }

  /// Serves a study that has trials to run, or whose workers may come back.
  private func consider(_ record: StudyRecord) throws {
    guard let text = try store.note(ServedStudy.Note.file, of: record) else {
      if try hasRemoteWorkers(record) { onAvailable(try serve(record)) }
      return
    }
    let trials = try store.note(ServedStudy.Note.trials, of: record)
    let control = try store.control(of: record)
    let facts = "\(record.token) \(control.rawValue) \(trials ?? "-") \(text)"
    guard state.withLock({ $0.passedOver[record.id] }) != facts else { return }
    do {
      if try isOpen(record, text, trials: trials, control) {
        onAvailable(try serve(record))
        return
      }
    } catch let error as StudyFileError {
      log("study '\(record.name)' is not served: \(error)")
    }
    state.withLock { $0.passedOver[record.id] = facts }
  }

  private func isOpen(
    _ record: StudyRecord, _ text: String, trials: String?, _ control: StudyControl
  ) throws -> Bool {
    if try hasRemoteWorkers(record) { return true }
    let file = try StudyFile(text: text, path: "the study file of '\(record.name)'")
    guard file.command != nil, control == .running || control == .paused else { return false }
    guard let limit = trials.flatMap({ Int($0) }) ?? file.trials else { return true }
    let counts = try store.counts(in: record)
    let finished = counts.filter { $0.key.isFinished }.values.reduce(0, +)
    return finished < limit || counts[.waiting, default: 0] > 0
  }

  private func hasRemoteWorkers(_ record: StudyRecord) throws -> Bool {
    try store.openLeases(in: record).contains { $0.worker.hasPrefix("worker:") }
  }

  /// Stops serving a study that was deleted.
  func forget(_ record: StudyRecord) {
    state.withLock { $0.byID.removeValue(forKey: record.id) }?.dispatcher.close()
  }

  /// Stops the dispatchers; leases stay as they are.
  func close() {
    for study in served { study.dispatcher.close() }
  }

  // MARK: Submitting

  /// Creates the study of a study file, or goes on with it.
  ///
  /// - Parameters:
  ///   - name: Wins over the file's.
  ///   - trials: Wins over the file's.
  /// - Returns: The study, and whether it is new.
  func submit(
    _ file: StudyFile, name: String?, trials: Int?
  ) throws -> (study: ServedStudy, isNew: Bool) {
    let name = name ?? file.studyName
    try StoreError.checkStudyName(name)
    // What the file names is made once here, so that a mistake is refused before anything is written.
    _ = try file.sampler?.makeSampler()
    _ = try file.pruner?.makePruner()
    let known = try store.studies().first { $0.name == name }
    if let known {
      guard known.directions == file.directions else {
        throw StoreError.directionsDiffer(
          name: name, stored: known.directions, given: file.directions)
      }
      let reader = Coordinator(
        store: store, study: known, sampler: RandomSampler(), pruner: NopPruner(), seed: 0)
      try reader.checkCompatibility(of: file.space)
    }
    let record = try known ?? create(name, file.directions)
    if let seed = file.seed { _ = try store.seed(of: record, proposed: seed) }
    try store.setNote(ServedStudy.Note.file, to: file.text, of: record)
    try store.setNote(ServedStudy.Note.trials, to: trials.map(String.init) ?? "", of: record)
    if try store.control(of: record) != .running { try store.setControl(.running, of: record) }
    try serve(record).refresh()
    let study = try serve(record)
    onAvailable(study)
    return (study, known == nil)
  }

  /// Creates a study whose objective suggests its own parameters, or goes on with it.
  func submit(
    _ name: String, _ directions: [Direction], seed: UInt64?
  ) throws -> (study: ServedStudy, isNew: Bool) {
    try StoreError.checkStudyName(name)
    let known = try store.studies().first { $0.name == name }
    if let known, known.directions != directions {
      throw StoreError.directionsDiffer(name: name, stored: known.directions, given: directions)
    }
    let record = try known ?? create(name, directions)
    if let seed { _ = try store.seed(of: record, proposed: seed) }
    return (try serve(record), known == nil)
  }

  /// Another process may create the study at the same moment.
  private func create(_ name: String, _ directions: [Direction]) throws -> StudyRecord {
    do throws(StoreError) {
      return try store.createStudy(named: name, directions: directions)
    } catch {
      guard case .studyExists = error else { throw error }
      let record = try store.study(named: name)
      guard record.directions == directions else {
        throw StoreError.directionsDiffer(
          name: name, stored: record.directions, given: directions)
      }
      return record
    }
  }
}
