internal import JSON
public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func createStudy(
    named name: String, directions: [Direction]
  ) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(name)
    precondition(!directions.isEmpty, "a study has at least one objective")
    return try write(.powerCut) { session throws(StoreError) in
      try session.createStudy(named: name, directions: directions)
    }
  }

  public func study(named name: String) throws(StoreError) -> StudyRecord {
    let (found, damaged) = try read { session throws(StoreError) in
      try session.records(named: name)
    }
    if let problem = damaged.first?.problem { throw problem }
    guard let first = found.first else {
      throw try read { session throws(StoreError) in try session.unknown(name) }
    }
    return try registered(found, named: name).first ?? first
  }

  public func studies() throws(StoreError) -> [StudyRecord] {
    try registered(
      try read { session throws(StoreError) in try session.studies(named: nil) }, named: nil)
  }

  public func damagedStudies() throws(StoreError) -> [DamagedStudy] {
    try read { session throws(StoreError) in try session.records(named: nil).damaged }
  }

  public func delete(_ study: StudyRecord) throws(StoreError) {
    try write(.powerCut) { session throws(StoreError) in
      _ = try session.key(of: study)
      let database = session.database
      let deletions: [StaticString] = [
        "DELETE FROM trial_heartbeats WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
        """
        DELETE FROM trial_intermediate_values
        WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)
        """,
        "DELETE FROM trial_values WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
        "DELETE FROM trial_params WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
        """
        DELETE FROM trial_user_attributes
        WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)
        """,
        """
        DELETE FROM trial_system_attributes
        WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)
        """,
        "DELETE FROM trials WHERE study_id = ?",
        "DELETE FROM study_directions WHERE study_id = ?",
        "DELETE FROM study_user_attributes WHERE study_id = ?",
        "DELETE FROM study_system_attributes WHERE study_id = ?",
        "DELETE FROM studies WHERE study_id = ?",
      ]
      for sql in deletions {
        let delete = try database.statement(sql)
        delete.bind(1, study.id)
        try delete.run()
      }
      session.forget()
    }
  }

  public func attributes(
    _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) -> [Attribute] {
    try read { session throws(StoreError) in
      _ = try session.knownKey(of: study)
      let rows = try session.database.statement(
        kind == .user
          ? """
          SELECT "key", value_json FROM study_user_attributes WHERE study_id = ?
          ORDER BY study_user_attribute_id
          """
          : """
          SELECT "key", value_json FROM study_system_attributes WHERE study_id = ?
          ORDER BY study_system_attribute_id
          """)
      rows.bind(1, study.id)
      defer { rows.reset() }
      var attributes: [Attribute] = []
      while try rows.step() {
        attributes.append(try session.attribute(rows.text(0), rows.text(1), of: "study"))
      }
      return attributes
    }
  }

  public func set(
    _ attribute: Attribute, _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) {
    try write(.powerCut) { session throws(StoreError) in
      _ = try session.key(of: study)
      try session.set(attribute, kind, ofStudyID: study.id)
    }
  }

  public func note(_ key: String, of study: StudyRecord) throws(StoreError) -> String? {
    try read { session throws(StoreError) in
      guard let studyKey = try session.knownKey(of: study) else { return nil }
      return try session.note(key, key: studyKey)
    }
  }

  public func setNote(
    _ key: String, to text: String, of study: StudyRecord
  ) throws(StoreError) {
    try write(.powerCut) { session throws(StoreError) in
      try session.setNote(key, to: text, key: try session.key(of: study))
    }
  }

  public func notes(
    of study: StudyRecord
  ) throws(StoreError) -> [(key: String, text: String)] {
    try read { session throws(StoreError) in
      guard let studyKey = try session.knownKey(of: study) else { return [] }
      let rows = try session.database.statement(
        "SELECT key, text FROM needletail_notes WHERE study_key = ? ORDER BY key")
      rows.bind(1, studyKey)
      defer { rows.reset() }
      var notes: [(key: String, text: String)] = []
      while try rows.step() { notes.append((key: rows.text(0), text: rows.text(1))) }
      return notes
    }
  }

  public func storeNotes(
    withPrefix prefix: String
  ) throws(StoreError) -> [(key: String, text: String)] {
    try read { session throws(StoreError) in
      guard try session.hasStoreNotes() else { return [] }
      let rows = try session.database.statement(
        "SELECT key, text FROM needletail_store_notes WHERE key >= ? ORDER BY key")
      rows.bind(1, prefix)
      defer { rows.reset() }
      var notes: [(key: String, text: String)] = []
      // The keys that begin with the prefix come first among those that are not less.
      while try rows.step() {
        let key = rows.text(0)
        guard key.utf8.starts(with: prefix.utf8) else { break }
        notes.append((key: key, text: rows.text(1)))
      }
      return notes
    }
  }

  public func setStoreNote(_ key: String, to text: String?) throws(StoreError) {
    try write(.powerCut) { session throws(StoreError) in
      guard let text else {
        let delete = try session.database.statement(
          "DELETE FROM needletail_store_notes WHERE key = ?")
        delete.bind(1, key)
        try delete.run()
        return
      }
      let upsert = try session.database.statement(
        """
        INSERT INTO needletail_store_notes (key, text) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET text = excluded.text
        """)
      upsert.bind(1, key)
      upsert.bind(2, text)
      try upsert.run()
    }
  }

  /// Gives the studies that other programs made their rows in our tables, unless the store is
  /// read-only or the caller only looks.
  private func registered(
    _ found: [StudyRecord], named name: String?
  ) throws(StoreError) -> [StudyRecord] {
    let strangers = found.filter { $0.token.hasPrefix(Session.unregistered) }
    if strangers.isEmpty || isReadOnly || !adoptsStudies { return found }
    return try write(.process) { session throws(StoreError) in
      for stranger in try session.studies(named: name)
      where stranger.token.hasPrefix(Session.unregistered) {
        _ = try session.register(studyID: stranger.id, named: stranger.name)
      }
      return try session.studies(named: name)
    }
  }
}

