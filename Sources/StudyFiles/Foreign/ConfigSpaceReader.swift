internal import JSON

/// Reads ConfigSpace's JSON, of today and of versions before 1.
struct ConfigSpaceReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    guard let nodes = source.root["hyperparameters"] else {
      throw source.root.fault("there are no 'hyperparameters'; add them")
    }
    study.name = source.root["name"]?.word
    for node in nodes.elements { try readParameter(node) }
    for node in source.root["conditions"]?.elements ?? [] {
      let (child, groups) = try condition(node)
      guard let index = study.parameters.firstIndex(where: { $0.name == child }) else {
        throw node.fault("a condition's child '\(shortened(child))' is no hyperparameter")
      }
      study.parameters[index].conditions = ForeignParameter.both(
        study.parameters[index].conditions, groups)
    }
    for node in source.root["forbiddens"]?.elements ?? [] {
      study.constraints.append("not (\(try forbidden(node)))")
    }
    // What exists only under a condition belongs to the first point where its condition holds.
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

  private mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    guard let name = node["name"]?.word else { throw node.fault("a hyperparameter has no 'name'") }
    let what = "hyperparameter '\(shortened(name))'"
    guard let typeNode = node["type"], let type = typeNode.word else {
      throw node.fault("\(what) has no 'type'; add it")
    }
    let place = node.location
    func number(_ key: String) throws(LocatedFault) -> Double {
      guard let value = node[key] else { throw node.fault("\(what) has no '\(key)'; add it") }
      return try value.looseNumber("'\(key)' of \(what)")
    }
    let isLog = try node["log"]?.flag("'log' of \(what)") ?? false
    var parameter: ForeignParameter
    switch type {
    case "constant":
      guard let value = node.members.first(where: { $0.key == "value" })?.value else {
        throw node.fault("\(what) has no 'value'; add it")
      }
      parameter = .constant(name, of: value, source, at: place)
      study.firstPoint.append((name, value.json()))
    case "categorical", "ordinal":
      let key = type == "ordinal" ? "sequence" : "choices"
      guard let list = node[key] else { throw node.fault("\(what) has no '\(key)'; add it") }
      let elements = try list.list("'\(key)' of \(what)")
      guard !elements.isEmpty else { throw list.fault("'\(key)' of \(what) is empty") }
      parameter = .categorical(name, of: elements, source, ordered: type == "ordinal", at: place)
      if let weights = node["weights"] ?? node["probabilities"] {
        var all: [Double] = []
        for weight in try weights.list("the weights of \(what)") {
          all.append(try weight.looseNumber("a weight of \(what)"))
        }
        let sum = all.reduce(0, +)
        guard all.count == elements.count, sum > 0, all.allSatisfy({ $0 >= 0 }) else {
          throw weights.fault("\(what) needs one weight of 0 or more for each choice")
        }
        parameter.probabilities = abs(sum - 1) < 1e-9 ? all : all.map { $0 / sum }
      }
    case "uniform_float":
      parameter = .float(name, try number("lower"), try number("upper"), log: isLog, at: place)
    case "uniform_int":
      parameter = .int(name, try number("lower"), try number("upper"), log: isLog, at: place)
    case "normal_float", "normal_int", "beta_float", "beta_int":
      parameter = ForeignParameter(name, type.hasSuffix("int") ? .int : .float, at: place)
      if type.hasPrefix("beta") {
        parameter.prior = .beta(a: try number("alpha"), b: try number("beta"))
      } else {
        let (mean, deviation) = (try number("mu"), try number("sigma"))
        guard deviation > 0 else { throw node.fault("'sigma' of \(what) is not above 0") }
        parameter.prior = .normal(mean: mean, deviation: deviation)
        if isLog { parameter.prior = .logNormal(mean: mean, deviation: deviation) }
      }
      parameter.low = try node["lower"]?.looseNumber("'lower' of \(what)")
      parameter.high = try node["upper"]?.looseNumber("'upper' of \(what)")
      parameter.isTruncated = parameter.low != nil
      parameter.isLog = isLog
      if parameter.kind == .int { parameter.step = 1 }
    default:
      let known = [
        "uniform_float", "uniform_int", "normal_float", "normal_int", "beta_float", "beta_int",
        "categorical", "ordinal", "constant",
      ]
      let advice =
        nearest(to: type, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw typeNode.fault("'type' of \(what) is '\(shortened(type))'; \(advice)")
    }
    if let q = node["q"] {
      let value = try q.looseNumber("'q' of \(what)")
      guard value > 0 else { throw q.fault("'q' of \(what) is not above 0") }
      parameter.quantization = .init(q: value, rule: .fromLow)
      study.notes.append("\(what): q of old versions is kept, which ConfigSpace 1 drops")
    }
    if node["probabilities"] != nil {
      study.notes.append(
        "\(what): probabilities of old versions are kept, which ConfigSpace 1 drops")
    }
    parameter = try parameter.checkingBounds(node, lowName: "lower", highName: "upper")
    if let value = node["default_value"] ?? node["default"] {
      study.firstPoint.append((name, value.json()))
    }
    study.parameters.append(parameter)
  }

  /// A condition as groups, of which one must hold.
  private func condition(_ node: YAMLNode) throws(LocatedFault) -> (
    String, [[ForeignParameter.Condition]]
  ) {
    let type = node["type"]?.word ?? ""
    if type == "AND" || type == "OR" {
      var child = node["child"]?.word
      var groups: [[ForeignParameter.Condition]] = []
      for inner in node["conditions"]?.elements ?? [] {
        let (name, more) = try condition(inner)
        child = child ?? name
        groups = type == "OR" ? groups + more : ForeignParameter.both(groups, more)
      }
      guard let child, !groups.isEmpty else { throw node.fault("a condition \(type) has no parts") }
      return (child, groups)
    }
    guard let child = node["child"]?.word, let parent = node["parent"]?.word else {
      throw node.fault("a condition needs 'child' and 'parent'")
    }
    guard let owner = study.parameters.first(where: { $0.name == parent }) else {
      throw node.fault("a condition's parent '\(shortened(parent))' is no hyperparameter")
    }
    func value() throws(LocatedFault) -> JSONValue {
      guard let value = node.members.first(where: { $0.key == "value" })?.value else {
        throw node.fault("a condition on '\(shortened(parent))' has no 'value'")
      }
      return value.json()
    }
    let test: ForeignParameter.Test
    switch type {
    case "EQ": test = .among([try value()])
    case "IN": test = .among((node["values"]?.elements ?? []).map { $0.json() })
    case "NEQ":
      let unwanted = try value()
      if owner.kind == .categorical {
        test = .among(owner.choices.filter { $0 != unwanted })
      } else {
        test = .compares("ne", unwanted)
      }
    case "GT", "LT": test = .compares(type.lowercased(), try value())
    default:
      throw node.fault(
        "the condition type '\(shortened(type))' is unknown; give EQ, NEQ, IN, LT, GT, AND or OR")
    }
    return (child, [[.init(parent: parent, test: test)]])
  }

  private func forbidden(_ node: YAMLNode) throws(LocatedFault) -> String {
    let type = node["type"]?.word ?? ""
    if type == "AND" {
      var parts: [String] = []
      for clause in node["clauses"]?.elements ?? [] { parts.append(try forbidden(clause)) }
      guard !parts.isEmpty else { throw node.fault("a forbidden AND has no clauses") }
      return parts.joined(separator: " and ")
    }
    guard let name = node["name"]?.word, study.parameters.contains(where: { $0.name == name })
    else {
      throw node.fault("a forbidden clause names no hyperparameter")
    }
    let values: [JSONValue]
    switch type {
    case "EQUALS": values = [node.members.first { $0.key == "value" }?.value.json() ?? .null]
    case "IN": values = (node["values"]?.elements ?? []).map { $0.json() }
    default:
      throw node.fault(
        "the forbidden clause '\(shortened(type))' is unknown; give EQUALS, IN or AND")
    }
    return ForeignStudy.equality(name, values)
  }
}

