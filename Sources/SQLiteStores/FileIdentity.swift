internal import Stores
internal import System

/// What tells one file from another, whatever its name.
struct FileIdentity: Hashable {
  let device: UInt64
  let inode: UInt64

  /// Of what is at the path, links followed; nil when nothing is.
  init?(_ path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
  }
}

/// The files of one store, which must stay what they were when the store was opened: who deletes or
/// replaces one takes what is written from then on, and often what was written before.
final class StoreFiles: Sendable {
  let location: String
  /// The database's path, links resolved.
  let path: String
  private let database: FileIdentity?
  private let log = Lock<FileIdentity?>(nil)

  /// Notes which file is at the path; a connection has just opened it.
  init(path: String, location: String) {
    self.path = path
    self.location = location
    database = FileIdentity(path)
  }

  var logPath: String { path + "-wal" }

  /// The size of the write-ahead log in bytes; 0 without one.
  var logSize: Int {
    var status = stat()
    return unsafe stat(logPath, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Notes which file is the log; called when a connection has it open, which keeps others from
  /// removing it in order.
  func noteLog() {
    log.withLock { log in
      if log == nil { log = FileIdentity(logPath) }
    }
  }

  /// Refuses when a file was deleted or replaced.
  ///
  /// - Throws: ``StoreError/replaced(location:problem:)``.
  func check() throws(StoreError) {
    let now = FileIdentity(path)
    guard now == database else {
      throw .replaced(location: location, problem: now == nil ? "was deleted" : "was replaced")
    }
    guard let known = log.withLock({ $0 }) else { return }
    let log = FileIdentity(logPath)
    guard log == known else {
      throw .replaced(
        location: location,
        problem: "lost its write-ahead log (\(logPath) was \(log == nil ? "deleted" : "replaced"))")
    }
  }
}
