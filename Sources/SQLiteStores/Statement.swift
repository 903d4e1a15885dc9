internal import CSQLite
internal import Stores
internal import StudyModel

/// A prepared statement of one connection, kept for its next use.
///
/// It is bound, stepped and reset by one method at a time.
@safe final class Statement {
  private let handle: OpaquePointer
  private unowned let connection: Connection

  /// Tells SQLite to copy what is bound: its macro is a cast that Swift does not import.
  nonisolated(unsafe) private static let transient =
    unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  fileprivate init(taking handle: OpaquePointer, of connection: Connection) {
    unsafe self.handle = handle
    self.connection = connection
  }

  convenience init(_ handle: OpaquePointer, of connection: Connection) {
    unsafe self.init(taking: handle, of: connection)
  }

  deinit {
    unsafe sqlite3_finalize(handle)
  }

  // MARK: Parameters, counted from 1

  func bind(_ index: Int32, _ value: Int) {
    check(unsafe sqlite3_bind_int64(handle, index, Int64(value)))
  }

  func bind(_ index: Int32, _ value: Int?) {
    if let value { bind(index, value) } else { bindNull(index) }
  }

  /// SQLite stores NaN as NULL, so NaN is not allowed here.
  func bind(_ index: Int32, _ value: Double) {
    precondition(!value.isNaN, "bind NULL explicitly instead of NaN")
    check(unsafe sqlite3_bind_double(handle, index, value))
  }

  func bind(_ index: Int32, _ value: String) {
    var copy = value
    copy.withUTF8 { bytes in
      // An empty string may have no address, which would bind NULL.
      guard let start = bytes.baseAddress else {
        return check(unsafe sqlite3_bind_text(handle, index, "", 0, Self.transient))
      }
      unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { text in
        check(
          unsafe sqlite3_bind_text(handle, index, text, Int32(bytes.count), Self.transient))
      }
    }
  }

  func bind(_ index: Int32, _ value: String?) {
    if let value { bind(index, value) } else { bindNull(index) }
  }

  func bindNull(_ index: Int32) {
    check(unsafe sqlite3_bind_null(handle, index))
  }

  private func check(_ code: Int32) {
    // Only a wrong index or a value beyond SQLite's limit of a billion bytes can fail.
    precondition(code == SQLITE_OK, "binding failed with \(code)")
  }

  // MARK: Running

  /// Advances to the next row; false when there is none. After a failure the statement is reset.
  func step() throws(StoreError) -> Bool {
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    let error = connection.error(code)
    reset()
    throw error
  }

  /// Runs to the end and makes the statement ready for its next use.
  func run() throws(StoreError) {
    while try step() {}
    reset()
  }

  func reset() {
    unsafe sqlite3_reset(handle)
  }

  // MARK: Columns, counted from 0

  func isNull(_ column: Int32) -> Bool {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  func isText(_ column: Int32) -> Bool {
    unsafe sqlite3_column_type(handle, column) == SQLITE_TEXT
  }

  func int(_ column: Int32) -> Int {
    Int(unsafe sqlite3_column_int64(handle, column))
  }

  func double(_ column: Int32) -> Double {
    unsafe sqlite3_column_double(handle, column)
  }

  /// The text of the column; empty for NULL. Bytes that are not UTF-8 are replaced.
  func text(_ column: Int32) -> String {
    unsafe String(decoding: bytes(column), as: UTF8.self)
  }

  /// The column's bytes; valid until the statement is stepped or reset.
  func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
    let start = unsafe sqlite3_column_blob(handle, column)
    return unsafe UnsafeRawBufferPointer(
      start: start, count: Int(sqlite3_column_bytes(handle, column)))
  }
}
