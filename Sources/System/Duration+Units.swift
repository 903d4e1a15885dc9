extension Duration {
  /// The time in seconds.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  /// Whole microseconds, rounded toward zero; clamped to 64 bits.
  package var microseconds: Int64 {
    whole(1_000_000, attosecondsEach: 1_000_000_000_000)
  }

  /// Whole milliseconds, rounded toward zero; clamped to 64 bits.
  package var milliseconds: Int {
    Int(clamping: whole(1_000, attosecondsEach: 1_000_000_000_000_000))
  }

  /// Whole milliseconds, rounded up, so that who waits that long has waited long enough; clamped to
  /// 64 bits.
  package var millisecondsRoundedUp: Int {
    let whole = milliseconds
    return .milliseconds(whole) < self && whole < .max ? whole + 1 : whole
  }

  private func whole(_ perSecond: Int64, attosecondsEach: Int64) -> Int64 {
    let (seconds, attoseconds) = components
    let (product, overflows) = seconds.multipliedReportingOverflow(by: perSecond)
    let (sum, overflowsToo) = product.addingReportingOverflow(attoseconds / attosecondsEach)
    guard !overflows, !overflowsToo else { return seconds < 0 ? .min : .max }
    return sum
  }
}
