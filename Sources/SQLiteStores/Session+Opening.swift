internal import CSQLite
internal import Stores
internal import StudyModel
internal import System

extension Session {
  /// What a database holds.
  private enum Contents {
    /// No tables: it is new, or a process is about to fill it.
    case nothing
    /// A study store that we have never written to.
    case shared
    /// A study store with our own tables of that version.
    case own(version: Int)

    var isEmpty: Bool { if case .nothing = self { true } else { false } }
    var ownVersion: Int? { if case .own(let version) = self { version } else { nil } }
  }

  /// Opens the file after looking at it; creates it when it is missing and that is wanted.
  ///
  /// - Parameters:
  ///   - isReadOnly: Whether to treat the file as one that may not be written to; nil to find out.
  ///   - networkName: What tells the network file system of a path.
  convenience init(
    path: String, creatingIfMissing: Bool, isReadOnly: Bool? = nil,
    networkName: (String) -> String? = Host.networkFileSystem(of:)
  ) throws(StoreError) {
    let isNew = try Self.isNew(path, creatingIfMissing: creatingIfMissing)
    if let network = networkName(isNew ? FileSystem.parent(of: path) : path) {
      throw .notAStore(
        location: path,
        problem: "it lies on a network file system (\(network)), where locks are not reliable; "
          + "use a local disk, or PostgreSQL to share it between machines")
    }
    if isNew {
      try self.init(creating: path)
      return
    }
    let isReadOnly =
      isReadOnly
      ?? !(FileSystem.isWritable(path) && FileSystem.isWritable(FileSystem.parent(of: path)))
    func hasLog() throws(StoreError) -> Bool {
      try FileSystem.kind(of: FileSystem.logPath(of: path), location: path) != .missing
    }
    var foundLog = try hasLog()
    let database = try Connection(
      path: path, access: isReadOnly ? (foundLog ? .readOnly : .immutable) : .readWrite,
      location: path)
    // Until it is known to be a store of ours to write, closing must not move a log into the file.
    if foundLog { database.setCheckpointsOnClose(false) }
    var contents = try Self.inspect(database)
    let lockPath = path + "-lock"
    if contents.isEmpty, !isReadOnly,
      try FileSystem.kind(of: lockPath, location: path) != .missing
    {
      // A process that is making the tables holds the lock; what it leaves is what counts.
      try QueueLock(path: lockPath, location: path).withTurn(seconds: SQLiteStudyStore.patience) {
        () throws(StoreError) in
        contents = try Self.inspect(database)
        foundLog = try hasLog()
      }
    }
    if contents.isEmpty {
      let usesLog = try Self.usesLog(database)
      if usesLog, !foundLog {
        throw .notAStore(
          location: path,
          problem:
            "it has no tables, and its write-ahead log \(path)-wal, which should hold them, is "
            + "missing; bring both files, or remove this one")
      }
      guard creatingIfMissing, !isReadOnly else {
        throw .notAStore(location: path, problem: "it has no tables")
      }
      try self.init(creating: path)
      return
    }
    try Self.configure(database)
    let wantsLog = try Self.wantsLog(database)
    self.init(
      database, isReadOnly: isReadOnly, ownVersion: contents.ownVersion, foundLog: foundLog,
      missesLog: wantsLog && !foundLog)
    database.setCheckpointsOnClose(!isReadOnly)
  }

  /// Opens a further connection to the database of a store object, for reading alone.
  convenience init(readingFor files: StoreFiles, isReadOnly: Bool) throws(StoreError) {
    let hasLog = try FileSystem.kind(of: files.logPath, location: files.location) != .missing
    let database = try Connection(
      path: files.path, access: isReadOnly ? (hasLog ? .readOnly : .immutable) : .readWrite,
      location: files.location)
    // The connection that writes does that, when it closes last.
    database.setCheckpointsOnClose(false)
    try files.check()
    let contents = try Self.inspect(database)
    try Self.configure(database)
    try database.execute("PRAGMA query_only = ON")
    self.init(
      database, isReadOnly: true, ownVersion: contents.ownVersion, foundLog: hasLog,
      missesLog: false, isReader: true)
  }

