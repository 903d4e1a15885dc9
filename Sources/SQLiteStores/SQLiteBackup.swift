public import Stores
internal import System

/// Renews a verified copy of a store whenever the store has changed; others go on meanwhile.
///
/// One thread at a time uses it. It has a connection of its own until ``close()``.
public final class SQLiteBackup {
  /// Bytes that are copied at a time.
  private static let chunk = 1 << 20

  private let source: Connection
  private let store: String
  /// The state of the store that the last copy has, as SQLite numbers it for this connection.
  private var copied: Int?

  /// Opens the file of the store once more, to read it.
  public init(_ store: SQLiteStudyStore) throws(StoreError) {
    self.store = store.writer.files.path
    source = try Connection(path: self.store, access: .readOnly, location: store.location)
  }

  /// Gives up the connection; to be called before the store is closed.
  public func close() { source.close() }

  /// Writes the store as it is at one moment to `path`, unless the last copy has that already.
  ///
  /// The copy is made and checked beside the store, since SQLite needs locks that a network file
  /// system may lack. Its bytes are then written beside `path`, read again, and take the place of
  /// what `path` was, which stays complete until then. Takes about a second per few hundred
  /// megabytes, and as much room beside the store as the copy has.
  ///
  /// - Throws: ``StoreError/damaged(location:problem:)`` when the copy fails SQLite's integrity
  ///   check, ``StoreError/full(location:)``, ``StoreError/io(location:problem:)`` also for the
  ///   path of the store itself.
  public func renew(at path: String) throws(StoreError) {
    // Before the copy: what changes meanwhile is in the next one.
    let version = try version()
    guard version != copied else { return }
    guard try !Self.isSame(store, path) else {
      throw .io(location: path, problem: "it is the store itself; give the path of another file")
    }
    let draft = "\(store)-backup-\(getpid())"
    unsafe unlink(draft)
    defer { unsafe unlink(draft) }
    let copying = try source.statement("VACUUM INTO ?")
    copying.bind(1, draft)
    try copying.run()
    try Self.check(draft, for: path)
    try Self.place(draft, at: path)
    copied = version
  }

  private func version() throws(StoreError) -> Int {
    let pragma = try source.statement("PRAGMA data_version")
    defer { pragma.reset() }
    _ = try pragma.step()
    return pragma.int(0)
  }

  /// Checks a copy, and has it say that no log belongs to it.
  private static func check(_ draft: String, for path: String) throws(StoreError) {
    let copy = try Connection(path: draft, access: .readWrite, location: path)
    defer { copy.close() }
    try copy.run("PRAGMA user_version = 0")
    let checking = try copy.statement("PRAGMA integrity_check(1)")
    defer { checking.reset() }
    guard try checking.step(), checking.text(0) == "ok" else {
      throw .damaged(location: path, problem: "the copy is not whole: \(checking.text(0))")
    }
  }

  private static func isSame(_ first: String, _ second: String) throws(StoreError) -> Bool {
    var (own, other) = (stat(), stat())
    guard unsafe stat(first, &own) == 0 else { throw fault(first, errno) }
    guard unsafe stat(second, &other) == 0 else { return false }
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }

  /// Puts a file's bytes in the place of another file, on disk and read again.
  private static func place(_ draft: String, at path: String) throws(StoreError) {
    let new = path + ".new"
    let source = try open(draft, O_RDONLY, for: path)
    defer { System.close(source) }
    let target = try open(new, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, for: path)
    defer { System.close(target) }
    do throws(StoreError) {
      try each(of: source, path) { (bytes, _) throws(StoreError) in
        let number = unsafe bytes.withUnsafeBytes { unsafe Descriptors.writeAll(target, $0) }
        guard number == 0 else { throw fault(path, number) }
      }
      guard fsync(target) == 0 else { throw fault(path, errno) }
      var read = [UInt8](repeating: 0, count: chunk)
      try each(of: source, path) { (bytes, offset) throws(StoreError) in
        let count = unsafe pread(target, &read, bytes.count, offset)
        guard count == bytes.count, bytes == read[..<count] else {
          throw .io(location: path, problem: "what was written reads differently")
        }
      }
      guard unsafe rename(new, path) == 0 else { throw fault(path, errno) }
    } catch {
      unsafe unlink(new)
      throw error
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let directory = try open(folder, O_RDONLY | O_DIRECTORY, for: path)
    defer { System.close(directory) }
    guard fsync(directory) == 0 else { throw fault(path, errno) }
  }

  /// Reads all of a file from its begin, a piece at a time.
  private static func each(
    of file: Int32, _ path: String,
    _ body: (ArraySlice<UInt8>, off_t) throws(StoreError) -> Void
  ) throws(StoreError) {
    var buffer = [UInt8](repeating: 0, count: chunk)
    var offset: off_t = 0
    while true {
      let count = unsafe pread(file, &buffer, chunk, offset)
      guard count >= 0 else { throw fault(path, errno) }
      guard count > 0 else { return }
      try body(buffer[..<count], offset)
      offset += off_t(count)
    }
  }

  private static func open(
    _ path: String, _ flags: Int32, for target: String
  ) throws(StoreError) -> Int32 {
    let file = unsafe System.open(path, flags | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw fault(target, errno) }
    return file
  }

  private static func fault(_ path: String, _ number: Int32) -> StoreError {
    number == ENOSPC || number == EDQUOT
      ? .full(location: path)
      : .io(location: path, problem: unsafe String(cString: strerror(number)))
  }
}
