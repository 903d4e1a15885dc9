public import StudyModel
internal import System

/// A store that lives and dies with its process.
///
/// It behaves like the stores on disk: same numbers, leases, errors and order of changes.
public final class InMemoryStudyStore: StudyStore {
  public let location: String
  public let mayForget = false
  private let state = Lock(State())

  private let damaged: [DamagedStudy]

  /// Creates a store without studies.
  public init() {
    location = "memory"
    damaged = []
  }

  /// Creates a store without studies for what was read elsewhere.
  ///
  /// - Parameters:
  ///   - location: Where that was.
  ///   - damaged: The studies there that make no sense.
  package init(location: String, damaged: [DamagedStudy]) {
    self.location = location
    self.damaged = damaged
  }

  private struct State {
    var studies: [MemoryStudy] = []
    var notes: [String: String] = [:]
    var nextStudyID = 1
    var nextTrialID = 1

    /// The place of the study among ``studies``.
    func index(of study: StudyRecord) throws(StoreError) -> Int {
      guard let index = studies.firstIndex(where: { $0.record.token == study.token }) else {
        throw .unknownStudy(name: study.name, known: studies.map(\.record.name))
      }
      return index
    }

    /// Adds a trial to the study at that place, and opens its first attempt if that is asked for;
    /// nil at the limit.
    mutating func create(
      _ template: Trial, at index: Int, lease request: LeaseRequest?, limit: Int?
    ) throws(StoreError) -> (TrialReference, Lease?)? {
      if let limit, studies[index].trials.count >= limit { return nil }
      let reference = try studies[index].add(template, id: nextTrialID)
      nextTrialID += 1
      return (reference, request.map { studies[index].openAttempt(of: reference, for: $0) })
    }

    /// Does a step in the study at that place.
    mutating func perform(
      _ step: StoreStep, at index: Int
    ) throws(StoreError) -> StoreStep.Result {
      switch step {
      case .commit(let changes, let leases):
        try studies[index].commit(changes, under: leases)
        return .committed
      case .close(let lease, let outcome, let reason, let retryAt):
        return .closed(
          wasLive: studies[index].close(lease, as: outcome, reason: reason, retryAt: retryAt))
      case .take(let request, let limit):
        if let (trial, lease) = studies[index].claim(for: request) { return .taken(trial, lease) }
        let template = Trial(
          TrialReference(id: 0, number: 0), state: .running, startedAt: request.startedAt)
        guard
          let (reference, lease) = try create(template, at: index, lease: request, limit: limit),
          let lease
        else { return .nothing }
        return .taken(Trial(reference, state: .running, startedAt: request.startedAt), lease)
      }
    }
  }

  /// Runs `body` on the study, alone.
  private func with<Value: Sendable>(
    _ study: StudyRecord, _ body: (inout MemoryStudy) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try state.withLock { state throws(StoreError) -> Value in
      try body(&state.studies[try state.index(of: study)])
    }
  }

  // MARK: Studies

  /// None, unless they were found where the studies come from: what is written through this object
  /// makes sense.
  public func damagedStudies() throws(StoreError) -> [DamagedStudy] { damaged }

