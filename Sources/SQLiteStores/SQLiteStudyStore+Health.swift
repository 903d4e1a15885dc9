internal import CSQLite
public import Stores
internal import StudyModel
internal import System

/// What is to be known of a store file beside its studies, for a user who looks for a fault.
public struct StoreHealth: Sendable, Hashable {
  /// What SQLite's integrity check found, one sentence each; empty for a sound file.
  public let problems: [String]
  /// `wal`, or how else changes reach the file.
  public let journalMode: String
  /// The size of the database in bytes, without the write-ahead log.
  public let size: Int
  /// The size of the write-ahead log in bytes; 0 when there is none.
  public let logSize: Int
  /// Whether the file says that a log belongs to it, and there is none: changes that stood in it
  /// are missing, unless another program has moved them.
  public let isLogMissing: Bool
  /// Processes that were reading when the log was found too long, such as `4711 (python3)`: a
  /// reader that does not end keeps it from being moved into the file. Empty where the system does
  /// not tell.
  public let logReaders: [String]
  /// Whether the file may not be written to.
  public let isReadOnly: Bool
  /// The network file system that the file is on; nil on a local one.
  public let networkFileSystem: String?
}

extension SQLiteStudyStore {
  /// The version of the SQLite library.
  public static var libraryVersion: String { unsafe String(cString: sqlite3_libversion()) }

  /// Examines the file, all of it: takes a second per few hundred megabytes. Writes nothing.
  public func health() throws(StoreError) -> StoreHealth {
    try read { session throws(StoreError) in
      func texts(_ sql: StaticString) throws(StoreError) -> [String] {
        let statement = try session.database.statement(sql)
        defer { statement.reset() }
        var texts: [String] = []
        while try statement.step() { texts.append(statement.text(0)) }
        return texts
      }
      let logSize = writer.files.logSize
      let isLong = logSize >= LogGauge.hard
      let readers = isLong ? LockTable.readers(of: writer.files.path) : []
      let problems = try texts("PRAGMA integrity_check(20)").filter { $0 != "ok" }
      let pages = try texts("PRAGMA page_count").first.flatMap { Int($0) } ?? 0
      let pageSize = try texts("PRAGMA page_size").first.flatMap { Int($0) } ?? 0
      return StoreHealth(
        problems: problems, journalMode: try texts("PRAGMA journal_mode").first ?? "unknown",
        size: pages * pageSize, logSize: logSize, isLogMissing: missesLog,
        logReaders: readers.map { "\($0.process) (\($0.name))" }, isReadOnly: isReadOnly,
        networkFileSystem: Host.networkFileSystem(of: location))
    }
  }
}
