internal import JSON
public import StudyModel

/// A place where studies and their trials are kept: a reader of studies, and a committer of
/// changes.
///
/// Every call is complete when it returns: what it wrote is visible to other users of the store,
/// and a call that finishes a trial or is told to be durable survives a power cut. A call that
/// throws has written nothing, unless the disk refused to confirm what it had taken. Numbers come
/// back as they were, but a negative zero may come back as zero. Calls may block on the disk or on
/// other processes, for a bounded time.
public protocol StudyStore: Sendable {
  /// Where the store is, in the words of an error message: a path or a URL without credentials.
  var location: String { get }
  /// Whether a change that was committed without waiting for the disk may vanish while this process
  /// lives, as when a database's server crashes. A trial's end then repeats all that is known of
  /// it.
  var mayForget: Bool { get }

  // MARK: Studies

  /// Creates a study.
  ///
  /// - Throws: ``StoreError/studyExists(name:)``, ``StoreError/badStudyName(_:)``.
  func createStudy(named name: String, directions: [Direction]) throws(StoreError) -> StudyRecord
  /// The study of that name.
  ///
  /// - Throws: ``StoreError/unknownStudy(name:known:)``.
  func study(named name: String) throws(StoreError) -> StudyRecord
  /// All studies in the order they were created, without those that ``damagedStudies()`` names.
  func studies() throws(StoreError) -> [StudyRecord]
  /// The studies of which not even the record can be read: another program stored what is none.
  func damagedStudies() throws(StoreError) -> [DamagedStudy]
  /// Deletes the study with all that belongs to it.
  func delete(_ study: StudyRecord) throws(StoreError)
  /// The study's attributes of that kind, in the order they were first set.
  func attributes(_ kind: AttributeKind, of study: StudyRecord) throws(StoreError) -> [Attribute]
  /// Sets or replaces an attribute of the study.
  func set(
    _ attribute: Attribute, _ kind: AttributeKind, of study: StudyRecord) throws(StoreError)
  /// What Needletail keeps beside a study under `key` (such as `file`, the study file's text); nil
  /// without one. Other programs that share the store do not see it.
  func note(_ key: String, of study: StudyRecord) throws(StoreError) -> String?
  /// Sets or replaces what ``note(_:of:)`` returns.
  func setNote(_ key: String, to text: String, of study: StudyRecord) throws(StoreError)
  /// All that Needletail keeps beside a study, by ascending bytes of the keys.
  func notes(of study: StudyRecord) throws(StoreError) -> [(key: String, text: String)]
  /// All studies in the order they were created, each with those of its notes that have one of
  /// these keys and with the workers of its open attempts: what a reader of many studies needs
  /// again and again, for the price of one call. What is written meanwhile may be seen of one study
  /// and not of another.
  func glance(at keys: [String]) throws(StoreError) -> [StudyGlance]
  /// Adds a study that another store had, in one transaction that survives a power cut. Its trials
  /// keep their order and, unless there are gaps, their numbers.
  ///
  /// - Throws: ``StoreError/studyExists(name:)``; then nothing is written.
  func add(_ contents: StudyContents) throws(StoreError) -> StudyRecord
  /// What Needletail keeps in the store beside all studies: the notes whose keys begin with these
  /// bytes, by ascending bytes of their keys. Other programs that share the store do not see them.
  func storeNotes(withPrefix prefix: String) throws(StoreError) -> [(key: String, text: String)]
  /// Sets or replaces the store's note under `key`; removes it when `text` is nil. Survives a power
  /// cut, and is no part of any study: deleting studies leaves it alone.
  func setStoreNote(_ key: String, to text: String?) throws(StoreError)

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

