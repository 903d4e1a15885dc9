internal import JSON
public import StudyModel

/// The part of a store that reads studies.
public protocol StudyReader: Sendable {
  /// Where the store is, in the words of an error message: a path or a URL without credentials.
  var location: String { get }
  /// The study of that name.
  ///
  /// - Throws: ``StoreError/unknownStudy(name:known:)``.
  func study(named name: String) throws(StoreError) -> StudyRecord
  /// All studies in the order they were created, without those that ``damagedStudies()`` names.
  func studies() throws(StoreError) -> [StudyRecord]
  /// The studies of which not even the record can be read: another program stored what is none.
  func damagedStudies() throws(StoreError) -> [DamagedStudy]
  /// The study's attributes of that kind, in the order they were first set.
  func attributes(_ kind: AttributeKind, of study: StudyRecord) throws(StoreError) -> [Attribute]
  /// All studies in the order they were created, each with those of its notes that have one of
  /// these keys and with the workers of its open attempts: what a reader of many studies needs
  /// again and again, for the price of one call. What is written meanwhile may be seen of one study
  /// and not of another.
  func glance(at keys: [String]) throws(StoreError) -> [StudyGlance]
}

/// The part of a store that reads what Needletail keeps beside studies.
public protocol NoteReader: Sendable {
  /// What Needletail keeps beside a study under `key` (such as `file`, the study file's text); nil
  /// without one. Other programs that share the store do not see it.
  func note(_ key: String, of study: StudyRecord) throws(StoreError) -> String?
  /// All that Needletail keeps beside a study, by ascending bytes of the keys.
  func notes(of study: StudyRecord) throws(StoreError) -> [(key: String, text: String)]
  /// What Needletail keeps in the store beside all studies: the notes whose keys begin with these
  /// bytes, by ascending bytes of their keys. Other programs that share the store do not see them.
  func storeNotes(withPrefix prefix: String) throws(StoreError) -> [(key: String, text: String)]
}

/// The part of a store that reads trials, and follows what becomes of them.
public protocol TrialReader: Sendable {
  /// What any process has written since the cursor was last advanced, except that changes of this
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
  /// that the store need not be asked again and again.
  ///
  /// - Parameter body: Called from a thread of the store, with the study's token; with nil when
  ///   changes in any study may have gone unnoticed. Calls may be missing: time alone makes trials
  ///   available too, and other programs tell nothing.
  /// - Returns: What keeps the wish alive; nil when the store cannot tell, and must be asked.
  func watch(_ body: @escaping @Sendable (_ study: String?) -> Void) -> StoreWatch?
}

/// The part of a store that reads the attempts at trials, and the leases that they are made under.
public protocol AttemptReader: Sendable {
  /// As ``LeaseCommitter/leaseTime(in:)``, for a reader: writes nothing, and is the system's time
  /// where no worker has used the study's leases yet.
  func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp
  /// Whether ``LeaseCommitter/claimTrial(in:lease:)`` would find a trial at that lease time. Writes
  /// nothing.
  func hasClaimable(in study: StudyRecord, at moment: Timestamp) throws(StoreError) -> Bool
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

/// All that can be read of a store. Reading changes nothing that another program sees, but a store
/// that may be written to may give studies of other programs their rows in tables of ours.
///
/// Calls may block on the disk or on other processes, for a bounded time.
public protocol StoreReader: StudyReader, NoteReader, TrialReader, AttemptReader {}

extension TrialReader {
  /// Applies the changes since the cursor to the history, one by one.
  public func read(
    in study: StudyRecord, since cursor: inout StoreCursor, into history: inout TrialHistory
  ) throws(StoreError) {
    for change in try changes(in: study, since: &cursor) { history.apply(change) }
  }
}

extension AttemptReader {
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

  /// The workers, from all attempts.
  public func workers(in study: StudyRecord) throws(StoreError) -> [Int: String] {
    try attempts(in: study).reduce(into: [:]) { $0[$1.trialNumber] = $1.worker }
  }
}
