internal import System

/// A clock that no user sets: what limits and long polls are measured with.
enum ServerTime {
  /// Milliseconds since the machine started.
  static var milliseconds: UInt64 {
    UInt64(clamped: Monitor.now * 1_000)
  }

  /// Milliseconds from one moment to another; 0 when another thread read the clock for the first
  /// one later than this one did for the second.
  static func elapsed(from start: UInt64, to now: UInt64) -> UInt64 {
    now > start ? now - start : 0
  }

  /// Seconds since the machine started.
  static var seconds: Double {
    Monitor.now
  }
}

extension Duration {
  /// The time in whole milliseconds; 0 for a negative one.
  var wholeMilliseconds: UInt64 { UInt64(max(0, milliseconds)) }
}