extension ForeignParameter {
  /// Both of two conditions, each given as groups of which one must hold.
  static func both(_ left: [[Condition]], _ right: [[Condition]]) -> [[Condition]] {
    guard !left.isEmpty else { return right }
    guard !right.isEmpty, left.count * right.count <= 1_000 else { return left }
    return left.flatMap { first in right.map { first + $0 } }
  }

  /// Whether the parameter exists in a point of defaults.
  func exists(
    in point: [(name: String, value: JSONValue)], of parameters: [ForeignParameter], depth: Int = 0
  ) -> Bool {
    guard !conditions.isEmpty, depth < 50 else { return true }
    return conditions.contains { group in
      group.allSatisfy { condition in
        guard let value = point.first(where: { $0.name == condition.parent })?.value,
          let parent = parameters.first(where: { $0.name == condition.parent }),
          parent.exists(in: point, of: parameters, depth: depth + 1)
        else { return false }
        switch condition.test {
        case .among(let values):
          return values.contains { $0 == value || ($0.number != nil && $0.number == value.number) }
        case .compares(let operation, let other):
          let (left, right): (Double?, Double?)
          if parent.kind == .categorical {
            left = parent.choices.firstIndex(of: value).map(Double.init)
            right = parent.choices.firstIndex(of: other).map(Double.init)
          } else {
            (left, right) = (value.number, other.number)
          }
          guard let left, let right else { return false }
          switch operation {
          case "gt": return left > right
          case "lt": return left < right
          case "ge": return left >= right
          case "le": return left <= right
          default: return left != right
          }
        }
      }
    }
  }
}

extension ForeignStudy {
  /// Puts parents before their children, keeping the order otherwise.
  mutating func sortByConditions() {
    var sorted: [ForeignParameter] = []
    var rest = parameters
    while !rest.isEmpty {
      let names = Set(rest.map(\.name))
      let free = rest.filter { parameter in
        parameter.conditions.joined().allSatisfy { !names.contains($0.parent) }
      }
      guard !free.isEmpty else { break }
      sorted += free
      let done = Set(free.map(\.name))
      rest.removeAll { done.contains($0.name) }
    }
    // Parents first is all that is needed; a whole level moves only when something has to.
    let isInOrder = parameters.enumerated().allSatisfy { index, parameter in
      parameter.conditions.joined().allSatisfy { condition in
        parameters[..<index].contains { $0.name == condition.parent }
      }
    }
    if !isInOrder { parameters = sorted + rest }
  }

  /// `name == 'a'`, or several of them, in the syntax of constraints.
  static func equality(_ name: String, _ values: [JSONValue]) -> String {
    let tests = values.map { "\(quotedName(name)) == \(constraintText($0))" }
    return tests.count == 1 ? tests[0] : "(\(tests.joined(separator: " or ")))"
  }

  /// A name as it stands in a constraint.
  static func quotedName(_ name: String) -> String {
    let isPlain =
      name.unicodeScalars.first.map { $0.isASCII && $0.properties.isAlphabetic || $0 == "_" }
      == true
      && name.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
          || scalar == "_"
      }
    return isPlain && !["and", "or", "not", "in"].contains(name) ? name : "`\(name)`"
  }

  static func constraintText(_ value: JSONValue) -> String {
    if let text = value.string { return text.contains("'") ? "\"\(text)\"" : "'\(text)'" }
    if let number = value.number { return number.brief }
    return value.text()
  }
}
