public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func claim(
    _ key: String, for number: Int, from owner: Int?, of study: StudyRecord
  ) throws(StoreError) -> Int {
    // A claim that a power cut undoes goes with the trial that made it.
    try write(.process) { session throws(StoreError) in
      let studyKey = try session.key(of: study)
      let name = "claim:" + key
      let upsert = try session.database.statement(
        """
        INSERT INTO needletail_notes (study_key, key, text) VALUES (?1, ?2, ?3)
        ON CONFLICT (study_key, key) DO UPDATE SET text = excluded.text WHERE text = ?4
        """)
      upsert.bind(1, studyKey)
      upsert.bind(2, name)
      upsert.bind(3, String(number))
      upsert.bind(4, owner.map(String.init))
      try upsert.run()
      let find = try session.database.statement(
        "SELECT text FROM needletail_notes WHERE study_key = ? AND key = ?")
      find.bind(1, studyKey)
      find.bind(2, name)
      defer { find.reset() }
      return try find.step() ? Int(find.text(0)) ?? number : number
    }
  }
}
