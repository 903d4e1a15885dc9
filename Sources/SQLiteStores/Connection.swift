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
  /// The statements by the address of their text, which is a constant of the program.
  private var statements: [UInt: Statement] = [:]

  /// Seconds to wait for other processes before giving up.
  static let busySeconds: Int32 = 60

  /// What a connection may do with its file.
  enum Access {
    case create
    case readWrite
    case readOnly
    /// Reads a file that nobody changes, and makes no files beside it.
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

  /// Opens the file. That one thread at a time uses the connection is our own care, so the library's
  /// is turned off.
  init(path: String, access: Access, location: String) throws(StoreError) {
    self.location = location
    var handle: OpaquePointer?
    let name = access == .immutable ? Self.immutableURI(path) : path
    let code = unsafe sqlite3_open_v2(name, &handle, access.flags | SQLITE_OPEN_NOMUTEX, nil)
    guard let opened = unsafe handle else {
      throw .io(location: location, problem: "out of memory")
    }
    guard code == SQLITE_OK else {
      defer { unsafe sqlite3_close_v2(opened) }
      throw unsafe Self.error(code, opened, location)
    }
    unsafe self.handle = opened
    unsafe sqlite3_extended_result_codes(opened, 1)
    unsafe sqlite3_busy_timeout(opened, Self.busySeconds * 1_000)
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

  deinit {
    statements = [:]
    unsafe sqlite3_close_v2(handle)
  }

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
  var resolvedPath: String {
    unsafe sqlite3_db_filename(handle, "main").map { unsafe String(cString: $0) } ?? location
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
  func execute(_ script: StaticString) throws(StoreError) {
    let code = unsafe sqlite3_exec(
      handle, UnsafeRawPointer(script.utf8Start).assumingMemoryBound(to: CChar.self), nil, nil, nil)
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

  /// Moves the write-ahead log into the file as far as readers allow, without waiting for any.
  func checkpoint() {
    // A checkpoint that cannot run now is made up for by the next one.
    unsafe sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
  }

  /// The sentence for a result code of this connection.
  func error(_ code: Int32) -> StoreError {
    unsafe Self.error(code, handle, location)
  }

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
