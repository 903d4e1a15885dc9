internal import Stores
internal import StudyModel

extension Session {
  /// Opens the next attempt of a trial.
  func openAttempt(
    _ number: Int, of trial: TrialReference, in study: StudyRecord, key: Int,
    for request: LeaseRequest
  ) throws(StoreError) -> Lease {
    let token = Token.random()
    let insert = try database.statement(
      """
      INSERT INTO needletail_attempts (study_key, trial_number, attempt, trial_id, worker,
        lease_token, started_at, deadline, claimable_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8)
      """)
    insert.bind(1, key)
    insert.bind(2, trial.number)
    insert.bind(3, number)
    insert.bind(4, trial.id)
    insert.bind(5, request.worker)
    insert.bind(6, token)
    insert.bind(7, Int(request.startedAt.microseconds))
    insert.bind(8, Int(request.deadline.microseconds))
    try insert.run()
    return Lease(
      study: study, trial: trial, attempt: number, worker: request.worker, token: token)
  }

  /// Refuses a lease whose attempt is closed.
  func requireLive(_ lease: Lease, key: Int) throws(StoreError) {
    let find = try database.statement(
      """
      SELECT 1 FROM needletail_attempts WHERE study_key = ? AND trial_number = ? AND attempt = ?
        AND lease_token = ? AND ended_at IS NULL
      """)
    find.bind(1, key)
    find.bind(2, lease.trial.number)
    find.bind(3, lease.attempt)
    find.bind(4, lease.token)
    defer { find.reset() }
    guard try find.step() else { throw .leaseLost(trial: lease.trial.number) }
  }

  /// Closes what is open of a trial that ended.
  func closeAttempts(
    ofFinished trial: TrialReference, as state: TrialState, at moment: Timestamp, key: Int
  ) throws(StoreError) {
    let update = try database.statement(
      """
      UPDATE needletail_attempts SET claimable_at = NULL,
        ended_at = coalesce(ended_at, ?3), outcome = coalesce(outcome, ?4)
      WHERE study_key = ?1 AND trial_number = ?2 AND claimable_at IS NOT NULL
      """)
    update.bind(1, key)
    update.bind(2, trial.number)
    update.bind(3, Int(moment.microseconds))
    update.bind(4, state.name)
    try update.run()
  }

  /// Takes the next trial that waits to be run: one of the queue, else one to be tried again.
  func claim(
    in study: StudyRecord, key: Int, for request: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)? {
    var claimed = try claimWaiting(in: study, key: key, for: request)
    if claimed == nil { claimed = try claimAgain(in: study, key: key, for: request) }
    guard let lease = claimed else { return nil }
    guard let trial = try trials(in: study, ids: [lease.trial.id]).first else {
      throw damaged("trial \(lease.trial.number) vanished")
    }
    return (trial, lease)
  }

  /// Takes the first trial that waits in the queue; nil when it is empty.
  func claimWaiting(
    in study: StudyRecord, key: Int, for request: LeaseRequest
  ) throws(StoreError) -> Lease? {
    let find = try database.statement(
      """
      SELECT trial_id, number FROM trials WHERE study_id = ? AND state = 'WAITING'
      ORDER BY trial_id LIMIT 1
      """)
    find.bind(1, study.id)
    guard try find.step() else {
      find.reset()
      return nil
    }
    let trial = TrialReference(id: find.int(0), number: find.int(1))
    find.reset()
    let update = try database.statement(
      """
      UPDATE trials SET state = 'RUNNING', datetime_start = ?
      WHERE trial_id = ? AND state = 'WAITING'
      """)
    update.bind(1, request.startedAt.storeText)
    update.bind(2, trial.id)
    try update.run()
    return try openAttempt(1, of: trial, in: study, key: key, for: request)
  }

  /// Takes a trial whose lease ran out or that is to be tried again; nil without one.
  func claimAgain(
    in study: StudyRecord, key: Int, for request: LeaseRequest
  ) throws(StoreError) -> Lease? {
    while let (trial, attempt, isOpen, isRunning) = try nextClaimable(
      in: study, key: key, now: request.now)
    {
      if isOpen {
        try end(
          attempt, of: trial, key: key, as: .lost, reason: "its lease ran out",
          at: request.startedAt, claimableAt: nil, keepingReports: isRunning)
      } else {
        try forbidClaim(of: attempt, of: trial, key: key)
      }
      // Another program may have ended the trial meanwhile.
      if isRunning {
        return try openAttempt(attempt + 1, of: trial, in: study, key: key, for: request)
      }
    }
    return nil
  }

