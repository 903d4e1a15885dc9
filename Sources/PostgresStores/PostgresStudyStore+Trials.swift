public import Stores
public import StudyModel
internal import System

extension PostgresStudyStore {
  public func createTrial(
    _ template: Trial, in study: StudyRecord, lease request: LeaseRequest?, limit: Int?
  ) throws(StoreError) -> (TrialReference, Lease?)? {
    precondition(
      request == nil || template.state == .running, "only a running trial is held under a lease")
    let token = Token.random()
    let create = create(template, in: study, lease: request, token: token, limit: limit)
    let isEmpty =
      template.parameters.isEmpty && template.intermediateValues.isEmpty
      && template.userAttributes.isEmpty && template.systemAttributes.isEmpty
      && !template.state.isFinished
    var sent: TrialReference?
    let made = try write(to: study) { (connection, isInDoubt) throws(Failure) -> TrialReference? in
      if isInDoubt,
        let made = try self.made(sent, under: request == nil ? nil : token, in: study, connection)
      {
        return made
      }
      // Without a lease only the id, which never comes twice, tells later whether it was added.
      guard isEmpty, request != nil else {
        return try self.insert(template, with: create, in: study, &sent, connection)
      }
      return Self.reference(try connection.run(create))
    }
    guard let made else { return nil }
    return (
      made,
      request.map {
        Lease(study: study, trial: made, attempt: 1, worker: $0.worker, token: token)
      }
    )
  }

  private func create(
    _ template: Trial, in study: StudyRecord, lease request: LeaseRequest?, token: String,
    limit: Int?
  ) -> Command {
    Command(
      """
      SELECT new_trial, new_number FROM needletail_create($1::int8, $2::text, $3::int8, $4::text,
        $5::timestamp, $6::timestamp, $7::text, $8::text, $9::int8, $10::int8)
      """
    ) {
      $0.add(study.id)
      $0.add(study.token)
      $0.add(limit)
      $0.add(template.state.storeName)
      $0.add(moment: template.startedAt?.microseconds)
      $0.add(moment: template.completedAt?.microseconds)
      $0.add(request?.worker)
      $0.add(request == nil ? nil : token)
      $0.add(request.map { Int($0.startedAt.microseconds) })
      $0.add(request.map { Int($0.deadline.microseconds) })
    }
  }

  /// The trial that ``create(_:in:lease:token:limit:)`` has returned; nil when the limit was
  /// reached.
  private static func reference(_ rows: Rows) -> TrialReference? {
    rows.count == 0 ? nil : TrialReference(id: rows.int(0, 0), number: rows.int(0, 1))
  }

  /// Adds a trial with what belongs to it, in two round trips.
  ///
  /// - Parameter sent: Becomes the trial as soon as it is known which it is.
  private func insert(
    _ template: Trial, with create: Command, in study: StudyRecord, _ sent: inout TrialReference?,
    _ connection: Connection
  ) throws(Failure) -> TrialReference? {
    do throws(Failure) {
      let started = try connection.run([
        Command("BEGIN"), lockKinds(of: study, isNeeded: !template.parameters.isEmpty), create,
      ])
      guard let trial = Self.reference(started[2]) else {
        _ = try connection.run(Command("ROLLBACK"))
        return nil
      }
      sent = trial
      let batch: Batch
      do throws(StoreError) {
        batch = try Batch([(template, trial)], objectives: study.directions.count)
      } catch { throw Failure.store(error) }
      try learnKinds(batch.kinds, in: study, connection)
      _ = try connection.run(
        batch.commands(in: study, text: text(of:)) + [Command("COMMIT")])
      remember(batch.kinds, in: study)
      return trial
    } catch {
      connection.rollBack()
      throw error
    }
  }

  /// The trial that was added by an attempt whose end was not seen; nil when it was not added.
  /// Waits until the server has ended that attempt.
  private func made(
    _ sent: TrialReference?, under token: String?, in study: StudyRecord, _ connection: Connection
  ) throws(Failure) -> TrialReference? {
    let lock = Command("SELECT 1 FROM studies WHERE study_id = $1::int8 FOR NO KEY UPDATE") {
      $0.add(study.id)
    }
    if let token {
      return Self.reference(
        try connection.run([
          lock,
          Command(
            """
            SELECT trial_id, trial_number FROM needletail_attempts WHERE lease_token = $1::text
              AND study_key = (SELECT study_key FROM needletail_studies WHERE token = $2::text)
            """
          ) {
            $0.add(token)
            $0.add(study.token)
          },
        ])[1])
    }
    guard let sent else { return nil }
    return Self.reference(
      try connection.run([
        lock,
        Command(
          "SELECT trial_id::int8, number::int8 FROM trials WHERE trial_id = $1::int8 AND study_id = $2::int8"
        ) {
          $0.add(sent.id)
          $0.add(study.id)
        },
      ])[1])
  }

