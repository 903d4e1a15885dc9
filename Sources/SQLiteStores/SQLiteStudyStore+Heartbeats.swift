public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func recordHeartbeat(
    of trial: TrialReference, in study: StudyRecord
  ) throws(StoreError) {
    // Like Optuna's own: UTC in whole seconds. One that a power cut takes is followed by another.
    try write(.process) { session throws(StoreError) in
      let upsert = try session.database.statement(
        """
        INSERT INTO trial_heartbeats (trial_id, heartbeat)
        SELECT trial_id, CURRENT_TIMESTAMP FROM trials
        WHERE trial_id = ? AND study_id = ? AND number = ?
        ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat
        """)
      upsert.bind(1, trial.id)
      upsert.bind(2, study.id)
      upsert.bind(3, trial.number)
      try upsert.run()
      guard session.database.changedRows > 0 else {
        throw .unknownTrial(number: trial.number, study: study.name)
      }
    }
  }

  public func silentTrials(
    in study: StudyRecord, after seconds: Int
  ) throws(StoreError) -> [TrialReference] {
    try read { session throws(StoreError) in
      _ = try session.knownKey(of: study)
      let rows = try session.database.statement(
        """
        SELECT t.trial_id, t.number FROM trials t JOIN trial_heartbeats h USING (trial_id)
        WHERE t.study_id = ? AND t.state = 'RUNNING' AND t.number IS NOT NULL
          AND CAST(strftime('%s', 'now') AS INTEGER)
            - CAST(strftime('%s', h.heartbeat) AS INTEGER) > ?
        ORDER BY t.trial_id
        """)
      rows.bind(1, study.id)
      rows.bind(2, seconds)
      defer { rows.reset() }
      var silent: [TrialReference] = []
      while try rows.step() { silent.append(TrialReference(id: rows.int(0), number: rows.int(1))) }
      return silent
    }
  }
}
