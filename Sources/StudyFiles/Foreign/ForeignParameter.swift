internal import JSON
internal import System

/// A parameter in the terms in which the study file and the neutral form describe it, with its
/// bounds as actual values.
struct ForeignParameter: Sendable {
  enum Kind: String, Sendable {
    case float, int, categorical, constant
  }

  /// A density beside the uniform one; mean and deviation of a log-normal one are the logarithm's.
  enum Prior: Sendable, Hashable {
    case normal(mean: Double, deviation: Double)
    case logNormal(mean: Double, deviation: Double)
    case beta(a: Double, b: Double)
  }

  /// How a drawn number becomes a multiple.
  enum Rounding: String, Sendable {
    /// Round-half-even(x/q)·q, which may leave the bounds.
    case nearest = "round_multiple"
    /// The same, brought back into the bounds.
    case clipped = "round_multiple_clip"
    /// The multiple below.
    case floor = "floor_multiple"
    /// Steps from the lower bound.
    case fromLow = "grid_from_low"
  }

  struct Quantization: Sendable {
    let q: Double
    let rule: Rounding
    var isWhole: Bool?
  }

  /// What a parent's value must be for the parameter to exist.
  enum Test: Sendable {
    case among([JSONValue])
    /// `gt`, `lt`, `ge`, `le` and what it is compared with.
    case compares(String, JSONValue)
  }

  struct Condition: Sendable {
    let parent: String
    let test: Test
  }

  struct Fidelity: Sendable {
    let least: Double
    let most: Double
    let base: Double
  }

  var name: String
  var kind: Kind
  var location: SourceLocation?
  var low: Double?
  var high: Double?
  var isLog = false
  var isReverseLog = false
  /// Where a reverse logarithm counts from; 1 unless said.
  var pivot = 1.0
  var step: Double?
  var choices: [JSONValue] = []
  /// How choices were spelled, where that differs from how they print; parallel to ``choices`` or
  /// empty.
  var literals: [String] = []
  var isOrdered = false
  var probabilities: [Double]?
  /// One of these groups must hold; in a group all must. Empty without a condition.
  var conditions: [[Condition]] = []
  var prior: Prior?
  var isTruncated = false
  var quantization: Quantization?
  /// The exact set, where a grid or rounding fixes it.
  var values: [Double]?
  var fidelity: Fidelity?
  /// The path of a name that nests.
  var nested: [String] = []
  var significantDigits: Int?
  /// Into how many values a grid divides the range.
  var divisions: Int?
  /// Which file of parameters the name belongs to.
  var file: String?

  init(_ name: String, _ kind: Kind, at location: SourceLocation? = nil) {
    self.name = name
    self.kind = kind
    self.location = location
  }

  static func constant(_ name: String, _ value: JSONValue, at location: SourceLocation? = nil)
    -> ForeignParameter
  {
    var parameter = ForeignParameter(name, .constant, at: location)
    parameter.choices = [value]
    return parameter
  }

  static func categorical(
    _ name: String, _ choices: [JSONValue], ordered: Bool = false,
    at location: SourceLocation? = nil
  ) -> ForeignParameter {
    var parameter = ForeignParameter(name, .categorical, at: location)
    parameter.choices = choices
    parameter.isOrdered = ordered
    return parameter
  }

  static func float(
    _ name: String, _ low: Double, _ high: Double, log: Bool = false, step: Double? = nil,
    at location: SourceLocation? = nil
  ) -> ForeignParameter {
    var parameter = ForeignParameter(name, .float, at: location)
    (parameter.low, parameter.high, parameter.isLog, parameter.step) = (low, high, log, step)
    return parameter
  }

  static func int(
    _ name: String, _ low: Double, _ high: Double, log: Bool = false, step: Double = 1,
    at location: SourceLocation? = nil
  ) -> ForeignParameter {
    var parameter = ForeignParameter(name, .int, at: location)
    (parameter.low, parameter.high, parameter.isLog, parameter.step) = (low, high, log, step)
    return parameter
  }

  /// Whether two parameters take the same values, whatever they depend on.
  func hasSameValues(as other: ForeignParameter) -> Bool {
    kind == other.kind && low == other.low && high == other.high && isLog == other.isLog
      && step == other.step && choices == other.choices && prior == other.prior
      && quantization?.q == other.quantization?.q
  }

  /// The multiples of `q` that rounding to the nearest gives between the bounds; nil when there
  /// are more than a thousand.
  static func multiples(of q: Double, from low: Double, through high: Double) -> [Double]? {
    let first = (low / q).rounded(.toNearestOrEven)
    let last = (high / q).rounded(.toNearestOrEven)
    guard first <= last, last - first < 1_000 else { return nil }
    return (0...Int(clamped: last - first)).map { scaled(first + Double($0), by: q) }
  }

  /// `low`, `low + step` and so on up to `high`, which counts as reached when it is missed by
  /// rounding; nil when there are more than a thousand.
  static func steps(from low: Double, through high: Double, by step: Double) -> [Double]? {
    guard step > 0, low <= high else { return nil }
    let count = ((high - low) / step + 1e-9).rounded(.down)
    guard count < 1_000 else { return nil }
    return (0...Int(clamped: count)).map { clean(low + Double($0) * step) }
  }

  /// `low`, `low + step` and so on below `end`, as numpy's `arange` counts; nil for more than a
  /// thousand.
  static func steps(from low: Double, below end: Double, by step: Double) -> [Double]? {
    guard step != 0, step.isFinite else { return nil }
    let count = ((end - low) / step - 1e-9).rounded(.up)
    guard count >= 1 else { return [] }
    guard count <= 1_000 else { return nil }
    return (0..<Int(clamped: count)).map { clean(low + Double($0) * step) }
  }

  /// `count` values from one to the other, both included; nil for more than a thousand.
  static func divided(_ low: Double, _ high: Double, into count: Int) -> [Double]? {
    guard count >= 1, count <= 1_000 else { return nil }
    guard count > 1 else { return [low] }
    return (0..<count).map { index in
      if index == count - 1 { return high }
      return clean(low + (high - low) * Double(index) / Double(count - 1))
    }
  }

  private static func scaled(_ count: Double, by q: Double) -> Double { clean(count * q) }

  /// The number without the noise of binary sums: 0.3 for 0.30000000000000004.
  static func clean(_ value: Double) -> Double {
    guard value.isFinite, value != 0 else { return value }
    let digits = 14 - Int(clamped: log10(value.magnitude).rounded(.up))
    guard (0...300).contains(digits) else { return value }
    let scale = pow(10, Double(digits))
    guard scale.isFinite, (value * scale).isFinite else { return value }
    let rounded = (value * scale).rounded() / scale
    return abs(rounded - value) <= abs(value) * 1e-14 ? rounded : value
  }
}

extension Double {
  /// As JSON: whole where it is, so that 64.0 prints as 64.
  var json: JSONValue {
    if self == rounded(), magnitude < 0x1p53 { return .integer(Int(clamped: self)) }
    return .float(self)
  }
}
