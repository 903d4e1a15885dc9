/// Which objective values are better.
public enum Direction: String, Sendable, Hashable, CaseIterable {
  /// Smaller values are better.
  case minimize
  /// Larger values are better.
  case maximize

  /// Whether `value` is strictly better than `other`; NaN is worse than every number.
  public func isBetter(_ value: Double, than other: Double) -> Bool {
    if value.isNaN { return false }
    if other.isNaN { return true }
    return self == .minimize ? value < other : value > other
  }

  /// The value as a loss, which is always minimized: the sign is flipped when maximizing.
  public func loss(_ value: Double) -> Double {
    self == .minimize ? value : -value
  }
}