extension Session {
  /// Adds a study without trials.
  func createStudy(
    named name: String, directions: [Direction]
  ) throws(StoreError) -> StudyRecord {
    let find = try database.statement("SELECT 1 FROM studies WHERE study_name = ?")
    find.bind(1, name)
    let exists = try find.step()
    find.reset()
    if exists { throw .studyExists(name: name) }
    let insert = try database.statement("INSERT INTO studies (study_name) VALUES (?)")
    insert.bind(1, name)
    try insert.run()
    let id = database.insertedID
    for (objective, direction) in directions.enumerated() {
      let insert = try database.statement(
        "INSERT INTO study_directions (direction, study_id, objective) VALUES (?, ?, ?)")
      insert.bind(1, direction == .minimize ? "MINIMIZE" : "MAXIMIZE")
      insert.bind(2, id)
      insert.bind(3, objective)
      try insert.run()
    }
    let token = try register(studyID: id, named: name)
    return StudyRecord(id: id, token: token, name: name, directions: directions)
  }

  func set(
    _ attribute: Attribute, _ kind: AttributeKind, ofStudyID id: Int
  ) throws(StoreError) {
    let upsert = try database.statement(
      kind == .user
        ? """
        INSERT INTO study_user_attributes (study_id, "key", value_json) VALUES (?, ?, ?)
        ON CONFLICT (study_id, "key") DO UPDATE SET value_json = excluded.value_json
        """
        : """
        INSERT INTO study_system_attributes (study_id, "key", value_json) VALUES (?, ?, ?)
        ON CONFLICT (study_id, "key") DO UPDATE SET value_json = excluded.value_json
        """)
    upsert.bind(1, id)
    upsert.bind(2, attribute.key)
    upsert.bind(3, attribute.value.text())
    try upsert.run()
  }

  /// What stands under `name` beside the study with that key of ours; nil without one.
  func note(_ name: String, key: Int) throws(StoreError) -> String? {
    let find = try database.statement(
      "SELECT text FROM needletail_notes WHERE study_key = ? AND key = ?")
    find.bind(1, key)
    find.bind(2, name)
    defer { find.reset() }
    return try find.step() ? find.text(0) : nil
  }

