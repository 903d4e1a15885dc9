internal import StudyModel

/// A study in an ``InMemoryStudyStore``.
struct MemoryStudy: Sendable {
  /// An attempt with what only the store knows of it.
  struct AttemptRecord: Sendable {
    var attempt: Attempt
    let trial: TrialReference
    let token: String
    /// When the trial may be taken by another worker; nil for never.
    var claimableAt: Timestamp?
  }

  private(set) var record: StudyRecord
  var userAttributes: [Attribute] = []
  var systemAttributes: [Attribute] = []
  var notes: [String: String] = [:]
  /// Which trial has what only one may have.
  var claims: [String: Int] = [:]
  /// When programs of Optuna's last said that they run a trial, by number, in seconds of a clock
  /// that only runs forward.
  var heartbeats: [Int: Double] = [:]
  /// By number.
  private(set) var trials = MemoryTrials()
  /// By trial number, in their order.
  private(set) var attempts: [Int: [AttemptRecord]] = [:]
  /// All that happened to trials.
  private(set) var log = MemoryLog()
  /// The numbers of the waiting trials, ascending.
  private var waiting: Set<Int> = []
  /// The numbers of the trials that have a claimable attempt.
  private var claimable: Set<Int> = []
  /// The distribution each parameter was first seen with.
  private var kinds: [String: Distribution] = [:]

  init(_ record: StudyRecord) {
    self.record = record
  }

  // MARK: Trials

  private func reference(of number: Int) -> TrialReference {
    trials.outline(of: number).reference
  }

  private func state(of number: Int) -> TrialState { trials.outline(of: number).state }

  /// Adds a trial as the template says.
  mutating func add(_ template: Trial, id: Int) throws(StoreError) -> TrialReference {
    let reference = TrialReference(id: id, number: trials.count)
    if template.state.isFinished {
      try StoreError.checkValues(
        template.values, of: reference.number, as: template.state,
        objectives: record.directions.count)
    }
    var contents = template
    contents.reference = reference
    let changes = contents.changes(isNew: true, isRestarted: false)
    try check(
      changes.filter { if case .created = $0.event { false } else { true } }, new: reference)
    trials.append(
      Trial(
        reference, state: template.state.isFinished ? .running : template.state,
        startedAt: template.startedAt))
    for change in changes {
      if case .created = change.event { log.append(change) } else { apply(change) }
    }
    trials.setCompletion(template.completedAt, of: reference.number)
    if template.state == .waiting { waiting.insert(reference.number) }
    return reference
  }

  /// Refuses changes that cannot be made.
  ///
  /// - Parameter new: A trial that is about to be added.
  func check(_ changes: [TrialChange], new: TrialReference? = nil) throws(StoreError) {
    var finished: Set<Int> = []
    var added: [String: Distribution] = [:]
    for change in changes {
      let number = change.trial.number
      if change.trial != new {
        guard trials.numbers.contains(number), reference(of: number) == change.trial else {
          throw .unknownTrial(number: number, study: record.name)
        }
        guard !state(of: number).isFinished, !finished.contains(number) else {
          throw .trialFinished(number: number)
        }
      }
      switch change.event {
      case .created, .started, .restarted:
        preconditionFailure("only a store creates, starts or restarts a trial")
      case .parameterSet(let assignment):
        guard !assignment.internalValue.isNaN else {
          throw .badValues(
            trial: number, problem: "parameter '\(assignment.name)' cannot be NaN")
        }
        guard let stored = kinds[assignment.name] ?? added[assignment.name] else {
          added[assignment.name] = assignment.distribution
          continue
        }
        guard assignment.distribution.isCompatible(with: stored) else {
          throw .incompatibleDistribution(
            parameter: assignment.name, stored: stored.summary,
            given: assignment.distribution.summary)
        }
      case .reported(let report):
        guard report.step >= 0 else {
          throw .badValues(
            trial: number, problem: "the step \(report.step) is negative; count from 0")
        }
      case .userAttributeSet, .systemAttributeSet: break
      case .finished(let state, let values, _):
        try StoreError.checkValues(
          values, of: number, as: state, objectives: record.directions.count)
        finished.insert(number)
      }
    }
  }

  /// Makes the changes, under leases that must be live: all of them, or none.
  mutating func commit(_ changes: [TrialChange], under leases: [Lease]) throws(StoreError) {
    for lease in leases where !isLive(lease) { throw .leaseLost(trial: lease.trial.number) }
    try check(changes)
    for change in changes { apply(change) }
  }

