/// Whole numbers of doubles without a trap. The initializer `Int(_: Double)` ends the process for
/// NaN, for an infinity and for what the type does not hold; numbers that come from outside can be
/// any of these.
///
/// Public and inlinable for speed, like ``Lock``.
extension FixedWidthInteger {
  /// The number without its fraction, or the bound of the range that it is beyond; the lower bound
  /// for NaN.
  @inlinable
  public init(clamped value: Double, to range: ClosedRange<Self> = .min ... .max) {
    guard value > Double(range.lowerBound) else {
      self = range.lowerBound
      return
    }
    guard value < Double(range.upperBound) else {
      self = range.upperBound
      return
    }
    self = Self(exactly: value.rounded(.towardZero)) ?? range.lowerBound
  }
}

extension Duration {
  /// So many seconds; a thousand years for more, none for less than 0 and for NaN.
  package static func seconds(clamped seconds: Double) -> Duration {
    .seconds(min(max(seconds, 0), 3.2e10))
  }
}
