public import StudyModel

/// The part of a store that creates, changes and deletes studies.
public protocol StudyCommitter: Sendable {
  /// Creates a study.
  ///
  /// - Throws: ``StoreError/studyExists(name:)``, ``StoreError/badStudyName(_:)``.
  func createStudy(named name: String, directions: [Direction]) throws(StoreError) -> StudyRecord
  /// Deletes the study with all that belongs to it.
  func delete(_ study: StudyRecord) throws(StoreError)
  /// Sets or replaces an attribute of the study.
  func set(
    _ attribute: Attribute, _ kind: AttributeKind, of study: StudyRecord) throws(StoreError)
  /// Adds a study that another store had, in one transaction that survives a power cut. Its trials
  /// keep their order and, unless there are gaps, their numbers.
  ///
  /// - Throws: ``StoreError/studyExists(name:)``; then nothing is written.
  func add(_ contents: StudyContents) throws(StoreError) -> StudyRecord
  /// Rewrites a study as a user wants it, in one transaction that survives a power cut. When trials
  /// are among that, the study gets another token, and every call with the former record is refused
  /// from then on. A parameter has one kind of distribution in all trials before and after.
  ///
  /// - Returns: The study's record from then on.
  /// - Throws: ``StoreError/studyChanged(name:)`` when the study is no longer what the edit is
  ///   based on, ``StoreError/studyExists(name:)``, ``StoreError/badStudyName(_:)``,
  ///   ``StoreError/incompatibleDistribution(parameter:stored:given:)``; then nothing is written.
  func edit(_ study: StudyRecord, _ edit: StudyEdit) throws(StoreError) -> StudyRecord
}

/// The part of a store that changes what Needletail keeps beside studies.
public protocol NoteCommitter: Sendable {
  /// Sets or replaces what ``NoteReader/note(_:of:)`` returns.
  func setNote(_ key: String, to text: String, of study: StudyRecord) throws(StoreError)
  /// Sets or replaces the store's note under `key`; removes it when `text` is nil. Survives a power
  /// cut, and is no part of any study: deleting studies leaves it alone.
  func setStoreNote(_ key: String, to text: String?) throws(StoreError)
}

/// The part of a store that adds trials and commits what becomes of them.
public protocol TrialCommitter: Sendable {
  /// Whether a change that was committed without waiting for the disk may vanish while this process
  /// lives, as when a database's server crashes. A trial's end then repeats all that is known of
  /// it.
  var mayForget: Bool { get }
  /// Adds a trial and returns which it became. Numbers count up without gaps, ids ascend.
  ///
  /// - Parameters:
  ///   - template: State, parameters, attributes, reports and values it starts with. A finished one
  ///     is imported as it is; `reference` is ignored.
  ///   - lease: Who runs it; for a running trial of ours.
  ///   - limit: The number of trials that the study may have at most; nil for no limit. Checked in
  ///     the same transaction, so several processes together never exceed it.
  /// - Returns: nil when the study has `limit` trials or more.
  func createTrial(
    _ template: Trial, in study: StudyRecord, lease: LeaseRequest?, limit: Int?
  ) throws(StoreError) -> (TrialReference, Lease?)?
  /// Commits the changes in one transaction, in their order.
  ///
  /// - Parameters:
  ///   - changes: ``TrialChange/Event/created(_:at:)``, `started` and `restarted` are not allowed.
  ///   - leases: Leases under which the changes are made; the trials' own that are given must be
  ///     live.
  ///   - durability: Whether the call waits for the disk. Finishing a trial always does.
  /// - Throws: ``StoreError/leaseLost(trial:)``, ``StoreError/trialFinished(number:)``, and
  ///   ``StoreError/incompatibleDistribution(parameter:stored:given:)`` when a parameter had
  ///   another kind of distribution before.
  func commit(
    _ changes: [TrialChange], to study: StudyRecord, under leases: [Lease], durability: Durability
  ) throws(StoreError)
  /// Has a waiting trial run from that moment on, without a lease: it belongs to another program,
  /// which no coordinator takes it from. Atomic: of all callers, one starts it.
  ///
  /// - Returns: False when it runs already.
  /// - Throws: ``StoreError/trialFinished(number:)``, ``StoreError/unknownTrial(number:study:)``.
  func startTrial(
    _ trial: TrialReference, in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool
  /// Returns when all that was committed before the call survives a power cut.
  func synchronize() throws(StoreError)

  /// Takes for a trial what only one trial of the study may have, such as a point of a finite
  /// space.
  ///
  /// Atomic: of all callers that give the same key and the same `owner`, in whatever process, one
  /// wins. Other programs that share the store do not see it.
  ///
  /// - Parameters:
  ///   - key: What is taken.
  ///   - owner: The number of the trial from which it is taken over; nil to take it only if it is
  ///     free.
  /// - Returns: The number of the trial that has it now: the given one if that could take it, or
  ///   had it before.
  func claim(
    _ key: String, for number: Int, from owner: Int?, of study: StudyRecord
  ) throws(StoreError) -> Int
}

/// The part of a store that keeps the heartbeats of programs of Optuna's, which hold no leases:
/// each says now and then that it still runs its trial, and any other may fail one that fell
/// silent.
public protocol HeartbeatCommitter: Sendable {
  /// Notes that the trial's program runs, at the present moment of the store's own clock.
  func recordHeartbeat(of trial: TrialReference, in study: StudyRecord) throws(StoreError)
  /// The running trials whose latest heartbeat is older than so many seconds, by ascending id;
  /// those without one, among which ours are, are not among them.
  func silentTrials(
    in study: StudyRecord, after seconds: Int
  ) throws(StoreError) -> [TrialReference]
}

/// The part of a store that gives and takes back leases.
public protocol LeaseCommitter: Sendable {
  /// The present moment on the clock that the deadlines of the study's leases count on. Every
  /// process that uses the store reads the same time, within a fraction of a second, and setting a
  /// machine's clock does not change it. Cheap: a store that must ask elsewhere seldom does.
  func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp
  /// Takes the next trial that waits to be run, or nil: queued ones first, then running ones whose
  /// attempt was closed for a retry or whose lease ran out. Atomic: no two callers get one trial.
  func claimTrial(
    in study: StudyRecord, lease: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)?
  /// Moves the deadlines of open attempts, never backward; returns the leases that are not live.
  func renew(_ renewals: [LeaseRenewal], in study: StudyRecord) throws(StoreError) -> [Lease]
  /// Closes an attempt. Unless the trial is finished, it stays running and may be claimed from
  /// `retryAt` on; its reports move to the attempt's record. False when the lease was not live;
  /// when that is because a commit under it finished the trial, outcome and reason are recorded
  /// still.
  func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool
  /// Adds a sentence to the record of an attempt that is closed, behind the reason it ended for,
  /// and the reports that it does not have yet. Nothing happens when the sentence stands there
  /// already, or when the attempt is open or not known.
  func addLateResult(
    _ sentence: String, reports: [IntermediateValue], to lease: Lease) throws(StoreError)
}

extension TrialCommitter {
  /// Adds a trial to a study that may have any number of them.
  public func createTrial(
    _ template: Trial, in study: StudyRecord, lease: LeaseRequest?
  ) throws(StoreError) -> (TrialReference, Lease?) {
    guard let created = try createTrial(template, in: study, lease: lease, limit: nil) else {
      preconditionFailure("a store refused a trial at no limit")
    }
    return created
  }
}
