public import Stores
internal import StudyModel

extension PostgresStudyStore {
  public func glance(at keys: [String]) throws(StoreError) -> [StudyGlance] {
    let studies = try studies()
    // Without our tables there is no study of ours.
    guard studies.contains(where: { !$0.token.hasPrefix(Self.unregistered) }) else {
      return [StudyGlance](studies, notes: [], workers: [])
    }
    let rows = try read { connection throws(Failure) in
      try connection.run([
        Command(
          """
          SELECT s.token, n.key, n.text FROM needletail_studies s
          JOIN needletail_notes n ON n.study_key = s.study_key AND n.key = ANY ($1::text[])
          """
        ) { $0.add(keys) },
        Command(
          """
          SELECT DISTINCT s.token, a.worker FROM needletail_studies s
          JOIN needletail_attempts a ON a.study_key = s.study_key
          WHERE a.claimable_at IS NOT NULL AND a.ended_at IS NULL
          """),
      ])
    }
    let (notes, workers) = (rows[0], rows[1])
    return [StudyGlance](
      studies,
      notes: (0..<notes.count).map {
        (token: notes.text($0, 0), key: notes.text($0, 1), text: notes.text($0, 2))
      },
      workers: (0..<workers.count).map { (token: workers.text($0, 0), worker: workers.text($0, 1)) }
    )
  }
}