  public func createStudy(
    named name: String, directions: [Direction]
  ) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(name)
    precondition(!directions.isEmpty, "a study has at least one objective")
    return try state.withLock { state throws(StoreError) -> StudyRecord in
      guard !state.studies.contains(where: { $0.record.name == name }) else {
        throw .studyExists(name: name)
      }
      let record = StudyRecord(
        id: state.nextStudyID, token: Token.random(), name: name, directions: directions)
      state.nextStudyID += 1
      state.studies.append(MemoryStudy(record))
      return record
    }
  }

  public func study(named name: String) throws(StoreError) -> StudyRecord {
    try state.withLock { state throws(StoreError) -> StudyRecord in
      guard let study = state.studies.first(where: { $0.record.name == name }) else {
        throw .unknownStudy(name: name, known: state.studies.map(\.record.name))
      }
      return study.record
    }
  }

  public func studies() throws(StoreError) -> [StudyRecord] {
    state.withLock { $0.studies.map(\.record) }
  }

  public func delete(_ study: StudyRecord) throws(StoreError) {
    try state.withLock { state throws(StoreError) in
      _ = state.studies.remove(at: try state.index(of: study))
    }
  }

  public func attributes(
    _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) -> [Attribute] {
    try with(study) { kind == .user ? $0.userAttributes : $0.systemAttributes }
  }

  public func set(
    _ attribute: Attribute, _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) {
    try with(study) { study throws(StoreError) in
      switch kind {
      case .user: _ = study.userAttributes.set(attribute)
      case .system: _ = study.systemAttributes.set(attribute)
      }
    }
  }

  public func note(_ key: String, of study: StudyRecord) throws(StoreError) -> String? {
    try with(study) { $0.notes[key] }
  }

  public func setNote(
    _ key: String, to text: String, of study: StudyRecord
  ) throws(StoreError) {
    try with(study) { study throws(StoreError) in study.notes[key] = text }
  }

  public func claim(
    _ key: String, for number: Int, from owner: Int?, of study: StudyRecord
  ) throws(StoreError) -> Int {
    try with(study) { study throws(StoreError) in
      if let held = study.claims[key], held != owner { return held }
      study.claims[key] = number
      return number
    }
  }

  public func notes(
    of study: StudyRecord
  ) throws(StoreError) -> [(key: String, text: String)] {
    try with(study) { study in
      study.notes.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { (key: $0.key, text: $0.value) }
    }
  }

  public func glance(at keys: [String]) throws(StoreError) -> [StudyGlance] {
    state.withLock { state in
      state.studies.map { study in
        StudyGlance(
          study: study.record, notes: study.notes.filter { keys.contains($0.key) },
          workers: Set(study.openLeases.map(\.worker)))
      }
    }
  }

  public func add(_ contents: StudyContents) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(contents.name)
    return try state.withLock { state throws(StoreError) -> StudyRecord in
      guard !state.studies.contains(where: { $0.record.name == contents.name }) else {
        throw .studyExists(name: contents.name)
      }
      let record = StudyRecord(
        id: state.nextStudyID, token: Token.random(), name: contents.name,
        directions: contents.directions)
      var study = MemoryStudy(record)
      try study.fill(with: contents, firstID: state.nextTrialID)
      state.nextStudyID += 1
      state.nextTrialID += contents.trials.count
      state.studies.append(study)
      return record
    }
  }

  public func edit(_ study: StudyRecord, _ edit: StudyEdit) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(edit.name)
    return try state.withLock { state throws(StoreError) -> StudyRecord in
      let index = try state.index(of: study)
      guard
        !state.studies.indices.contains(where: {
          $0 != index && state.studies[$0].record.name == edit.name
        })
      else { throw .studyExists(name: edit.name) }
      let edited = try state.studies[index].edited(by: edit)
      state.studies[index] = edited
      return edited.record
    }
  }

  public func storeNotes(
    withPrefix prefix: String
  ) throws(StoreError) -> [(key: String, text: String)] {
    state.withLock { state in
      state.notes.filter { $0.key.utf8.starts(with: prefix.utf8) }
        .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { (key: $0.key, text: $0.value) }
    }
  }

  public func setStoreNote(_ key: String, to text: String?) throws(StoreError) {
    state.withLock { $0.notes[key] = text }
  }

  // MARK: Trials

  public func createTrial(
    _ template: Trial, in study: StudyRecord, lease request: LeaseRequest?, limit: Int?
  ) throws(StoreError) -> (TrialReference, Lease?)? {
    precondition(
      request == nil || template.state == .running, "only a running trial is held under a lease")
    return try state.withLock { state throws(StoreError) -> (TrialReference, Lease?)? in
      let index = try state.index(of: study)
      return try state.create(template, at: index, lease: request, limit: limit)
    }
  }

  public func startTrial(
    _ trial: TrialReference, in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    try with(study) { study throws(StoreError) in try study.start(trial, at: moment) }
  }

  public func recordHeartbeat(
    of trial: TrialReference, in study: StudyRecord
  ) throws(StoreError) {
    try with(study) { study throws(StoreError) in
      guard study.trials.numbers.contains(trial.number),
        study.trials.outline(of: trial.number).reference == trial
      else { throw .unknownTrial(number: trial.number, study: study.record.name) }
      study.heartbeats[trial.number] = Monitor.now
    }
  }

  public func silentTrials(
    in study: StudyRecord, after seconds: Int
  ) throws(StoreError) -> [TrialReference] {
    let now = Monitor.now
    return try with(study) { study in
      study.heartbeats.sorted { $0.key < $1.key }
        .filter {
          now - $0.value > Double(seconds) && study.trials.outline(of: $0.key).state == .running
        }
        .map { study.trials.outline(of: $0.key).reference }
    }
  }

  public func claimTrial(
    in study: StudyRecord, lease request: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)? {
    try with(study) { study throws(StoreError) in study.claim(for: request) }
  }

  public func hasClaimable(
    in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    try with(study) { $0.hasClaimable(at: moment) }
  }

  public func commit(
    _ changes: [TrialChange], to study: StudyRecord, under leases: [Lease], durability: Durability
  ) throws(StoreError) {
    try with(study) { study throws(StoreError) in
      try study.commit(changes, under: leases)
    }
  }

  public func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    if steps.isEmpty { return [] }
    return try state.withLock { state throws(StoreError) in
      let index = try state.index(of: study)
      // A step is checked before it changes anything: one that fails has nothing to undo.
      return steps.map { step in
        do throws(StoreError) {
          return try state.perform(step, at: index)
        } catch {
          return .failed(error)
        }
      }
    }
  }

  /// Nothing survives this process, and so there is nothing to wait for.
  public func synchronize() throws(StoreError) {}

  public func changes(
    in study: StudyRecord, since cursor: inout StoreCursor
  ) throws(StoreError) -> [TrialChange] {
    let start = cursor.position(as: Int.self) ?? 0
    let news = try with(study) { $0.log.changes(since: start, of: $0.trials) }
    cursor.move(to: start + news.count)
    return news
  }

  /// Nil: only this process changes anything, and asking costs it little.
  public func watch(_ body: @escaping @Sendable (_ study: String?) -> Void) -> StoreWatch? { nil }

  public func trials(in study: StudyRecord, numbers: [Int]?) throws(StoreError) -> [Trial] {
    try with(study) { study in
      let wanted = numbers.map { Set($0).filter(study.trials.numbers.contains).sorted() }
      return (wanted ?? Array(study.trials.numbers)).map { study.trials[$0] }
    }
  }

  public func numbers(
    of state: TrialState, in study: StudyRecord, from range: Range<Int>, atMost limit: Int
  ) throws(StoreError) -> [Int] {
    try with(study) { study in
      let trials = study.trials
      let found = range.clamped(to: trials.numbers).lazy
        .filter { trials.outline(of: $0).state == state }
      return Array(found.prefix(limit))
    }
  }

  public func counts(in study: StudyRecord) throws(StoreError) -> [TrialState: Int] {
    try with(study) { study in
      var counts: [TrialState: Int] = [:]
      for number in study.trials.numbers {
        counts[study.trials.outline(of: number).state, default: 0] += 1
      }
      return counts
    }
  }

  public func bestTrial(in study: StudyRecord) throws(StoreError) -> Trial? {
    try with(study) { study in
      var best: (number: Int, value: Double)?
      for number in study.trials.numbers {
        let trial = study.trials.outline(of: number)
        guard trial.state == .completed, let value = trial.value,
          Trial.violation(of: trial.systemAttributes) <= 0,
          study.record.directions[0].isBetter(value, than: best?.value ?? .nan)
        else { continue }
        best = (number, value)
      }
      return best.map { study.trials[$0.number] }
    }
  }

  // MARK: Leases

  public func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    SteadyClock.timestamp
  }

  public func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    SteadyClock.timestamp
  }

  public func renew(
    _ renewals: [LeaseRenewal], in study: StudyRecord
  ) throws(StoreError) -> [Lease] {
    try with(study) { study throws(StoreError) in
      renewals.compactMap { study.renew($0) ? nil : $0.lease }
    }
  }

  public func addLateResult(
    _ sentence: String, reports: [IntermediateValue], to lease: Lease
  ) throws(StoreError) {
    try with(lease.study) { study throws(StoreError) in
      study.addLateResult(sentence, reports: reports, to: lease)
    }
  }

  public func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool {
    try with(lease.study) { study throws(StoreError) in
      study.close(lease, as: outcome, reason: reason, retryAt: retryAt)
    }
  }

  public func openLeases(in study: StudyRecord) throws(StoreError) -> [Lease] {
    try with(study) { study in study.openLeases }
  }

  public func latestAttempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try with(study) { study in study.latestAttempts }
  }

  public func attempts(
    of number: Int, in study: StudyRecord
  ) throws(StoreError) -> [Attempt] {
    try with(study) { study in (study.attempts[number] ?? []).map(\.attempt) }
  }

  public func attempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try with(study) { study in
      study.attempts.sorted { $0.key < $1.key }.flatMap { $0.value.map(\.attempt) }
    }
  }
}