  /// Makes a change that was checked.
  private mutating func apply(_ change: TrialChange) {
    let number = change.trial.number
    guard trials.apply(change.event, to: number) else { return }
    switch change.event {
    case .parameterSet(let assignment):
      if kinds[assignment.name] == nil { kinds[assignment.name] = assignment.distribution }
      let count = trials.outline(of: number).parameters.count
      log.appendParameter(at: count - 1, of: number)
      return
    case .finished(let state, _, let moment):
      waiting.remove(number)
      closeAttempts(ofFinished: number, as: state, at: moment)
    default: break
    }
    log.append(change)
  }

  /// Has a waiting trial run without a lease; false when it runs already.
  mutating func start(_ trial: TrialReference, at moment: Timestamp) throws(StoreError) -> Bool {
    guard trials.numbers.contains(trial.number), reference(of: trial.number) == trial else {
      throw .unknownTrial(number: trial.number, study: record.name)
    }
    guard !state(of: trial.number).isFinished else {
      throw .trialFinished(number: trial.number)
    }
    guard waiting.remove(trial.number) != nil else { return false }
    apply(TrialChange(trial, .started(at: moment)))
    return true
  }

  /// Takes in all of a study that another store had.
  mutating func fill(with contents: StudyContents, firstID: Int) throws(StoreError) {
    var (ids, numbers) = ([:] as [Int: Int], [:] as [Int: Int])
    for (place, trial) in contents.trials.enumerated() {
      let reference = try add(trial, id: firstID + place)
      ids[trial.reference.id] = reference.id
      numbers[trial.number] = reference.number
    }
    userAttributes = contents.userAttributes
    systemAttributes = contents.systemAttributes(withIDs: ids)
    for (key, text) in contents.notes { notes[key] = text }
    for (attempt, number, isToBeRepeated) in contents.attempts(withNumbers: numbers) {
      attempts[number, default: []].append(
        AttemptRecord(
          attempt: attempt.renumbered(number), trial: reference(of: number),
          token: attempt.token,
          claimableAt: isToBeRepeated ? Timestamp(microseconds: 0) : nil))
      if isToBeRepeated { claimable.insert(number) }
    }
  }

  /// The study as an edit makes it.
  func edited(by edit: StudyEdit) throws(StoreError) -> MemoryStudy {
    let basis = StudyEdit.Basis(
      counts: trials.numbers.reduce(into: [:]) { $0[state(of: $1), default: 0] += 1 },
      attempts: attempts.values.reduce(0) { $0 + $1.count })
    guard basis == edit.basis else { throw .studyChanged(name: record.name) }
    var edited = self
    for (key, text) in edit.notes { edited.notes[key] = text }
    edited.record = StudyRecord(
      id: record.id, token: record.token, name: edit.name, directions: record.directions)
    guard !edit.trials.isEmpty else { return edited }
    var contents: [Int: Trial] = [:]
    for trial in edit.trials {
      guard trials.numbers.contains(trial.number), reference(of: trial.number) == trial.reference
      else { throw .unknownTrial(number: trial.number, study: record.name) }
      contents[trial.number] = trial
    }
    var rewritten = MemoryStudy(
      StudyRecord(
        id: record.id, token: StudyEdit.token(after: record.token), name: edit.name,
        directions: record.directions))
    rewritten.userAttributes = userAttributes
    rewritten.systemAttributes = systemAttributes
    rewritten.notes = edited.notes
    for number in trials.numbers {
      _ = try rewritten.add(contents[number] ?? trials[number], id: reference(of: number).id)
    }
    rewritten.attempts = attempts
    rewritten.claimable = claimable
    for trial in edit.trials where trial.state.isFinished {
      rewritten.closeAttempts(
        ofFinished: trial.number, as: trial.state, at: trial.completedAt ?? .now())
    }
    return rewritten
  }

  // MARK: Leases

  /// Whether the lease's attempt is open.
  func isLive(_ lease: Lease) -> Bool {
    guard let last = attempts[lease.trial.number]?.last else { return false }
    return last.token == lease.token && last.attempt.endedAt == nil
  }

  /// Opens the next attempt of a trial.
  mutating func openAttempt(of trial: TrialReference, for request: LeaseRequest) -> Lease {
    let number = (attempts[trial.number]?.count ?? 0) + 1
    let token = Token.random()
    let attempt = Attempt(
      trialNumber: trial.number, number: number, worker: request.worker,
      startedAt: request.startedAt,
      deadline: request.deadline, outcome: nil, reason: "", endedAt: nil, reports: [], token: token)
    attempts[trial.number, default: []].append(
      AttemptRecord(attempt: attempt, trial: trial, token: token, claimableAt: request.deadline))
    claimable.insert(trial.number)
    return Lease(
      study: record, trial: trial, attempt: number, worker: request.worker, token: token)
  }

