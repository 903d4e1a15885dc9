internal import Coordination
internal import Messages
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// The studies of the store: those that are served, and those that might be.
///
/// A study is served from the moment that it is asked for by name, that a worker of an earlier
/// coordinator holds one of its trials, or that it has a command and trials to run.
final class ServedStudies: Sendable {
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
    var passedOver: [Int: Facts] = [:]
    /// Studies of which it was told that they stopped by themselves, by id, with the reason.
    var ended: [Int: String] = [:]
  }

  /// What decides whether a study has anything to run.
  private struct Facts: Equatable {
    let plan: StudyPlan
    let control: StudyControl
    let hasWorkers: Bool
    let token: String
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
  var all: [ServedStudy] {
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
    let unknown = APIError(404, "unknown_study", "there is no study '\(name.prefix(200))'")
    // No store takes one, and PostgreSQL none in a question either.
    if name.utf8.contains(0) { throw unknown }
    do throws(StoreError) {
      return try store.study(named: name)
    } catch {
      guard case .unknownStudy = error else { throw error }
      throw unknown
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
      let study = try ServedStudy(StoredStudy(record, in: store), leaseDuration: leaseDuration)
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
    let glances = try StoredStudy.glance(in: store)
    let present = Dictionary(glances.map { ($0.study.record.id, $0) }) { $1 }
    let gone = state.withLock { state in
      let gone = state.byID.filter { present[$0.key]?.study.record != $0.value.record }
      for id in gone.keys { state.byID[id] = nil }
      return gone.values.map { $0 }
    }
    for study in gone { study.dispatcher.close() }
    for study in all {
      guard let glance = present[study.record.id] else { continue }
      do {
        try study.follow(glance.plan)
        if study.isStale { onAvailable(try serve(study.record)) }
      } catch let error as StudyFileError {
        log("study '\(study.name)' keeps its former study file: \(error)")
      }
      tellEnd(of: study, try glance.failure, try glance.ending)
    }
    let servedIDs = state.withLock { Set($0.byID.keys) }
    for glance in glances where !servedIDs.contains(glance.study.record.id) {
      try consider(glance)
    }
  }

  /// Says once that a study has stopped by itself, and why.
  private func tellEnd(of study: ServedStudy, _ failure: String?, _ ending: String?) {
    let reason = failure ?? ending
    let isNew = state.withLock { state in
      defer { state.ended[study.record.id] = reason }
      return state.ended[study.record.id] != reason
    }
    guard isNew, let reason else { return }
    log(
      failure == nil
        ? "study '\(study.name)' is complete: \(reason)"
        : "study '\(study.name)' was stopped: \(reason); go on with: needletail study resume "
          + study.name)
  }

  /// Serves a study that has trials to run, or whose workers may come back.
  private func consider(_ glance: StoredStudy.Glance) throws {
    let record = glance.study.record
    guard glance.plan.text != nil else {
      if glance.hasRemoteWorkers { onAvailable(try serve(record)) }
      return
    }
    let facts = Facts(
      plan: glance.plan, control: try glance.control, hasWorkers: glance.hasRemoteWorkers,
      token: record.token)
    guard state.withLock({ $0.passedOver[record.id] }) != facts else { return }
    do {
      if try isOpen(glance.study, facts) {
        onAvailable(try serve(record))
        return
      }
    } catch let error as StudyFileError {
      log("study '\(record.name)' is not served: \(error)")
    }
    state.withLock { $0.passedOver[record.id] = facts }
  }

  private func isOpen(_ study: StoredStudy, _ facts: Facts) throws -> Bool {
    if facts.hasWorkers { return true }
    let file = try facts.plan.file(of: study.name)
    guard file?.isRunnable ?? false, facts.control == .running || facts.control == .paused else {
      return false
    }
    guard let limit = facts.plan.budget(of: file) else { return true }
    let counts = try store.counts(in: study.record)
    let finished = counts.filter { $0.key.isFinished }.values.reduce(0, +)
    return finished < limit || counts[.waiting, default: 0] > 0
  }

  /// Stops serving a study that was deleted.
  func forget(_ record: StudyRecord) {
    state.withLock { $0.byID.removeValue(forKey: record.id) }?.dispatcher.close()
  }

  /// Stops the dispatchers; leases stay as they are.
  func close() {
    for study in all { study.dispatcher.close() }
  }

  // MARK: Submitting

  /// Creates the study of a study file, or goes on with it.
  ///
  /// - Parameters:
  ///   - name: Wins over the file's.
  ///   - trials: Is said beside the file of the budget.
  func submit(
    _ file: StudyFile, name: String?, trials: Int?
  ) throws -> (study: ServedStudy, submission: StoredStudy.Submission) {
    let submission = try StoredStudy.submit(
      file, name: name, trials: trials, resuming: .always, in: store)
    let record = submission.study.record
    for warning in submission.warnings { log(warning) }
    try serve(record).refresh()
    let study = try serve(record)
    study.dispatcher.coordinator.follow(try submission.study.control())
    onAvailable(study)
    return (study, submission)
  }

  /// Creates a study whose objective suggests its own parameters, or goes on with it.
  func submit(
    _ name: String, _ directions: [Direction], seed: UInt64?
  ) throws -> (study: ServedStudy, isNew: Bool) {
    let (study, isNew) = try StoredStudy.createOrLoad(name, directions, in: store)
    if let seed { _ = try study.seed(proposed: seed) }
    return (try serve(study.record), isNew)
  }
}
