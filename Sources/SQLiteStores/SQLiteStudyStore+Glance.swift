internal import JSON
public import Stores
internal import StudyModel

extension SQLiteStudyStore {
  public func glance(at keys: [String]) throws(StoreError) -> [StudyGlance] {
    let studies = try studies()
    return try read { session throws(StoreError) in
      guard try session.findOwnTables() else {
        return [StudyGlance](studies, notes: [], workers: [])
      }
      let notes = try session.database.statement(
        """
        SELECT s.token, n.key, n.text FROM needletail_studies s
        CROSS JOIN json_each(?) k
        CROSS JOIN needletail_notes n ON n.study_key = s.study_key AND n.key = k.value
        """)
      notes.bind(1, JSONValue.array(keys.map(JSONValue.string)).text())
      defer { notes.reset() }
      var known: [(token: String, key: String, text: String)] = []
      while try notes.step() { known.append((notes.text(0), notes.text(1), notes.text(2))) }
      let workers = try session.database.statement(
        """
        SELECT DISTINCT s.token, a.worker FROM needletail_studies s
        CROSS JOIN needletail_attempts a INDEXED BY needletail_claimable
          ON a.study_key = s.study_key
        WHERE a.claimable_at IS NOT NULL AND a.ended_at IS NULL
        """)
      defer { workers.reset() }
      var working: [(token: String, worker: String)] = []
      while try workers.step() { working.append((workers.text(0), workers.text(1))) }
      return [StudyGlance](studies, notes: known, workers: working)
    }
  }
}
