internal import Stores
internal import System

/// Moves the write-ahead log into the database file, by a connection of its own: commits of this
/// process go on meanwhile.
///
/// At each step a process may be killed and the power may fail. SQLite synchronizes the log before
/// the first page of it is written to the file, and the file before the log is begun anew; until
/// then the log is read again by the process that opens the store next.
final class LogFolder: @unchecked Sendable {
  // `monitor` guards the variables; the connection is used under it.
  private let monitor = Monitor()
  private let files: StoreFiles
  private let diskSync: DiskSync
  private var connection: Connection?
  private var isClosed = false

  /// The most seconds that SQLite waits for one reader's mark. It does not see that a later reader
  /// has taken the mark meanwhile, which may stay; another look does.
  private static let look = 0.05

  init(files: StoreFiles, diskSync: DiskSync) {
    self.files = files
    self.diskSync = diskSync
  }

  /// Moves the log, unless the disk refused to confirm a write, or a file was replaced: what lies
  /// there is better left as it is then.
  ///
  /// - Parameter patience: Seconds to wait for readers and other writers, unless it is passive.
  /// - Returns: Whether all of it was moved.
  func fold(_ kind: Connection.Checkpoint, patience: Double = 0) throws(StoreError) -> Bool {
    monitor.lock()
    defer { monitor.unlock() }
    guard !isClosed, diskSync.failure == nil else { return false }
    try files.check()
    let connection = try opened()
    connection.setPatience(seconds: min(patience, Self.look))
    let deadline = Monitor.now + patience
    do throws(StoreError) {
      repeat {
        if try connection.checkpoint(kind) { return true }
      } while Monitor.now < deadline
      return false
    } catch {
      if connection.isUnconfirmed { diskSync.fail(with: error) }
      throw error
    }
  }

  /// Gives up the connection; nothing is moved afterwards.
  func close() {
    monitor.lock()
    isClosed = true
    connection?.setCheckpointsOnClose(false)
    connection?.close()
    connection = nil
    monitor.unlock()
  }

  private func opened() throws(StoreError) -> Connection {
    if let connection { return connection }
    let opened = try Connection(path: files.path, access: .readWrite, location: files.location)
    try Session.configure(opened)
    connection = opened
    return opened
  }
}
