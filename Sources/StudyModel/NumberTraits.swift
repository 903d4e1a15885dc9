/// How a number is drawn where its bounds, its step and its scale do not say all: a prior, the
/// rounding of what was drawn, and the values that a grid takes.
///
/// A value is drawn between ``low`` and ``high`` after ``shape`` and then rounded. The distribution
/// that has the traits is the *support*, the set of what can come out: see
/// ``Distribution/drawn(_:isWhole:)``, which makes it.
public struct NumberTraits: Sendable {
  /// What is drawn evenly, or how likely each value is.
  public enum Shape: Sendable, Hashable {
    /// Each value between the bounds is equally likely.
    case uniform
    /// The logarithm is uniform; the bounds are above 0.
    case logUniform
    /// The logarithm of `pivot - x` is uniform: finer towards the pivot, which is above the bounds.
    /// SageMaker's pivot is 1, Vizier's the sum of both bounds.
    case reverseLogUniform(pivot: Double)
    /// A normal distribution.
    case normal(mean: Double, deviation: Double)
    /// The natural logarithm has a normal distribution with that mean and deviation.
    case logNormal(mean: Double, deviation: Double)
    /// A beta distribution, stretched from 0…1 to the bounds.
    case beta(a: Double, b: Double)
  }

  /// What becomes of a drawn number.
  public struct Rounding: Sendable, Hashable {
    /// To which multiple.
    public enum Rule: String, Sendable, Hashable, CaseIterable {
      /// The nearest, halves to the even one: W&B, Katib, Azure ML, NNI, hyperopt.
      case nearest
      /// The one at or below: Polyaxon.
      case floor
    }

    /// The distance of the multiples; above 0.
    public let step: Double
    /// Where the multiples are counted from: 0, or the lower bound.
    public let origin: Double
    /// To which multiple.
    public let rule: Rule
    /// Whether a multiple outside the bounds is moved to the bound, as NNI does.
    public let isClipped: Bool

    /// Creates the rounding; ``NumberTraits`` checks it.
    public init(
      to step: Double, from origin: Double = 0, rule: Rule = .nearest, isClipped: Bool = false
    ) {
      self.step = step
      self.origin = origin
      self.rule = rule
      self.isClipped = isClipped
    }
  }

  /// In one place of the memory, so that distributions stay small.
  private final class Storage: Sendable {
    let shape: Shape
    let (low, high): (Double, Double)
    let isTruncated: Bool
    let rounding: Rounding?
    let gridValues: [Double]

    init(
      _ shape: Shape, _ low: Double, _ high: Double, isTruncated: Bool, _ rounding: Rounding?,
      _ gridValues: [Double]
    ) {
      self.shape = shape
      (self.low, self.high) = (low, high)
      self.isTruncated = isTruncated
      self.rounding = rounding
      self.gridValues = gridValues
    }
  }

  private let storage: Storage

  /// What is drawn evenly, or how likely each value is.
  public var shape: Shape { storage.shape }
  /// The least number that is drawn, before it is rounded; finite.
  public var low: Double { storage.low }
  /// The greatest number that is drawn, before it is rounded; finite.
  public var high: Double { storage.high }
  /// Whether bounds were given; a normal without one goes to ``reach`` deviations from its mean.
  public var isTruncated: Bool { storage.isTruncated }
  /// What becomes of a drawn number; nil where it stays as it is.
  public var rounding: Rounding? { storage.rounding }
  /// The values that an exhaustive sampler takes instead of all; none for all.
  public var gridValues: [Double] { storage.gridValues }

  /// How many deviations from its mean a normal without bounds reaches; beyond lie 6 of 100,000.
  public static let reach = 4.0

  /// Creates the traits.
  ///
  /// - Parameters:
  ///   - low: The least number that is drawn; a normal and a beta may go without.
  ///   - high: The greatest one.
  ///   - gridValues: Between the bounds of the support, each once.
  /// - Throws: ``SearchSpaceError`` for bounds that are not finite or in the wrong order, a
  ///   logarithm without room, a deviation or an exponent that is not positive, a mean outside the
  ///   bounds, a step that is not positive or leaves no multiple between the bounds.
  public init(
    _ shape: Shape, low: Double? = nil, high: Double? = nil, rounding: Rounding? = nil,
    gridValues: [Double] = []
  ) throws(SearchSpaceError) {
    let own = try shape.ownBounds()
    guard let least = low ?? own?.low, let greatest = high ?? own?.high else {
      throw .boundMissing(low == nil ? "low" : "high")
    }
    for bound in [least, greatest] where !bound.isFinite { throw .notFinite(bound) }
    guard least <= greatest else { throw .emptyRange(low: "\(least)", high: "\(greatest)") }
    try shape.check(from: least, to: greatest)
    storage = Storage(
      shape, least, greatest, isTruncated: low != nil || high != nil, rounding, gridValues)
    if let rounding {
      guard rounding.step > 0, rounding.step.isFinite else {
        throw .stepNotPositive("\(rounding.step)")
      }
      guard max(abs(least), abs(greatest), abs(rounding.origin)) / rounding.step <= 0x1p53 else {
        throw .tooManySteps(low: "\(least)", high: "\(greatest)", step: "\(rounding.step)")
      }
      let first = ((least - rounding.origin) / rounding.step).rounded(.up)
      guard rounding.point(first) <= greatest || rounding.point(first - 1) >= least else {
        throw .emptyAfterRounding(low: "\(least)", high: "\(greatest)", step: "\(rounding.step)")
      }
    }
  }