  private func nextClaimable(
    in study: StudyRecord, key: Int, now: Timestamp
  ) throws(StoreError) -> (TrialReference, attempt: Int, isOpen: Bool, isRunning: Bool)? {
    let find = try database.statement(
      """
      SELECT a.trial_id, a.trial_number, a.attempt, a.ended_at IS NULL, EXISTS (
        SELECT 1 FROM trials t WHERE t.trial_id = a.trial_id AND t.study_id = ?3
          AND t.number = a.trial_number AND t.state = 'RUNNING')
      FROM needletail_attempts a INDEXED BY needletail_claimable
      WHERE a.study_key = ?1 AND a.claimable_at IS NOT NULL AND a.claimable_at <= ?2
      ORDER BY a.claimable_at LIMIT 1
      """)
    find.bind(1, key)
    find.bind(2, Int(now.microseconds))
    find.bind(3, study.id)
    defer { find.reset() }
    guard try find.step() else { return nil }
    return (
      TrialReference(id: find.int(0), number: find.int(1)), find.int(2), find.int(3) != 0,
      find.int(4) != 0
    )
  }

  private func forbidClaim(
    of attempt: Int, of trial: TrialReference, key: Int
  ) throws(StoreError) {
    let update = try database.statement(
      """
      UPDATE needletail_attempts SET claimable_at = NULL
      WHERE study_key = ? AND trial_number = ? AND attempt = ?
      """)
    update.bind(1, key)
    update.bind(2, trial.number)
    update.bind(3, attempt)
    try update.run()
  }

  /// Closes an open attempt, or explains one that a commit has closed; false when it was not open.
  func close(
    _ lease: Lease, key: Int, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool {
    let find = try database.statement(
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
      if isUnexplained { try explain(lease, key: key, as: outcome, reason: reason) }
      return false
    }
    try end(
      lease.attempt, of: lease.trial, key: key, as: outcome, reason: reason, at: .now(),
      claimableAt: isRunning ? retryAt : nil, keepingReports: isRunning)
    return true
  }

  /// Records how an attempt ended that a commit has closed.
  func explain(
    _ lease: Lease, key: Int, as outcome: AttemptOutcome, reason: String
  ) throws(StoreError) {
    let update = try database.statement(
      """
      UPDATE needletail_attempts SET outcome = ?, reason = ?
      WHERE study_key = ? AND trial_number = ? AND attempt = ?
      """)
    update.bind(1, outcome.rawValue)
    update.bind(2, reason)
    update.bind(3, key)
    update.bind(4, lease.trial.number)
    update.bind(5, lease.attempt)
    try update.run()
  }

  /// Ends an open attempt.
  ///
  /// - Parameters:
  ///   - claimableAt: When the trial may be taken again; nil for never.
  ///   - keepingReports: Whether the trial's reports move to the attempt's record. What the attempt
  ///     recorded at rungs goes then, too.
  func end(
    _ attempt: Int, of trial: TrialReference, key: Int, as outcome: AttemptOutcome,
    reason: String, at moment: Timestamp, claimableAt: Timestamp?, keepingReports: Bool
  ) throws(StoreError) {
    var reports: [IntermediateValue] = []
    if keepingReports {
      reports = try self.reports(of: trial)
      let delete = try database.statement(
        "DELETE FROM trial_intermediate_values WHERE trial_id = ?")
      delete.bind(1, trial.id)
      try delete.run()
      let forget = try database.statement(
        """
        DELETE FROM trial_system_attributes
        WHERE trial_id = ? AND substr("key", 1, 15) = 'completed_rung_'
        """)
      forget.bind(1, trial.id)
      try forget.run()
    }
    let update = try database.statement(
      """
      UPDATE needletail_attempts
      SET ended_at = ?, outcome = ?, reason = ?, claimable_at = ?, reports = ?
      WHERE study_key = ? AND trial_number = ? AND attempt = ?
      """)
    update.bind(1, Int(moment.microseconds))
    update.bind(2, outcome.rawValue)
    update.bind(3, reason)
    update.bind(4, claimableAt.map { Int($0.microseconds) })
    update.bind(5, ReportList.text(reports))
    update.bind(6, key)
    update.bind(7, trial.number)
    update.bind(8, attempt)
    try update.run()
  }
}
