internal import JSON
public import Stores
public import StudyModel
internal import System

extension PostgresStudyStore {
  /// What the token of a study begins with that has no row in our tables.
  static let unregistered = "unregistered:"

  public func createStudy(
    named name: String, directions: [Direction]
  ) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(name)
    precondition(!directions.isEmpty, "a study has at least one objective")
    let token = Token.random()
    do throws(StoreError) {
      return try write { (connection, isInDoubt) throws(Failure) in
        if isInDoubt,
          let made = try self.records(named: name, connection).studies.first(where: {
            $0.token == token
          })
        {
          return made
        }
        let rows = try connection.run(Self.create(name, directions, token: token))
        return StudyRecord(
          id: rows[0].int(0, 0), token: token, name: name, directions: directions)
      }
    } catch {
      // Only the name can be there already; another creator may be the reason.
      if case .io = error, try exists(name) { throw .studyExists(name: name) }
      throw error
    }
  }

  /// What creates a study; the first returns its id.
  static func create(_ name: String, _ directions: [Direction], token: String) -> [Command] {
    [
      Command(
        "INSERT INTO studies (study_name) VALUES ($1::text) RETURNING study_id::int8"
      ) { $0.add(name) },
      Command(
        """
        INSERT INTO study_directions (direction, study_id, objective)
        SELECT direction, (SELECT study_id FROM studies WHERE study_name = $1::text), place - 1
        FROM unnest($2::text[]::studydirection[]) WITH ORDINALITY AS d (direction, place)
        """
      ) {
        $0.add(name)
        $0.add(directions.map { $0 == .minimize ? "MINIMIZE" : "MAXIMIZE" })
      },
      register(named: name, token: token),
    ]
  }

  func exists(_ name: String) throws(StoreError) -> Bool {
    try read { connection throws(Failure) in
      try connection.run(
        Command("SELECT 1 FROM studies WHERE study_name = $1::text") { $0.add(name) }
      ).count > 0
    }
  }

  /// Adds the study's row to our tables. A row of its id that stands there belonged to a study that
  /// was deleted without our trigger.
  private static func register(named name: String, token: String) -> Command {
    Command(
      """
      WITH made AS (SELECT study_id FROM studies WHERE study_name = $1::text)
      INSERT INTO needletail_studies (study_id, study_name, token)
      SELECT study_id, $1::text, $2::text FROM made ON CONFLICT (study_id) DO NOTHING
      """
    ) {
      $0.add(name)
      $0.add(token)
    }
  }

  public func study(named name: String) throws(StoreError) -> StudyRecord {
    let (found, damaged) = try read { connection throws(Failure) in
      try self.records(named: name, connection)
    }
    if let problem = damaged.first?.problem { throw problem }
    guard let first = found.first else { throw try unknown(name) }
    return try registered(found, named: name).first ?? first
  }

  public func studies() throws(StoreError) -> [StudyRecord] {
    let found = try read { connection throws(Failure) in
      try self.records(named: nil, connection)
    }
    return try registered(found.studies, named: nil)
  }

  public func damagedStudies() throws(StoreError) -> [DamagedStudy] {
    try read { connection throws(Failure) in try self.records(named: nil, connection).damaged }
  }

  /// The studies, or the one of that name, in the order of their creation, and those that have no
  /// record.
  func records(
    named name: String?, _ connection: Connection
  ) throws(Failure) -> (studies: [StudyRecord], damaged: [DamagedStudy]) {
    let hasTokens = memory.withLock { $0.ownVersion != nil }
    let rows = try connection.run(
      hasTokens
        ? Command(
          """
          SELECT s.study_id::int8, s.study_name, d.direction::text, n.token FROM studies s
          LEFT JOIN study_directions d ON d.study_id = s.study_id
          LEFT JOIN needletail_studies n
            ON n.study_id = s.study_id AND n.study_name = s.study_name
          WHERE $1::text IS NULL OR s.study_name = $1::text ORDER BY s.study_id, d.objective
          """
        ) { $0.add(name) }
        : Command(
          """
          SELECT s.study_id::int8, s.study_name, d.direction::text, NULL::text FROM studies s
          LEFT JOIN study_directions d ON d.study_id = s.study_id
          WHERE $1::text IS NULL OR s.study_name = $1::text ORDER BY s.study_id, d.objective
          """
        ) { $0.add(name) })
    var found: [(id: Int, name: String, token: String?, directions: [Direction])] = []
    var damaged: [DamagedStudy] = []
    for row in 0..<rows.count {
      let id = rows.int(row, 0)
      if found.last?.id != id {
        found.append((id, rows.text(row, 1), rows.isNull(row, 3) ? nil : rows.text(row, 3), []))
      }
      switch rows.text(row, 2) {
      case "MAXIMIZE": found[found.count - 1].directions.append(.maximize)
      // Optuna treats a study whose direction was never set as one that minimizes.
      case "MINIMIZE", "NOT_SET": found[found.count - 1].directions.append(.minimize)
      case let other:
        let name = rows.text(row, 1)
        guard damaged.last?.name != name else { continue }
        let problem = other.isEmpty ? "no direction" : "the direction '\(other)'"
        damaged.append(
          DamagedStudy(name: name, problem: self.damaged("study '\(name)' has \(problem)")))
      }
    }
    let studies = found.filter { study in !damaged.contains { $0.name == study.name } }.map {
      StudyRecord(
        id: $0.id, token: $0.token ?? Self.unregistered + "\($0.id):\($0.name)", name: $0.name,
        directions: $0.directions)
    }
    return (studies, damaged)
  }

  /// Gives the studies that other programs made their rows in our tables, unless the store is
  /// read-only.
  private func registered(
    _ found: [StudyRecord], named name: String?
  ) throws(StoreError) -> [StudyRecord] {
    let strangers = found.filter { $0.token.hasPrefix(Self.unregistered) }
    if strangers.isEmpty || isReadOnly { return found }
    do throws(StoreError) {
      return try write { (connection, _) throws(Failure) in
        for stranger in strangers {
          _ = try connection.run([
            Command(
              """
              DELETE FROM needletail_studies n
              WHERE n.study_id = $1::int8 AND n.study_name <> $2::text
              """
            ) {
              $0.add(stranger.id)
              $0.add(stranger.name)
            },
            Self.register(named: stranger.name, token: Token.random()),
          ])
        }
        return try self.records(named: name, connection).studies
      }
    } catch {
      // A role that may only read sees what others made as it is.
      if case .readOnly = error { return found }
      throw error
    }
  }

  public func delete(_ study: StudyRecord) throws(StoreError) {
    try write(to: study) { (connection, isInDoubt) throws(Failure) in
      func key(_ sql: StaticString) -> Command { Command(sql) { $0.add(study.id) } }
      let hold = Command("SELECT needletail_key($1::int8, $2::text)") {
        $0.add(study.id)
        $0.add(study.token)
      }
      do throws(Failure) {
        _ = try connection.run([
          // A caller that creates trials waits here, and then finds the study gone.
          key("SELECT 1 FROM studies WHERE study_id = $1::int8 FOR UPDATE"), hold,
          key(
            """
            DELETE FROM trial_heartbeats
            WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int8)
            """),
          key(
            """
            DELETE FROM trial_intermediate_values
            WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int8)
            """),
          key(
            """
            DELETE FROM trial_values
            WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int8)
            """),
          key(
            """
            DELETE FROM trial_params
            WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int8)
            """),
          key(
            """
            DELETE FROM trial_user_attributes
            WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int8)
            """),
          key(
            """
            DELETE FROM trial_system_attributes
            WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int8)
            """),
          key("DELETE FROM trials WHERE study_id = $1::int8"),
          key("DELETE FROM study_directions WHERE study_id = $1::int8"),
          key("DELETE FROM study_user_attributes WHERE study_id = $1::int8"),
          key("DELETE FROM study_system_attributes WHERE study_id = $1::int8"),
          key("DELETE FROM studies WHERE study_id = $1::int8"),
        ])
      } catch {
        // The study has gone, perhaps by the first attempt.
        if case .refused("NT001", _, _) = error, isInDoubt { return }
        throw error
      }
    }
    memory.withLock { $0.kinds[study.token] = nil }
  }

  // MARK: Attributes and notes

  /// What shows that the study is there: one row, or none.
  func presence(of study: StudyRecord) -> Command {
    let isRegistered = !study.token.hasPrefix(Self.unregistered)
    return isRegistered
      ? Command("SELECT 1 FROM needletail_studies WHERE token = $1::text AND study_id = $2::int8") {
        $0.add(study.token)
        $0.add(study.id)
      }
      : Command("SELECT 1 FROM studies WHERE study_name = $1::text AND study_id = $2::int8") {
        $0.add(study.name)
        $0.add(study.id)
      }
  }

  /// Runs the commands and returns what they returned, if the study is there.
  func read(
    in study: StudyRecord, _ commands: [Command]
  ) throws(StoreError) -> [Rows] {
    let presence = presence(of: study)
    let rows = try read { connection throws(Failure) in
      try connection.run([presence] + commands)
    }
    guard rows[0].count > 0 else { throw try unknown(study.name) }
    return Array(rows.dropFirst())
  }

  public func attributes(
    _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) -> [Attribute] {
    let rows = try read(
      in: study,
      [
        Command(
          kind == .user
            ? """
            SELECT key, value_json FROM study_user_attributes WHERE study_id = $1::int8
            ORDER BY study_user_attribute_id
            """
            : """
            SELECT key, value_json FROM study_system_attributes WHERE study_id = $1::int8
            ORDER BY study_system_attribute_id
            """
        ) { $0.add(study.id) }
      ])[0]
    var attributes: [Attribute] = []
    for row in 0..<rows.count {
      attributes.append(try attribute(rows.text(row, 0), rows.text(row, 1), of: "study"))
    }
    return attributes
  }

  public func set(
    _ attribute: Attribute, _ kind: AttributeKind, of study: StudyRecord
  ) throws(StoreError) {
    try change(
      study,
      Command(
        kind == .user
          ? """
          INSERT INTO study_user_attributes (study_id, key, value_json)
          VALUES ($1::int8, $2::text, $3::text)
          ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
          """
          : """
          INSERT INTO study_system_attributes (study_id, key, value_json)
          VALUES ($1::int8, $2::text, $3::text)
          ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
          """
      ) {
        $0.add(study.id)
        $0.add(attribute.key)
        $0.add(attribute.value.text())
      })
  }

  /// Runs a command that may be repeated, and tells who waits for changes, if the study is there.
  private func change(_ study: StudyRecord, _ command: Command) throws(StoreError) {
    try write(to: study) { (connection, _) throws(Failure) in
      _ = try connection.run([
        Command("SELECT needletail_key($1::int8, $2::text)") {
          $0.add(study.id)
          $0.add(study.token)
        },
        command,
        Command("SELECT pg_notify('needletail', $1::text)") { $0.add(study.token) },
      ])
    }
  }

  public func note(_ key: String, of study: StudyRecord) throws(StoreError) -> String? {
    guard !study.token.hasPrefix(Self.unregistered) else {
      _ = try read(in: study, [])
      return nil
    }
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT text FROM needletail_notes WHERE key = $1::text AND study_key =
            (SELECT study_key FROM needletail_studies WHERE token = $2::text)
          """
        ) {
          $0.add(key)
          $0.add(study.token)
        }
      ])[0]
    return rows.count > 0 ? rows.text(0, 0) : nil
  }

  public func setNote(
    _ key: String, to text: String, of study: StudyRecord
  ) throws(StoreError) {
    try change(
      study,
      Command(
        """
        INSERT INTO needletail_notes (study_key, key, text)
        SELECT study_key, $2::text, $3::text FROM needletail_studies WHERE token = $1::text
        ON CONFLICT (study_key, key) DO UPDATE SET text = excluded.text
        """
      ) {
        $0.add(study.token)
        $0.add(key)
        $0.add(text)
      })
  }

  public func notes(
    of study: StudyRecord
  ) throws(StoreError) -> [(key: String, text: String)] {
    guard !study.token.hasPrefix(Self.unregistered) else {
      _ = try read(in: study, [])
      return []
    }
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT key, text FROM needletail_notes WHERE study_key =
            (SELECT study_key FROM needletail_studies WHERE token = $1::text)
          ORDER BY key COLLATE "C"
          """
        ) { $0.add(study.token) }
      ])[0]
    return (0..<rows.count).map { (key: rows.text($0, 0), text: rows.text($0, 1)) }
  }

  public func storeNotes(
    withPrefix prefix: String
  ) throws(StoreError) -> [(key: String, text: String)] {
    let rows = try read { connection throws(Failure) -> Rows? in
      // A database of another program may have got our tables only now, or not yet.
      let table = try connection.run(
        Command("SELECT to_regclass('needletail_store_notes') IS NOT NULL"))
      guard table.bool(0, 0) else { return nil }
      return try connection.run(
        Command(
          """
          SELECT key, text FROM needletail_store_notes WHERE starts_with(key, $1::text)
          ORDER BY key COLLATE "C"
          """
        ) { $0.add(prefix) })
    }
    guard let rows else { return [] }
    return (0..<rows.count).map { (key: rows.text($0, 0), text: rows.text($0, 1)) }
  }

  public func setStoreNote(_ key: String, to text: String?) throws(StoreError) {
    try write { (connection, _) throws(Failure) in
      guard let text else {
        _ = try connection.run(
          Command("DELETE FROM needletail_store_notes WHERE key = $1::text") { $0.add(key) })
        return
      }
      _ = try connection.run(
        Command(
          """
          INSERT INTO needletail_store_notes (key, text) VALUES ($1::text, $2::text)
          ON CONFLICT (key) DO UPDATE SET text = excluded.text
          """
        ) {
          $0.add(key)
          $0.add(text)
        })
    }
  }
}