  /// Whether values are drawn as the support alone would have it, so that only a grid differs.
  public var isPlain: Bool {
    rounding == nil && (shape == .uniform || shape == .logUniform)
  }

  /// Whether the values are more or less likely for what the user believes, and not only by the
  /// scale.
  public var hasPrior: Bool {
    switch shape {
    case .normal, .logNormal, .beta: true
    case .uniform, .logUniform, .reverseLogUniform: false
    }
  }

  /// The value that a drawn number becomes.
  public func rounded(_ drawn: Double) -> Double {
    guard let rounding else { return drawn }
    let value = rounding.rounded(drawn)
    return rounding.isClipped ? min(max(value, low), high) : value
  }
}

extension NumberTraits {
  /// What a clipped rounding leaves, ascending; nil for one that is not clipped, and for more than
  /// so many values.
  func clippedValues(atMost limit: Int) -> [Double]? {
    guard let rounding, rounding.isClipped else { return nil }
    let (first, last) = (rounding.place(of: low), rounding.place(of: high))
    guard last - first < Double(limit) else { return nil }
    var values: [Double] = []
    for place in stride(from: first, through: last, by: 1) {
      let value = min(max(rounding.point(place), low), high)
      if values.last.map({ value > $0 }) ?? true { values.append(value) }
    }
    return values
  }
}

extension NumberTraits: Hashable {
  public static func == (left: Self, right: Self) -> Bool {
    left.storage === right.storage
      || left.shape == right.shape && left.low == right.low && left.high == right.high
        && left.isTruncated == right.isTruncated && left.rounding == right.rounding
        && left.gridValues == right.gridValues
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(shape)
    hasher.combine(low)
    hasher.combine(high)
    hasher.combine(rounding)
  }
}

extension NumberTraits.Shape {
  /// The bounds of a shape that needs none given.
  fileprivate func ownBounds() throws(SearchSpaceError) -> (low: Double, high: Double)? {
    switch self {
    case .uniform, .logUniform, .reverseLogUniform: return nil
    case .beta(let a, let b):
      for exponent in [a, b] where !(exponent > 0 && exponent.isFinite) {
        throw .badPrior("a beta prior's a and b must be above 0, not \(exponent)")
      }
      return (0, 1)
    case .normal(let mean, let deviation), .logNormal(let mean, let deviation):
      guard mean.isFinite else { throw .notFinite(mean) }
      guard deviation > 0, deviation.isFinite else {
        throw .badPrior(
          "the prior's standard deviation \(deviation) is not above 0; give its width, or a "
            + "constant value")
      }
      let (low, high) = (
        mean - NumberTraits.reach * deviation, mean + NumberTraits.reach * deviation
      )
      if case .normal = self { return (low, high) }
      return (exponential(low), exponential(high))
    }
  }

  fileprivate func check(from low: Double, to high: Double) throws(SearchSpaceError) {
    switch self {
    case .uniform: break
    case .logUniform:
      guard low > 0 else { throw .logOfNonpositive(low: "\(low)", smallest: "above 0") }
    case .reverseLogUniform(let pivot):
      guard high < pivot, pivot.isFinite else {
        throw .badPrior("a reverse logarithmic range must end below \(pivot), not at \(high)")
      }
    case .normal(let mean, _): try Self.check(mean, of: "normal", within: low, high)
    case .logNormal(let mean, _):
      guard low > 0 else { throw .logOfNonpositive(low: "\(low)", smallest: "above 0") }
      try Self.check(exponential(mean), of: "log-normal", within: low, high)
    case .beta:
      guard low < high else { throw .badPrior("a beta prior needs bounds apart, not \(low) twice") }
    }
  }

  private static func check(
    _ middle: Double, of kind: String, within low: Double, _ high: Double
  ) throws(SearchSpaceError) {
    guard low <= middle, middle <= high else {
      throw .badPrior(
        "the middle \(middle) of the \(kind) prior is outside the bounds \(low)...\(high); move "
          + "one of them")
    }
    guard low < high else {
      throw .badPrior("a \(kind) prior needs bounds apart, not \(low) twice")
    }
  }
}

extension NumberTraits.Rounding {
  /// The multiple that a value is, or that it came from when it was clipped.
  public func nearestPoint(to value: Double) -> Double {
    rule == .nearest ? rounded(value) : point(((value - origin) / step).rounded())
  }

  /// The multiple at a place counted from the origin; computed in decimals, so that three tenths
  /// are 0.3.
  func point(_ place: Double) -> Double {
    Int(exactly: place).flatMap { DecimalGrid.points(from: origin, by: step)?($0) }
      ?? origin + place * step
  }

  /// The place of the multiple that a number is rounded to.
  func place(of drawn: Double) -> Double {
    let place = (drawn - origin) / step
    switch rule {
    case .nearest: return place.rounded(.toNearestOrEven)
    case .floor:
      let below = place.rounded(.down)
      // Of a multiple itself the quotient can be a little too small.
      return point(below + 1) <= drawn ? below + 1 : below
    }
  }

  func rounded(_ drawn: Double) -> Double { point(place(of: drawn)) }
}
