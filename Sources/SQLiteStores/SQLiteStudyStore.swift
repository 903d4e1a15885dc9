public import Stores
internal import StudyModel
internal import System

/// A study store in an SQLite file with the tables of Optuna 5, so that both can use it at once.
///
/// One object serves all threads of a process, any number of processes share the file. One
/// connection writes (``Writer``), a few others read (``ReaderPool``): readers see the last commit
/// and wait for no writer.
///
/// The file is written to by the first call that writes, never by opening one that exists. When the
/// object is let go of, or the process ends in order, the last to use the file leaves it complete,
/// without a log.
public final class SQLiteStudyStore: StudyStore {
  public let location: String
  public let mayForget = false
  /// Whether the file cannot be written to.
  public let isReadOnly: Bool
  /// Whether studies that other programs made get rows in our tables when they are first seen.
  let adoptsStudies: Bool
  /// Whether the file is without the log that it says belongs to it.
  let missesLog: Bool
  let writer: Writer
  private let readers: ReaderPool
  /// How far lease time is ahead of the steady clock, by study token.
  let leaseOffsets = Lock<[String: Duration]>([:])

  /// Seconds that a call waits for other processes before it gives up.
  static let patience = 60.0
  /// Seconds that the end of the process waits for calls that go on.
  private static let finishPatience = 2.0

  /// Opens the store.
  ///
  /// - Parameters:
  ///   - path: The file's.
  ///   - creatingIfMissing: Whether a file that is not there is created; otherwise it is an error.
  /// - Throws: ``StoreError`` for a path that cannot be a store: a directory, another kind of file,
  ///   a damaged, newer or older database, a network file system. Nothing is written then.
  public convenience init(path: String, creatingIfMissing: Bool = true) throws(StoreError) {
    self.init(
      try Session(path: path, creatingIfMissing: creatingIfMissing), location: path)
  }

  /// Opens a store that exists, for a reader: nothing is written to it by calls that
  /// read, not even our own tables, which others would add to a database of another program.
  ///
  /// - Throws: As the other initializer.
  package convenience init(showing path: String) throws(StoreError) {
    self.init(
      try Session(path: path, creatingIfMissing: false), location: path, adoptsStudies: false)
  }

  /// Creates the store of a session that is open.
  init(_ session: Session, location: String, adoptsStudies: Bool = true) {
    self.adoptsStudies = adoptsStudies
    self.location = location
    isReadOnly = session.isReadOnly
    missesLog = session.missesLog
    let writer = Writer(session)
    self.writer = writer
    let (files, isReadOnly) = (writer.files, session.isReadOnly)
    readers = ReaderPool { () throws(StoreError) in
      try Session(readingFor: files, isReadOnly: isReadOnly)
    }
    ExitClosing.add(self)
  }

  deinit {
    ExitClosing.remove(self)
    finish()
  }

  /// Closes the file in order; only the end of the process comes behind.
  func finish() {
    readers.finish(within: Self.finishPatience)
    writer.finish(within: Self.finishPatience)
  }

  /// Nil: processes that share a file do not tell each other.
  public func watch(_ body: @escaping @Sendable (_ study: String?) -> Void) -> StoreWatch? { nil }

  /// Runs `body` in a transaction that writes, and returns when it is committed; a body that throws
  /// is undone.
  ///
  /// - Parameter durability: Whether to wait for the disk.
  func write<Value>(
    _ durability: Durability, _ body: @escaping (Session) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try writer.write(durability, body)
  }

  /// Runs `body` in a transaction that reads one state of the store, beside all that write.
  func read<Value>(
    _ body: (Session) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try readers.read(body)
  }
}
