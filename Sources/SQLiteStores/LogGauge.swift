internal import System

/// What a process knows of the length of the write-ahead log, and when it is to be folded into the
/// file.
///
/// Pure: ``Writer`` keeps the thread that asks it.
struct LogGauge {
  /// What is to be done to the log now.
  enum Action: Equatable {
    /// Nothing for so many seconds, unless a commit comes before; nil for ever.
    case wait(Double?)
    /// Move it, and begin it anew.
    case restart
    /// Move it while there are no commits; the log keeps its place.
    case tidy
    /// Move it and cut the file, which has become long.
    case cut
  }

  /// Bytes of the log from which on it is folded beside the commits.
  static let soft = 4 << 20
  /// Bytes from which on the commit that met them folds it, so that it stays below 16 MB.
  static let hard = 12 << 20
  /// Bytes of the file that are kept for the next commits: writing over them costs less than
  /// growing.
  static let kept = 8 << 20
  /// Seconds without a commit after which the log is moved into the file.
  static let idle = 1.0
  /// Seconds until a log is tried again that a reader keeps.
  static let pause = 1.0

  /// Bytes that commits have put there since it was last moved as a whole.
  private(set) var bytes = 0
  private var lastCommit = 0.0
  private var retryAt = 0.0
  /// When a commit tries again to fold the log in its own turn.
  private var commitRetryAt = 0.0
  /// Whether a commit has waited in vain for a reader of another process since all of the log was
  /// moved last; it is not waited for again.
  private(set) var isBlocked = false
  /// Whether the file may be longer than what is kept.
  private var isLong = false

  /// Notes a commit behind which the log has so many bytes.
  mutating func committed(bytes: Int, at now: Double) {
    self.bytes = bytes
    lastCommit = now
    if bytes > Self.kept { isLong = true }
  }

  /// Whether the commit that was noted last must fold the log itself.
  func isOverfull(at now: Double) -> Bool { bytes >= Self.hard && now >= commitRetryAt }

  /// What to do now.
  func action(at now: Double) -> Action {
    guard bytes > 0 || isLong else { return .wait(nil) }
    if now < retryAt { return .wait(retryAt - now) }
    if bytes >= Self.soft { return isLong ? .cut : .restart }
    let rest = lastCommit + Self.idle - now
    if rest > 0 { return .wait(rest) }
    return isLong ? .cut : .tidy
  }

  /// Notes what became of an action.
  ///
  /// - Parameters:
  ///   - isComplete: Whether all of the log was moved.
  ///   - isInCommit: Whether a commit did it that found the log too long.
  ///   - isBlocked: Whether another process reads, if it is not complete.
  mutating func did(
    _ action: Action, isComplete: Bool, isInCommit: Bool = false, isBlocked: Bool = false,
    at now: Double
  ) {
    guard isComplete else {
      retryAt = now + Self.pause
      if isInCommit {
        commitRetryAt = retryAt
        self.isBlocked = isBlocked
      }
      return
    }
    (retryAt, commitRetryAt, self.isBlocked) = (0, 0, false)
    bytes = 0
    if action == .cut { isLong = false }
  }
}