  public func startTrial(
    _ trial: TrialReference, in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    let found = try write(to: study) { (connection, isInDoubt) throws(Failure) in
      let rows = try connection.run([
        Command(
          """
          UPDATE trials SET state = 'RUNNING', datetime_start = $1::timestamp
          WHERE trial_id = $2::int8 AND study_id = $3::int8 AND number = $4::int8
            AND state = 'WAITING' RETURNING 1
          """
        ) {
          $0.add(moment: moment.microseconds)
          $0.add(trial.id)
          $0.add(study.id)
          $0.add(trial.number)
        },
        // One that an attempt whose end was not seen has started has that moment.
        Command(
          """
          SELECT state::text, coalesce(datetime_start = $1::timestamp, false) FROM trials
          WHERE trial_id = $2::int8 AND study_id = $3::int8 AND number = $4::int8
          """
        ) {
          $0.add(moment: moment.microseconds)
          $0.add(trial.id)
          $0.add(study.id)
          $0.add(trial.number)
        },
      ])
      guard rows[1].count > 0 else { return (state: "", isStarted: false) }
      let isStarted = rows[0].count > 0 || isInDoubt && rows[1].bool(0, 1)
      return (state: rows[1].text(0, 0), isStarted: isStarted)
    }
    guard let state = TrialState(storeName: found.state) else {
      throw .unknownTrial(number: trial.number, study: study.name)
    }
    guard !state.isFinished else { throw .trialFinished(number: trial.number) }
    return found.isStarted
  }

  // MARK: Commits

  public func commit(
    _ changes: [TrialChange], to study: StudyRecord, under leases: [Lease], durability: Durability
  ) throws(StoreError) {
    let batch = try Batch(changes, objectives: study.directions.count)
    let leases = leases.sorted { $0.trial.id < $1.trial.id }
    let hold = hold(batch, in: study, leases, isDurable: durability == .powerCut)
    let wasDoubtful = memory.withLock { memory in
      leases.contains { memory.doubtful.contains($0.token) }
    }
    do throws(StoreError) {
      try write(to: study) { (connection, isInDoubt) throws(Failure) in
        do throws(Failure) {
          _ = try self.send([hold], batch, then: [], in: study, connection)
        } catch {
          guard isInDoubt || wasDoubtful, error.isOver,
            try self.isCommitted(batch, in: study, leases, connection)
          else { throw error }
        }
      }
    } catch {
      if case .unavailable = error, !batch.ends.ids.isEmpty {
        memory.withLock { $0.doubtful.formUnion(leases.map(\.token)) }
      }
      throw error
    }
    if wasDoubtful { memory.withLock { $0.doubtful.subtract(leases.map(\.token)) } }
  }

  func hold(
    _ batch: Batch, in study: StudyRecord, _ leases: [Lease], isDurable: Bool
  ) -> Command {
    Command(
      """
      SELECT needletail_hold($1::int8, $2::text, $3::int8[], $4::int8[], $5::int8[], $6::int8[],
        $7::text[], $8::boolean)
      """
    ) {
      $0.add(study.id)
      $0.add(study.token)
      $0.add(batch.trials.map(\.id))
      $0.add(batch.trials.map(\.number))
      $0.add(leases.map(\.trial.number))
      $0.add(leases.map(\.attempt))
      $0.add(leases.map(\.token))
      $0.add(isDurable || !batch.ends.ids.isEmpty)
    }
  }

