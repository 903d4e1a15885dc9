internal import CSQLite
internal import StudyModel

extension Session {
  /// Opens the file after looking at it; creates it when it is missing and that is wanted.
  convenience init(path: String, creatingIfMissing: Bool) throws(StoreError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .io(
        location: "the store", problem: "its path is empty or has a NUL; give a file's path")
    }
    let parent = FileSystem.parent(of: path)
    let isNew: Bool
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
      isNew = true
    case .regular(let size):
      isNew = size == 0
    }
    if let network = FileSystem.networkName(of: isNew ? parent : path) {
      throw .notAStore(
        location: path,
        problem: "it lies on a network file system (\(network)), where locks are not reliable; "
          + "use a local disk, or PostgreSQL to share it between machines")
    }
    if isNew {
      guard creatingIfMissing else {
        throw .notAStore(location: path, problem: "the file is empty")
      }
      try self.init(creating: path)
      return
    }
    let isReadOnly = !FileSystem.isWritable(path) || !FileSystem.isWritable(parent)
    let log = try FileSystem.kind(of: path + "-wal", location: path)
    // Where SQLite cannot make its shared memory nobody else can write either.
    let isFrozen = log == .missing && FileSystem.isOnReadOnlyDisk(parent)
    let database = try Connection(
      path: isFrozen ? Self.frozenAddress(of: path) : path,
      flags: isFrozen
        ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        : isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, location: path)
    // Until it is known to be a store of ours to write, closing must not move a log into the file.
    if log != .missing { database.setCheckpointsOnClose(false) }
    let hasOwnTables = try Self.inspect(database)
    try Self.configure(database, isReadOnly: isReadOnly)
    self.init(database, path: path, isReadOnly: isReadOnly, hasOwnTables: hasOwnTables)
    database.setCheckpointsOnClose(!isReadOnly)
  }

  /// The path as an SQLite address of a file that never changes.
  private static func frozenAddress(of path: String) -> String {
    let digits = Array("0123456789ABCDEF")
    let escaped = path.utf8.reduce(into: "file:") { address, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        address.append(Character(Unicode.Scalar(byte)))
      default:
        address.append("%")
        address.append(digits[Int(byte >> 4)])
        address.append(digits[Int(byte & 15)])
      }
    }
    return escaped + "?immutable=1"
  }

  /// Creates the tables in a file that is missing or empty.
  private convenience init(creating path: String) throws(StoreError) {
    let lock = try QueueLock(path: path + "-lock", location: path)
    try lock.lock(seconds: SQLiteStudyStore.patience)
    defer { lock.unlock() }
    let wasMissing = try FileSystem.kind(of: path, location: path) == .missing
    do {
      let database = try Connection(
        path: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, location: path)
      // Another process may have been faster.
      let hasOwnTables = try Self.inspect(database)
      try Self.configure(database, isReadOnly: false)
      self.init(database, path: path, isReadOnly: false, hasOwnTables: hasOwnTables)
      if !hasOwnTables { try createTables() }
    } catch {
      // Under the lock nobody else can have put anything there.
      if wasMissing { FileSystem.removeDatabase(path) }
      throw error
    }
  }

  /// The settings that last as long as the connection.
  ///
  /// `synchronous=NORMAL` orders the log before the file, and does not wait for the disk at each
  /// commit: ``DiskSync`` does that. Checkpoints are run by the store, in its turn.
  private static func configure(_ database: Connection, isReadOnly: Bool) throws(StoreError) {
    try database.execute(
      """
      PRAGMA foreign_keys = ON;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -8000;
      PRAGMA temp_store = MEMORY;
      """)
  }

  /// Finds out whether the database is a study store that this version knows, by reading alone.
  ///
  /// - Returns: Whether our own tables are there.
  private static func inspect(_ database: Connection) throws(StoreError) -> Bool {
    let location = database.location
    var tables: Set<String> = []
    let list = try database.statement("SELECT name FROM sqlite_master WHERE type = 'table'")
    while try list.step() { tables.insert(list.text(0)) }
    list.reset()
    if tables.isEmpty { return false }
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
    guard tables.contains("needletail_version") else { return false }
    let find = try database.statement("SELECT version FROM needletail_version")
    defer { find.reset() }
    guard try find.step() else { return false }
    guard find.int(0) <= Schema.ownVersion else {
      throw .unsupportedSchema(location: location, found: "needletail \(find.int(0))")
    }
    return true
  }
}
