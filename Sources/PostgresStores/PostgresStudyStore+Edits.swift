public import Stores
public import StudyModel
internal import System

extension PostgresStudyStore {
  /// The trials that are inserted by one statement.
  private static let chunk = 500

  public func edit(_ study: StudyRecord, _ edit: StudyEdit) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(edit.name)
    let record = StudyRecord(
      id: study.id,
      token: edit.trials.isEmpty ? study.token : StudyEdit.token(after: study.token),
      name: edit.name, directions: study.directions)
    do throws(StoreError) {
      try write(to: study) { (connection, isInDoubt) throws(Failure) in
        if isInDoubt, record != study,
          try self.records(named: edit.name, connection).studies.contains(record)
        {
          return
        }
        do throws(Failure) {
          try self.edit(study, edit, into: record, connection)
        } catch {
          connection.rollBack()
          throw error
        }
      }
    } catch {
      if case .io = error, edit.name != study.name, try exists(edit.name) {
        throw .studyExists(name: edit.name)
      }
      throw error
    }
    memory.withLock { $0.kinds[study.token] = nil }
    return record
  }

  private func edit(
    _ study: StudyRecord, _ edit: StudyEdit, into record: StudyRecord, _ connection: Connection
  ) throws(Failure) {
    func id(_ sql: StaticString) -> Command { Command(sql) { $0.add(study.id) } }
    let begun = try connection.run([
      Command("BEGIN"),
      // Whoever takes a trial or adds one waits here, and then finds another token.
      id("SELECT trial_id FROM trials WHERE study_id = $1::int8 ORDER BY trial_id FOR UPDATE"),
      id("SELECT 1 FROM studies WHERE study_id = $1::int8 FOR UPDATE"),
      Command("SELECT needletail_key($1::int8, $2::text)") {
        $0.add(study.id)
        $0.add(study.token)
      },
      id(
        "SELECT state::text, count(*)::int8 FROM trials WHERE study_id = $1::int8 GROUP BY state"),
      Command(
        """
        SELECT count(*)::int8 FROM needletail_attempts WHERE study_key =
          (SELECT study_key FROM needletail_studies WHERE token = $1::text)
        """
      ) { $0.add(study.token) },
    ])
    var counts: [TrialState: Int] = [:]
    for row in 0..<begun[4].count {
      guard let state = TrialState(storeName: begun[4].text(row, 0)) else {
        throw .store(damaged("a trial has the state '\(begun[4].text(row, 0))'"))
      }
      counts[state] = begun[4].int(row, 1)
    }
    guard StudyEdit.Basis(counts: counts, attempts: begun[5].int(0, 0)) == edit.basis else {
      throw .store(.studyChanged(name: study.name))
    }
    _ = try connection.run(changes(of: study, edit, into: record))
    for start in stride(from: 0, to: edit.trials.count, by: Self.chunk) {
      let trials = edit.trials[start..<min(start + Self.chunk, edit.trials.count)]
      try insert(Array(trials), in: record, connection)
    }
    _ = try connection.run([
      attemptsOfFinished(edit.trials, of: record),
      Command("SELECT pg_notify('needletail', $1::text)") { $0.add(record.token) },
      Command("COMMIT"),
    ])
  }

  /// What sets name, token and notes, and removes the trials that are to be inserted anew.
  private func changes(
    of study: StudyRecord, _ edit: StudyEdit, into record: StudyRecord
  ) -> [Command] {
    var commands = [
      Command("UPDATE studies SET study_name = $2::text WHERE study_id = $1::int8") {
        $0.add(study.id)
        $0.add(record.name)
      },
      Command(
        """
        UPDATE needletail_studies SET study_name = $2::text, token = $3::text
        WHERE token = $1::text
        """
      ) {
        $0.add(study.token)
        $0.add(record.name)
        $0.add(record.token)
      },
      Command(
        """
        INSERT INTO needletail_notes (study_key, key, text)
        SELECT study_key, n.key, n.text FROM needletail_studies,
          unnest($2::text[], $3::text[]) AS n (key, text) WHERE token = $1::text
        ON CONFLICT (study_key, key) DO UPDATE SET text = excluded.text
        """
      ) {
        $0.add(record.token)
        $0.add(edit.notes.map(\.key))
        $0.add(edit.notes.map(\.text))
      },
    ]
    guard !edit.trials.isEmpty else { return commands }
    commands.append(
      Command(
        """
        DELETE FROM needletail_notes WHERE starts_with(key, 'claim:') AND study_key =
          (SELECT study_key FROM needletail_studies WHERE token = $1::text)
        """
      ) { $0.add(record.token) })
    let ids = edit.trials.map(\.reference.id)
    let deletions: [StaticString] = [
      "DELETE FROM trial_heartbeats WHERE trial_id = ANY ($1::int8[])",
      "DELETE FROM trial_intermediate_values WHERE trial_id = ANY ($1::int8[])",
      "DELETE FROM trial_values WHERE trial_id = ANY ($1::int8[])",
      "DELETE FROM trial_params WHERE trial_id = ANY ($1::int8[])",
      "DELETE FROM trial_user_attributes WHERE trial_id = ANY ($1::int8[])",
      "DELETE FROM trial_system_attributes WHERE trial_id = ANY ($1::int8[])",
    ]
    commands += deletions.map { sql in Command(sql) { $0.add(ids) } }
    let own = Command(
      "DELETE FROM trials WHERE trial_id = ANY ($1::int8[]) AND study_id = $2::int8"
    ) {
      $0.add(ids)
      $0.add(study.id)
    }
    return commands + [own]
  }

  /// Inserts trials under the references that they have, with all that belongs to them.
  private func insert(
    _ trials: [Trial], in study: StudyRecord, _ connection: Connection
  ) throws(Failure) {
    let batch: Batch
    do throws(StoreError) {
      batch = try Batch(
        trials.map { ($0, $0.reference) }, objectives: study.directions.count)
    } catch { throw .store(error) }
    try learnKinds(batch.kinds, in: study, connection)
    _ = try connection.run([
      Command(
        """
        INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete)
        SELECT id, number, $1::int8, state, start, complete
        FROM unnest($2::int8[], $3::int8[], $4::text[]::trialstate[], $5::timestamp[],
          $6::timestamp[]) AS t (id, number, state, start, complete)
        """
      ) {
        $0.add(study.id)
        $0.add(trials.map(\.reference.id))
        $0.add(trials.map(\.number))
        $0.add(trials.map(\.state.storeName))
        $0.add(optionalMoments: trials.map { $0.startedAt?.microseconds })
        $0.add(optionalMoments: trials.map { $0.completedAt?.microseconds })
      }
    ])
    _ = try connection.run(batch.commands(in: study, text: text(of:)))
  }

  /// What closes the attempts at those trials that are finished now.
  private func attemptsOfFinished(_ trials: [Trial], of study: StudyRecord) -> Command {
    let finished = trials.filter(\.state.isFinished)
    return Command(
      """
      UPDATE needletail_attempts a SET claimable_at = NULL,
        ended_at = coalesce(ended_at, e.moment), outcome = coalesce(outcome, e.name)
      FROM unnest($1::int8[], $2::text[], $3::int8[]) AS e (number, name, moment)
      WHERE a.study_key = (SELECT study_key FROM needletail_studies WHERE token = $4::text)
        AND a.trial_number = e.number AND a.claimable_at IS NOT NULL
      """
    ) {
      $0.add(finished.map(\.number))
      $0.add(finished.map(\.state.name))
      $0.add(finished.map { Int(($0.completedAt ?? .now()).microseconds) })
      $0.add(study.token)
    }
  }
}
