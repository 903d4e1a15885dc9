/// Real numbers between two inclusive bounds, optionally on a grid or on a logarithmic scale.
public struct FloatDistribution: Sendable, Hashable {
  /// The smallest value; inclusive.
  public let low: Double
  /// The largest value; inclusive, and a point of the grid when there is a step.
  public let high: Double
  /// The distance of the grid's points, counted from `low`; nil for a continuum.
  public let step: Double?
  /// Whether the logarithm is what varies evenly.
  public let log: Bool
  /// How a value is drawn and rounded where the bounds do not say all; nil otherwise.
  public let traits: NumberTraits?

  /// Creates the distribution; `high` is lowered to the last point of the grid.
  ///
  /// - Parameter traits: Plain ones without values of a grid are dropped. Made together with the
  ///   bounds by ``Distribution/drawn(_:isWhole:)``.
  /// - Throws: ``SearchSpaceError`` if a bound is not finite, low > high, log with low ≤ 0, step ≤
  ///   0, both log and step, or more than 2⁵³ steps.
  public init(
    low: Double, high: Double, step: Double? = nil, log: Bool = false,
    traits: NumberTraits? = nil
  ) throws(SearchSpaceError) {
    self.traits = traits.flatMap { $0.isPlain && $0.gridValues.isEmpty ? nil : $0 }
    guard low.isFinite, high.isFinite else {
      throw .notFinite(low.isFinite ? high : low)
    }
    guard low <= high else { throw .emptyRange(low: "\(low)", high: "\(high)") }
    if log {
      guard low > 0 else { throw .logOfNonpositive(low: "\(low)", smallest: "above 0") }
      guard step == nil else { throw .logWithStep }
    }
    self.low = low
    self.log = log
    self.step = step
    guard let step else {
      self.high = high
      return
    }
    guard step > 0, step.isFinite else { throw .stepNotPositive("\(step)") }
    guard let last = Self.lastPoint(from: low, to: high, by: step) else {
      throw .tooManySteps(low: "\(low)", high: "\(high)", step: "\(step)")
    }
    self.high = last
  }

  private init(_ low: Double, _ high: Double, _ step: Double?, _ log: Bool) {
    (self.low, self.high, self.step, self.log, traits) = (low, high, step, log, nil)
  }

  /// The same without traits.
  var plain: FloatDistribution { FloatDistribution(low, high, step, log) }

  /// More steps are refused: their numbers would not be exact.
  private static let greatestStepCount = 0x1p53

  /// The greatest point of the grid that is not above `high`; nil for too many steps. Of such a
  /// point it is the point itself, so what was lowered once stays.
  private static func lastPoint(from low: Double, to high: Double, by step: Double) -> Double? {
    if low == high { return high }
    let estimate = steps(from: low, to: high, by: step)
    guard estimate <= greatestStepCount else { return nil }
    let decimalPoint = DecimalGrid.points(from: low, by: step)
    if let (count, isExact) = DecimalGrid.steps(from: low, to: high, by: step) {
      // The decimals of a point that was rounded to a double can be a little below the point.
      if isExact || decimalPoint?(count + 1) == high { return high }
      if let point = decimalPoint?(count) { return point }
    }
    // A point depends on low and step alone, so that one that was reached stays what it is.
    func point(_ place: Double) -> Double {
      Int(exactly: place).flatMap { decimalPoint?($0) } ?? low.addingProduct(place, step)
    }
    // With a step below the last place of a bound the estimate is off by any number: twice as far
    // from it each time until the last point is enclosed, then by halves.
    let start = estimate.rounded(.down)
    var (place, beyond, reach) = (start, start + 1, 1.0)
    while place > 0 && point(place) > high {
      (place, beyond, reach) = (max(start - reach, 0), place, reach * 2)
    }
    while point(beyond) <= high { (place, beyond, reach) = (beyond, beyond + reach, reach * 2) }
    while beyond - place > max(1, place.ulp) {
      let middle = ((place + beyond) / 2).rounded(.down)
      if point(middle) <= high { place = middle } else { beyond = middle }
    }
    return point(place)
  }

  /// How many steps lie between two numbers, not rounded; the range itself may be more than a
  /// double holds.
  private static func steps(from low: Double, to value: Double, by step: Double) -> Double {
    let distance = value - low
    return distance.isFinite ? distance / step : (value / 2 - low / 2) / step * 2
  }

  /// The place of the last point of the grid, counted from 0; nil without a step.
  public var lastPlace: Int? {
    step.map { step in
      // At most 2⁵³, as was checked.
      Int(exactly: Self.steps(from: low, to: high, by: step).rounded()) ?? 0
    }
  }

  /// The point of the grid at a place from 0 to ``lastPlace``; `low` without a step.
  public func point(at place: Int) -> Double {
    guard let step else { return low }
    return point(Double(place), step)
  }

  private func point(_ place: Double, _ step: Double) -> Double {
    let distance = place * step
    let point = distance.isFinite ? low + distance : low.addingProduct(place, step)
    // The last point is the bound itself, which can have more digits than the sum.
    return high - point < step / 2 ? high : max(point, low)
  }

  /// Where a value is on the grid, not rounded; nil without a step and for NaN.
  public func place(of value: Double) -> Double? {
    guard let step, !value.isNaN else { return nil }
    return Self.steps(from: low, to: value, by: step)
  }

  /// Whether only `low` is possible: the bounds are equal, or less than one step apart when they
  /// are taken as decimals.
  public var isSingleValued: Bool {
    if low == high { return true }
    // Rounding can leave a high that is not quite one step above low.
    guard let step, high - low < 2 * step,
      let (count, _) = DecimalGrid.steps(from: low, to: high, by: step)
    else { return false }
    return count == 0
  }

  /// Whether the value is next to a point of the grid; always without a step.
  func isOnGrid(_ value: Double) -> Bool {
    guard let place = place(of: value) else {
      guard let traits, traits.rounding != nil else { return step == nil }
      return traits.rounded(value) == value
    }
    // The place of a point far from 0 or from low is not that exact.
    return abs(place - place.rounded(.toNearestOrEven)) < 1e-8 || nearest(to: value) == value
  }

  /// The point of the grid nearest to `value`, within the bounds; without a step only the bounds
  /// count. Halves go to the even point, as in Optuna. For NaN it is `low`.
  public func nearest(to value: Double) -> Double {
    if value.isNaN { return low }
    guard let step, let place = place(of: value) else {
      let inside = min(max(value, low), high)
      return traits?.rounded(inside) ?? inside
    }
    let rounded = place.rounded(.toNearestOrEven)
    let isExact = abs(place) < 0x1p50 && abs(low) < step * 0x1p50
    // Where the step is a few units in the last place, a point's own place is off by up to two.
    for offset: Double in isExact ? [] : [-2, -1, 1, 2] where point(rounded + offset, step) == value
    {
      return value
    }
    return point(rounded, step)
  }
}
