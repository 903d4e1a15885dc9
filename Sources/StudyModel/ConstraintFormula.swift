/// A constraint as it is worked out: comparisons, joined by `and`, `or` and `not`.
indirect enum ConstraintFormula: Sendable {
  /// Each operand is compared with the next one.
  case comparison(Operand, [(ParameterConstraint.Comparison, Operand)])
  case not(ConstraintFormula)
  case all([ConstraintFormula])
  case any([ConstraintFormula])

  enum Operand: Sendable {
    case expression(ParameterExpression)
    case text(String)
  }

  /// Kleene's three-valued logic: nil where it depends on what is not there.
  func truth(_ values: (String) -> ParameterValue?) -> Bool? {
    switch self {
    case .not(let inner): return inner.truth(values).map { !$0 }
    case .all(let parts):
      var result: Bool? = true
      for part in parts {
        guard let truth = part.truth(values) else {
          result = nil
          continue
        }
        if !truth { return false }
      }
      return result
    case .any(let parts):
      var result: Bool? = false
      for part in parts {
        guard let truth = part.truth(values) else {
          result = nil
          continue
        }
        if truth { return true }
      }
      return result
    case .comparison(let first, let rest):
      guard var left = first.value(values) else { return nil }
      var holds = true
      for (comparison, operand) in rest {
        guard let right = operand.value(values) else { return nil }
        holds = holds && Self.holds(comparison, left, right)
        left = right
      }
      return holds
    }
  }

  private static func holds(
    _ comparison: ParameterConstraint.Comparison, _ left: ParameterValue, _ right: ParameterValue
  ) -> Bool {
    if let a = left.number, let b = right.number { return comparison.holds(a, b) }
    switch comparison {
    case .equal: return left.isEquivalent(to: right)
    case .unequal: return !left.isEquivalent(to: right)
    case .atMost, .atLeast, .less, .greater: return false
    }
  }

  var names: [String] { ParameterExpression.union(operands.map { $0.operand.names }) }

  var numericNames: [String] {
    ParameterExpression.union(
      operands.map { operand, isOrdered in
        if case .expression(.name) = operand, !isOrdered { [] } else { operand.names }
      })
  }

  /// All operands, and whether the order of numbers matters to one.
  private var operands: [(operand: Operand, isOrdered: Bool)] {
    switch self {
    case .not(let inner): return inner.operands
    case .all(let parts), .any(let parts): return parts.flatMap(\.operands)
    case .comparison(let first, let rest):
      let isOrdered = rest.contains { $0.0 != .equal && $0.0 != .unequal }
      return ([first] + rest.map(\.1)).map { ($0, isOrdered) }
    }
  }
}

extension ConstraintFormula.Operand {
  /// The value; nil when a name has none.
  fileprivate func value(_ values: (String) -> ParameterValue?) -> ParameterValue? {
    switch self {
    case .text(let text): .string(text)
    case .expression(.name(let name)): values(name)
    case .expression(let expression):
      expression.value { values($0).map { $0.number ?? .nan } }.map { .float($0) }
    }
  }

  fileprivate var names: [String] {
    if case .expression(let expression) = self { expression.names } else { [] }
  }
}
