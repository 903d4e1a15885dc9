public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func createTrial(
    _ template: Trial, in study: StudyRecord, lease request: LeaseRequest?, limit: Int?
  ) throws(StoreError) -> (TrialReference, Lease?)? {
    precondition(
      request == nil || template.state == .running, "only a running trial is held under a lease")
    let durability: Durability = template.state.isFinished ? .powerCut : .process
    return try write(durability) { session throws(StoreError) -> (TrialReference, Lease?)? in
      let key = try session.key(of: study)
      return try session.create(template, in: study, key: key, lease: request, limit: limit)
    }
  }

  public func startTrial(
    _ trial: TrialReference, in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    try write(.process) { session throws(StoreError) in
      try session.start(trial, in: study, at: moment)
    }
  }

  public func commit(
    _ changes: [TrialChange], to study: StudyRecord, under leases: [Lease], durability: Durability
  ) throws(StoreError) {
    let finishes = changes.contains { change in
      if case .finished = change.event { true } else { false }
    }
    try write(finishes ? .powerCut : durability) { session throws(StoreError) in
      let key = try session.key(of: study)
      try session.commit(changes, to: study, key: key, under: leases)
    }
  }

  public func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    if steps.isEmpty { return [] }
    return try write(.process) { session throws(StoreError) in
      let key = try session.key(of: study)
      var results: [StoreStep.Result] = []
      results.reserveCapacity(steps.count)
      var isDry = false
      for step in steps {
        if case .take = step {
          // What the first found nothing of, the next will not find either.
          if isDry {
            results.append(.nothing)
            continue
          }
        } else {
          isDry = false
        }
        try session.database.run("SAVEPOINT step")
        do throws(StoreError) {
          let result = try session.perform(step, in: study, key: key)
          if case .nothing = result { isDry = true }
          results.append(result)
        } catch {
          session.forget()
          // A failure that ended the whole transaction is everybody's.
          guard !session.database.isIdle else { throw error }
          try session.database.run("ROLLBACK TO step")
          results.append(.failed(error))
        }
        try session.database.run("RELEASE step")
      }
      return results
    }
  }

  public func synchronize() throws(StoreError) {
    try writer.synchronize(mayBeGone: true)
  }

  public func changes(
    in study: StudyRecord, since cursor: inout StoreCursor
  ) throws(StoreError) -> [TrialChange] {
    try following(&cursor, in: study) { (session, next) throws(StoreError) in
      try session.changes(in: study, since: &next)
    }
  }

  public func read(
    in study: StudyRecord, since cursor: inout StoreCursor, into history: inout TrialHistory
  ) throws(StoreError) {
    try following(&cursor, in: study) { (session, next) throws(StoreError) in
      try session.read(in: study, since: &next, into: &history)
    }
  }

  /// Reads what came since a cursor, and moves that when nothing failed.
  ///
  /// All of a study is read beside the commits. What came since is little, and is read where
  /// commits of this object are known: a cursor's mark counts what other connections have
  /// committed, and is taken before the rest is read, so that nothing falls between.
  private func following<Value>(
    _ cursor: inout StoreCursor, in study: StudyRecord,
    _ body: (Session, inout RowPosition) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    var next = RowPosition(of: cursor)
    let value: Value
    if next.greatestID == 0 {
      let mark = try writer.read { session throws(StoreError) in
        _ = try session.knownKey(of: study)
        return try session.dataVersion()
      }
      value = try read { session throws(StoreError) in try body(session, &next) }
      next.mark = mark
    } else {
      value = try writer.read { session throws(StoreError) in try body(session, &next) }
    }
    cursor.move(to: next)
    return value
  }

  public func trials(in study: StudyRecord, numbers: [Int]?) throws(StoreError) -> [Trial] {
    try read { session throws(StoreError) in
      _ = try session.knownKey(of: study)
      return try session.trials(in: study, numbers: numbers)
    }
  }

  public func numbers(
    of state: TrialState, in study: StudyRecord, from range: Range<Int>, atMost limit: Int
  ) throws(StoreError) -> [Int] {
    try read { session throws(StoreError) in
      _ = try session.knownKey(of: study)
      let rows = try session.database.statement(
        """
        SELECT number FROM trials WHERE study_id = ? AND state = ? AND number >= ? AND number < ?
        ORDER BY number LIMIT ?
        """)
      rows.bind(1, study.id)
      rows.bind(2, state.storeName)
      rows.bind(3, range.lowerBound)
      rows.bind(4, range.upperBound)
      rows.bind(5, limit)
      defer { rows.reset() }
      var numbers: [Int] = []
      while try rows.step() { numbers.append(rows.int(0)) }
      return numbers
    }
  }

  public func counts(in study: StudyRecord) throws(StoreError) -> [TrialState: Int] {
    try read { session throws(StoreError) in
      _ = try session.knownKey(of: study)
      return try session.counts(in: study)
    }
  }

  public func bestTrial(in study: StudyRecord) throws(StoreError) -> Trial? {
    try read { session throws(StoreError) in
      _ = try session.knownKey(of: study)
      guard let id = try session.bestTrialID(in: study) else { return nil }
      return try session.trials(in: study, ids: [id]).first
    }
  }
}

