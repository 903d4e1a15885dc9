internal import JSON

/// Reads SMAC's PCS files, of the old and the new form.
struct PCSReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  /// Whether a line declares a parameter in one of the two forms.
  static func isDeclaration(_ line: String) -> Bool {
    let text = withoutComment(line)
    guard let space = text.firstIndex(where: \.isWhitespace) else { return false }
    let name = text[..<space]
    guard !name.isEmpty, !name.contains(":"), !name.contains("\""), !name.contains("{"),
      !name.contains("="), name != "-", !name.hasSuffix(","), !name.hasPrefix("[")
    else { return false }
    var rest = text[space...].trimmed
    for kind in ["categorical", "ordinal", "real", "integer"] where rest.hasPrefix(kind + " ") {
      rest = String(rest.dropFirst(kind.count)).trimmed
      return rest.hasPrefix("{") || rest.hasPrefix("[")
    }
    // The old form has a default in brackets behind it.
    let open: Character
    if rest.hasPrefix("{") {
      open = "}"
    } else if rest.hasPrefix("[") {
      open = "]"
    } else {
      return false
    }
    guard let close = rest.firstIndex(of: open), !rest[..<close].contains(":") else { return false }
    let behind = rest[rest.index(after: close)...].trimmed
    guard behind.hasPrefix("["), let end = behind.firstIndex(of: "]") else { return false }
    return ["", "i", "l", "il", "li"].contains(behind[behind.index(after: end)...].trimmed)
  }

  private static func withoutComment(_ line: String) -> String {
    String(line.prefix { $0 != "#" }).trimmed
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    var conditions: [(String, SourceLocation)] = []
    var clauses: [(String, SourceLocation)] = []
    var number = 0
    for line in source.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let text = Self.withoutComment(String(line))
      let place = SourceLocation(line: number, column: 1)
      if text.isEmpty || ["Conditionals:", "Forbidden:"].contains(text) { continue }
      if text.hasPrefix("{") {
        clauses.append((text, place))
      } else if Self.isDeclaration(text) {
        try readDeclaration(text, at: place)
      } else if text.contains("|") {
        conditions.append((text, place))
      } else {
        throw LocatedFault(
          location: place,
          problem:
            "'\(shortened(text))' is no parameter, condition or forbidden clause; write it as "
            + "'name real [low, high] [default]'")
      }
    }
    guard !study.parameters.isEmpty else { throw source.fault("there are no parameters") }
    for (text, place) in conditions { try readCondition(text, at: place) }
    for (text, place) in clauses { try readClause(text, at: place) }
    study.firstPoint = study.firstPoint.filter { entry in
      study.parameters.first { $0.name == entry.name }?.exists(
        in: study.firstPoint, of: study.parameters) ?? true
    }
    study.sortByConditions()
    study.notes.append(
      "a space only: give --metric, --trials, and the command behind '--'; the defaults are the "
        + "first point")
    return study
  }

  // MARK: Declarations

  private mutating func readDeclaration(_ text: String, at place: SourceLocation)
    throws(LocatedFault)
  {
    let parts = text.split(maxSplits: 1, whereSeparator: \.isWhitespace)
    let name = String(parts[0])
    let what = "parameter '\(shortened(name))'"
    func fault(_ problem: String) -> LocatedFault {
      LocatedFault(location: place, problem: "\(what) \(problem)")
    }
    var rest = parts.count > 1 ? parts[1].trimmed : ""
    var kind = ""
    for word in ["categorical", "ordinal", "real", "integer"] where rest.hasPrefix(word) {
      kind = word
      rest = String(rest.dropFirst(word.count)).trimmed
    }
    guard let (inside, behind) = Self.group(rest) else {
      throw fault("has no closing bracket; add it")
    }
    let items = inside.split(separator: ",").map { $0.trimmed }
    let isList = rest.hasPrefix("{")
    var initial: String?
    var flags = behind.trimmed
    if flags.hasPrefix("[") {
      guard let (value, more) = Self.group(flags) else {
        throw fault("has a default without ']'; add it")
      }
      (initial, flags) = (value.trimmed, more.trimmed)
    }
    if isList {
      guard !items.isEmpty, !items.contains("") else { throw fault("has no values; give some") }
      guard Set(items).count == items.count else { throw fault("has a value twice; remove one") }
      let areNumbers = kind == "ordinal" && items.allSatisfy { Self.number($0) != nil }
      let choices: [JSONValue] = items.map {
        areNumbers ? Self.number($0)?.json ?? .null : .string($0)
      }
      study.parameters.append(
        .categorical(name, choices, ordered: kind == "ordinal", at: place))
      if let initial {
        guard let index = items.firstIndex(of: initial) else {
          throw fault("has the default '\(shortened(initial))', which is none of its values")
        }
        study.firstPoint.append((name, choices[index]))
      }
      return
    }
    guard items.count == 2, let low = Self.number(items[0]), let high = Self.number(items[1]) else {
      throw fault("needs two numbers in brackets")
    }
    let isWhole = kind == "integer" || (kind.isEmpty && flags.contains("i"))
    let isLog = flags == "log" || (kind.isEmpty && flags.contains("l"))
    guard ["", "log", "i", "l", "il", "li"].contains(flags) else {
      throw fault("has '\(shortened(flags))' at its end; give log")
    }
    guard low < high else { throw fault("has \(low.brief) not below \(high.brief); exchange them") }
    guard !isLog || low > 0 else { throw fault("is logarithmic and needs a lower bound above 0") }
    if isWhole, low != low.rounded() || high != high.rounded() {
      throw fault("is an integer and needs whole bounds")
    }
    study.parameters.append(
      isWhole
        ? .int(name, low, high, log: isLog, at: place)
        : .float(name, low, high, log: isLog, at: place))
    if let initial {
      guard let value = Self.number(initial), value >= low, value <= high else {
        throw fault("has the default '\(shortened(initial))' outside its bounds")
      }
      study.firstPoint.append((name, value.json))
    }
  }

  /// What stands in the bracket at the start, and what behind it.
  private static func group(_ text: String) -> (String, String)? {
    guard let open = text.first, let end = text.firstIndex(of: open == "{" ? "}" : "]") else {
      return nil
    }
    return (
      String(text[text.index(after: text.startIndex)..<end]),
      String(text[text.index(after: end)...])
    )
  }

  private static func number(_ text: String) -> Double? {
    guard let value = YAMLScalar(text: text, isPlain: true, tag: nil).number, value.isFinite else {
      return nil
    }
    return value
  }

  // MARK: Conditions

  private mutating func readCondition(_ text: String, at place: SourceLocation) throws(LocatedFault)
  {
    let bar = text.firstIndex(of: "|") ?? text.startIndex
    let child = text[..<bar].trimmed
    guard let index = study.parameters.firstIndex(where: { $0.name == child }) else {
      throw LocatedFault(
        location: place, problem: "the condition's parameter '\(shortened(child))' is not declared")
    }
    var groups: [[ForeignParameter.Condition]] = []
    for option in text[text.index(after: bar)...].components(separatedBy: "||") {
      var group: [ForeignParameter.Condition] = []
      for test in option.components(separatedBy: "&&") {
        group.append(try self.test(test.trimmed, at: place))
      }
      groups.append(group)
    }
    if groups.count > 1,
      groups.joined().contains(where: { condition in
        if case .compares = condition.test { true } else { false }
      })
    {
      throw LocatedFault(
        location: place,
        problem: "the condition of '\(shortened(child))' joins comparisons by '||', which 'when' "
          + "does not express; write it as alternatives of equal values")
    }
    study.parameters[index].conditions = ForeignParameter.both(
      study.parameters[index].conditions, groups)
  }

  private func test(_ text: String, at place: SourceLocation) throws(LocatedFault)
    -> ForeignParameter.Condition
  {
    func fault(_ problem: String) -> LocatedFault {
      LocatedFault(location: place, problem: "the condition '\(shortened(text))' \(problem)")
    }
    let operators: [(String, String)] = [
      ("==", "eq"), ("!=", "ne"), (" in ", "in"), ("<", "lt"), (">", "gt"), ("=", "eq"),
    ]
    guard let (sign, operation) = operators.first(where: { text.range(of: $0.0) != nil }),
      let range = text.range(of: sign)
    else { throw fault("has none of ==, !=, <, > and in") }
    let name = text[..<range.lowerBound].trimmed
    guard let parent = study.parameters.first(where: { $0.name == name }) else {
      throw fault("names '\(shortened(name))', which is not declared")
    }
    let behind = text[range.upperBound...].trimmed
    func value(_ text: String) throws(LocatedFault) -> JSONValue {
      let plain = text.trimmed
      if parent.kind == .categorical {
        if let found = parent.choices.first(where: {
          $0 == .string(plain) || ($0.number != nil && $0.number == Self.number(plain))
        }) {
          return found
        }
        throw fault("needs one of \(quotedList(parent.choices.map { $0.string ?? $0.text() }))")
      }
      guard let number = Self.number(plain) else { throw fault("needs a number") }
      return number.json
    }
    switch operation {
    case "in":
      guard behind.hasPrefix("{"), let (inside, _) = Self.group(behind) else {
        throw fault("needs values in braces")
      }
      var values: [JSONValue] = []
      for item in inside.split(separator: ",") { values.append(try value(String(item))) }
      return .init(parent: name, test: .among(values))
    case "eq": return .init(parent: name, test: .among([try value(behind)]))
    case "ne":
      let unwanted = try value(behind)
      guard parent.kind == .categorical else {
        return .init(parent: name, test: .compares("ne", unwanted))
      }
      return .init(parent: name, test: .among(parent.choices.filter { $0 != unwanted }))
    default:
      guard parent.kind != .categorical || parent.isOrdered else {
        throw fault("compares '\(shortened(name))', whose values have no order")
      }
      return .init(parent: name, test: .compares(operation, try value(behind)))
    }
  }

  private mutating func readClause(_ text: String, at place: SourceLocation) throws(LocatedFault) {
    guard let (inside, _) = Self.group(text) else {
      throw LocatedFault(location: place, problem: "a forbidden clause has no '}'; add it")
    }
    var tests: [String] = []
    for part in inside.components(separatedBy: inside.contains("&&") ? "&&" : ",") {
      let condition = try test(part.trimmed, at: place)
      switch condition.test {
      case .among(let values): tests.append(ForeignStudy.equality(condition.parent, values))
      case .compares(let operation, let value):
        let signs = ["gt": ">", "lt": "<", "ne": "!="]
        tests.append(
          "\(ForeignStudy.quotedName(condition.parent)) \(signs[operation] ?? "==") "
            + ForeignStudy.constraintText(value))
      }
    }
    study.constraints.append("not (\(tests.joined(separator: " and ")))")
  }
}
