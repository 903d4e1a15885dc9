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
  /// Whether a write-ahead log was beside the file when it was opened: a process has it open, or
  /// none closed it in order.
  let foundLog: Bool
  /// Whether the file says that its log holds more although there was none: a copy of the file
  /// alone says so.
  let missesLog: Bool
  /// Whether the transaction under way has marked the file as one whose log must be kept with it.
  var hasMarked = false
  /// Whether marks of cursors are this session's: those of one connection mean nothing to another.
  let isFollowed: Bool
  private var pageSize = 0
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
  /// - Parameters:
  ///   - ownVersion: The version of our tables; nil when there are none.
  ///   - foundLog: Whether there was a write-ahead log before the database was opened.
  ///   - missesLog: Whether there was none, and should have been.
  ///   - isReader: Whether it is one of several sessions that read for a store object.
  init(
    _ database: Connection, isReadOnly: Bool, ownVersion: Int?, foundLog: Bool, missesLog: Bool,
    isReader: Bool = false
  ) {
    self.database = database
    self.isReadOnly = isReadOnly
    self.foundLog = foundLog
    self.missesLog = missesLog
    isFollowed = !isReader
    let location = database.location
    interner = ParameterInterner { (text, name) throws(StoreError) in
      try Distribution(stored: text, of: name, location: location)
    }
    hasOwnTables = ownVersion != nil
    isOutdated = ownVersion.map { $0 < Schema.ownVersion } ?? false
  }

  /// Begins a transaction that writes; turns the write-ahead log on before, and adds our tables to
  /// a database that has none, or only those of an earlier version.
  func beginWriting() throws(StoreError) {
    if isReadOnly { throw .readOnly(location: database.location) }
    if !hasLog { try turnLogOn() }
    if !hasOwnTables || isOutdated { try createTables() }
    try database.run("BEGIN IMMEDIATE")
    do {
      if try mark() == .complete {
        try database.run("PRAGMA user_version = 1")
        hasMarked = true
      }
    } catch {
      rollBack()
      throw error
    }
  }

  // MARK: The mark

  /// What the file says of itself, in SQLite's `user_version`: a copy of it without its log must
  /// not look like all there is.
  private enum Mark: Int {
    /// The file holds everything.
    case complete = 0
    /// The file was in use when it was last changed, and its log may hold more.
    case inUse = 1
  }

  private func mark() throws(StoreError) -> Mark { try Self.mark(of: database) }

  private static func mark(of database: Connection) throws(StoreError) -> Mark {
    let pragma = try database.statement("PRAGMA user_version")
    defer { pragma.reset() }
    // Another program's number says nothing.
    return try pragma.step() && pragma.int(0) == Mark.inUse.rawValue ? .inUse : .complete
  }

  /// Whether the file says that a log belongs to it.
  static func wantsLog(_ database: Connection) throws(StoreError) -> Bool {
    try mark(of: database) == .inUse
  }

  /// Marks the file as complete; the log must be folded before and after.
  ///
  /// - Returns: Whether that changed anything.
  func markComplete() throws(StoreError) -> Bool {
    guard try mark() == .inUse else { return false }
    try database.run("BEGIN IMMEDIATE")
    do {
      try database.run("PRAGMA user_version = 0")
      try database.run("COMMIT")
    } catch {
      rollBack()
      throw error
    }
    return true
  }

  /// The length of the write-ahead log in bytes, as of the last commit of this session.
  var logBytes: Int {
    // Twenty-four bytes stand before each page.
    Int(database.logPages) * (pageSize + 24)
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
    let size = try database.statement("PRAGMA page_size")
    defer { size.reset() }
    if try size.step() { pageSize = size.int(0) }
  }

  /// Creates the tables that are missing, in a database with a write-ahead log, and brings ours up
  /// to date: each migration in a transaction of its own.
  func createTables(_ migrations: [Migration] = Schema.migrations) throws(StoreError) {
    if !hasLog { try turnLogOn() }
    while try migrate(migrations) {}
    hasOwnTables = true
    isOutdated = false
  }

  /// Runs the next migration; false when there was none to run.
  private func migrate(_ migrations: [Migration]) throws(StoreError) -> Bool {
    try database.run("BEGIN IMMEDIATE")
    do throws(StoreError) {
      // Another process may have run some meanwhile.
      let isThere = try isThere("needletail_version")
      let version = isThere ? try storedVersion() : 0
      guard version <= migrations.last?.version ?? 0 else {
        throw .unsupportedSchema(location: database.location, found: "needletail \(version)")
      }
      let migration = migrations.next(after: version)
      if let migration {
        if version == 0 { try database.execute(Schema.shared) }
        try database.execute(migration.script)
        let note = try database.statement(
          """
          INSERT INTO needletail_version VALUES (1, ?)
          ON CONFLICT (id) DO UPDATE SET version = excluded.version
          """)
        note.bind(1, migration.version)
        try note.run()
      }
      try database.run("COMMIT")
      return migration != nil
    } catch {
      rollBack()
      throw error
    }
  }

  /// The version of our tables, which are there; 0 when it was lost.
  private func storedVersion() throws(StoreError) -> Int {
    let find = try database.statement("SELECT version FROM needletail_version")
    defer { find.reset() }
    return try find.step() ? find.int(0) : 0
  }

  /// Whether there is a table of that name.
  private func isThere(_ table: String) throws(StoreError) -> Bool {
    let find = try database.statement(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
    find.bind(1, table)
    defer { find.reset() }
    return try find.step()
  }

  /// Whether our tables are there by now: another process may have added them since this session
  /// looked.
  func findOwnTables() throws(StoreError) -> Bool {
    if !hasOwnTables { hasOwnTables = try isThere("needletail_version") }
    return hasOwnTables
  }

  /// Whether the notes of the whole store have their table, which the first version had not.
  func hasStoreNotes() throws(StoreError) -> Bool {
    guard hasOwnTables else { return false }
    // Another process may have brought the tables up to date meanwhile.
    if !isOutdated { return true }
    return try isThere("needletail_store_notes")
  }

  /// Ends the transaction and forgets what was learned in it.
  func rollBack() {
    forget()
    hasMarked = false
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
    let isKnown = study.token.hasPrefix(Self.unregistered) ? false : try findOwnTables()
    if !isKnown {
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