  /// Whether there is no file yet, or an empty one, that may be filled.
  private static func isNew(_ path: String, creatingIfMissing: Bool) throws(StoreError) -> Bool {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .io(
        location: "the store", problem: "its path is empty or has a NUL; give a file's path")
    }
    let parent = FileSystem.parent(of: path)
    switch try FileSystem.kind(of: path, location: path) {
    case .directory:
      throw .notAStore(location: path, problem: "it is a directory; give the path of a file")
    case .other:
      throw .notAStore(location: path, problem: "it is no ordinary file")
    case .missing:
      guard try FileSystem.kind(of: parent, location: parent) == .directory else {
        throw .io(location: path, problem: "the directory '\(parent)' does not exist; create it")
      }
      guard creatingIfMissing else {
        throw .io(location: path, problem: "there is no such file; check the path")
      }
      guard FileSystem.isWritable(parent) else { throw .readOnly(location: parent) }
      return true
    case .regular(size: 0):
      guard creatingIfMissing else {
        throw .notAStore(location: path, problem: "the file is empty")
      }
      return true
    case .regular: return false
    }
  }

  /// Creates the tables in a file that is missing or empty.
  private convenience init(creating path: String) throws(StoreError) {
    let lock = try QueueLock(path: path + "-lock", location: path)
    try lock.lock(seconds: SQLiteStudyStore.patience)
    defer { lock.unlock() }
    let foundLog = try FileSystem.kind(of: FileSystem.logPath(of: path), location: path) != .missing
    let wasMissing = try FileSystem.kind(of: path, location: path) == .missing
    do {
      let database = try Connection(path: path, access: .create, location: path)
      // Another process may have been faster.
      let contents = try Self.inspect(database)
      try Self.configure(database)
      self.init(
        database, isReadOnly: false, ownVersion: contents.ownVersion, foundLog: foundLog,
        missesLog: false)
      if contents.ownVersion == nil {
        // A trial touches some fifteen pages and few of their bytes: half of SQLite's usual size is
        // less to bring to the disk. It only counts while the file is empty.
        try database.execute("PRAGMA page_size = 2048")
        try createTables()
        // A copy of the file alone is a store then, and not an empty file.
        _ = try database.checkpoint(.truncate)
      }
    } catch {
      switch error {
      // Another program was faster.
      case .busy, .notAStore, .unsupportedSchema: break
      // Under the lock no process of ours can have put anything there meanwhile.
      default: if wasMissing { FileSystem.removeDatabase(path) }
      }
      throw error
    }
  }

  /// The settings that last as long as the connection.
  ///
  /// `synchronous=NORMAL` orders the log before the file, and does not wait for the disk at each
  /// commit: ``DiskSync`` does that. A log that begins anew is cut to what is kept of it. SQLite's
  /// own checkpoints are off already: the connection's hook stands in their place, and the pragma
  /// that turns them off would remove the hook.
  static func configure(_ database: Connection) throws(StoreError) {
    try database.execute(
      """
      PRAGMA foreign_keys = ON;
      PRAGMA synchronous = NORMAL;
      PRAGMA journal_size_limit = 8388608;
      PRAGMA cache_size = -8000;
      PRAGMA temp_store = MEMORY;
      """)
  }

  /// Whether the file says that changes to it stand in a write-ahead log.
  private static func usesLog(_ database: Connection) throws(StoreError) -> Bool {
    let pragma = try database.statement("PRAGMA journal_mode")
    defer { pragma.reset() }
    return try pragma.step() && pragma.text(0) == "wal"
  }

  /// Finds out whether the database is a study store that this version knows, by reading alone.
  private static func inspect(_ database: Connection) throws(StoreError) -> Contents {
    let location = database.location
    var tables: Set<String> = []
    let list = try database.statement("SELECT name FROM sqlite_master WHERE type = 'table'")
    while try list.step() { tables.insert(list.text(0)) }
    list.reset()
    if tables.isEmpty { return .nothing }
    guard tables.contains("studies"), tables.contains("trials"), tables.contains("trial_params")
    else {
      let some = tables.sorted().prefix(3).joined(separator: ", ")
      throw .notAStore(
        location: location,
        problem: "it is a database of something else (with the tables \(some)); choose another path"
      )
    }
    var revision: String?
    if tables.contains("alembic_version") {
      let find = try database.statement("SELECT version_num FROM alembic_version")
      if try find.step() { revision = find.text(0) }
      find.reset()
    }
    if let revision, revision != Schema.revision {
      throw .unsupportedSchema(location: location, found: revision)
    }
    if revision == nil, tables.contains("version_info") {
      let find = try database.statement("SELECT schema_version FROM version_info")
      defer { find.reset() }
      if try find.step(), find.int(0) != Schema.version {
        throw .unsupportedSchema(location: location, found: find.text(0))
      }
    }
    guard tables.contains("needletail_version") else { return .shared }
    let find = try database.statement("SELECT version FROM needletail_version")
    defer { find.reset() }
    guard try find.step() else { return .shared }
    guard find.int(0) <= Schema.ownVersion else {
      throw .unsupportedSchema(location: location, found: "needletail \(find.int(0))")
    }
    return .own(version: find.int(0))
  }
}