  /// The leases of all open attempts, by trial number.
  var openLeases: [Lease] {
    claimable.sorted().compactMap { number in
      guard let last = attempts[number]?.last, last.attempt.endedAt == nil else { return nil }
      return Lease(
        study: record, trial: last.trial, attempt: last.attempt.number,
        worker: last.attempt.worker, token: last.token)
    }
  }

  /// The latest attempt at each trial that runs under a lease or is to be run again, by trial
  /// number.
  var latestAttempts: [Attempt] {
    claimable.sorted().compactMap { attempts[$0]?.last?.attempt }
  }

  /// Whether ``claim(for:)`` finds a trial at that moment.
  func hasClaimable(at moment: Timestamp) -> Bool {
    !waiting.isEmpty
      || claimable.contains { number in
        attempts[number]?.last?.claimableAt.map { $0 <= moment } ?? false
      }
  }

  /// Takes the next trial that waits to be run.
  mutating func claim(for request: LeaseRequest) -> (Trial, Lease)? {
    if let number = waiting.min() {
      waiting.remove(number)
      apply(TrialChange(reference(of: number), .started(at: request.startedAt)))
      let lease = openAttempt(of: reference(of: number), for: request)
      return (trials[number], lease)
    }
    let due = claimable.compactMap { number -> (number: Int, at: Timestamp)? in
      guard let at = attempts[number]?.last?.claimableAt, at <= request.now else { return nil }
      return (number, at)
    }
    guard let (number, _) = due.min(by: { ($0.at, $0.number) < ($1.at, $1.number) }) else {
      return nil
    }
    if attempts[number]?.last?.attempt.endedAt == nil {
      endAttempt(
        of: number, as: .lost, reason: "its lease ran out", at: request.startedAt, claimableAt: nil)
    }
    changeLast(of: number, claimableAt: nil) { _ in }
    let lease = openAttempt(of: reference(of: number), for: request)
    return (trials[number], lease)
  }

  /// Moves the deadline of an open attempt; false when the lease is not live.
  mutating func renew(_ renewal: LeaseRenewal) -> Bool {
    guard isLive(renewal.lease) else { return false }
    let number = renewal.lease.trial.number
    let deadline = max(renewal.deadline, attempts[number]?.last?.attempt.deadline ?? .distantPast)
    changeLast(of: number, claimableAt: deadline) { $0.deadline = deadline }
    return true
  }

  /// Adds a sentence and reports to the record of a closed attempt, once.
  mutating func addLateResult(
    _ sentence: String, reports: [IntermediateValue], to lease: Lease
  ) {
    let number = lease.trial.number
    guard
      let place = attempts[number]?.firstIndex(where: {
        $0.token == lease.token && $0.attempt.endedAt != nil
      })
    else { return }
    attempts[number]?[place].attempt.addLateResult(sentence, reports: reports)
  }

  /// Closes an attempt; false when it was not open.
  mutating func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) -> Bool {
    let number = lease.trial.number
    guard let last = attempts[number]?.last, last.token == lease.token else { return false }
    guard last.attempt.endedAt != nil else {
      endAttempt(of: number, as: outcome, reason: reason, at: .now(), claimableAt: retryAt)
      return true
    }
    if state(of: number).isFinished, last.attempt.reason.isEmpty {
      changeLast(of: number, claimableAt: nil) {
        $0.outcome = outcome
        $0.reason = reason
      }
    }
    return false
  }

  /// Ends the open attempt of a running trial, whose reports move to its record.
  private mutating func endAttempt(
    of number: Int, as outcome: AttemptOutcome, reason: String, at moment: Timestamp,
    claimableAt: Timestamp?
  ) {
    let reports = trials.outline(of: number).intermediateValues
    changeLast(of: number, claimableAt: claimableAt) {
      $0.outcome = outcome
      $0.reason = reason
      $0.endedAt = moment
      $0.reports = reports
    }
    apply(TrialChange(reference(of: number), .restarted(at: moment)))
  }

  private mutating func closeAttempts(
    ofFinished number: Int, as state: TrialState, at moment: Timestamp
  ) {
    changeLast(of: number, claimableAt: nil) {
      guard $0.endedAt == nil else { return }
      $0.outcome = AttemptOutcome(rawValue: state.name)
      $0.endedAt = moment
    }
  }

  /// Changes the trial's latest attempt, if it has any, and when it may be claimed.
  private mutating func changeLast(
    of number: Int, claimableAt: Timestamp?, _ change: (inout Attempt) -> Void
  ) {
    guard let count = attempts[number]?.count, count > 0 else { return }
    if var last = attempts[number]?[count - 1] {
      change(&last.attempt)
      last.claimableAt = claimableAt
      attempts[number]?[count - 1] = last
    }
    if claimableAt == nil { claimable.remove(number) } else { claimable.insert(number) }
  }
}
