/// A recursive descent over the characters of a constraint.
struct ConstraintParser {
  private let characters: [Character]
  private let text: String
  private var place = 0
  private var depth = 0

  init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  mutating func parse() throws(ConstraintError) -> ConstraintFormula {
    guard text.utf8.count <= 1_000 else { throw .tooLong(bytes: text.utf8.count) }
    let formula = try disjunction()
    skipSpaces()
    guard place == characters.count else { throw unexpected("an operator or a comparison") }
    return formula
  }

  private mutating func disjunction() throws(ConstraintError) -> ConstraintFormula {
    var parts = [try conjunction()]
    while take(word: "or") { parts.append(try conjunction()) }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  private mutating func conjunction() throws(ConstraintError) -> ConstraintFormula {
    var parts = [try negation()]
    while take(word: "and") { parts.append(try negation()) }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  private mutating func negation() throws(ConstraintError) -> ConstraintFormula {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 50 else { throw .tooDeep }
    if take(word: "not") { return .not(try negation()) }
    skipSpaces()
    let start = place
    guard characters[start...].first == "(" else { return try comparison() }
    // A parenthesis opens an expression or a condition, which shows only behind it.
    do throws(ConstraintError) {
      return try comparison()
    } catch {
      let reached = place
      place = start + 1
      do throws(ConstraintError) {
        let inner = try disjunction()
        guard take(")") else { throw unexpected("')'") }
        return inner
      } catch let second {
        throw reached > place || error == .tooDeep ? error : second
      }
    }
  }

  private mutating func comparison() throws(ConstraintError) -> ConstraintFormula {
    let start = place
    let first = try operand()
    var rest: [(ParameterConstraint.Comparison, ConstraintFormula.Operand)] = []
    while let comparison = ParameterConstraint.Comparison.allCases.first(where: {
      take($0.rawValue)
    }) {
      rest.append((comparison, try operand()))
    }
    guard !rest.isEmpty else {
      skipSpaces()
      guard place == characters.count || isAtWord("and") || isAtWord("or") || isAt(")") else {
        throw unexpected("an operator or a comparison")
      }
      let part = String(characters[start..<place])
      throw .noComparison(
        String(part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()))
    }
    if rest.contains(where: { $0.0 != .equal && $0.0 != .unequal }) {
      for case .text(let text) in [first] + rest.map(\.1) { throw .textHasNoOrder(text) }
    }
    return .comparison(first, rest)
  }

  private mutating func operand() throws(ConstraintError) -> ConstraintFormula.Operand {
    skipSpaces()
    guard let quote = characters[place...].first, quote == "'" || quote == "\"" else {
      return .expression(try sum())
    }
    guard let end = characters[(place + 1)...].firstIndex(of: quote) else {
      throw unexpected("a text between two quotes")
    }
    defer { place = end + 1 }
    return .text(String(characters[(place + 1)..<end]))
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
    guard character.isLetter || character == "_", !["and", "or", "not"].contains(where: isAtWord)
    else {
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

  private func isAt(_ symbol: Character) -> Bool { characters[place...].first == symbol }

  /// Whether the word comes next, and not just a name that begins with it.
  private func isAtWord(_ word: String) -> Bool {
    guard characters[place...].starts(with: word) else { return false }
    guard let next = characters[(place + word.count)...].first else { return true }
    return !(next.isLetter || next.isNumber || "_.".contains(next))
  }

  private mutating func take(word: String) -> Bool {
    skipSpaces()
    guard isAtWord(word) else { return false }
    place += word.count
    return true
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
