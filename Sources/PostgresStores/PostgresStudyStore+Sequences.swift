internal import Stores
internal import StudyModel
internal import System

extension PostgresStudyStore {
  /// Does steps that depend on each other, or of which one cannot be done, one after the other in
  /// one transaction, each under a savepoint of its own.
  func performInTurn(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    let sequence = StepSequence(steps, objectives: study.directions.count)
    let now = Timestamp.now()
    // An attempt whose end was not seen holds this lock until it has ended.
    let lock = Int.random(in: .min ... .max)
    let tokens = sequence.endingLeases
    let wasDoubtful = memory.withLock { !$0.doubtful.isDisjoint(with: tokens) }
    var sent: [StepSequence.Answer]?
    let answers: [StepSequence.Answer]
    do throws(StoreError) {
      answers = try write(to: study) {
        (connection, isInDoubt) throws(Failure) -> [StepSequence.Answer] in
        do throws(Failure) {
          _ = try connection.run([
            Command("BEGIN"), Command("SELECT pg_advisory_xact_lock($1::int8)") { $0.add(lock) },
          ])
          if isInDoubt, let sent,
            try self.isDone(sequence, sent, at: now, in: study, connection)
          {
            connection.rollBack()
            return sent
          }
          var kinds: [String: Distribution] = [:]
          let new = try self.run(
            sequence, at: now, in: study, wasDoubtful: wasDoubtful, &kinds, connection)
          sent = new
          _ = try connection.run(Command("COMMIT"))
          self.remember(kinds, in: study)
          return new
        } catch {
          connection.rollBack()
          throw error
        }
      }
    } catch {
      if case .unavailable = error { memory.withLock { $0.doubtful.formUnion(tokens) } }
      throw error
    }
    if wasDoubtful { memory.withLock { $0.doubtful.subtract(tokens) } }
    return try results(of: answers, in: study)
  }

  /// Runs the steps in the transaction that is open.
  ///
  /// - Parameter kinds: Gets the distributions that parameters are stored with once the transaction
  ///   is committed.
  private func run(
    _ sequence: StepSequence, at now: Timestamp, in study: StudyRecord, wasDoubtful: Bool,
    _ kinds: inout [String: Distribution], _ connection: Connection
  ) throws(Failure) -> [StepSequence.Answer] {
    kinds = memory.withLock { $0.kinds[study.token] ?? [:] }
    let unknown = sequence.parameters.filter { kinds[$0] == nil }
    _ = try connection.run([
      lockKinds(of: study, isNeeded: !unknown.isEmpty),
      // In the order in which others lock them, whatever that of the steps.
      Command(
        """
        SELECT 1 FROM trials WHERE study_id = $1::int8 AND trial_id = ANY ($2::int8[])
        ORDER BY trial_id FOR NO KEY UPDATE
        """
      ) {
        $0.add(study.id)
        $0.add(sequence.trials)
      },
    ])
    if !unknown.isEmpty {
      let stored = try storedKinds(Array(unknown), in: study, connection)
      kinds.merge(stored) { known, _ in known }
    }
    var answers: [StepSequence.Answer] = []
    for step in sequence.steps {
      if case .failed(let error) = step {
        answers.append(.failed(.store(error)))
        continue
      }
      _ = try connection.run(Command("SAVEPOINT step"))
      do throws(Failure) {
        answers.append(
          try run(
            step, at: now, in: study, isDurable: sequence.isDurable, &kinds, connection))
      } catch {
        guard error.isOfOneStep else { throw error }
        _ = try connection.run(Command("ROLLBACK TO SAVEPOINT step"))
        var answer = StepSequence.Answer.failed(error)
        if wasDoubtful, error.isOver, case .commit(let batch, let leases) = step,
          try isCommitted(batch, in: study, leases, connection)
        {
          answer = .committed
        }
        answers.append(answer)
      }
      _ = try connection.run(Command("RELEASE SAVEPOINT step"))
    }
    return answers
  }

  private func run(
    _ step: StepSequence.Step, at now: Timestamp, in study: StudyRecord, isDurable: Bool,
    _ kinds: inout [String: Distribution], _ connection: Connection
  ) throws(Failure) -> StepSequence.Answer {
    switch step {
    case .failed(let error): throw .store(error)
    case .commit(let batch, let leases):
      for (name, given) in batch.kinds {
        if let stored = kinds[name] { try Self.requireCompatible(name, given, with: stored) }
      }
      _ = try connection.run(
        [hold(batch, in: study, leases, isDurable: isDurable)]
          + batch.commands(in: study, text: text(of:)))
      kinds.merge(batch.kinds) { known, _ in known }
      return .committed
    case .close(let lease, let outcome, let reason, let retryAt):
      let close = Self.close(
        lease, as: outcome, reason: reason, retryAt: retryAt, at: now, isDurable: isDurable)
      return .closed(wasLive: try connection.run(close).text(0, 0) == "closed")
    case .take(let take):
      let command = self.take([take], in: study, creates: true, isDurable: isDurable)
      return .taken(take, try connection.run(command))
    }
  }

  /// Whether an earlier attempt at a sequence, which had these answers, was committed: all or
  /// nothing was, so one trace of it tells. What leaves none may be done again.
  private func isDone(
    _ sequence: StepSequence, _ answers: [StepSequence.Answer], at now: Timestamp,
    in study: StudyRecord, _ connection: Connection
  ) throws(Failure) -> Bool {
    for (step, answer) in zip(sequence.steps, answers) {
      switch (step, answer) {
      case (.commit(let batch, let leases), .committed):
        if try isCommitted(batch, in: study, leases, connection) { return true }
      case (.close(let lease, let outcome, _, _), .closed(wasLive: true)):
        if try isClosed(lease, as: outcome, at: now, connection) { return true }
      case (_, .taken(let take, let rows)) where rows.count > 0:
        if try taken([take], in: study, connection) != nil { return true }
      default: break
      }
    }
    return false
  }

  private func results(
    of answers: [StepSequence.Answer], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    var results: [StoreStep.Result] = []
    for answer in answers {
      switch answer {
      case .failed(let failure): results.append(.failed(try error(for: failure, in: study)))
      case .committed: results.append(.committed)
      case .closed(let wasLive): results.append(.closed(wasLive: wasLive))
      case .taken(let take, let rows): results += try self.results(of: [take], rows, in: study)
      }
    }
    return results
  }
}

extension Failure {
  /// Whether it concerns the statement alone, and not the connection, the transaction or the study.
  fileprivate var isOfOneStep: Bool {
    switch self {
    case .lost, .crowded: false
    case .store: true
    case .refused("NT001", _, _): false
    case .refused: !isCollision
    }
  }
}