  func setNote(_ name: String, to text: String, key: Int) throws(StoreError) {
    let upsert = try database.statement(
      """
      INSERT INTO needletail_notes (study_key, key, text) VALUES (?, ?, ?)
      ON CONFLICT (study_key, key) DO UPDATE SET text = excluded.text
      """)
    upsert.bind(1, key)
    upsert.bind(2, name)
    upsert.bind(3, text)
    try upsert.run()
  }

  /// The studies, or the one of that name, in the order of their creation.
  func studies(named name: String?) throws(StoreError) -> [StudyRecord] {
    try records(named: name).studies
  }

  /// The same, and those that have no record.
  func records(
    named name: String?
  ) throws(StoreError) -> (studies: [StudyRecord], damaged: [DamagedStudy]) {
    let rows = try database.statement(
      """
      SELECT s.study_id, s.study_name, d.direction FROM studies s
      LEFT JOIN study_directions d ON d.study_id = s.study_id
      WHERE ?1 IS NULL OR s.study_name = ?1 ORDER BY s.study_id, d.objective
      """)
    rows.bind(1, name)
    defer { rows.reset() }
    var found: [(id: Int, name: String, directions: [Direction])] = []
    var damaged: [DamagedStudy] = []
    while try rows.step() {
      if found.last?.id != rows.int(0) { found.append((rows.int(0), rows.text(1), [])) }
      switch rows.text(2) {
      case "MAXIMIZE": found[found.count - 1].directions.append(.maximize)
      // Optuna treats a study whose direction was never set as one that minimizes.
      case "MINIMIZE", "NOT_SET": found[found.count - 1].directions.append(.minimize)
      case let other:
        guard damaged.last?.name != rows.text(1) else { continue }
        let problem = other.isEmpty ? "no direction" : "the direction '\(other)'"
        damaged.append(
          DamagedStudy(
            name: rows.text(1), problem: self.damaged("study '\(rows.text(1))' has \(problem)")))
      }
    }
    var records: [StudyRecord] = []
    for study in found where !damaged.contains(where: { $0.name == study.name }) {
      let token = try token(ofStudyID: study.id, named: study.name)
      records.append(
        StudyRecord(
          id: study.id, token: token ?? Self.unregistered + "\(study.id):\(study.name)",
          name: study.name, directions: study.directions))
    }
    return (records, damaged)
  }

  private func token(ofStudyID id: Int, named name: String) throws(StoreError) -> String? {
    guard try findOwnTables() else { return nil }
    let find = try database.statement(
      "SELECT token FROM needletail_studies WHERE study_id = ? AND study_name = ?")
    find.bind(1, id)
    find.bind(2, name)
    defer { find.reset() }
    return try find.step() ? find.text(0) : nil
  }

  /// Adds the study's row to our tables and returns its token. A row of that id that stands there
  /// belonged to a study that was deleted without our trigger.
  func register(studyID id: Int, named name: String) throws(StoreError) -> String {
    let stale: [StaticString] = [
      """
      DELETE FROM needletail_attempts WHERE study_key IN
        (SELECT study_key FROM needletail_studies WHERE study_id = ?)
      """,
      """
      DELETE FROM needletail_notes WHERE study_key IN
        (SELECT study_key FROM needletail_studies WHERE study_id = ?)
      """,
      "DELETE FROM needletail_studies WHERE study_id = ?",
    ]
    for sql in stale {
      let delete = try database.statement(sql)
      delete.bind(1, id)
      try delete.run()
    }
    let token = Token.random()
    let insert = try database.statement(
      "INSERT INTO needletail_studies (study_id, study_name, token) VALUES (?, ?, ?)")
    insert.bind(1, id)
    insert.bind(2, name)
    insert.bind(3, token)
    try insert.run()
    return token
  }

  /// An attribute from its stored text.
  func attribute(
    _ key: String, _ text: String, of owner: String
  ) throws(StoreError) -> Attribute {
    do {
      return Attribute(key, try JSONValue(parsing: text))
    } catch {
      throw damaged("the attribute '\(key)' of \(owner) is \(error)")
    }
  }
}
