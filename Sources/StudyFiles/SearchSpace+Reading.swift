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
        var place = declaration.location
        if case .impossibleCondition = error, let condition = declaration.conditions.first {
          place = condition.location
        }
        throw LocatedFault(location: place, problem: "\(error)")
      }
    }
  }
}

/// A parameter as it stands in the file, before its conditions are held against the others.
struct ParameterDeclaration {
  let name: String
  let location: SourceLocation
  let distribution: Distribution
  let conditions: [ConditionDeclaration]

  private static let fields: [FieldName] = [
    FieldName("type", "kind"), FieldName("low", "min"), FieldName("high", "max"),
    FieldName("step", "q"), "log", "choices", "values", "value", "when", "ordered",
    FieldName("weights", "probabilities"), "prior", "round_to", "rounding", "clip",
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
      distribution = try ChoiceDeclaration(constant: entry.value, what).distribution(what)
      conditions = []
    case .sequence(let elements):
      // A list of lists is more often a slip than meant, as two ranges.
      for nested in elements {
        if case .scalar = nested.content { continue }
        throw nested.fault(
          "\(what) has \(nested.summary) among its values; if that is a choice, "
            + "write {choices: […]}")
      }
      distribution = try ChoiceDeclaration(entry.value, what).distribution(what)
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
    let type = try NumberDeclaration.type(fields, what)
    let rangeKeys = ["low", "high", "step", "log", "prior", "round_to", "rounding", "clip"]
    func refuse(_ keys: [String], beside other: String) throws(LocatedFault) {
      for key in keys {
        if let stray = fields[key] {
          throw stray.fault(
            "\(what) has '\(key)' beside '\(other)', where it means nothing; remove one")
        }
      }
    }
    if let value = fields["value"] {
      try refuse(
        rangeKeys + ["choices", "values", "ordered", "weights", "type"], beside: "value")
      return try ChoiceDeclaration(constant: value, what).distribution(what)
    }
    // Beside a range, values are those that a grid takes.
    let hasRange = ["low", "high", "prior"].contains { fields[$0] != nil }
    let list = fields["choices"] ?? (hasRange ? nil : fields["values"])
    if let list {
      guard type == nil || type == .categorical else {
        throw list.fault("\(what) is \(type ?? .float) and cannot have 'choices'; remove one")
      }
      try refuse(rangeKeys, beside: "choices")
      if fields["choices"] != nil { try refuse(["values"], beside: "choices") }
      var choices = try ChoiceDeclaration(list, what)
      try choices.read(ordered: fields["ordered"], weights: fields["weights"], what)
      return try choices.distribution(what)
    }
    guard type != .categorical else {
      throw node.fault("\(what) is categorical without 'choices'; add a list of them")
    }
    for key in ["ordered", "weights"] {
      if let stray = fields[key] {
        throw stray.fault(
          "\(what) has '\(key)' without 'choices'; add a list of them, or remove it")
      }
    }
    return try NumberDeclaration(fields, node, type, what).distribution()
  }
}

extension ParameterDeclaration {
  /// Refuses conditions on a parameter that is unknown, later, or depends on this one.
  fileprivate func checkParents(
    at index: Int, of all: [ParameterDeclaration], names: [String]
  ) throws(LocatedFault) {
    for condition in conditions {
      for parent in condition.parents {
        try check(parent, of: condition, at: index, all: all, names: names)
      }
    }
  }

  private func check(
    _ parentName: String, of condition: ConditionDeclaration, at index: Int,
    all: [ParameterDeclaration], names: [String]
  ) throws(LocatedFault) {
    func fault(_ problem: String) -> LocatedFault {
      LocatedFault(location: condition.location, problem: "parameter '\(name)' \(problem)")
    }
    guard let parent = names.firstIndex(of: parentName) else {
      let advice =
        nearest(to: parentName, among: names).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(names))"
      throw fault("depends on '\(parentName)', which is no parameter; \(advice)")
    }
    if parent == index { throw fault("depends on itself; remove that 'when'") }
    guard parent > index else { return }
    if Self.depends(parent, on: index, of: all, names: names) {
      throw fault(
        "and '\(parentName)' depend on each other; remove one of their 'when' conditions")
    }
    throw fault(
      "depends on '\(parentName)', which comes later; move '\(parentName)' above it")
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
      open += all[next].conditions.flatMap(\.parents).compactMap { names.firstIndex(of: $0) }
    }
    return false
  }
}
