internal import CSQLite
internal import JSON
internal import Stores
internal import StudyModel

/// A connection and what one store object remembers about its studies.
///
/// Used by one thread at a time; the store sees to that.
final class Session {
  let database: Connection
  let isReadOnly: Bool
  /// Whether our own tables are there.
  private(set) var hasOwnTables: Bool
  /// Whether our own tables were those of an earlier version when they were last looked at.
  private var isOutdated: Bool
  /// Whether the write-ahead log is known to be on; while we are connected it stays so.
  private var hasLog = false
  /// The length of the log at the last checkpoint; 0 when it has begun anew since.
  private var lastCheckpointPages: Int32 = 0
  /// The largest number met in each study, by study key.
  var largestNumbers: [Int: Int] = [:]
  /// Parameters' kinds, by study key.
  var parameterKinds: [Int: ParameterKinds] = [:]
  /// Names and distributions by their stored bytes.
  let interner: ParameterInterner
  /// What is bound for a distribution.
  private var distributionTexts: [Distribution: String] = [:]

  /// Creates the session of a database that was looked at.
  ///
  /// - Parameter ownVersion: The version of our tables; nil when there are none.
  init(_ database: Connection, isReadOnly: Bool, ownVersion: Int?) {
    self.database = database
    self.isReadOnly = isReadOnly
    let location = database.location
    interner = ParameterInterner { (text, name) throws(StoreError) in
      try Distribution(stored: text, of: name, location: location)
    }
    hasOwnTables = ownVersion != nil
    isOutdated = ownVersion.map { $0 < Schema.ownVersion } ?? false
  }

  /// Begins a transaction that writes; turns the write-ahead log on before, and adds our tables to a
  /// database that has none, or only those of an earlier version.
  func beginWriting() throws(StoreError) {
    if isReadOnly { throw .readOnly(location: database.location) }
    if !hasLog { try turnLogOn() }
    if !hasOwnTables || isOutdated { try createTables() }
    try database.run("BEGIN IMMEDIATE")
  }

  /// Turns the write-ahead log on: a copy of a store, or one of another program, may be without.
  private func turnLogOn() throws(StoreError) {
    let pragma = try database.statement("PRAGMA journal_mode = WAL")
    defer { pragma.reset() }
    let mode = try pragma.step() ? pragma.text(0) : "unknown"
    guard mode == "wal" else {
      throw .io(
        location: database.location,
        problem: "its write-ahead log cannot be turned on (the journal mode stays '\(mode)'); "
          + "stop the programs that use it, or move it to another file system")
    }
    hasLog = true
  }

  /// Creates the tables that are missing, in a database with a write-ahead log.
  func createTables() throws(StoreError) {
    if !hasLog { try turnLogOn() }
    try database.run("BEGIN IMMEDIATE")
    do {
      try database.execute(Schema.shared)
      try database.execute(Schema.own)
      try database.run("COMMIT")
    } catch {
      rollBack()
      throw error
    }
    hasOwnTables = true
    isOutdated = false
  }

  /// Whether our tables are there by now: another process may have added them since this session looked.
  func findOwnTables() throws(StoreError) -> Bool {
    if hasOwnTables { return true }
    let find = try database.statement(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'needletail_version'")
    defer { find.reset() }
    hasOwnTables = try find.step()
    return hasOwnTables
  }

  /// Whether the notes of the whole store have their table, which the first version had not.
  func hasStoreNotes() throws(StoreError) -> Bool {
    guard hasOwnTables else { return false }
    if isOutdated {
      // Another process may have brought the tables up to date meanwhile.
      let find = try database.statement("SELECT version FROM needletail_version")
      defer { find.reset() }
      isOutdated = try !find.step() || find.int(0) < Schema.ownVersion
    }
    return !isOutdated
  }

  /// Moves a long write-ahead log into the file.
  func checkpointIfLong() {
    let pages = database.logPages
    if pages < lastCheckpointPages { lastCheckpointPages = 0 }
    // A reader can keep the log from getting shorter; then it is tried again when it has grown.
    guard pages >= lastCheckpointPages + SQLiteStudyStore.checkpointPages else { return }
    database.checkpoint()
    lastCheckpointPages = pages
  }

  /// Ends the transaction and forgets what was learned in it.
  func rollBack() {
    forget()
    guard !database.isIdle else { return }
    do {
      try database.run("ROLLBACK")
    } catch {
      // SQLite has rolled back by itself, or will when the connection closes.
    }
  }

  /// Drops all that is remembered of what is in the tables.
  func forget() {
    parameterKinds = [:]
    largestNumbers = [:]
  }

  /// Runs `body` in a transaction that reads one state of the database.
  func reading<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try database.run("BEGIN")
    do {
      let value = try body()
      try database.run("COMMIT")
      return value
    } catch {
      rollBack()
      throw error
    }
  }

  // MARK: Studies

  /// Our key of the study; nil when it has none, which a read-only database allows.
  func knownKey(of study: StudyRecord) throws(StoreError) -> Int? {
    if study.token.hasPrefix(Self.unregistered) || !hasOwnTables {
      let find = try database.statement("SELECT study_name FROM studies WHERE study_id = ?")
      find.bind(1, study.id)
      defer { find.reset() }
      guard try find.step(), find.text(0) == study.name else { throw try unknown(study.name) }
      return nil
    }
    return try key(of: study)
  }

  /// Our key of the study.
  ///
  /// - Throws: ``StoreError/unknownStudy(name:known:)`` when it was deleted.
  func key(of study: StudyRecord) throws(StoreError) -> Int {
    let find = try database.statement(
      "SELECT study_key FROM needletail_studies WHERE token = ? AND study_id = ?")
    find.bind(1, study.token)
    find.bind(2, study.id)
    defer { find.reset() }
    guard try find.step() else { throw try unknown(study.name) }
    return find.int(0)
  }

  /// The error for a study that is not there.
  func unknown(_ name: String) throws(StoreError) -> StoreError {
    let all = try database.statement("SELECT study_name FROM studies ORDER BY study_id LIMIT 9")
    defer { all.reset() }
    var known: [String] = []
    while try all.step() { known.append(all.text(0)) }
    return .unknownStudy(name: name, known: known)
  }

  /// What the token of a study begins with that has no row in our tables.
  static let unregistered = "unregistered:"

  // MARK: Spellings

  /// The text that is stored for a distribution.
  func text(of distribution: Distribution) -> String {
    if let known = distributionTexts[distribution] { return known }
    let text = distribution.json.text()
    if distributionTexts.count > 10_000 { distributionTexts = [:] }
    distributionTexts[distribution] = text
    return text
  }

  /// The error for a row that makes no sense.
  func damaged(_ problem: String) -> StoreError {
    .damaged(location: database.location, problem: problem)
  }
}
