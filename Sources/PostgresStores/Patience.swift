internal import Stores
internal import System

/// The pauses between attempts to reach a server, each longer than the one before, until it has
/// lasted too long.
struct Patience {
  private let location: String
  private let deadline: Double
  private var pause = 0.02
  private let saysAt: Double
  private var hasSaid = false

  /// The longest pause, in seconds.
  private static let longestPause = 1.0
  /// Seconds after which the user is told that the server has no connection free.
  private static let silence = 2.0

  init(seconds: Double, location: String) {
    self.location = location
    let now = Moment.now
    deadline = now + seconds
    saysAt = now + Self.silence
  }

  /// Waits before the next attempt; false when there is to be none.
  mutating func waits(after failure: Failure) -> Bool {
    guard Moment.now + pause < deadline else { return false }
    if case .crowded(let problem) = failure, !hasSaid, Moment.now >= saysAt {
      hasSaid = true
      StoreNotice.say("\(location) has no connection free (\(problem)); waiting for one")
    }
    Moment.pass(seconds: pause * Double.random(in: 0.5...1))
    pause = min(pause * 2, Self.longestPause)
    return true
  }
}
