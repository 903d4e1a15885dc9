internal import System

/// An arithmetic expression over parameters.
///
/// Numbers, names, `+ - * / ^` (also `**`) with the usual precedence, parentheses, and `min`,
/// `max`, `log`, `exp`, `abs`, `sqrt`. A name that is no plain word stands in backquotes.
indirect enum ParameterExpression: Sendable, Hashable {
  case number(Double)
  case name(String)
  case negated(ParameterExpression)
  case operation(Operator, ParameterExpression, ParameterExpression)
  case call(Function, [ParameterExpression])

  enum Operator: Character, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case power = "^"
  }

  enum Function: String, Sendable, CaseIterable {
    case min, max, log, exp, abs, sqrt

    /// How many arguments it takes.
    var arity: ClosedRange<Int> { self == .min || self == .max ? 1...Int.max : 1...1 }
  }

  /// The value; nil when a name has none. May be infinite or NaN.
  func value(_ values: (String) -> Double?) -> Double? {
    switch self {
    case .number(let number): return number
    case .name(let name): return values(name)
    case .negated(let inner): return inner.value(values).map { -$0 }
    case .operation(let operation, let left, let right):
      guard let a = left.value(values), let b = right.value(values) else { return nil }
      switch operation {
      case .add: return a + b
      case .subtract: return a - b
      case .multiply: return a * b
      case .divide: return a / b
      case .power: return pow(a, b)
      }
    case .call(let function, let arguments):
      var numbers: [Double] = []
      for argument in arguments {
        guard let number = argument.value(values) else { return nil }
        numbers.append(number)
      }
      // Unlike Swift's min and max, these make NaN of NaN.
      if numbers.contains(where: \.isNaN) { return .nan }
      switch function {
      case .min: return numbers.min()
      case .max: return numbers.max()
      case .log: return logarithm(numbers[0])
      case .exp: return exponential(numbers[0])
      case .abs: return numbers[0].magnitude
      case .sqrt: return numbers[0].squareRoot()
      }
    }
  }

  /// The names in it, each once, in the order of their appearance.
  var names: [String] {
    switch self {
    case .number: []
    case .name(let name): [name]
    case .negated(let inner): inner.names
    case .operation(_, let left, let right): Self.union([left.names, right.names])
    case .call(_, let arguments): Self.union(arguments.map(\.names))
    }
  }

  static func union(_ lists: [[String]]) -> [String] {
    lists.joined().reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

/// The natural logarithm, under a name that no property hides.
func logarithm(_ x: Double) -> Double { log(x) }
/// The exponential, under a name that no property hides.
func exponential(_ x: Double) -> Double { exp(x) }
