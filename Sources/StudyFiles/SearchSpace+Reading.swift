internal import StudyModel

extension SearchSpace {
  /// Reads the mapping of parameters.
  init(reading node: YAMLNode) throws(LocatedFault) {
    self.init()
    let entries = try node.entries("'parameters'", of: "names to ranges or choices")
    var declarations: [ParameterDeclaration] = []
    for entry in entries { declarations.append(try ParameterDeclaration(entry)) }
    let names = declarations.map(\.name)
    for (index, declaration) in declarations.enumerated() {
      try declaration.checkParents(at: index, of: declarations, names: names)
      let conditions = try declaration.conditions.map { (condition) throws(LocatedFault) in
        try condition.checked(for: declaration.name, against: self)
      }
      do {
        try append(
          Parameter(declaration.name, declaration.distribution), when: conditions)
      } catch {
        throw LocatedFault(location: declaration.location, problem: "\(error)")
      }
    }
  }
}

/// A parameter as it stands in the file, before its conditions are held against the others.
private struct ParameterDeclaration {
  let name: String
  let location: SourceLocation
  let distribution: Distribution
  let conditions: [ConditionDeclaration]

  private static let fields: [FieldName] = [
    FieldName("type", "kind"), FieldName("low", "min"), FieldName("high", "max"),
    FieldName("step", "q"), "log", FieldName("choices", "values"), "value", "when",
  ]

  init(_ entry: YAMLNode.Entry) throws(LocatedFault) {
    name = entry.key
    location = entry.keyLocation
    guard !name.isEmpty, name.unicodeScalars.count <= 512, !name.utf8.contains(0) else {
      throw LocatedFault(
        location: location,
        problem: "the parameter's name '\(shortened(name))' is empty, has a NUL or more than 512 "
          + "characters; give another")
    }
    let what = "parameter '\(shortened(name))'"
    switch entry.value.content {
    case .scalar:
      distribution = try Self.constant(entry.value, what)
      conditions = []
    case .sequence:
      distribution = try Self.categorical(entry.value, what)
      conditions = []
    case .mapping:
      let fields = try Fields(entry.value, in: what, known: Self.fields)
      distribution = try Self.distribution(fields, entry.value, what)
      conditions =
        try fields["when"].map { (node) throws(LocatedFault) in
          try ConditionDeclaration.read(node, what)
        } ?? []
    }
  }

  private static func distribution(
    _ fields: Fields, _ node: YAMLNode, _ what: String
  ) throws(LocatedFault) -> Distribution {
    let type = try self.type(fields, what)
    let rangeKeys = ["low", "high", "step", "log"]
    func refuse(_ keys: [String], beside other: String) throws(LocatedFault) {
      for key in keys {
        if let stray = fields[key] {
          throw stray.fault(
            "\(what) has '\(key)' beside '\(other)', where it means nothing; remove one")
        }
      }
    }
    if let value = fields["value"] {
      try refuse(rangeKeys + ["choices", "type"], beside: "value")
      return try constant(value, what)
    }
    if let choices = fields["choices"] {
      guard type == nil || type == .categorical else {
        throw choices.fault("\(what) is \(type ?? .float) and cannot have 'choices'; remove one")
      }
      try refuse(rangeKeys, beside: "choices")
      return try categorical(choices, what)
    }
    guard type != .categorical else {
      throw node.fault("\(what) is categorical without 'choices'; add a list of them")
    }
    guard let low = fields["low"], let high = fields["high"] else {
      let missing = fields["low"] == nil ? "low" : "high"
      throw node.fault(
        fields["low"] == nil && fields["high"] == nil
          ? "\(what) has no values; give 'low' and 'high', 'choices', or 'value'"
          : "\(what) has no '\(missing)'; add it")
    }
    let numbers = [low, high] + (fields["step"].map { [$0] } ?? [])
    let isWhole = numbers.allSatisfy { node in
      guard case .scalar(let scalar) = node.content else { return false }
      return scalar.isSpelledWhole
    }
    let log = try fields["log"]?.flag("'log' of \(what)") ?? false
    if type ?? (isWhole ? .int : .float) == .int {
      let (lowest, highest) = (
        try low.integer("'low' of \(what)"), try high.integer("'high' of \(what)")
      )
      let step = try fields["step"]?.integer("'step' of \(what)")
      return try blaming(what, low: low, high: high, fields) { () throws(SearchSpaceError) in
        .int(try IntDistribution(low: lowest, high: highest, step: step ?? 1, log: log))
      }
    }
    let (lowest, highest) = (
      try low.number("'low' of \(what)"), try high.number("'high' of \(what)")
    )
    let step = try fields["step"]?.number("'step' of \(what)")
    return try blaming(what, low: low, high: high, fields) { () throws(SearchSpaceError) in
      .float(try FloatDistribution(low: lowest, high: highest, step: step, log: log))
    }
  }

  /// Makes a distribution; its refusal is located at the key that is to blame.
  private static func blaming(
    _ what: String, low: YAMLNode, high: YAMLNode, _ fields: Fields?,
    _ make: () throws(SearchSpaceError) -> Distribution
  ) throws(LocatedFault) -> Distribution {
    do {
      return try make()
    } catch {
      let culprit: YAMLNode =
        switch error {
        case .stepNotPositive, .logWithStep: fields?["step"] ?? low
        case .integerTooLarge(let bound):
          high.isSpelling(bound) ? high : low
        default: low
        }
      throw culprit.fault("\(what): \(error)")
    }
  }

