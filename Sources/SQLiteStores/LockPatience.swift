internal import Stores
internal import System

/// How long a caller waits for what other processes hold, and what it says meanwhile.
///
/// A process that is stopped (by Ctrl-Z, a debugger, SIGSTOP) with a lock in its hand gives it up
/// when it goes on: the time that it is stopped does not count, and the user is told whom to
/// continue.
struct LockPatience {
  private let seconds: Double
  private let location: String
  private var start: Double
  private var nextLook: Double
  private var named: pid_t?

  /// Seconds after which a holder is looked for, and between further looks.
  private static let firstLook = 2.0
  private static let laterLooks = 1.0

  /// Begins to wait now.
  init(seconds: Double, location: String, now: Double = Monitor.now) {
    self.seconds = seconds
    self.location = location
    start = now
    nextLook = now + Self.firstLook
  }

  /// Seconds until ``goesOn(at:_:)`` is to be asked again, at the latest.
  func pause(at now: Double) -> Double {
    max(0, min(start + seconds, nextLook) - now)
  }

  /// Whether to wait on.
  ///
  /// - Parameter holders: Who holds the lock now; asked at most once in a second.
  mutating func goesOn(at now: Double, _ holders: () -> [LockHolder]) -> Bool {
    if now >= nextLook {
      nextLook = now + Self.laterLooks
      if let stopped = holders().first(where: \.isStopped) {
        start = now
        if named != stopped.process {
          named = stopped.process
          StoreNotice.say(
            "\(location) waits for process \(stopped.process) (\(stopped.name)), which is stopped in "
              + "the middle of a change; let it go on with kill -CONT \(stopped.process), or end it"
          )
        }
      }
    }
    return now - start < seconds
  }
}
