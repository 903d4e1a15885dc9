public import Stores
public import StudyModel
internal import System

extension PostgresStudyStore {
  /// Deadlines count on the server's clock. Each object asks it from time to time, and meanwhile
  /// goes on by the steady clock of its own machine; see ``LeaseClock``.
  public func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    let now = SteadyClock.now
    let connections = pool.connectionCount
    let (known, isDue) = memory.withLock {
      ($0.clock.ahead, $0.clock.takesTurn(at: now, connections: connections))
    }
    if known == nil || isDue {
      do throws(StoreError) {
        let measured = try measureTimeAhead()
        memory.withLock { $0.clock.adopt(measured, at: SteadyClock.now) }
      } catch {
        // What was measured before is good enough, and the next write meets the same trouble.
        guard known != nil else { throw error }
      }
    }
    let ahead = memory.withLock { $0.clock.ahead } ?? .zero
    return Timestamp(microseconds: 0).advanced(by: SteadyClock.now + ahead)
  }

  /// Seconds from the server's start in which leases that ran out stay with their workers; without
  /// end while its time has jumped.
  var spareTime: Double {
    let now = SteadyClock.now
    return memory.withLock { $0.clock.spares(at: now) } ? 1e9 : grace
  }

  public func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    try leaseTime(in: study)
  }

  /// The least delayed of a few answers.
  private func measureTimeAhead() throws(StoreError) -> Duration {
    try read { connection throws(Failure) in
      var best: (delay: Duration, ahead: Duration)?
      for _ in 0..<3 {
        let asked = SteadyClock.now
        let rows = try connection.run(Command("SELECT clock_timestamp()::timestamp"))
        let delay = SteadyClock.now - asked
        let time = BinaryValue.moment(rows.int(0, 0)).since(Timestamp(microseconds: 0))
        if delay < best?.delay ?? .seconds(1_000) { best = (delay, time - asked - delay / 2) }
      }
      return best?.ahead ?? .zero
    }
  }

  public func claimTrial(
    in study: StudyRecord, lease request: LeaseRequest
  ) throws(StoreError) -> (Trial, Lease)? {
    let step = PlannedTake(request, limit: nil)
    let take = take([step], in: study, creates: false, isDurable: false)
    let rows = try write(to: study) { (connection, isInDoubt) throws(Failure) in
      if isInDoubt, let taken = try self.taken([step], in: study, connection) { return taken }
      return try connection.run(take)
    }
    let results = try self.results(of: [step], rows, in: study)
    guard case .taken(let trial, let lease)? = results.first else { return nil }
    return (trial, lease)
  }

  public func hasClaimable(
    in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    let waiting = Command(
      "SELECT 1 FROM trials WHERE study_id = $1::int8 AND state = 'WAITING' LIMIT 1"
    ) { $0.add(study.id) }
    guard !study.token.hasPrefix(Self.unregistered) else {
      return try read(in: study, [waiting])[0].count > 0
    }
    let again = Command(
      """
      SELECT 1 FROM needletail_attempts
      WHERE study_key = (SELECT study_key FROM needletail_studies WHERE token = $1::text)
        AND claimable_at IS NOT NULL AND claimable_at <= $2::int8
        AND NOT (ended_at IS NULL AND needletail_spares($3::float8)) LIMIT 1
      """
    ) {
      $0.add(study.token)
      $0.add(Int(moment.microseconds))
      // A caller that asks for the end of time asks whether there will ever be one.
      $0.add(moment == .distantFuture ? 0 : spareTime)
    }
    let rows = try read(in: study, [waiting, again])
    return rows[0].count > 0 || rows[1].count > 0
  }

  public func renew(
    _ renewals: [LeaseRenewal], in study: StudyRecord
  ) throws(StoreError) -> [Lease] {
    if renewals.isEmpty { return [] }
    let rows = try write(to: study) { (connection, _) throws(Failure) in
      try connection.run([
        Command(
          """
          SELECT needletail_key($1::int8, $2::text), set_config('synchronous_commit', 'off', true)
          """
        ) {
          $0.add(study.id)
          $0.add(study.token)
        },
        // In the order in which commits lock attempts.
        Command(
          """
          WITH asked AS (
            SELECT * FROM unnest($2::int8[], $3::int8[], $4::text[], $5::int8[])
              AS r (number, attempt, token, deadline)
          ), held AS (
            SELECT a.study_key, a.trial_number, a.attempt, r.deadline
            FROM needletail_attempts a JOIN asked r ON a.trial_number = r.number
              AND a.attempt = r.attempt AND a.lease_token = r.token
            WHERE a.study_key = (SELECT study_key FROM needletail_studies WHERE token = $1::text)
              AND a.ended_at IS NULL
            ORDER BY a.trial_id FOR UPDATE OF a
          )
          UPDATE needletail_attempts a SET deadline = greatest(a.deadline, held.deadline),
            claimable_at = greatest(a.deadline, held.deadline)
          FROM held WHERE a.study_key = held.study_key
            AND a.trial_number = held.trial_number AND a.attempt = held.attempt
          RETURNING a.lease_token
          """
        ) {
          $0.add(study.token)
          $0.add(renewals.map(\.lease.trial.number))
          $0.add(renewals.map(\.lease.attempt))
          $0.add(renewals.map(\.lease.token))
          $0.add(renewals.map { Int($0.deadline.microseconds) })
        },
      ])[1]
    }
    let live = Set((0..<rows.count).map { rows.text($0, 0) })
    return renewals.map(\.lease).filter { !live.contains($0.token) }
  }

  public func addLateResult(
    _ sentence: String, reports: [IntermediateValue], to lease: Lease
  ) throws(StoreError) {
    try write(to: lease.study) { (connection, _) throws(Failure) in
      do throws(Failure) {
        let rows = try connection.run([
          Command("BEGIN"),
          Command(
            """
            SELECT reason, reports FROM needletail_attempts
            WHERE study_key = needletail_key($1::int8, $2::text) AND trial_number = $3::int8
              AND attempt = $4::int8 AND lease_token = $5::text AND ended_at IS NOT NULL FOR UPDATE
            """
          ) {
            $0.add(lease.study.id)
            $0.add(lease.study.token)
            $0.add(lease.trial.number)
            $0.add(lease.attempt)
            $0.add(lease.token)
          },
        ])[1]
        guard rows.count > 0, let known = ReportList.reports(rows.text(0, 1)) else {
          return connection.rollBack()
        }
        var attempt = Attempt(
          trialNumber: lease.trial.number, number: lease.attempt, worker: lease.worker,
          startedAt: .now(), deadline: .now(), outcome: nil, reason: rows.text(0, 0),
          endedAt: nil, reports: known)
        attempt.addLateResult(sentence, reports: reports)
        _ = try connection.run([
          Command(
            """
            UPDATE needletail_attempts SET reason = $1::text, reports = $2::text
            WHERE lease_token = $3::text AND trial_number = $4::int8 AND attempt = $5::int8
              AND study_key = (SELECT study_key FROM needletail_studies WHERE token = $6::text)
            """
          ) {
            $0.add(attempt.reason)
            $0.add(ReportList.text(attempt.reports))
            $0.add(lease.token)
            $0.add(lease.trial.number)
            $0.add(lease.attempt)
            $0.add(lease.study.token)
          },
          Command("COMMIT"),
        ])
      } catch {
        connection.rollBack()
        throw error
      }
    }
  }

  private func leases(_ rows: Rows, in study: StudyRecord) -> [Lease] {
    (0..<rows.count).map { row in
      Lease(
        study: study, trial: TrialReference(id: rows.int(row, 0), number: rows.int(row, 1)),
        attempt: rows.int(row, 2), worker: rows.text(row, 3), token: rows.text(row, 4))
    }.sorted { $0.trial.number < $1.trial.number }
  }

  public func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp
  ) throws(StoreError) -> Bool {
    let now = Timestamp.now()
    let close = Self.close(
      lease, as: outcome, reason: reason, retryAt: retryAt, at: now, isDurable: false)
    return try write(to: lease.study) { (connection, isInDoubt) throws(Failure) in
      if try connection.run(close).text(0, 0) == "closed" { return true }
      guard isInDoubt else { return false }
      return try self.isClosed(lease, as: outcome, at: now, connection)
    }
  }

  /// Gives `closed` when the lease was live.
  static func close(
    _ lease: Lease, as outcome: AttemptOutcome, reason: String, retryAt: Timestamp,
    at now: Timestamp, isDurable: Bool
  ) -> Command {
    Command(
      """
      SELECT needletail_close($1::int8, $2::text, $3::int8, $4::int8, $5::int8, $6::text,
        $7::text, $8::text, $9::int8, $10::int8, $11::boolean)
      """
    ) {
      $0.add(lease.study.id)
      $0.add(lease.study.token)
      $0.add(lease.trial.id)
      $0.add(lease.trial.number)
      $0.add(lease.attempt)
      $0.add(lease.token)
      $0.add(outcome.rawValue)
      $0.add(reason)
      $0.add(Int(now.microseconds))
      $0.add(Int(retryAt.microseconds))
      $0.add(isDurable)
    }
  }

  /// Whether the attempt was closed by a call whose answer was lost: no other call ends it so at
  /// that microsecond.
  func isClosed(
    _ lease: Lease, as outcome: AttemptOutcome, at moment: Timestamp, _ connection: Connection
  ) throws(Failure) -> Bool {
    try connection.run(
      Command(
        """
        SELECT 1 FROM needletail_attempts a JOIN needletail_studies s USING (study_key)
        WHERE s.token = $1::text AND a.trial_number = $2::int8 AND a.attempt = $3::int8
          AND a.lease_token = $4::text AND a.ended_at = $5::int8 AND a.outcome = $6::text
        """
      ) {
        $0.add(lease.study.token)
        $0.add(lease.trial.number)
        $0.add(lease.attempt)
        $0.add(lease.token)
        $0.add(Int(moment.microseconds))
        $0.add(outcome.rawValue)
      }
    ).count > 0
  }

  public func openLeases(in study: StudyRecord) throws(StoreError) -> [Lease] {
    guard !study.token.hasPrefix(Self.unregistered) else {
      _ = try read(in: study, [])
      return []
    }
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT trial_id, trial_number, attempt, worker, lease_token FROM needletail_attempts
          WHERE study_key = (SELECT study_key FROM needletail_studies WHERE token = $1::text)
            AND claimable_at IS NOT NULL AND ended_at IS NULL
          """
        ) { $0.add(study.token) }
      ])[0]
    return leases(rows, in: study)
  }

  public func latestAttempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    guard !study.token.hasPrefix(Self.unregistered) else {
      _ = try read(in: study, [])
      return []
    }
    return try attempts(
      try read(
        in: study,
        [
          Command(
            """
            SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
              reports, lease_token
            FROM needletail_attempts
            WHERE study_key = (SELECT study_key FROM needletail_studies WHERE token = $1::text)
              AND claimable_at IS NOT NULL
            ORDER BY trial_number
            """
          ) { $0.add(study.token) }
        ])[0])
  }

  public func attempts(
    of number: Int, in study: StudyRecord
  ) throws(StoreError) -> [Attempt] {
    guard !study.token.hasPrefix(Self.unregistered) else {
      _ = try read(in: study, [])
      return []
    }
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
            reports, lease_token
          FROM needletail_attempts
          WHERE study_key = (SELECT study_key FROM needletail_studies WHERE token = $1::text)
            AND trial_number = $2::int8
          ORDER BY attempt
          """
        ) {
          $0.add(study.token)
          $0.add(number)
        }
      ])[0]
    return try attempts(rows)
  }

  public func attempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    guard !study.token.hasPrefix(Self.unregistered) else {
      _ = try read(in: study, [])
      return []
    }
    return try attempts(
      try read(
        in: study,
        [
          Command(
            """
            SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
              reports, lease_token
            FROM needletail_attempts
            WHERE study_key = (SELECT study_key FROM needletail_studies WHERE token = $1::text)
            ORDER BY trial_number, attempt
            """
          ) { $0.add(study.token) }
        ])[0])
  }

  private func attempts(_ rows: Rows) throws(StoreError) -> [Attempt] {
    var attempts: [Attempt] = []
    for row in 0..<rows.count {
      let outcome = rows.isNull(row, 5) ? nil : AttemptOutcome(rawValue: rows.text(row, 5))
      guard outcome != nil || rows.isNull(row, 5),
        let reports = ReportList.reports(rows.text(row, 8))
      else {
        throw damaged("attempt \(rows.int(row, 1)) of trial \(rows.int(row, 0)) makes no sense")
      }
      attempts.append(
        Attempt(
          trialNumber: rows.int(row, 0), number: rows.int(row, 1), worker: rows.text(row, 2),
          startedAt: Timestamp(microseconds: Int64(rows.int(row, 3))),
          deadline: Timestamp(microseconds: Int64(rows.int(row, 4))), outcome: outcome,
          reason: rows.text(row, 6),
          endedAt: rows.isNull(row, 7)
            ? nil : Timestamp(microseconds: Int64(rows.int(row, 7))),
          reports: reports, token: rows.text(row, 9)))
    }
    return attempts
  }
}