  /// Whether the trials that the batch ends have ended so, under these leases if there are some:
  /// then an earlier attempt to commit it has succeeded.
  func isCommitted(
    _ batch: Batch, in study: StudyRecord, _ leases: [Lease], _ connection: Connection
  ) throws(Failure) -> Bool {
    guard !batch.ends.ids.isEmpty else { return false }
    let tokens = batch.ends.ids.map { id in leases.last { $0.trial.id == id }?.token ?? "" }
    let rows = try connection.run(
      Command(
        """
        SELECT count(*) FROM
          unnest($1::int8[], $2::text[], $3::timestamp[], $4::text[]) AS e (id, state, moment, token)
          JOIN trials t ON t.trial_id = e.id
        WHERE t.study_id = $5::int8 AND t.state::text = e.state AND CASE e.token
          WHEN '' THEN t.datetime_complete = e.moment
          ELSE EXISTS (SELECT 1 FROM needletail_attempts a
            WHERE a.study_key = (SELECT study_key FROM needletail_studies WHERE token = $6::text)
              AND a.trial_number = t.number AND a.lease_token = e.token
              AND a.ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM needletail_attempts b
                WHERE b.study_key = a.study_key AND b.trial_number = a.trial_number
                  AND b.attempt > a.attempt)) END
        """
      ) {
        $0.add(batch.ends.ids)
        $0.add(batch.ends.states.map(\.storeName))
        $0.add(moments: batch.ends.moments)
        $0.add(tokens)
        $0.add(study.id)
        $0.add(study.token)
      })
    return rows.int(0, 0) == batch.ends.ids.count
  }

  // MARK: Kinds of parameters

  /// Whether all those names are known to be stored in the study with such distributions.
  func isKnown(
    _ kinds: [String: Distribution], in study: StudyRecord
  ) throws(Failure) -> Bool {
    let known = memory.withLock { $0.kinds[study.token] ?? [:] }
    for (name, distribution) in kinds {
      guard let stored = known[name] else { return false }
      try Self.requireCompatible(name, distribution, with: stored)
    }
    return true
  }

  static func requireCompatible(
    _ name: String, _ given: Distribution, with stored: Distribution
  ) throws(Failure) {
    guard given.isCompatible(with: stored) else {
      throw .store(
        .incompatibleDistribution(parameter: name, stored: stored.summary, given: given.summary))
    }
  }

  /// What lets one transaction at a time add parameters that are new.
  func lockKinds(of study: StudyRecord, isNeeded: Bool) -> Command {
    Command(
      "SELECT 1 FROM needletail_studies WHERE token = $1::text AND $2::boolean FOR UPDATE"
    ) {
      $0.add(study.token)
      $0.add(isNeeded)
    }
  }

  /// Compares parameters with what is stored under their names.
  func learnKinds(
    _ kinds: [String: Distribution], in study: StudyRecord, _ connection: Connection
  ) throws(Failure) {
    if try isKnown(kinds, in: study) { return }
    let found = try storedKinds(Array(kinds.keys), in: study, connection)
    for (name, given) in kinds {
      if let stored = found[name] { try Self.requireCompatible(name, given, with: stored) }
    }
    remember(found, in: study)
  }

  /// The distributions that parameters of these names are stored with, of those that are stored.
  func storedKinds(
    _ names: [String], in study: StudyRecord, _ connection: Connection
  ) throws(Failure) -> [String: Distribution] {
    let rows = try connection.run(
      Command(
        """
        SELECT n.name, (SELECT p.distribution_json FROM trial_params p
          JOIN trials t ON t.trial_id = p.trial_id
          WHERE t.study_id = $1::int8 AND p.param_name = n.name LIMIT 1)
        FROM unnest($2::text[]) AS n (name)
        """
      ) {
        $0.add(study.id)
        $0.add(names)
      })
    var found: [String: Distribution] = [:]
    for row in 0..<rows.count where !rows.isNull(row, 1) {
      let name = rows.text(row, 0)
      do throws(StoreError) {
        found[name] = try Distribution(stored: rows.text(row, 1), of: name, location: location)
      } catch { throw .store(error) }
    }
    return found
  }

  /// Remembers what parameters are stored with.
  func remember(_ kinds: [String: Distribution], in study: StudyRecord) {
    if kinds.isEmpty { return }
    memory.withLock { $0.kinds[study.token, default: [:]].merge(kinds) { known, _ in known } }
  }
}

extension Failure {
  /// Whether the server said that a trial is finished or its lease is not live.
  var isOver: Bool {
    if case .refused(let state, _, _) = self { return state == "NT003" || state == "NT004" }
    return false
  }
}

extension Connection {
  /// Ends a transaction that failed. A connection that is lost needs none.
  func rollBack() {
    guard !isBroken else { return }
    // If this fails, the connection is marked as broken, and the server rolls back.
    _ = Result { () throws(Failure) in try run(Command("ROLLBACK")) }
  }
}
