/// The values a parameter may take, and how they are numbered inside.
///
/// The *internal value* of a parameter is what samplers and the study store work with: the number
/// itself for ``float(_:)`` and ``int(_:)`` (not its logarithm), the index of the choice for
/// ``categorical(_:)``.
public enum Distribution: Sendable, Hashable {
  case float(FloatDistribution)
  case int(IntDistribution)
  case categorical(CategoricalDistribution)

  /// Whether only one value is possible; such a parameter is not modelled.
  public var isSingleValued: Bool {
    switch self {
    case .float(let distribution): distribution.isSingleValued
    case .int(let distribution): distribution.isSingleValued
    case .categorical(let distribution): distribution.choices.count == 1
    }
  }

  /// The internal value of the only (or first) value: the low bound, or choice 0.
  public var firstInternalValue: Double {
    switch self {
    case .float(let distribution): distribution.low
    case .int(let distribution): Double(distribution.low)
    case .categorical: 0
    }
  }

  /// Whether the internal value is one of this distribution's: within its bounds and, with a step, at a
  /// point of the grid, from which a float may be 1e-8 steps away. The rule of Optuna 5.
  public func contains(_ internalValue: Double) -> Bool {
    switch self {
    case .float(let distribution):
      distribution.low <= internalValue && internalValue <= distribution.high
        && distribution.isOnGrid(internalValue)
    case .int(let distribution):
      Double(distribution.low) <= internalValue && internalValue <= Double(distribution.high)
        && (internalValue - Double(distribution.low))
          .truncatingRemainder(dividingBy: Double(distribution.step)) == 0
    case .categorical(let distribution):
      internalValue > -1 && internalValue < Double(distribution.choices.count)
    }
  }

  /// The value an objective sees for an internal value; nil when a categorical index is out of
  /// range or a number is not finite.
  public func value(of internalValue: Double) -> ParameterValue? {
    // Not `? … : nil`: there, nil may stand for the choice null.
    switch self {
    case .float:
      if internalValue.isNaN { return nil }
      return .float(internalValue)
    case .int:
      return Int(exactly: internalValue.rounded()).map(ParameterValue.int)
    case .categorical(let distribution):
      guard let index = Int(exactly: internalValue.rounded(.towardZero)),
        distribution.choices.indices.contains(index)
      else { return nil }
      return distribution.choices[index]
    }
  }

  /// The internal value of a value given by a user; nil when it is of the wrong kind, not a number,
  /// or none of the choices. Being within the bounds is not checked: see ``contains(_:)``.
  public func internalValue(of value: ParameterValue) -> Double? {
    switch self {
    case .float: value.number.flatMap { $0.isNaN ? nil : $0 }
    case .int: value.number.flatMap { Int(exactly: $0).map(Double.init) }
    case .categorical(let distribution):
      // A choice of the same kind wins over one that is only equivalent (true over 1).
      (distribution.choices.firstIndex(of: value)
        ?? distribution.choices.firstIndex { $0.isEquivalent(to: value) }).map(Double.init)
    }
  }

  /// Whether a parameter may change from `other` to this within a study: same kind, same `log`,
  /// and for categorical the same choices. Bounds and steps may change.
  public func isCompatible(with other: Distribution) -> Bool {
    switch (self, other) {
    case (.float(let a), .float(let b)): a.log == b.log
    case (.int(let a), .int(let b)): a.log == b.log
    case (.categorical(let a), .categorical(let b)): a == b
    default: false
    }
  }

