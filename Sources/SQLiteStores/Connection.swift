internal import CSQLite
internal import Stores
internal import StudyModel
internal import System

/// One SQLite connection with its prepared statements.
///
/// Not `Sendable`: its owner lets one thread at a time use it.
@safe final class Connection {
  /// What an error message calls the database.
  let location: String
  private let handle: OpaquePointer
  /// The pages in the write-ahead log, as of the last commit of this connection.
  private(set) var logPages: Int32 = 0
  /// Whether the disk once refused to confirm what this connection had written.
  private(set) var isUnconfirmed = false
  /// The statements by the address of their text, which is a constant of the program.
  private var statements: [UInt: Statement] = [:]
  private var isClosed = false
  private let waiting: BusyWaiting

  /// What a connection may do with its file.
  enum Access {
    case create
    case readWrite
    case readOnly
    /// Reads a file that no program changes, and makes no files beside it.
    case immutable

    fileprivate var flags: Int32 {
      switch self {
      case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .readWrite: SQLITE_OPEN_READWRITE
      case .readOnly: SQLITE_OPEN_READONLY
      case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      }
    }
  }

  /// Opens the file. That one thread at a time uses the connection is our own care, so the
  /// library's is turned off.
  init(path: String, access: Access, location: String) throws(StoreError) {
    self.location = location
    var handle: OpaquePointer?
    let name = access == .immutable ? Self.immutableURI(path) : path
    let code = unsafe sqlite3_open_v2(name, &handle, access.flags | SQLITE_OPEN_NOMUTEX, nil)
    guard let opened = unsafe handle else {
      throw .io(location: location, problem: "out of memory")
    }
    waiting = BusyWaiting(
      seconds: SQLiteStudyStore.patience, location: location,
      path: unsafe Self.path(of: opened) ?? path)
    guard code == SQLITE_OK else {
      defer { unsafe sqlite3_close_v2(opened) }
      throw unsafe Self.error(code, opened, location)
    }
    unsafe self.handle = opened
    unsafe sqlite3_extended_result_codes(opened, 1)
    unsafe sqlite3_busy_handler(
      opened,
      { waiting, count in
        guard let waiting = unsafe waiting else { return 0 }
        let goesOn = unsafe Unmanaged<BusyWaiting>.fromOpaque(waiting).takeUnretainedValue()
          .waits(turn: Int(count))
        return goesOn ? 1 : 0
      }, Unmanaged.passUnretained(waiting).toOpaque())
    // Put in the place of SQLite's own checkpoints, which would be run in the middle of a commit.
    let myself = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe sqlite3_wal_hook(
      opened,
      { myself, _, _, pages in
        if let myself = unsafe myself {
          unsafe Unmanaged<Connection>.fromOpaque(myself).takeUnretainedValue().logPages = pages
        }
        return SQLITE_OK
      }, myself)
  }

  deinit { close() }

  /// Gives up file and locks; the connection must not be used afterwards.
  func close() {
    if isClosed { return }
    isClosed = true
    statements = [:]
    unsafe sqlite3_close_v2(handle)
  }

  /// Makes calls wait for locks of others for another time than ``SQLiteStudyStore/patience``.
  func setPatience(seconds: Double) { waiting.seconds = seconds }

  private static func immutableURI(_ path: String) -> String {
    var encoded = "file:"
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return encoded + "?immutable=1"
  }

  /// The path of the database file, with links resolved.
  var resolvedPath: String { unsafe Self.path(of: handle) ?? location }

  private static func path(of handle: OpaquePointer) -> String? {
    unsafe sqlite3_db_filename(handle, "main").map { unsafe String(cString: $0) }
  }

  /// The prepared form of `sql`, reset and ready to bind.
  func statement(_ sql: StaticString) throws(StoreError) -> Statement {
    let key = UInt(bitPattern: unsafe sql.utf8Start)
    if let known = statements[key] { return known }
    var prepared: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(
      handle, sql.utf8Start, Int32(sql.utf8CodeUnitCount), UInt32(SQLITE_PREPARE_PERSISTENT),
      &prepared, nil)
    guard code == SQLITE_OK, let ready = unsafe prepared else { throw error(code) }
    let statement = unsafe Statement(ready, of: self)
    statements[key] = statement
    return statement
  }

