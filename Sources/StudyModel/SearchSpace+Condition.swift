extension SearchSpace {
  /// When a parameter is active.
  public struct Condition: Sendable, Hashable {
    /// What must hold.
    public enum Test: Sendable, Hashable {
      /// The parent has one of these values; at least one.
      case among(parent: String, values: [ParameterValue])
      /// The parent's value compares like that with this one.
      case comparison(parent: String, ParameterConstraint.Comparison, ParameterValue)
      /// A formula over earlier parameters, which may have `and`, `or` and `not`.
      case formula(ParameterConstraint)
    }

    /// What must hold.
    public let test: Test

    /// The condition that the parameter has one of these values; a ``SearchSpace`` checks it.
    public init(parent: String, values: [ParameterValue]) {
      test = .among(parent: parent, values: values)
    }

    /// The condition that the parameter's value compares like that with this one, as in
    /// `depth > 3`.
    public init(
      parent: String, _ comparison: ParameterConstraint.Comparison, _ value: ParameterValue
    ) {
      test = .comparison(parent: parent, comparison, value)
    }

    /// The condition that the formula is true.
    public init(_ formula: ParameterConstraint) { test = .formula(formula) }

    /// The names of the earlier parameters on which it depends.
    public var parents: [String] {
      switch test {
      case .among(let parent, _), .comparison(let parent, _, _): [parent]
      case .formula(let formula): formula.parameters
      }
    }

    /// Whether it is fulfilled; not when that depends on a parameter that is not active.
    ///
    /// - Parameter value: The value of an earlier parameter; nil for one that is not active.
    public func holds(_ value: (String) -> ParameterValue?) -> Bool {
      switch test {
      case .among(let parent, let values):
        guard let own = value(parent) else { return false }
        return values.contains { $0.isEquivalent(to: own) }
      case .comparison(let parent, let comparison, let other):
        guard let own = value(parent) else { return false }
        return Self.holds(comparison, own, other)
      case .formula(let formula): return formula.truth(for: value) ?? false
      }
    }

    private static func holds(
      _ comparison: ParameterConstraint.Comparison, _ own: ParameterValue, _ other: ParameterValue
    ) -> Bool {
      if let a = own.number, let b = other.number { return comparison.holds(a, b) }
      return comparison == .equal
        ? own.isEquivalent(to: other) : comparison == .unequal && !own.isEquivalent(to: other)
    }

    /// Refuses a condition on what is no earlier parameter, and one that can never hold.
    func check(for name: String, in space: SearchSpace) throws(SearchSpaceError) {
      for parent in parents where space[parent] == nil {
        throw .unknownParent(parameter: name, parent: parent)
      }
      switch test {
      case .among(let parent, let values):
        for value in values {
          guard let distribution = space[parent],
            let inner = distribution.internalValue(of: value), distribution.contains(inner)
          else {
            throw .impossibleCondition(parameter: name, parent: parent, value: value.description)
          }
        }
      case .comparison(let parent, let comparison, let other):
        let ends = space[parent]?.extremes ?? []
        guard ends.contains(where: { Self.holds(comparison, $0, other) }) || comparison == .equal
        else {
          throw .impossibleCondition(
            parameter: name, parent: parent,
            value: "\(comparison.rawValue) \(other.description)")
        }
        if comparison == .equal {
          try Condition(parent: parent, values: [other]).check(for: name, in: space)
        }
      case .formula(let formula): try space.check(formula)
      }
    }
  }
}

extension Distribution {
  /// Values of which one fulfils a comparison if any does: both bounds, or all choices.
  fileprivate var extremes: [ParameterValue] {
    switch self {
    case .float(let d): [.float(d.low), .float(d.high)]
    case .int(let d): [.int(d.low), .int(d.high)]
    case .categorical(let d): d.choices
    case .opaque: []
    }
  }
}
