internal import System

/// Closes what is still open when the process ends in order: a program that uses the library may
/// keep its study in a global variable, which is never let go of.
enum ExitClosing {
  private final class Entry: @unchecked Sendable {
    // Set once; the runtime guards what it does with weak references.
    weak var store: SQLiteStudyStore?
    let path: String

    init(_ store: SQLiteStudyStore) {
      self.store = store
      path = store.writer.files.path
    }
  }

  private static let entries = Lock<[ObjectIdentifier: Entry]>([:])
  private static let process = getpid()
  private static let registration: Void = register()

  /// Has the store closed at the end of the process.
  static func add(_ store: SQLiteStudyStore) {
    registration
    let entry = Entry(store)
    entries.withLock { $0[ObjectIdentifier(store)] = entry }
  }

  /// Forgets a store that is gone.
  static func remove(_ store: SQLiteStudyStore) {
    let key = ObjectIdentifier(store)
    entries.withLock { _ = $0.removeValue(forKey: key) }
  }

  /// Whether a store object of this process has the file open.
  static func isOpen(_ path: String) -> Bool {
    entries.withLock { entries in entries.values.contains { $0.path == path } }
  }

  private static func register() {
    _ = entries.withLock { $0.count }
    _ = process
    atexit {
      // A copy of the process that was forked has the files open, and none of the locks.
      guard getpid() == ExitClosing.process else { return }
      let stores = ExitClosing.entries.withLock { entries in
        defer { entries = [:] }
        return entries.values.compactMap(\.store)
      }
      for store in stores { store.finish() }
    }
  }
}
