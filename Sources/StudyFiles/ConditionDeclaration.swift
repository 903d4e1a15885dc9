internal import StudyModel

/// One condition of a `when:`.
struct ConditionDeclaration {
  /// What must hold, before it is known whether it can.
  private enum Test {
    case among([(value: ParameterValue, location: SourceLocation)])
    case compared(ParameterConstraint.Comparison, ParameterValue)
    case formula(ParameterConstraint)
  }

  /// The parameters on which it depends.
  let parents: [String]
  let location: SourceLocation
  private let test: Test

  /// Reads a mapping of earlier parameters to values or comparisons, or a formula as a text.
  static func read(_ node: YAMLNode, _ what: String) throws(LocatedFault) -> [ConditionDeclaration]
  {
    if case .scalar = node.content {
      let text = try node.text("'when' of \(what)")
      do {
        let formula = try ParameterConstraint(text)
        return [
          ConditionDeclaration(
            parents: formula.parameters, location: node.location, test: .formula(formula))
        ]
      } catch {
        throw node.fault("'when' of \(what), '\(shortened(text))', cannot be read: \(error)")
      }
    }
    let entries = try node.entries(
      "'when' of \(what)", of: "an earlier parameter to its values, as in {optimizer: sgd}")
    var conditions: [ConditionDeclaration] = []
    for entry in entries {
      if case .mapping(let comparisons) = entry.value.content {
        for comparison in comparisons {
          conditions.append(
            ConditionDeclaration(
              parents: [entry.key], location: comparison.keyLocation,
              test: try compared(comparison, what)))
        }
        continue
      }
      var values: [(ParameterValue, SourceLocation)] = []
      for element in entry.value.elements {
        values.append(
          (try element.choiceValue("a value in 'when' of \(what)").value, element.location))
      }
      guard !values.isEmpty else {
        throw entry.value.fault("'when' of \(what) has no values for '\(entry.key)'; give some")
      }
      conditions.append(
        ConditionDeclaration(
          parents: [entry.key], location: entry.keyLocation, test: .among(values)))
    }
    guard !conditions.isEmpty else {
      throw node.fault("'when' of \(what) is empty; name a parameter and its values, or remove it")
    }
    return conditions
  }

  private static let comparisons: [String: ParameterConstraint.Comparison] = [
    "gt": .greater, "ge": .atLeast, "gte": .atLeast, "lt": .less, "le": .atMost, "lte": .atMost,
    "ne": .unequal, "eq": .equal,
  ]

  private static func compared(
    _ entry: YAMLNode.Entry, _ what: String
  ) throws(LocatedFault) -> Test {
    guard let comparison = comparisons[plainName(entry.key)] else {
      throw LocatedFault(
        location: entry.keyLocation,
        problem: "'when' of \(what) has no comparison '\(shortened(entry.key))'; known are 'gt', "
          + "'ge', 'lt', 'le', 'ne', 'eq'")
    }
    let value =
      switch comparison {
      case .equal, .unequal: try entry.value.choiceValue("a value in 'when' of \(what)").value
      default: ParameterValue.float(try entry.value.number("a number in 'when' of \(what)"))
      }
    return .compared(comparison, value)
  }

  /// The condition, once it is one that can be fulfilled.
  func checked(
    for name: String, against space: SearchSpace
  ) throws(LocatedFault) -> SearchSpace.Condition {
    for parent in parents where space[parent] == nil {
      throw LocatedFault(
        location: location, problem: "'\(name)' depends on the unknown parameter '\(parent)'")
    }
    switch test {
    case .compared(let comparison, let value):
      return SearchSpace.Condition(parent: parents[0], comparison, value)
    case .formula(let formula): return SearchSpace.Condition(formula)
    case .among(let values):
      let parent = parents[0]
      for (value, place) in values {
        guard let distribution = space[parent], let inner = distribution.internalValue(of: value),
          distribution.contains(inner)
        else {
          throw LocatedFault(
            location: place,
            problem:
              "parameter '\(name)' depends on '\(parent)' being \(value), which it can never be; "
              + "'\(parent)' is \(space[parent]?.summary ?? "unknown")")
        }
      }
      return SearchSpace.Condition(parent: parent, values: values.map(\.value))
    }
  }
}
