internal import System

/// Whole numbers between two inclusive bounds, optionally on a grid or on a logarithmic scale.
public struct IntDistribution: Sendable, Hashable {
  /// The smallest value; inclusive.
  public let low: Int
  /// The largest value; inclusive, and a point of the grid.
  public let high: Int
  /// The distance of the grid's points, counted from `low`; at least 1.
  public let step: Int
  /// Whether the logarithm is what varies evenly.
  public let log: Bool
  /// How a value is drawn and rounded where the bounds do not say all; nil otherwise.
  public let traits: NumberTraits?

  /// The largest magnitude of a bound: beyond 2⁵³ the store's doubles no longer hold each integer.
  public static let largestMagnitude = 1 << 53

  /// Creates the distribution; `high` is lowered to the last point of the grid.
  ///
  /// - Parameter traits: Plain ones without values of a grid are dropped. Made together with the
  ///   bounds by ``Distribution/drawn(_:isWhole:)``.
  /// - Throws: ``SearchSpaceError`` if low > high, log with low < 1 or with a step, step < 1, or a
  ///   bound beyond ``largestMagnitude``.
  public init(
    low: Int, high: Int, step: Int = 1, log: Bool = false, traits: NumberTraits? = nil
  ) throws(SearchSpaceError) {
    guard low <= high else { throw .emptyRange(low: "\(low)", high: "\(high)") }
    guard step >= 1 else { throw .stepNotPositive("\(step)") }
    for bound in [low, high] where bound.magnitude > Self.largestMagnitude {
      throw .integerTooLarge("\(bound)")
    }
    if log {
      guard low >= 1 else { throw .logOfNonpositive(low: "\(low)", smallest: "at least 1") }
      guard step == 1 else { throw .logWithStep }
    }
    self.low = low
    self.high = low + (high - low) / step * step
    self.step = step
    self.log = log
    self.traits = traits.flatMap { $0.isPlain && $0.gridValues.isEmpty ? nil : $0 }
  }

  private init(_ low: Int, _ high: Int, _ step: Int, _ log: Bool) {
    (self.low, self.high, self.step, self.log, traits) = (low, high, step, log, nil)
  }

  /// The same without traits.
  var plain: IntDistribution { IntDistribution(low, high, step, log) }

  /// Whether the values are not those of the step but of a rounding that was clipped.
  private var roundsItself: Bool {
    guard let rounding = traits?.rounding else { return false }
    return rounding.isClipped && rounding.step != Double(step)
  }

  /// Whether only `low` is possible; a range below one step was lowered to it.
  public var isSingleValued: Bool { low == high }

  /// The place of the last point of the grid, counted from 0.
  public var lastPlace: Int { (high - low) / step }

  /// Whether the number is a point of the grid.
  func contains(_ value: Int) -> Bool {
    low <= value && value <= high && (value - low) % step == 0
      && (!roundsItself || traits?.rounded(Double(value)) == Double(value))
  }

  /// The point of the grid nearest to `value`, within the bounds; halves go up, as in Optuna. For
  /// NaN it is `low`.
  public func nearest(to value: Double) -> Int {
    if roundsItself, let traits, !value.isNaN {
      return Int(
        clamped: traits.rounded(min(max(value, Double(low)), Double(high))), to: low...high)
    }
    guard value > Double(low) else { return low }
    guard value < Double(high), let floor = Int(exactly: value.rounded(.down)) else { return high }
    // In whole numbers: beyond 2⁵², a double has no halves, and the range may have more than 2⁵³
    // points.
    let (place, above) = (floor - low).quotientAndRemainder(dividingBy: step)
    let hasHalf = value - Double(floor) >= 0.5
    let isNearerToNext = (step - above) - above <= (hasHalf ? 1 : 0)
    return low + (isNearerToNext ? place + 1 : place) * step
  }
}
