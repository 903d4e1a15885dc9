public import Stores
public import StudyModel
internal import System

/// A worker that is to get a trial, under a lease whose token is chosen here: it tells after a lost
/// connection whether he got one.
struct PlannedTake {
  let request: LeaseRequest
  let limit: Int?
  let token = Token.random()

  init(_ request: LeaseRequest, limit: Int?) {
    self.request = request
    self.limit = limit
  }
}

extension PostgresStudyStore {
  /// Ends of trials are on the server's disk when a call that commits them returns, so that nothing
  /// is left to wait for: what is committed without waiting could be lost by a crash of the server
  /// and not only by a power cut.
  public func synchronize() throws(StoreError) {}

  public func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    if steps.isEmpty { return [] }
    if let plan = StepPlan(steps, objectives: study.directions.count) {
      do throws(StoreError) {
        return try perform(plan, in: study)
      } catch {
        // One of them cannot be done; the others are not concerned.
        guard error.isOfOneStep else { throw error }
      }
    }
    return try performInTurn(steps, in: study)
  }

  // MARK: All at once

  /// Does steps that do not depend on each other in one round trip; none of them when one fails.
  private func perform(
    _ plan: StepPlan, in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    let now = Timestamp.now()
    let isDurable = !plan.batch.ends.ids.isEmpty
    var commands: [Command] = []
    if !plan.leases.isEmpty || !plan.batch.trials.isEmpty {
      commands.append(hold(plan.batch, in: study, plan.leases, isDurable: isDurable))
    }
    let closeStart = commands.count
    for close in plan.closes {
      commands.append(
        Self.close(
          close.lease, as: close.outcome, reason: close.reason, retryAt: close.retryAt, at: now,
          isDurable: isDurable))
    }
    let wasDoubtful = memory.withLock { memory in
      plan.leases.contains { memory.doubtful.contains($0.token) }
    }
    let takeCommand =
      plan.takes.isEmpty
      ? [] : [take(plan.takes, in: study, creates: true, isDurable: isDurable)]
    let rows: (closed: [Bool], taken: Rows?)
    do throws(StoreError) {
      rows = try write(to: study) {
        (connection, isInDoubt) throws(Failure) -> (closed: [Bool], taken: Rows?) in
        if isInDoubt || wasDoubtful,
          let done = try self.done(plan, at: now, in: study, connection)
        {
          return done
        }
        let answers: [Rows]
        do throws(Failure) {
          answers = try self.send(
            commands, plan.batch, then: takeCommand, in: study, connection)
        } catch {
          // The earlier attempt ended only now.
          guard isInDoubt || wasDoubtful, error.isOver,
            let done = try self.done(plan, at: now, in: study, connection)
          else { throw error }
          return done
        }
        return (
          plan.closes.indices.map { answers[closeStart + $0].text(0, 0) == "closed" },
          plan.takes.isEmpty ? nil : answers.last
        )
      }
    } catch {
      if case .unavailable = error, isDurable {
        memory.withLock { $0.doubtful.formUnion(plan.leases.map(\.token)) }
      }
      throw error
    }
    if wasDoubtful { memory.withLock { $0.doubtful.subtract(plan.leases.map(\.token)) } }
    return try results(of: plan, rows.closed, rows.taken, in: study)
  }

  /// Commits what stands before a batch, the batch, and what comes after it.
  ///
  /// - Returns: What all of them returned.
  func send(
    _ before: [Command], _ batch: Batch, then after: [Command], in study: StudyRecord,
    _ connection: Connection
  ) throws(Failure) -> [Rows] {
    let commands = before + batch.commands(in: study, text: text(of:)) + after
    if try isKnown(batch.kinds, in: study) { return try connection.run(commands) }
    // A parameter that is new to us may be new to the study, and another process may add it too.
    let rows: [Rows]
    do throws(Failure) {
      _ = try connection.run([Command("BEGIN"), lockKinds(of: study, isNeeded: true)])
      try learnKinds(batch.kinds, in: study, connection)
      rows = try connection.run(commands + [Command("COMMIT")])
    } catch {
      connection.rollBack()
      throw error
    }
    remember(batch.kinds, in: study)
    return rows.dropLast()
  }

  /// What an earlier attempt at a plan did whose answer was lost; nil when it did nothing.
  private func done(
    _ plan: StepPlan, at now: Timestamp, in study: StudyRecord, _ connection: Connection
  ) throws(Failure) -> (closed: [Bool], taken: Rows?)? {
    // All or nothing was done, so one trace of it tells. What leaves none may be done again. Taking
    // nothing leaves no trace either; then the ends tell.
    let taken = try taken(plan.takes, in: study, connection)
    var isDone = try isCommitted(plan.batch, in: study, plan.leases, connection)
    if taken != nil { isDone = true }
    var closed: [Bool] = []
    for close in plan.closes {
      let wasClosed = try isClosed(close.lease, as: close.outcome, at: now, connection)
      closed.append(wasClosed)
      isDone = isDone || wasClosed
    }
    return isDone ? (closed, taken) : nil
  }

  private func results(
    of plan: StepPlan, _ closed: [Bool], _ taken: Rows?, in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    var takes: [StoreStep.Result] = plan.takes.map { _ in .nothing }
    if let taken { takes = try results(of: plan.takes, taken, in: study) }
    return plan.kinds.map { kind in
      switch kind {
      case .failed(let error): .failed(error)
      case .commit: .committed
      case .close(let place): .closed(wasLive: closed[place])
      case .take(let place): takes[place]
      }
    }
  }

  // MARK: Taking

  func take(
    _ takes: [PlannedTake], in study: StudyRecord, creates: Bool, isDurable: Bool
  ) -> Command {
    Command(
      """
      SELECT place, taken_trial, taken_number, taken_attempt, is_new
      FROM needletail_take($1::int8, $2::text, $3::text[], $4::text[], $5::int8[], $6::int8[],
        $7::int8[], $8::int8[], $9::boolean, $10::float8, $11::boolean)
      """
    ) {
      $0.add(study.id)
      $0.add(study.token)
      $0.add(takes.map(\.request.worker))
      $0.add(takes.map(\.token))
      $0.add(takes.map { Int($0.request.now.microseconds) })
      $0.add(takes.map { Int($0.request.startedAt.microseconds) })
      $0.add(takes.map { Int($0.request.deadline.microseconds) })
      $0.add(takes.map(\.limit))
      $0.add(creates)
      $0.add(spareTime)
      $0.add(isDurable)
    }
  }

  /// What ``take(_:in:creates:isDurable:)`` returned in an attempt whose answer was lost; nil when
  /// it took nothing.
  func taken(
    _ takes: [PlannedTake], in study: StudyRecord, _ connection: Connection
  ) throws(Failure) -> Rows? {
    if takes.isEmpty { return nil }
    let rows = try connection.run([
      // A caller that creates trials holds this; once it is free, an earlier attempt has ended.
      Command("SELECT 1 FROM studies WHERE study_id = $1::int8 FOR NO KEY UPDATE") {
        $0.add(study.id)
      },
      Command(
        """
        SELECT t.place, a.trial_id, a.trial_number, a.attempt, false
        FROM unnest($1::text[]) WITH ORDINALITY AS t (token, place)
        JOIN needletail_attempts a ON a.lease_token = t.token
        WHERE a.study_key = (SELECT study_key FROM needletail_studies WHERE token = $2::text)
        ORDER BY t.place
        """
      ) {
        $0.add(takes.map(\.token))
        $0.add(study.token)
      },
    ])[1]
    return rows.count > 0 ? rows : nil
  }

  /// The results of takes, with what belongs to trials that are not new.
  func results(
    of takes: [PlannedTake], _ rows: Rows, in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    var results: [StoreStep.Result] = takes.map { _ in .nothing }
    var known: [Int: Trial] = [:]
    let old = (0..<rows.count).filter { !rows.bool($0, 4) }.map { rows.int($0, 1) }
    if !old.isEmpty {
      for trial in try trials(in: study, ids: old) { known[trial.reference.id] = trial }
    }
    for row in 0..<rows.count {
      let take = takes[rows.int(row, 0) - 1]
      let reference = TrialReference(id: rows.int(row, 1), number: rows.int(row, 2))
      let new =
        rows.bool(row, 4)
        ? Trial(reference, state: .running, startedAt: take.request.startedAt) : nil
      guard let trial = new ?? known[reference.id] else {
        throw damaged("trial \(reference.number) vanished")
      }
      let lease = Lease(
        study: study, trial: reference, attempt: rows.int(row, 3), worker: take.request.worker,
        token: take.token)
      results[rows.int(row, 0) - 1] = .taken(trial, lease)
    }
    return results
  }
}

extension StoreError {
  /// Whether it says that a change is impossible, and not that the store failed.
  fileprivate var isOfOneStep: Bool {
    switch self {
    case .unknownTrial, .trialFinished, .leaseLost, .incompatibleDistribution, .badValues: true
    default: false
    }
  }
}
