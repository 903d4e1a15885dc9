public import Stores
public import StudyModel

extension PostgresStudyStore {
  public func claim(
    _ key: String, for number: Int, from owner: Int?, of study: StudyRecord
  ) throws(StoreError) -> Int {
    let name = "claim:" + key
    let text = try write(to: study) { (connection, _) throws(Failure) -> String in
      let rows = try connection.run([
        Command("SELECT needletail_key($1::int8, $2::text)") {
          $0.add(study.id)
          $0.add(study.token)
        },
        Command(
          """
          INSERT INTO needletail_notes (study_key, key, text)
          SELECT study_key, $2::text, $3::text FROM needletail_studies WHERE token = $1::text
          ON CONFLICT (study_key, key) DO UPDATE SET text = excluded.text
          WHERE needletail_notes.text = $4::text
          """
        ) {
          $0.add(study.token)
          $0.add(name)
          $0.add(String(number))
          // A trial's number has digits only, so this is no trial's.
          $0.add(owner.map(String.init) ?? "")
        },
        Command(
          """
          SELECT text FROM needletail_notes WHERE key = $1::text AND study_key =
            (SELECT study_key FROM needletail_studies WHERE token = $2::text)
          """
        ) {
          $0.add(name)
          $0.add(study.token)
        },
      ])
      return rows[2].count > 0 ? rows[2].text(0, 0) : ""
    }
    return Int(text) ?? number
  }
}
