public import Stores
public import StudyModel

extension PostgresStudyStore {
  public func recordHeartbeat(
    of trial: TrialReference, in study: StudyRecord
  ) throws(StoreError) {
    let isKnown = try write(to: study) { (connection, _) throws(Failure) -> Bool in
      // As Optuna writes it where the server's time zone is UTC.
      let rows = try connection.run(
        Command(
          """
          INSERT INTO trial_heartbeats (trial_id, heartbeat)
          SELECT trial_id, now() AT TIME ZONE 'UTC' FROM trials
          WHERE trial_id = $1::int8 AND study_id = $2::int8 AND number = $3::int8
          ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat RETURNING 1
          """
        ) {
          $0.add(trial.id)
          $0.add(study.id)
          $0.add(trial.number)
        })
      return rows.count > 0
    }
    guard isKnown else { throw .unknownTrial(number: trial.number, study: study.name) }
  }

  public func silentTrials(
    in study: StudyRecord, after seconds: Int
  ) throws(StoreError) -> [TrialReference] {
    try write(to: study) { (connection, _) throws(Failure) -> [TrialReference] in
      let rows = try connection.run([
        Command("SELECT needletail_key($1::int8, $2::text)") {
          $0.add(study.id)
          $0.add(study.token)
        },
        Command(
          """
          SELECT t.trial_id::int8, t.number::int8 FROM trials t
          JOIN trial_heartbeats h USING (trial_id)
          WHERE t.study_id = $1::int8 AND t.state = 'RUNNING' AND t.number IS NOT NULL
            AND extract(epoch FROM (now() AT TIME ZONE 'UTC') - h.heartbeat) > $2::int8
          ORDER BY t.trial_id
          """
        ) {
          $0.add(study.id)
          $0.add(seconds)
        },
      ])[1]
      return (0..<rows.count).map {
        TrialReference(id: rows.int($0, 0), number: rows.int($0, 1))
      }
    }
  }
}