  private enum Kind: String, CaseIterable {
    case float, int, categorical
  }

  private static func type(_ fields: Fields, _ what: String) throws(LocatedFault) -> Kind? {
    guard let node = fields["type"] else { return nil }
    switch plainName(try node.text("'type' of \(what)")) {
    case "double", "real", "uniform": return .float
    case "integer": return .int
    case "choice", "category": return .categorical
    default: return try node.choice("'type' of \(what)", among: Kind.allCases)
    }
  }

  private static func constant(_ node: YAMLNode, _ what: String) throws(LocatedFault)
    -> Distribution
  {
    let value = try node.parameterValue(what)
    return try blaming(what, low: node, high: node, nil) { () throws(SearchSpaceError) in
      .categorical(try CategoricalDistribution([value]))
    }
  }

  private static func categorical(_ node: YAMLNode, _ what: String) throws(LocatedFault)
    -> Distribution
  {
    guard case .sequence(let elements) = node.content else {
      throw node.fault("the choices of \(what) are \(node.summary); give a list")
    }
    var choices: [ParameterValue] = []
    for element in elements {
      let choice = try element.parameterValue("a choice of \(what)")
      guard !choices.contains(choice) else {
        throw element.fault("\(what) has the choice \(element.summary) twice; remove one")
      }
      choices.append(choice)
    }
    return try blaming(what, low: node, high: node, nil) { () throws(SearchSpaceError) in
      .categorical(try CategoricalDistribution(choices))
    }
  }
}

/// One `parent: values` of a `when:`.
private struct ConditionDeclaration {
  let parent: String
  let location: SourceLocation
  let values: [(value: ParameterValue, location: SourceLocation)]

  static func read(_ node: YAMLNode, _ what: String) throws(LocatedFault) -> [ConditionDeclaration]
  {
    let entries = try node.entries(
      "'when' of \(what)", of: "an earlier parameter to its values, as in {optimizer: sgd}")
    var conditions: [ConditionDeclaration] = []
    for entry in entries {
      var values: [(ParameterValue, SourceLocation)] = []
      for element in entry.value.elements {
        values.append(
          (try element.parameterValue("a value in 'when' of \(what)"), element.location))
      }
      guard !values.isEmpty else {
        throw entry.value.fault("'when' of \(what) has no values for '\(entry.key)'; give some")
      }
      conditions.append(
        ConditionDeclaration(parent: entry.key, location: entry.keyLocation, values: values))
    }
    guard !conditions.isEmpty else {
      throw node.fault("'when' of \(what) is empty; name a parameter and its values, or remove it")
    }
    return conditions
  }

  /// The condition, once each of its values is one that the parent can have.
  func checked(
    for name: String, against space: SearchSpace
  ) throws(LocatedFault) -> SearchSpace.Condition {
    guard let distribution = space[parent] else {
      throw LocatedFault(
        location: location, problem: "'\(name)' depends on the unknown parameter '\(parent)'")
    }
    for (value, place) in values {
      guard let inner = distribution.internalValue(of: value), distribution.contains(inner) else {
        throw LocatedFault(
          location: place,
          problem:
            "parameter '\(name)' depends on '\(parent)' being \(value), which it can never be; "
            + "'\(parent)' is \(distribution.summary)")
      }
    }
    return SearchSpace.Condition(parent: parent, values: values.map(\.value))
  }
}

extension ParameterDeclaration {
  /// Refuses conditions on a parameter that is unknown, later, or depends on this one.
  fileprivate func checkParents(
    at index: Int, of all: [ParameterDeclaration], names: [String]
  ) throws(LocatedFault) {
    for condition in conditions {
      func fault(_ problem: String) -> LocatedFault {
        LocatedFault(location: condition.location, problem: "parameter '\(name)' \(problem)")
      }
      guard let parent = names.firstIndex(of: condition.parent) else {
        let advice =
          nearest(to: condition.parent, among: names).map { "did you mean '\($0)'?" }
          ?? "known are \(quotedList(names))"
        throw fault("depends on '\(condition.parent)', which is no parameter; \(advice)")
      }
      if parent == index { throw fault("depends on itself; remove that 'when'") }
      guard parent > index else { continue }
      if Self.depends(parent, on: index, of: all, names: names) {
        throw fault(
          "and '\(condition.parent)' depend on each other; remove one of their 'when' conditions")
      }
      throw fault(
        "depends on '\(condition.parent)', which comes later; move '\(condition.parent)' above it")
    }
  }

  /// Whether the parameter reaches the other through conditions.
  private static func depends(
    _ start: Int, on goal: Int, of all: [ParameterDeclaration], names: [String]
  ) -> Bool {
    var open = [start]
    var seen: Set<Int> = []
    while let next = open.popLast() {
      if next == goal { return true }
      guard seen.insert(next).inserted else { continue }
      open += all[next].conditions.compactMap { names.firstIndex(of: $0.parent) }
    }
    return false
  }
}

extension YAMLScalar {
  /// Whether it is spelled as a whole number, of whatever size: then a range of such is one of
  /// integers.
  fileprivate var isSpelledWhole: Bool {
    if integer != nil { return tag == nil || tag == "int" }
    let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    return tag != "float" && !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) }
  }
}

extension YAMLNode {
  fileprivate func isSpelling(_ whole: String) -> Bool {
    guard case .scalar(let scalar) = content else { return false }
    return scalar.number == Double(whole)
  }
}
