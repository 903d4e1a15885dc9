/// One named dimension of a search space.
public struct Parameter: Sendable, Hashable {
  /// The name, unique within the space.
  public let name: String
  /// The kind and the bounds of its values.
  public let distribution: Distribution

  /// Creates the parameter.
  public init(_ name: String, _ distribution: Distribution) {
    self.name = name
    self.distribution = distribution
  }
}

/// A parameter with the internal value a trial gave it.
public struct ParameterAssignment: Sendable, Hashable {
  /// The parameter's name.
  public let name: String
  /// The kind and the bounds that it had in this trial.
  public let distribution: Distribution
  /// The number that samplers and stores use; see ``Distribution``.
  public let internalValue: Double

  /// Creates the assignment; whether the value lies within the bounds is not checked.
  public init(_ name: String, _ distribution: Distribution, internalValue: Double) {
    self.name = name
    self.distribution = distribution
    self.internalValue = internalValue
  }

  /// The value an objective sees.
  public var value: ParameterValue { distribution.value(of: internalValue) ?? .null }
}

/// A search space declared before a study runs: parameters in the order they are suggested, some of
/// them only active while an earlier one has certain values.
public struct SearchSpace: Sendable, Hashable {
  /// When a parameter is active: while its parent is, and has one of these values.
  public struct Condition: Sendable, Hashable {
    /// The name of an earlier parameter.
    public let parent: String
    /// The parent's values under which the parameter is active; at least one.
    public let values: [ParameterValue]

    /// Creates the condition; a ``SearchSpace`` checks it.
    public init(parent: String, values: [ParameterValue]) {
      self.parent = parent
      self.values = values
    }
  }

  /// The parameters in the order they are suggested.
  public private(set) var parameters: [Parameter] = []
  /// The conditions of the parameters that have some, by name; all must hold.
  public private(set) var conditions: [String: [Condition]] = [:]
  /// What the parameters must fulfil together; each holds in every trial whose parameters are
  /// sampled.
  public private(set) var constraints: [ParameterConstraint] = []

  /// Creates a space without parameters.
  public init() {}

  /// Creates a space whose parameters are always active.
  ///
  /// - Throws: ``SearchSpaceError/duplicateParameter(_:)``.
  public init(_ parameters: [Parameter]) throws(SearchSpaceError) {
    for parameter in parameters { try append(parameter) }
  }

  /// Adds a parameter behind the others.
  ///
  /// - Throws: ``SearchSpaceError`` if the name stands already, if nothing can be drawn for it, or
  /// if a condition names a parameter
  ///   that is not there yet or a value that it cannot take.
  public mutating func append(
    _ parameter: Parameter, when conditions: [Condition] = []
  ) throws(SearchSpaceError) {
    guard self[parameter.name] == nil else { throw .duplicateParameter(parameter.name) }
    if case .opaque(let distribution) = parameter.distribution {
      throw .opaque(name: parameter.name, reason: distribution.reason)
    }
    for condition in conditions {
      guard let parent = self[condition.parent] else {
        throw .unknownParent(parameter: parameter.name, parent: condition.parent)
      }
      for value in condition.values {
        guard let internalValue = parent.internalValue(of: value), parent.contains(internalValue)
        else {
          throw .impossibleCondition(
            parameter: parameter.name, parent: condition.parent, value: value.description)
        }
      }
    }
    parameters.append(parameter)
    if !conditions.isEmpty { self.conditions[parameter.name] = conditions }
  }

  /// Adds a constraint.
  ///
  /// - Throws: ``SearchSpaceError`` if it names what is no parameter of the space, or one with
  ///   choices that are no numbers.
  public mutating func append(_ constraint: ParameterConstraint) throws(SearchSpaceError) {
    for name in constraint.parameters {
      guard let distribution = self[name] else {
        throw .unknownInConstraint(constraint: constraint.text, name: name)
      }
      if case .categorical(let d) = distribution,
        let choice = d.choices.first(where: { $0.number == nil })
      {
        throw .choiceInConstraint(
          constraint: constraint.text, name: name, choice: choice.description)
      }
    }
    constraints.append(constraint)
  }

  /// Whether all constraints hold for these parameters.
  public func allows(_ assignments: [ParameterAssignment]) -> Bool {
    constraints.isEmpty
      || constraints.allSatisfy { constraint in
        constraint.holds { name in
          assignments.first { $0.name == name }.flatMap(\.value.number)
        }
      }
  }

  /// The distribution of the parameter of that name.
  public subscript(name: String) -> Distribution? {
    parameters.first { $0.name == name }?.distribution
  }

  /// Asks `suggest` for the value of each active parameter, in order.
  public func visit<Failure: Error>(
    _ suggest: (Parameter) throws(Failure) -> ParameterValue
  ) throws(Failure) {
    var values: [String: ParameterValue] = [:]
    for parameter in parameters {
      let isActive = (conditions[parameter.name] ?? []).allSatisfy { condition in
        guard let value = values[condition.parent] else { return false }
        return condition.values.contains { $0.isEquivalent(to: value) }
      }
      if isActive { values[parameter.name] = try suggest(parameter) }
    }
  }
}