  /// `float 1e-05...0.1 log`, `int 1...10 step 2`, `one of adam, sgd`.
  public var summary: String {
    switch self {
    case .float(let d):
      "float \(d.low)...\(d.high)" + (d.step.map { " step \($0)" } ?? "") + (d.log ? " log" : "")
    case .int(let d):
      "int \(d.low)...\(d.high)" + (d.step > 1 ? " step \(d.step)" : "") + (d.log ? " log" : "")
    case .categorical(let d): "one of " + d.choices.map(\.description).joined(separator: ", ")
    }
  }
}

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

  /// Creates the distribution; `high` is lowered to the last point of the grid.
  ///
  /// - Throws: ``SearchSpaceError`` if a bound is not finite, low > high, log with low ≤ 0, step ≤ 0,
  ///   or both log and step.
  public init(
    low: Double, high: Double, step: Double? = nil, log: Bool = false
  ) throws(SearchSpaceError) {
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
    if let (count, isExact) = DecimalGrid.steps(from: low, to: high, by: step) {
      self.high =
        isExact ? high : DecimalGrid.point(count, from: low, by: step) ?? low + Double(count) * step
    } else {
      self.high = low + ((high - low) / step).rounded(.down) * step
    }
  }

  /// Whether only `low` is possible: the bounds are equal, or less than one step apart when they are
  /// taken as decimals.
  public var isSingleValued: Bool {
    if low == high { return true }
    // Rounding can leave a high that is not quite one step above low.
    guard let step, high - low < 2 * step,
      let (count, _) = DecimalGrid.steps(from: low, to: high, by: step)
    else { return false }
    return count == 0
  }

  /// Whether the value is next to a point of the grid; always without a step.
  fileprivate func isOnGrid(_ value: Double) -> Bool {
    guard let step else { return true }
    let index = (value - low) / step
    return abs(index - index.rounded(.toNearestOrEven)) < 1e-8
  }

  /// The point of the grid nearest to `value`, within the bounds; without a step only the bounds
  /// count. Halves go to the even point, as in Optuna.
  public func nearest(to value: Double) -> Double {
    guard let step else { return min(max(value, low), high) }
    let index = ((value - low) / step).rounded(.toNearestOrEven)
    return min(max(low + index * step, low), high)
  }
}

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

  /// The largest magnitude of a bound: beyond 2⁵³ the store's doubles no longer hold each integer.
  public static let largestMagnitude = 1 << 53

  /// Creates the distribution; `high` is lowered to the last point of the grid.
  ///
  /// - Throws: ``SearchSpaceError`` if low > high, log with low < 1 or with a step, step < 1, or a bound
  ///   beyond ``largestMagnitude``.
  public init(low: Int, high: Int, step: Int = 1, log: Bool = false) throws(SearchSpaceError) {
    guard low <= high else { throw .emptyRange(low: "\(low)", high: "\(high)") }
    guard step >= 1 else { throw .stepNotPositive("\(step)") }
    for bound in [low, high] where bound.magnitude > Self.largestMagnitude {
      throw .integerTooLarge(bound)
    }
    if log {
      guard low >= 1 else { throw .logOfNonpositive(low: "\(low)", smallest: "at least 1") }
      guard step == 1 else { throw .logWithStep }
    }
    self.low = low
    self.high = low + (high - low) / step * step
    self.step = step
    self.log = log
  }

  /// Whether only `low` is possible; a range below one step was lowered to it.
  public var isSingleValued: Bool { low == high }

  /// The point of the grid nearest to `value`, within the bounds; halves go up, as in Optuna.
  public func nearest(to value: Double) -> Int {
    let index = ((value - Double(low)) / Double(step) + 0.5).rounded(.down)
    let clamped = min(max(index, 0), Double((high - low) / step))
    return low + Int(clamped) * step
  }
}

/// A list of choices without an order.
public struct CategoricalDistribution: Sendable, Hashable {
  /// The choices; at least one. Their order is part of the distribution's identity.
  public let choices: [ParameterValue]

  /// Creates the distribution.
  ///
  /// - Throws: ``SearchSpaceError/noChoices`` for an empty list.
  public init(_ choices: [ParameterValue]) throws(SearchSpaceError) {
    guard !choices.isEmpty else { throw .noChoices }
    self.choices = choices
  }

  /// Equal when the choices are equivalent one by one, so `[1, 2]` equals `[1.0, 2.0]`.
  public static func == (left: Self, right: Self) -> Bool {
    left.choices.count == right.choices.count
      && zip(left.choices, right.choices).allSatisfy { $0.isEquivalent(to: $1) }
  }

  public func hash(into hasher: inout Hasher) {
    for choice in choices {
      if let number = choice.number {
        hasher.combine(number.isNaN ? .nan : number)
      } else {
        hasher.combine(choice)
      }
    }
  }
}