  /// Runs statements that return nothing, one after the other.
  func execute(_ script: String) throws(StoreError) {
    let code = unsafe sqlite3_exec(handle, script, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// Runs one cached statement without parameters.
  func run(_ sql: StaticString) throws(StoreError) {
    try statement(sql).run()
  }

  /// Whether no transaction is open.
  var isIdle: Bool { unsafe sqlite3_get_autocommit(handle) != 0 }
  /// The rows that the last statement changed.
  var changedRows: Int { Int(unsafe sqlite3_changes(handle)) }
  /// The key of the row inserted last.
  var insertedID: Int { Int(unsafe sqlite3_last_insert_rowid(handle)) }

  /// Whether the last connection to close a write-ahead log moves it into the file.
  func setCheckpointsOnClose(_ isOn: Bool) {
    unsafe needletail_sqlite3_no_checkpoint_on_close(handle, isOn ? 0 : 1)
  }

  /// How far a checkpoint goes.
  enum Checkpoint {
    /// Moves what no reader needs any more, and does not wait.
    case passive
    /// Moves all, and has the next commit begin the log anew.
    case restart
    /// Moves all, and leaves a log of no bytes.
    case truncate

    fileprivate var code: Int32 {
      switch self {
      case .passive: SQLITE_CHECKPOINT_PASSIVE
      case .restart: SQLITE_CHECKPOINT_RESTART
      case .truncate: SQLITE_CHECKPOINT_TRUNCATE
      }
    }
  }

  /// Moves the write-ahead log into the file: the log is synchronized before, the file afterwards.
  ///
  /// - Returns: Whether all of it was moved; a reader or another process may prevent that.
  func checkpoint(_ kind: Checkpoint) throws(StoreError) -> Bool {
    var (pages, moved): (Int32, Int32) = (0, 0)
    let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, kind.code, &pages, &moved)
    switch code & 0xFF {
    case SQLITE_OK: return pages == moved
    case SQLITE_BUSY, SQLITE_LOCKED: return false
    default: throw error(code)
    }
  }

  /// The sentence for a result code of this connection.
  func error(_ code: Int32) -> StoreError {
    if code == Self.unconfirmedFile || code == Self.unconfirmedFolder { isUnconfirmed = true }
    return unsafe Self.error(code, handle, location)
  }

  /// `SQLITE_IOERR_FSYNC` and `SQLITE_IOERR_DIR_FSYNC`, macros that Swift does not import.
  private static let unconfirmedFile: Int32 = SQLITE_IOERR | (4 << 8)
  private static let unconfirmedFolder: Int32 = SQLITE_IOERR | (5 << 8)

  private static func error(
    _ code: Int32, _ handle: OpaquePointer, _ location: String
  ) -> StoreError {
    let message =
      unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) } ?? "error \(code)"
    let system = unsafe sqlite3_system_errno(handle)
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: return .busy(location: location)
    case SQLITE_FULL: return .full(location: location)
    case SQLITE_READONLY: return .readOnly(location: location)
    case SQLITE_CORRUPT: return .damaged(location: location, problem: message)
    case SQLITE_NOTADB:
      return .notAStore(
        location: location, problem: "it is no SQLite database; choose another path")
    case SQLITE_IOERR, SQLITE_CANTOPEN:
      if system == ENOSPC || system == EDQUOT { return .full(location: location) }
      if system == EROFS { return .readOnly(location: location) }
      if system == EMFILE || system == ENFILE {
        return .io(location: location, problem: FileSystem.descriptorProblem(system))
      }
      let reason = system == 0 ? message : "\(message) (\(systemMessage(system)))"
      return .io(location: location, problem: reason)
    default: return .io(location: location, problem: message)
    }
  }
}

/// What the operating system says of an `errno`.
func systemMessage(_ number: Int32) -> String {
  unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
}