extension Session {
  /// The number of trials in each state.
  func counts(in study: StudyRecord) throws(StoreError) -> [TrialState: Int] {
    let rows = try database.statement(
      "SELECT state, count(*) FROM trials WHERE study_id = ? GROUP BY state")
    rows.bind(1, study.id)
    defer { rows.reset() }
    var counts: [TrialState: Int] = [:]
    while try rows.step() {
      guard let state = TrialState(storeName: rows.text(0)) else {
        throw damaged("a trial has the state '\(rows.text(0))'")
      }
      counts[state] = rows.int(1)
    }
    return counts
  }

  func perform(
    _ step: StoreStep, in study: StudyRecord, key: Int
  ) throws(StoreError) -> StoreStep.Result {
    switch step {
    case .commit(let changes, let leases):
      try commit(changes, to: study, key: key, under: leases)
      return .committed
    case .close(let lease, let outcome, let reason, let retryAt):
      return .closed(
        wasLive: try close(lease, key: key, as: outcome, reason: reason, retryAt: retryAt))
    case .take(let request, let limit):
      if let (trial, lease) = try claim(in: study, key: key, for: request) {
        return .taken(trial, lease)
      }
      let new = Trial(
        TrialReference(id: 0, number: 0), state: .running, startedAt: request.startedAt)
      guard
        let (reference, lease) = try create(
          new, in: study, key: key, lease: request, limit: limit), let lease
      else { return .nothing }
      return .taken(
        Trial(reference, state: .running, startedAt: request.startedAt), lease)
    }
  }

  /// Adds a trial, and opens its first attempt when a worker asks for its lease; nil at the limit.
  func create(
    _ template: Trial, in study: StudyRecord, key: Int, lease request: LeaseRequest?, limit: Int?
  ) throws(StoreError) -> (TrialReference, Lease?)? {
    if let limit, try nextNumber(in: study, key: key) >= limit { return nil }
    let reference = try insert(template, in: study, key: key)
    guard let request else { return (reference, nil) }
    return (reference, try openAttempt(1, of: reference, in: study, key: key, for: request))
  }

  /// Makes the changes, under leases that must be live.
  func commit(
    _ changes: [TrialChange], to study: StudyRecord, key: Int, under leases: [Lease]
  ) throws(StoreError) {
    for lease in leases { try requireLive(lease, key: key) }
    var open: TrialReference?
    for change in changes {
      if change.trial != open { try requireOpen(change.trial, in: study) }
      try apply(change, to: study, key: key)
      if case .finished = change.event { open = nil } else { open = change.trial }
    }
  }

  /// The id of the completed, feasible trial with the best first value; nil without one.
  ///
  /// Reads the study's own trials and one value of each; only one that is better than the best so
  /// far costs a look at its constraints.
  func bestTrialID(in study: StudyRecord) throws(StoreError) -> Int? {
    let rows = try database.statement(
      """
      SELECT t.trial_id, v.value, v.value_type, t.number FROM trials t
      JOIN trial_values v ON v.trial_id = t.trial_id AND v.objective = 0
      WHERE t.study_id = ? AND t.state = 'COMPLETE' AND t.number IS NOT NULL
      """)
    rows.bind(1, study.id)
    defer { rows.reset() }
    let direction = study.directions[0]
    var best: (id: Int, number: Int, value: Double)?
    while try rows.step() {
      let trial = TrialReference(id: rows.int(0), number: rows.int(3))
      let value = rows.isNull(1) ? try value(rows, 1, of: trial.number) : rows.double(1)
      if let best {
        guard
          direction.isBetter(value, than: best.value)
            || (value == best.value && trial.number < best.number)
        else { continue }
      }
      guard Trial.violation(of: try attributes(.system, of: trial)) <= 0 else { continue }
      best = (trial.id, trial.number, value)
    }
    return best?.id
  }

  /// What changed since the cursor was last advanced.
  func changes(
    in study: StudyRecord, since cursor: inout RowPosition
  ) throws(StoreError) -> [TrialChange] {
    let key = try knownKey(of: study)
    let version = try dataVersion()
    if isFollowed, version == cursor.mark { return [] }
    let ids = cursor.unfinished.sorted() + (try ids(in: study, above: cursor.greatestID))
    let changes = try changes(of: ids, in: study, key: key, since: &cursor)
    cursor.mark = isFollowed ? version : -1
    return changes
  }

  /// All that is known of those trials, as changes, and the cursor moved past them.
  func changes(
    of ids: [Int], in study: StudyRecord, key: Int?, since cursor: inout RowPosition
  ) throws(StoreError) -> [TrialChange] {
    var changes: [TrialChange] = []
    for id in ids {
      guard var trial = try trialRow(id, in: study) else { continue }
      try fill(&trial, objectives: study.directions.count)
      let attempt = trial.state.isFinished ? nil : try latestAttempt(of: trial.reference, key: key)
      let isNew = id > cursor.greatestID
      let isRestarted = !isNew && (attempt ?? 0) > max(cursor.attempts[id] ?? 0, 1)
      changes += trial.changes(isNew: isNew, isRestarted: isRestarted)
      cursor.greatestID = max(cursor.greatestID, id)
      if trial.state.isFinished {
        cursor.unfinished.remove(id)
        cursor.attempts[id] = nil
      } else {
        cursor.unfinished.insert(id)
        cursor.attempts[id] = attempt
      }
    }
    return changes
  }
}
