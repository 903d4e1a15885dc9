public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func add(_ contents: StudyContents) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(contents.name)
    return try write(.powerCut) { session throws(StoreError) in
      let study = try session.createStudy(
        named: contents.name, directions: contents.directions)
      let key = try session.key(of: study)
      var (ids, numbers) = ([:] as [Int: Int], [:] as [Int: TrialReference])
      for trial in contents.trials {
        let reference = try session.insert(trial, in: study, key: key)
        ids[trial.reference.id] = reference.id
        numbers[trial.number] = reference
      }
      for attribute in contents.userAttributes {
        try session.set(attribute, .user, ofStudyID: study.id)
      }
      for attribute in contents.systemAttributes(withIDs: ids) {
        try session.set(attribute, .system, ofStudyID: study.id)
      }
      for (name, text) in contents.notes { try session.setNote(name, to: text, key: key) }
      for (attempt, _, isToBeRepeated) in contents.attempts(
        withNumbers: numbers.mapValues(\.number))
      {
        guard let trial = numbers[attempt.trialNumber] else { continue }
        try session.add(attempt, of: trial, key: key, isToBeRepeated: isToBeRepeated)
      }
      return study
    }
  }

  public func attempts(in study: StudyRecord) throws(StoreError) -> [Attempt] {
    try read { session throws(StoreError) in
      guard let key = try session.knownKey(of: study) else { return [] }
      let rows = try session.database.statement(
        """
        SELECT trial_number, attempt, worker, started_at, deadline, outcome, reason, ended_at,
          reports, lease_token
        FROM needletail_attempts WHERE study_key = ? ORDER BY trial_number, attempt
        """)
      rows.bind(1, key)
      defer { rows.reset() }
      var attempts: [Attempt] = []
      while try rows.step() { attempts.append(try session.attempt(rows)) }
      return attempts
    }
  }
}

extension Session {
  /// Adds the record of a closed attempt.
  fileprivate func add(
    _ attempt: Attempt, of trial: TrialReference, key: Int, isToBeRepeated: Bool
  ) throws(StoreError) {
    let insert = try database.statement(
      """
      INSERT INTO needletail_attempts (study_key, trial_number, attempt, trial_id, worker,
        lease_token, started_at, deadline, claimable_at, ended_at, outcome, reason, reports)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    insert.bind(1, key)
    insert.bind(2, trial.number)
    insert.bind(3, attempt.number)
    insert.bind(4, trial.id)
    insert.bind(5, attempt.worker)
    insert.bind(6, attempt.token)
    insert.bind(7, Int(attempt.startedAt.microseconds))
    insert.bind(8, Int(attempt.deadline.microseconds))
    insert.bind(9, isToBeRepeated ? 0 : nil)
    insert.bind(10, attempt.endedAt.map { Int($0.microseconds) })
    insert.bind(11, attempt.outcome?.rawValue)
    insert.bind(12, attempt.reason)
    insert.bind(13, ReportList.text(attempt.reports))
    try insert.run()
  }
}