  // MARK: Trials

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
  /// Takes the next trial that waits to be run, or nil: queued ones first, then running ones whose
  /// attempt was closed for a retry or whose lease ran out. Atomic: no two callers get one trial.
  func claimTrial(
    in study: StudyRecord, lease: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)?
  /// Whether ``claimTrial(in:lease:)`` would find a trial at that lease time. Writes nothing.
  func hasClaimable(in study: StudyRecord, at moment: Timestamp) throws(StoreError) -> Bool
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
  /// Does the steps in one transaction, in their order. One that fails is undone alone; a later
  /// step sees what an earlier one did. Nothing waits for the disk: who acknowledges the end of a
  /// trial calls ``synchronize()`` before.
  ///
  /// - Returns: A result per step.
  /// - Throws: What undid them all.
  func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result]
  /// Returns when all that was committed before the call survives a power cut.
  func synchronize() throws(StoreError)
  /// What was written by anyone since the cursor was last advanced, except that changes of this
  /// store object may be left out or repeated; from a new cursor, all there is.
  func changes(
    in study: StudyRecord, since cursor: inout StoreCursor
  ) throws(StoreError) -> [TrialChange]
  /// Applies what ``changes(in:since:)`` would return to a history. A store may do so without
  /// making the changes, which is what loading a long study needs.
  func read(
    in study: StudyRecord, since cursor: inout StoreCursor, into history: inout TrialHistory
  ) throws(StoreError)
  /// The trials whose numbers are given, or all, by ascending number.
  func trials(in study: StudyRecord, numbers: [Int]?) throws(StoreError) -> [Trial]
  /// The numbers of trials in a state, ascending.
  ///
  /// - Parameters:
  ///   - range: Only numbers in it.
  ///   - limit: Only the first so many.
  func numbers(
    of state: TrialState, in study: StudyRecord, from range: Range<Int>, atMost limit: Int
  ) throws(StoreError) -> [Int]
  /// The number of trials in each state.
  func counts(in study: StudyRecord) throws(StoreError) -> [TrialState: Int]
  /// The completed trial with the best first value (the earliest of equals, infeasible ones left
  /// out); nil without one.
  func bestTrial(in study: StudyRecord) throws(StoreError) -> Trial?

  /// Has `body` called soon after any process queued a trial, gave one back, or left a note, so
  /// that nobody need ask the store again and again.
  ///
  /// - Parameter body: Called from a thread of the store, with the study's token; with nil when
  ///   changes in any study may have gone unnoticed. Calls may be missing: time alone makes trials
  ///   available too, and other programs tell nobody.
  /// - Returns: What keeps the wish alive; nil when the store cannot tell, and must be asked.
  func watch(_ body: @escaping @Sendable (_ study: String?) -> Void) -> StoreWatch?

  // MARK: Leases

  /// The present moment on the clock that the deadlines of the study's leases count on. Every
  /// process that uses the store reads the same time, within a fraction of a second, and setting a
  /// machine's clock does not change it. Cheap: a store that must ask elsewhere asks once.
  func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp
  /// As ``leaseTime(in:)``, for who only looks: writes nothing, and is the system's time where
  /// nobody has used the study's leases yet.
  func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp
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
  /// The leases of all open attempts, also those that ran out and were not taken over yet.
  func openLeases(in study: StudyRecord) throws(StoreError) -> [Lease]
  /// The latest attempt at each trial that runs under a lease, whether that is live or has run out,
  /// and at each that is to be run again; by the trials' numbers.
  func latestAttempts(in study: StudyRecord) throws(StoreError) -> [Attempt]
  /// The attempts at one trial, in their order.
  func attempts(of number: Int, in study: StudyRecord) throws(StoreError) -> [Attempt]
  /// The attempts at all trials, by the trials' numbers and in their order.
  func attempts(in study: StudyRecord) throws(StoreError) -> [Attempt]
  /// The worker of the latest attempt at each trial that has attempts, by the trial's number.
  func workers(in study: StudyRecord) throws(StoreError) -> [Int: String]
}

extension StudyStore {
  /// False: such a store remembers all that it acknowledged.
  public var mayForget: Bool { false }

  /// The lease time of a store that writes nothing to tell it.
  public func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    try leaseTime(in: study)
  }

  /// None: such a store has only what was written through it.
  public func damagedStudies() throws(StoreError) -> [DamagedStudy] { [] }

  /// The attempts of a trial. How and why a failed trial ended is noted once, with the trial; here
  /// its last attempt has it too.
  ///
  /// - Throws: ``StoreError`` when the store cannot be read.
  package func attempts(of trial: Trial, in study: StudyRecord) throws(StoreError) -> [Attempt] {
    var attempts = try attempts(of: trial.number, in: study)
    guard trial.state == .failed, let last = attempts.indices.last, attempts[last].reason.isEmpty
    else { return attempts }
    for attribute in trial.systemAttributes {
      guard let text = attribute.value.string else { continue }
      switch attribute.key {
      case "needletail:outcome":
        attempts[last].outcome = AttemptOutcome(rawValue: text) ?? attempts[last].outcome
      case "needletail:reason": attempts[last].reason = text
      default: break
      }
    }
    return attempts
  }

  /// Adds a trial to a study that may have any number of them.
  public func createTrial(
    _ template: Trial, in study: StudyRecord, lease: LeaseRequest?
  ) throws(StoreError) -> (TrialReference, Lease?) {
    guard let created = try createTrial(template, in: study, lease: lease, limit: nil) else {
      preconditionFailure("a store refused a trial at no limit")
    }
    return created
  }

  /// Applies the changes since the cursor to the history, one by one.
  public func read(
    in study: StudyRecord, since cursor: inout StoreCursor, into history: inout TrialHistory
  ) throws(StoreError) {
    for change in try changes(in: study, since: &cursor) { history.apply(change) }
  }
}

/// Whose attribute it is.
public enum AttributeKind: Sendable, Hashable {
  /// Set by users; shown to them.
  case user
  /// Set by samplers, pruners and the coordinator.
  case system
}

/// Whether a commit waits until the disk has it.
public enum Durability: Sendable, Hashable {
  /// Survives the death of the process, perhaps not a power cut.
  case process
  /// Survives a power cut.
  case powerCut
}
