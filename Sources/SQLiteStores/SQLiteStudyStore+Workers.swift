public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func workers(in study: StudyRecord) throws(StoreError) -> [Int: String] {
    try read { session throws(StoreError) in
      guard let key = try session.knownKey(of: study) else { return [:] }
      let rows = try session.database.statement(
        """
        SELECT trial_number, worker FROM needletail_attempts WHERE study_key = ?
        ORDER BY trial_number, attempt
        """)
      rows.bind(1, key)
      defer { rows.reset() }
      var workers: [Int: String] = [:]
      while try rows.step() { workers[rows.int(0)] = rows.text(1) }
      return workers
    }
  }
}
