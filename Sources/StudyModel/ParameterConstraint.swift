/// What the parameters of a trial must fulfil together, such as `layers * width <= 1e6` or
/// `not (optimizer == 'adam' and momentum > 0)`.
///
/// Comparisons of arithmetic expressions: `<=`, `<`, `>=`, `>`, `==`, `!=`, also chained as in
/// `1 <= a / b < 4`, joined by `and`, `or`, `not` and parentheses. Expressions have numbers,
/// parameters, `+ - * / ^` (also `**`), parentheses, and `min`, `max`, `log`, `exp`, `abs`, `sqrt`.
/// A text stands in quotes, and is compared with `==` and `!=`. A parameter whose name is no plain
/// word stands in backquotes. A Boolean counts as 0 or 1.
public struct ParameterConstraint: Sendable, Hashable {
  /// The constraint as it was written.
  public let text: String

  private let formula: ConstraintFormula

  /// How two values are compared.
  public enum Comparison: String, CaseIterable, Sendable {
    // The longer spellings come first, since the shorter ones begin like them.
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case greater = ">"

    /// Whether it holds for two numbers; none does with NaN.
    func holds(_ a: Double, _ b: Double) -> Bool {
      switch self {
      case .atMost: a <= b
      case .atLeast: a >= b
      case .equal: a == b
      case .unequal: a != b && !a.isNaN && !b.isNaN
      case .less: a < b
      case .greater: a > b
      }
    }
  }

  /// Reads a constraint.
  ///
  /// - Throws: ``ConstraintError`` for what is no comparison, for more than 1,000 bytes, and for
  ///   parentheses nested more than 50 deep.
  public init(_ text: String) throws(ConstraintError) {
    var parser = ConstraintParser(text)
    formula = try parser.parse()
    self.text = text
  }

  /// The constraint that not all of these hold at once: the first parameter has that value, and the
  /// second that one, and so on; a forbidden combination.
  ///
  /// - Throws: ``ConstraintError`` for a value that is neither text, number nor Boolean, a text
  ///   with both kinds of quotes, a name with a backquote, or too many of them.
  public init(
    forbidding combination: [(name: String, values: [ParameterValue])]
  ) throws(ConstraintError) {
    var parts: [String] = []
    for (name, values) in combination {
      guard !name.isEmpty, !name.contains("`") else { throw .cannotName(name) }
      var choices: [String] = []
      for value in values { choices.append("`\(name)` == \(try Self.literal(value))") }
      parts.append(choices.count == 1 ? choices[0] : "(\(choices.joined(separator: " or ")))")
    }
    try self.init("not (\(parts.joined(separator: " and ")))")
  }

  /// The value as a constraint spells it.
  static func literal(_ value: ParameterValue) throws(ConstraintError) -> String {
    switch value {
    case .bool(let flag): return flag ? "1" : "0"
    case .int, .float:
      guard value.number?.isFinite ?? false else { throw .cannotName(value.description) }
      return value.description
    case .string(let text):
      if !text.contains("'") { return "'\(text)'" }
      if !text.contains("\"") { return "\"\(text)\"" }
      throw .cannotName(text)
    case .null, .opaque: throw .cannotName(value.description)
    }
  }

  /// The parameters it names, each once.
  public var parameters: [String] { formula.names }

  /// Of those, the ones that must have numbers: all that are not just compared by `==` and `!=`.
  var numericParameters: [String] { formula.numericNames }

  /// Whether it holds; also when that depends on a parameter that is not there, as one that is not
  /// active. What is compared with NaN, such as a square root of a negative number, does not hold.
  public func holds(for values: (String) -> ParameterValue?) -> Bool {
    truth(for: values) ?? true
  }

  /// Whether it is true; nil when that depends on a parameter that is not there.
  func truth(for values: (String) -> ParameterValue?) -> Bool? { formula.truth(values) }

  public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// Why a constraint cannot be read.
public enum ConstraintError: Error, Hashable {
  case tooLong(bytes: Int)
  case tooDeep
  /// What was found where something else is needed; `position` counts characters from 1.
  case unexpected(found: String, position: Int, needed: String)
  case unknownFunction(String)
  case wrongArguments(function: String, count: Int)
  case noComparison(String)
  /// A text that is compared by its size.
  case textHasNoOrder(String)
  /// What cannot be written in a constraint.
  case cannotName(String)
}

extension ConstraintError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooLong(let bytes): "it has \(bytes) bytes; give at most 1000"
    case .tooDeep: "its parentheses are nested more than 50 deep; write it in parts"
    case .unexpected(let found, let position, let needed):
      "it has \(found) at character \(position), where \(needed) is needed"
    case .unknownFunction(let name):
      "the function '\(name)' is unknown; known are "
        + ParameterExpression.Function.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    case .wrongArguments(let function, let count):
      "'\(function)' has \(count) arguments; give \(function == "min" || function == "max" ? "at least one" : "one")"
    case .noComparison(let text):
      "'\(text)' compares nothing; write it with <=, <, >=, >, == or !="
    case .textHasNoOrder(let text): "the text '\(text)' has no order; compare it with == or !="
    case .cannotName(let text): "a constraint cannot name \(text)"
    }
  }
}
