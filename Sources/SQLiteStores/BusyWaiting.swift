internal import Stores
internal import System

/// What a connection does while another program holds SQLite's own lock: it looks again and again,
/// as SQLite's busy timeout does, and says so when the holder is a process that is stopped.
final class BusyWaiting {
  /// How long it waits.
  var seconds: Double
  private let location: String
  private let path: String
  private var patience: LockPatience?

  /// Milliseconds between the first looks; afterwards the last of them.
  private static let pauses: [UInt32] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100]

  /// - Parameter path: The database file's.
  init(seconds: Double, location: String, path: String) {
    self.seconds = seconds
    self.location = location
    self.path = path
  }

  /// Pauses before the lock is tried again; false when the time is up.
  ///
  /// - Parameter turn: How often this wait was asked before.
  func waits(turn: Int) -> Bool {
    if turn == 0 || patience == nil {
      patience = LockPatience(seconds: seconds, location: location)
    }
    let path = path
    guard patience?.goesOn(at: Monitor.now, { LockTable.writers(of: path) }) ?? false else {
      return false
    }
    BlockingThread.pause(milliseconds: Self.pauses[min(turn, Self.pauses.count - 1)])
    return true
  }
}
