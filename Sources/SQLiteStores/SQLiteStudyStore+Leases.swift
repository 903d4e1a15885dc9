public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func claimTrial(
    in study: StudyRecord, lease request: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)? {
    // Most asking finds nothing, and then no writer need be kept waiting.
    guard try hasClaimable(in: study, at: request.now) else { return nil }
    return try write(.process) { session throws(StoreError) -> (Trial, Lease)? in
      let key = try session.key(of: study)
      return try session.claim(in: study, key: key, for: request)
    }
  }

  public func hasClaimable(
    in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    try read { session throws(StoreError) in
      try session.hasClaimable(in: study, now: moment)
    }
  }

  public func renew(
    _ renewals: [LeaseRenewal], in study: StudyRecord
  ) throws(StoreError) -> [Lease] {
    if renewals.isEmpty { return [] }
    return try write(.process) { session throws(StoreError) in
      let key = try session.key(of: study)
      let update = try session.database.statement(
        """
        UPDATE needletail_attempts
        SET deadline = max(deadline, ?5), claimable_at = max(deadline, ?5)
        WHERE study_key = ?1 AND trial_number = ?2 AND attempt = ?3 AND lease_token = ?4
          AND ended_at IS NULL
        """)
      var lost: [Lease] = []
      for renewal in renewals {
        update.bind(1, key)
        update.bind(2, renewal.lease.trial.number)
        update.bind(3, renewal.lease.attempt)
        update.bind(4, renewal.lease.token)
        update.bind(5, Int(renewal.deadline.microseconds))
        try update.run()
        if session.database.changedRows == 0 { lost.append(renewal.lease) }
      }
      return lost
    }
  }

  public func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool {
    try write(.process) { session throws(StoreError) in
      let key = try session.key(of: lease.study)
      return try session.close(lease, key: key, as: outcome, reason: reason, retryAt: retryAt)
    }
  }

  public func addLateResult(
    _ sentence: String, reports: [IntermediateValue], to lease: Lease
  ) throws(StoreError) {
    // Read and written in one turn: of two results that come late at once, none is lost.
    try write(.process) { session throws(StoreError) in
      let key = try session.key(of: lease.study)
      let attempts = try session.attempts(of: lease.trial.number, key: key)
      guard
        var attempt = attempts.first(where: { $0.token == lease.token && $0.endedAt != nil })
      else { return }
      attempt.addLateResult(sentence, reports: reports)
      let update = try session.database.statement(
        """
        UPDATE needletail_attempts SET reason = ?, reports = ?
        WHERE study_key = ? AND trial_number = ? AND attempt = ? AND lease_token = ?
        """)
      update.bind(1, attempt.reason)
      update.bind(2, ReportList.text(attempt.reports))
      update.bind(3, key)
      update.bind(4, lease.trial.number)
      update.bind(5, attempt.number)
      update.bind(6, lease.token)
      try update.run()
    }
  }

  public func openLeases(in study: StudyRecord) throws(StoreError) -> [Lease] {
    try read { session throws(StoreError) in
      guard let key = try session.knownKey(of: study) else { return [] }
      let rows = try session.database.statement(
        """
        SELECT trial_id, trial_number, attempt, worker, lease_token
        FROM needletail_attempts INDEXED BY needletail_claimable
        WHERE study_key = ? AND claimable_at IS NOT NULL AND ended_at IS NULL
        """)
      rows.bind(1, key)
      defer { rows.reset() }
      var leases: [Lease] = []
      while try rows.step() {
        leases.append(
          Lease(
            study: study, trial: TrialReference(id: rows.int(0), number: rows.int(1)),
            attempt: rows.int(2), worker: rows.text(3), token: rows.text(4)))
      }
      return leases.sorted { $0.trial.number < $1.trial.number }
    }
  }

  public func latestAttempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try read { session throws(StoreError) in
      guard let key = try session.knownKey(of: study) else { return [] }
      let rows = try session.database.statement(
        """
        SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
          reports, lease_token
        FROM needletail_attempts INDEXED BY needletail_claimable
        WHERE study_key = ? AND claimable_at IS NOT NULL
        """)
      rows.bind(1, key)
      defer { rows.reset() }
      var attempts: [Attempt] = []
      while try rows.step() { attempts.append(try session.attempt(rows)) }
      return attempts.sorted { $0.trialNumber < $1.trialNumber }
    }
  }

  public func attempts(
    of number: Int, in study: StudyRecord
  ) throws(StoreError) -> [Attempt] {
    try read { session throws(StoreError) in
      guard let key = try session.knownKey(of: study) else { return [] }
      return try session.attempts(of: number, key: key)
    }
  }
}

extension Session {
  /// The attempts at one trial, in their order.
  func attempts(of number: Int, key: Int) throws(StoreError) -> [Attempt] {
    let rows = try database.statement(
      """
      SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
        reports, lease_token
      FROM needletail_attempts WHERE study_key = ? AND trial_number = ?
      ORDER BY attempt
      """)
    rows.bind(1, key)
    rows.bind(2, number)
    defer { rows.reset() }
    var attempts: [Attempt] = []
    while try rows.step() { attempts.append(try attempt(rows)) }
    return attempts
  }

  /// Whether a claim would find something at that moment.
  func hasClaimable(in study: StudyRecord, now: Timestamp) throws(StoreError) -> Bool {
    let key = try knownKey(of: study)
    let find = try database.statement(
      "SELECT 1 FROM trials WHERE study_id = ? AND state = 'WAITING' LIMIT 1")
    find.bind(1, study.id)
    let isQueued = try find.step()
    find.reset()
    if isQueued { return true }
    guard let key else { return false }
    let again = try database.statement(
      """
      SELECT 1 FROM needletail_attempts INDEXED BY needletail_claimable
      WHERE study_key = ? AND claimable_at IS NOT NULL AND claimable_at <= ? LIMIT 1
      """)
    again.bind(1, key)
    again.bind(2, Int(now.microseconds))
    defer { again.reset() }
    return try again.step()
  }

  /// An attempt from a row of its number and the columns that are read of it.
  func attempt(_ row: Statement) throws(StoreError) -> Attempt {
    let outcome = row.isNull(5) ? nil : AttemptOutcome(rawValue: row.text(5))
    guard outcome != nil || row.isNull(5), let reports = ReportList.reports(row.text(8)) else {
      throw damaged("attempt \(row.int(1)) of trial \(row.int(0)) makes no sense")
    }
    return Attempt(
      trialNumber: row.int(0), number: row.int(1), worker: row.text(2),
      startedAt: Timestamp(microseconds: Int64(row.int(3))),
      deadline: Timestamp(microseconds: Int64(row.int(4))), outcome: outcome, reason: row.text(6),
      endedAt: row.isNull(7) ? nil : Timestamp(microseconds: Int64(row.int(7))),
      reports: reports, token: row.text(9))
  }
}
