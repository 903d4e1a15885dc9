internal import SQLiteStores
internal import Stores
internal import System

/// Keeps a verified copy of a store up to date while a study runs: `--backup`.
final class StoreBackup: @unchecked Sendable {
  /// What a verb's description lists.
  static let option = VerbDescription.Option(
    name: "--backup", placeholder: "PATH",
    help: "Keep a verified copy of the store in this file, such as one in a shared folder: renewed "
      + "every five minutes while the store changes, and at the end.",
    completion: .file)

  /// Seconds between two copies.
  private static let interval = 300.0

  private let path: String
  private let backup: SQLiteBackup
  private let warn: @Sendable (String) -> Void
  // Guards whether it ends; the rest belongs to the thread, and after its end to who closes.
  private let monitor = Monitor()
  private var isEnding = false
  private var isCurrent = true
  private var thread: BlockingThread?

  /// Writes a first copy, so that a path that cannot be used is found before a trial runs.
  ///
  /// - Parameter warn: Told in a sentence why a later copy was not written; from another thread.
  init(
    _ path: String, of store: any StudyStore, warn: @escaping @Sendable (String) -> Void
  ) throws {
    guard let store = store as? SQLiteStudyStore else {
      throw CommandError.other(
        "--backup is for a store in a file, and \(store.location) is none; leave it out, and copy a "
          + "PostgreSQL database with pg_dump")
    }
    (self.path, self.warn) = (path, warn)
    backup = try SQLiteBackup(store)
    try backup.renew(at: path)
    thread = BlockingThread { [self] in keep() }
    if thread == nil { warn("the system has no more threads: --backup renews its copy at the end") }
  }

  /// Writes the last copy, and ends; called again, it only answers.
  ///
  /// - Returns: Whether the copy has all that the store has.
  @discardableResult
  func close() -> Bool {
    monitor.lock()
    let isFirst = !isEnding
    isEnding = true
    monitor.signalAll()
    monitor.unlock()
    guard isFirst else { return isCurrent }
    thread?.join()
    renew()
    backup.close()
    return isCurrent
  }

  private func keep() {
    monitor.lock()
    while !isEnding {
      let due = Monitor.now + Self.interval
      while !isEnding, Monitor.now < due { monitor.wait(seconds: due - Monitor.now) }
      guard !isEnding else { break }
      monitor.unlock()
      renew()
      monitor.lock()
    }
    monitor.unlock()
  }

  private func renew() {
    do throws(StoreError) {
      try backup.renew(at: path)
      isCurrent = true
    } catch {
      isCurrent = false
      warn("the copy that --backup keeps was not renewed: \(error)")
    }
  }
}
