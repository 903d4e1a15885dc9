public import StudyModel

extension SQLiteStudyStore {
  public func claimTrial(
    in study: StudyRecord, lease request: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)? {
    // Most asking finds nothing, and then nobody need be kept from writing.
    let mayFind = try read { session throws(StoreError) in
      try session.hasClaimable(in: study, now: request.now)
    }
    guard mayFind else { return nil }
    return try write(.process) { session throws(StoreError) -> (Trial, Lease)? in
      let key = try session.key(of: study)
      var claimed = try session.claimWaiting(in: study, key: key, for: request)
      if claimed == nil { claimed = try session.claimAgain(in: study, key: key, for: request) }
      guard let lease = claimed else { return nil }
      guard let trial = try session.trials(in: study, ids: [lease.trial.id]).first else {
        throw session.damaged("trial \(lease.trial.number) vanished")
      }
      return (trial, lease)
    }
  }

  public func renewLeases(
    of worker: String, in study: StudyRecord, until deadline: Timestamp
  ) throws(StoreError) -> [Lease] {
    try write(.process) { session throws(StoreError) in
      let key = try session.key(of: study)
      let update = try session.database.statement(
        """
        UPDATE needletail_attempts INDEXED BY needletail_claimable
        SET deadline = ?3, claimable_at = ?3
        WHERE study_key = ?1 AND claimable_at IS NOT NULL AND worker = ?2 AND ended_at IS NULL
        RETURNING trial_id, trial_number, attempt, lease_token
        """)
      update.bind(1, key)
      update.bind(2, worker)
      update.bind(3, Int(deadline.microseconds))
      defer { update.reset() }
      var leases: [Lease] = []
      while try update.step() {
        leases.append(
          Lease(
            study: study, trial: TrialReference(id: update.int(0), number: update.int(1)),
            attempt: update.int(2), worker: worker, token: update.text(3)))
      }
      return leases.sorted { $0.trial.number < $1.trial.number }
    }
  }

  public func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool {
    try write(.process) { session throws(StoreError) in
      let key = try session.key(of: lease.study)
      let find = try session.database.statement(
        """
        SELECT a.ended_at IS NULL, t.state, a.reason FROM needletail_attempts a
        JOIN trials t ON t.trial_id = a.trial_id
        WHERE a.study_key = ? AND a.trial_number = ? AND a.attempt = ? AND a.lease_token = ?
        """)
      find.bind(1, key)
      find.bind(2, lease.trial.number)
      find.bind(3, lease.attempt)
      find.bind(4, lease.token)
      guard try find.step() else {
        find.reset()
        return false
      }
      let isOpen = find.int(0) != 0
      let isRunning = find.text(1) == TrialState.running.storeName
      let isUnexplained = !isRunning && find.text(2).isEmpty
      find.reset()
      guard isOpen else {
        if isUnexplained { try session.explain(lease, key: key, as: outcome, reason: reason) }
        return false
      }
      try session.end(
        lease.attempt, of: lease.trial, key: key, as: outcome, reason: reason, at: .now(),
        claimableAt: isRunning ? retryAt : nil, keepingReports: isRunning)
      return true
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

  public func attempts(
    of number: Int, in study: StudyRecord
  ) throws(StoreError) -> [Attempt] {
    try read { session throws(StoreError) in
      guard let key = try session.knownKey(of: study) else { return [] }
      let rows = try session.database.statement(
        """
        SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
          reports
        FROM needletail_attempts WHERE study_key = ? AND trial_number = ?
        ORDER BY attempt
        """)
      rows.bind(1, key)
      rows.bind(2, number)
      defer { rows.reset() }
      var attempts: [Attempt] = []
      while try rows.step() {
        let outcome = rows.isNull(5) ? nil : AttemptOutcome(rawValue: rows.text(5))
        guard outcome != nil || rows.isNull(5), let reports = ReportList.reports(rows.text(8))
        else {
          throw session.damaged("attempt \(rows.int(1)) of trial \(rows.int(0)) makes no sense")
        }
        attempts.append(
          Attempt(
            trialNumber: rows.int(0), number: rows.int(1), worker: rows.text(2),
            startedAt: Timestamp(microseconds: Int64(rows.int(3))),
            deadline: Timestamp(microseconds: Int64(rows.int(4))), outcome: outcome,
            reason: rows.text(6),
            endedAt: rows.isNull(7) ? nil : Timestamp(microseconds: Int64(rows.int(7))),
            reports: reports))
      }
      return attempts
    }
  }
}

extension Session {
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
}
