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
    for condition in conditions { try condition.check(for: parameter.name, in: self) }
    parameters.append(parameter)
    if !conditions.isEmpty { self.conditions[parameter.name] = conditions }
  }

  /// Adds a constraint.
  ///
  /// - Throws: ``SearchSpaceError`` if it names what is no parameter of the space, or one with
  ///   choices that are no numbers.
  public mutating func append(_ constraint: ParameterConstraint) throws(SearchSpaceError) {
    try check(constraint)
    constraints.append(constraint)
  }

  /// Refuses a constraint that names what is no parameter, or computes with choices that are no
  /// numbers.
  func check(_ constraint: ParameterConstraint) throws(SearchSpaceError) {
    for name in constraint.parameters where self[name] == nil {
      throw .unknownInConstraint(constraint: constraint.text, name: name)
    }
    for name in constraint.numericParameters {
      if case .categorical(let d)? = self[name],
        let choice = d.choices.first(where: { $0.number == nil })
      {
        throw .choiceInConstraint(
          constraint: constraint.text, name: name, choice: choice.description)
      }
    }
  }

  /// Whether all constraints hold for these parameters.
  public func allows(_ assignments: [ParameterAssignment]) -> Bool {
    constraints.isEmpty
      || constraints.allSatisfy { constraint in
        constraint.holds { name in
          assignments.first { $0.name == name }.flatMap {
            $0.distribution.value(of: $0.internalValue)
          }
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
      let isActive = (conditions[parameter.name] ?? []).allSatisfy { $0.holds { values[$0] } }
      if isActive { values[parameter.name] = try suggest(parameter) }
    }
  }
}
