/// What the parameters of a trial must fulfil together, such as `layers * width <= 1e6`.
///
/// One or more comparisons of arithmetic expressions: `<=`, `<`, `>=`, `>`, `==`, `!=`, also
/// chained as in `1 <= a / b < 4`. Expressions have numbers, parameters, `+ - * / ^` (also `**`),
/// parentheses, and `min`, `max`, `log`, `exp`, `abs`, `sqrt`. A parameter whose name is no plain
/// word stands in backquotes. A Boolean counts as 0 or 1.
public struct ParameterConstraint: Sendable, Hashable {
  /// The constraint as it was written.
  public let text: String

  let first: ParameterExpression
  let comparisons: [(Comparison, ParameterExpression)]

  enum Comparison: String, CaseIterable, Sendable {
    // The longer spellings come first, since the shorter ones begin like them.
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case greater = ">"

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
    (first, comparisons) = try parser.parse()
    self.text = text
  }

  /// The parameters it names, each once.
  public var parameters: [String] {
    ParameterExpression.union([first.names] + comparisons.map(\.1.names))
  }

  /// Whether it holds; also when a parameter that it names is not there, as one that is not active.
  /// What is compared with NaN, such as a square root of a negative number, does not hold.
  public func holds(for values: (String) -> Double?) -> Bool {
    guard var left = first.value(values) else { return true }
    var holds = true
    for (comparison, expression) in comparisons {
      guard let right = expression.value(values) else { return true }
      holds = holds && comparison.holds(left, right)
      left = right
    }
    return holds
  }

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
    }
  }
}

/// A recursive descent over the characters of a constraint.
private struct ConstraintParser {
  private let characters: [Character]
  private let text: String
  private var place = 0
  private var depth = 0

  init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  mutating func parse() throws(ConstraintError) -> (
    ParameterExpression, [(ParameterConstraint.Comparison, ParameterExpression)]
  ) {
    guard text.utf8.count <= 1_000 else { throw .tooLong(bytes: text.utf8.count) }
    let first = try sum()
    var comparisons: [(ParameterConstraint.Comparison, ParameterExpression)] = []
    while let comparison = ParameterConstraint.Comparison.allCases.first(where: {
      take($0.rawValue)
    }) {
      comparisons.append((comparison, try sum()))
    }
    skipSpaces()
    guard place == characters.count else { throw unexpected("an operator or a comparison") }
    guard !comparisons.isEmpty else { throw .noComparison(text) }
    return (first, comparisons)
  }

  private mutating func sum() throws(ConstraintError) -> ParameterExpression {
    var left = try product()
    while true {
      if take("+") {
        left = .operation(.add, left, try product())
      } else if take("-") {
        left = .operation(.subtract, left, try product())
      } else {
        return left
      }
    }
  }

  private mutating func product() throws(ConstraintError) -> ParameterExpression {
    var left = try signed()
    while true {
      if take("*") {
        left = .operation(.multiply, left, try signed())
      } else if take("/") {
        left = .operation(.divide, left, try signed())
      } else {
        return left
      }
    }
  }

  private mutating func signed() throws(ConstraintError) -> ParameterExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 50 else { throw .tooDeep }
    if take("-") { return .negated(try signed()) }
    if take("+") { return try signed() }
    let base = try primary()
    // To the right: 2 ^ 3 ^ 2 is 2 ^ 9, and −2 ^ 2 is −4.
    return take("^") || take("**") ? .operation(.power, base, try signed()) : base
  }

  private mutating func primary() throws(ConstraintError) -> ParameterExpression {
    skipSpaces()
    guard place < characters.count else { throw unexpected("a number or a parameter") }
    let character = characters[place]
    if character == "(" {
      place += 1
      let inner = try sum()
      guard take(")") else { throw unexpected("')'") }
      return inner
    }
    if character == "`" {
      guard let end = characters[(place + 1)...].firstIndex(of: "`"), end > place + 1 else {
        throw unexpected("a name between two backquotes")
      }
      let name = String(characters[(place + 1)..<end])
      place = end + 1
      return .name(name)
    }
    if character.isASCII, character.isNumber || character == "." { return try number() }
    guard character.isLetter || character == "_" else {
      throw unexpected("a number or a parameter")
    }
    let start = place
    while place < characters.count,
      characters[place].isLetter || characters[place].isNumber || "_.".contains(characters[place])
    { place += 1 }
    let name = String(characters[start..<place])
    guard take("(") else { return .name(name) }
    guard let function = ParameterExpression.Function(rawValue: name) else {
      throw .unknownFunction(name)
    }
    var arguments = [try sum()]
    while take(",") { arguments.append(try sum()) }
    guard take(")") else { throw unexpected("',' or ')'") }
    guard function.arity.contains(arguments.count) else {
      throw .wrongArguments(function: name, count: arguments.count)
    }
    return .call(function, arguments)
  }

  private mutating func number() throws(ConstraintError) -> ParameterExpression {
    let start = place
    func isDigit(_ place: Int) -> Bool {
      place < characters.count && characters[place].isASCII && characters[place].isNumber
    }
    while isDigit(place) || (place < characters.count && "._".contains(characters[place])) {
      place += 1
    }
    if place < characters.count, "eE".contains(characters[place]) {
      let isSigned = place + 1 < characters.count && "+-".contains(characters[place + 1])
      if isDigit(place + (isSigned ? 2 : 1)) {
        place += isSigned ? 2 : 1
        while isDigit(place) { place += 1 }
      }
    }
    let digits = String(characters[start..<place].filter { $0 != "_" })
    guard let value = Double(digits) else {
      place = start
      throw unexpected("a number")
    }
    return .number(value)
  }

  private mutating func skipSpaces() {
    while place < characters.count, characters[place].isWhitespace { place += 1 }
  }

  /// Takes the symbol if it comes next. A `*` that begins `**` is not taken.
  private mutating func take(_ symbol: String) -> Bool {
    skipSpaces()
    let wanted = Array(symbol)
    guard characters[place...].starts(with: wanted) else { return false }
    if symbol == "*", characters[(place + 1)...].first == "*" { return false }
    place += wanted.count
    return true
  }

  private func unexpected(_ needed: String) -> ConstraintError {
    let found = place < characters.count ? "'\(characters[place])'" : "its end"
    return .unexpected(found: found, position: place + 1, needed: needed)
  }
}
