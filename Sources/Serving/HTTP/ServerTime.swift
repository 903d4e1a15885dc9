internal import System

/// A clock that no user sets: what limits and long polls are measured with.
enum ServerTime {
  /// Milliseconds since the machine started.
  static var milliseconds: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
  }

  /// Milliseconds from one moment to another; 0 when another thread read the clock for the first one
  /// later than this one did for the second.
  static func elapsed(from start: UInt64, to now: UInt64) -> UInt64 {
    now > start ? now - start : 0
  }

  /// Seconds since the machine started.
  static var seconds: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

extension Duration {
  /// The time in whole milliseconds; not negative.
  var wholeMilliseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds * 1_000 + attoseconds / 1_000_000_000_000_000))
  }
}
