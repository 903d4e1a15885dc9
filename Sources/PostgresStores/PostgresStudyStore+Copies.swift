internal import JSON
public import Stores
public import StudyModel

extension PostgresStudyStore {
  /// The trials that are inserted by one statement.
  private static let chunk = 500

  public func add(_ contents: StudyContents) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(contents.name)
    let token = Token.random()
    do throws(StoreError) {
      return try write { (connection, isInDoubt) throws(Failure) in
        if isInDoubt,
          let made = try self.records(named: contents.name, connection)
            .studies.first(where: { $0.token == token })
        {
          return made
        }
        do throws(Failure) {
          return try self.add(contents, token: token, connection)
        } catch {
          connection.rollBack()
          throw error
        }
      }
    } catch {
      if case .io = error, try exists(contents.name) {
        throw .studyExists(name: contents.name)
      }
      throw error
    }
  }

  private func add(
    _ contents: StudyContents, token: String, _ connection: Connection
  ) throws(Failure) -> StudyRecord {
    let started = try connection.run(
      [Command("BEGIN")]
        + Self.create(contents.name, contents.directions, token: token))
    let study = StudyRecord(
      id: started[1].int(0, 0), token: token, name: contents.name,
      directions: contents.directions)
    var (ids, numbers) = ([:] as [Int: Int], [:] as [Int: TrialReference])
    for start in stride(from: 0, to: contents.trials.count, by: Self.chunk) {
      let trials = contents.trials[start..<min(start + Self.chunk, contents.trials.count)]
      let references = try insert(trials, from: start, in: study, connection)
      for (trial, reference) in zip(trials, references) {
        ids[trial.reference.id] = reference.id
        numbers[trial.number] = reference
      }
    }
    var commands = attributeCommands(
      contents.systemAttributes(withIDs: ids), .system, of: study)
    commands += attributeCommands(contents.userAttributes, .user, of: study)
    commands.append(
      Command(
        """
        INSERT INTO needletail_notes (study_key, key, text)
        SELECT study_key, n.key, n.text FROM needletail_studies,
          unnest($2::text[], $3::text[]) AS n (key, text) WHERE token = $1::text
        """
      ) {
        $0.add(study.token)
        $0.add(contents.notes.map(\.key))
        $0.add(contents.notes.map(\.text))
      })
    commands.append(attemptCommand(contents, numbers, of: study))
    _ = try connection.run(commands + [Command("COMMIT")])
    return study
  }

  /// Inserts trials with all that belongs to them.
  private func insert(
    _ trials: ArraySlice<Trial>, from first: Int, in study: StudyRecord, _ connection: Connection
  ) throws(Failure) -> [TrialReference] {
    let rows = try connection.run(
      Command(
        """
        INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
        SELECT number, $1::int8, state, start, complete FROM unnest($2::int8[], $3::text[]::trialstate[], $4::timestamp[], $5::timestamp[])
          AS t (number, state, start, complete)
        RETURNING trial_id::int8
        """
      ) {
        $0.add(study.id)
        $0.add(trials.indices.map { $0 })
        $0.add(trials.map(\.state.storeName))
        $0.add(optionalMoments: trials.map { $0.startedAt?.microseconds })
        $0.add(optionalMoments: trials.map { $0.completedAt?.microseconds })
      })
    let references = (0..<rows.count).map {
      TrialReference(id: rows.int($0, 0), number: first + $0)
    }
    let batch: Batch
    do throws(StoreError) {
      batch = try Batch(
        zip(trials, references).map { ($0, $1) }, objectives: study.directions.count)
    } catch { throw .store(error) }
    _ = try connection.run(batch.commands(in: study, text: text(of:)))
    return references
  }

  private func attributeCommands(
    _ attributes: [Attribute], _ kind: AttributeKind, of study: StudyRecord
  ) -> [Command] {
    [
      Command(
        kind == .user
          ? """
          INSERT INTO study_user_attributes (study_id, key, value_json)
          SELECT $1::int8, a.key, a.value FROM unnest($2::text[], $3::text[]) AS a (key, value)
          """
          : """
          INSERT INTO study_system_attributes (study_id, key, value_json)
          SELECT $1::int8, a.key, a.value FROM unnest($2::text[], $3::text[]) AS a (key, value)
          """
      ) {
        $0.add(study.id)
        $0.add(attributes.map(\.key))
        $0.add(attributes.map { $0.value.text() })
      }
    ]
  }

  private func attemptCommand(
    _ contents: StudyContents, _ numbers: [Int: TrialReference], of study: StudyRecord
  ) -> Command {
    let attempts = contents.attempts(withNumbers: numbers.mapValues(\.number))
    return Command(
      """
      INSERT INTO needletail_attempts (study_key, trial_number, attempt, trial_id, worker,
        lease_token, started_at, deadline, claimable_at, ended_at, outcome, reason, reports)
      SELECT study_key, a.* FROM needletail_studies, unnest($2::int8[], $3::int8[], $4::int8[],
        $5::text[], $6::text[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::text[],
        $12::text[], $13::text[]) AS a WHERE token = $1::text
      """
    ) {
      $0.add(study.token)
      $0.add(attempts.map(\.trial))
      $0.add(attempts.map(\.attempt.number))
      $0.add(attempts.map { numbers[$0.attempt.trialNumber]?.id ?? 0 })
      $0.add(attempts.map(\.attempt.worker))
      $0.add(attempts.map(\.attempt.token))
      $0.add(attempts.map { Int($0.attempt.startedAt.microseconds) })
      $0.add(attempts.map { Int($0.attempt.deadline.microseconds) })
      $0.add(attempts.map { $0.isToBeRepeated ? 0 : nil as Int? })
      $0.add(attempts.map { $0.attempt.endedAt.map { Int($0.microseconds) } })
      $0.add(attempts.map { $0.attempt.outcome?.rawValue ?? "" })
      $0.add(attempts.map(\.attempt.reason))
      $0.add(attempts.map { ReportList.text($0.attempt.reports) })
    }
  }
}
