package import StudyModel

/// A store that can only be read, whatever the store behind it allows.
///
/// Its lease time is the one that readers see, since another could have to be written down.
package struct ReadOnlyStore: StudyStore {
  private let base: any StudyStore
  private let refusal: StoreError

  /// - Parameter refusal: What a caller is told that wants to write; nil for
  ///   ``StoreError/readOnly(location:)``.
  package init(_ base: any StudyStore, refusal: StoreError? = nil) {
    self.base = base
    self.refusal = refusal ?? .readOnly(location: base.location)
  }

  package var location: String { base.location }
  package var mayForget: Bool { base.mayForget }

  // MARK: Reading

  package func study(named name: String) throws(StoreError) -> StudyRecord {
    try base.study(named: name)
  }
  package func studies() throws(StoreError) -> [StudyRecord] { try base.studies() }
  package func attributes(
    _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) -> [Attribute] { try base.attributes(kind, of: study) }
  package func damagedStudies() throws(StoreError) -> [DamagedStudy] { try base.damagedStudies() }
  package func note(_ key: String, of study: StudyRecord) throws(StoreError) -> String? {
    try base.note(key, of: study)
  }
  package func notes(
    of study: StudyRecord
  ) throws(StoreError) -> [(key: String, text: String)] { try base.notes(of: study) }
  package func glance(at keys: [String]) throws(StoreError) -> [StudyGlance] {
    try base.glance(at: keys)
  }
  package func storeNotes(
    withPrefix prefix: String
  ) throws(StoreError) -> [(key: String, text: String)] { try base.storeNotes(withPrefix: prefix) }
  package func hasClaimable(
    in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool { try base.hasClaimable(in: study, at: moment) }
  package func changes(
    in study: StudyRecord, since cursor: inout StoreCursor
  ) throws(StoreError) -> [TrialChange] { try base.changes(in: study, since: &cursor) }
  package func read(
    in study: StudyRecord, since cursor: inout StoreCursor, into history: inout TrialHistory
  ) throws(StoreError) { try base.read(in: study, since: &cursor, into: &history) }
  package func trials(in study: StudyRecord, numbers: [Int]?) throws(StoreError) -> [Trial] {
    try base.trials(in: study, numbers: numbers)
  }
  package func numbers(
    of state: TrialState, in study: StudyRecord, from range: Range<Int>, atMost limit: Int
  ) throws(StoreError) -> [Int] {
    try base.numbers(of: state, in: study, from: range, atMost: limit)
  }
  package func counts(in study: StudyRecord) throws(StoreError) -> [TrialState: Int] {
    try base.counts(in: study)
  }
  package func bestTrial(in study: StudyRecord) throws(StoreError) -> Trial? {
    try base.bestTrial(in: study)
  }
  package func openLeases(in study: StudyRecord) throws(StoreError) -> [Lease] {
    try base.openLeases(in: study)
  }
  package func latestAttempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try base.latestAttempts(in: study)
  }
  package func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    try base.observedLeaseTime(in: study)
  }
  package func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    try base.observedLeaseTime(in: study)
  }
  package func attempts(of number: Int, in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try base.attempts(of: number, in: study)
  }
  package func attempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try base.attempts(in: study)
  }
  package func workers(in study: StudyRecord) throws(StoreError) -> [Int: String] {
    try base.workers(in: study)
  }
  package func watch(
    _ body: @escaping @Sendable (_ study: String?) -> Void
  ) -> StoreWatch? { base.watch(body) }
  package func synchronize() throws(StoreError) { try base.synchronize() }

  // MARK: Writing

  package func createStudy(
    named name: String, directions: [Direction]
  ) throws(StoreError) -> StudyRecord { throw refusal }
  package func delete(_ study: StudyRecord) throws(StoreError) { throw refusal }
  package func set(
    _ attribute: Attribute, _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) { throw refusal }
  package func setNote(_ key: String, to text: String, of study: StudyRecord) throws(StoreError) {
    throw refusal
  }
  package func add(_ contents: StudyContents) throws(StoreError) -> StudyRecord { throw refusal }
  package func edit(
    _ study: StudyRecord, _ edit: StudyEdit
  ) throws(StoreError) -> StudyRecord { throw refusal }
  package func setStoreNote(_ key: String, to text: String?) throws(StoreError) { throw refusal }
  package func claim(
    _ key: String, for number: Int, from owner: Int?, of study: StudyRecord
  ) throws(StoreError) -> Int { throw refusal }
  package func createTrial(
    _ template: Trial, in study: StudyRecord, lease: LeaseRequest?, limit: Int?
  ) throws(StoreError) -> (TrialReference, Lease?)? { throw refusal }
  package func startTrial(
    _ trial: TrialReference, in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool { throw refusal }
  package func recordHeartbeat(
    of trial: TrialReference, in study: StudyRecord
  ) throws(StoreError) { throw refusal }
  package func silentTrials(
    in study: StudyRecord, after seconds: Int
  ) throws(StoreError) -> [TrialReference] { throw refusal }
  package func claimTrial(
    in study: StudyRecord, lease: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)? { throw refusal }
  package func commit(
    _ changes: [TrialChange], to study: StudyRecord, under leases: [Lease], durability: Durability
  ) throws(StoreError) { throw refusal }
  package func renew(
    _ renewals: [LeaseRenewal], in study: StudyRecord
  ) throws(StoreError) -> [Lease] { throw refusal }
  package func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool { throw refusal }
  package func addLateResult(
    _ sentence: String, reports: [IntermediateValue], to lease: Lease
  ) throws(StoreError) { throw refusal }
  package func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] { throw refusal }
}
