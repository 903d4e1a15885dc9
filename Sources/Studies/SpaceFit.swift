internal import JSON
package import StudyFiles
package import StudyModel

/// How trials of one space look in another one.
package struct SpaceFit: Sendable {
  /// Why a trial does not fit.
  package enum Misfit: Error, Hashable, CustomStringConvertible {
    /// Its value is none that the parameter can have.
    case outside(parameter: String, value: String, distribution: String)
    /// It has no value of a parameter that the space has.
    case lacking(parameter: String)
    /// A constraint of the space does not hold.
    case violates

    package var description: String {
      switch self {
      case .outside(let name, let value, let distribution):
        "'\(name)' is \(value) there, which is not within \(distribution)"
      case .lacking(let name): "it has no value of '\(name)'"
      case .violates: "it violates a constraint"
      }
    }
  }

  private let space: SearchSpace
  private let values: [String: ParameterValue]
  /// Whether what the space does not have stays, and what it has beside may be missing.
  private let keepsOthers: Bool

  /// - Parameters:
  ///   - values: What trials had of parameters that are new in the space.
  ///   - keepsOthers: Whether a trial keeps parameters that the space does not have, and may lack
  ///     some that it has.
  /// - Throws: ``OperationRefusal/badValue(parameter:value:reason:)``.
  package init(
    _ space: SearchSpace, adding values: [FixedValue], keepsOthers: Bool
  ) throws(OperationRefusal) {
    self.space = space
    self.keepsOthers = keepsOthers || space.parameters.isEmpty
    var known: [String: ParameterValue] = [:]
    for value in values {
      guard let distribution = space[value.name] else {
        throw .badValue(
          parameter: value.name, value: "\(value.value)", reason: "the space has no such parameter")
      }
      guard let number = distribution.internalValue(of: value.value), distribution.contains(number)
      else {
        throw .badValue(
          parameter: value.name, value: "\(value.value)",
          reason: "the parameter is \(distribution.summary)")
      }
      known[value.name] = value.value
    }
    self.values = known
  }

  /// The parameters of a trial as they are in the space: in the trial's order, new ones behind.
  package func fit(_ trial: [ParameterAssignment]) -> Result<[ParameterAssignment], Misfit> {
    var fitted: [String: ParameterAssignment] = [:]
    var known: [String: ParameterValue] = [:]
    for parameter in space.parameters {
      let name = parameter.name
      let isActive = (space.conditions[name] ?? []).allSatisfy { $0.holds { known[$0] } }
      let own = trial.first { $0.name == name }?.value
      guard let value = own ?? (isActive ? values[name] : nil) else {
        if isActive, !keepsOthers { return .failure(.lacking(parameter: name)) }
        continue
      }
      let distribution = parameter.distribution
      guard let number = distribution.internalValue(of: value), distribution.contains(number)
      else {
        return .failure(
          .outside(parameter: name, value: "\(value)", distribution: distribution.summary))
      }
      fitted[name] = ParameterAssignment(name, distribution, internalValue: number)
      known[name] = value
    }
    var result: [ParameterAssignment] = trial.compactMap { own in
      fitted[own.name] ?? (keepsOthers && space[own.name] == nil ? own : nil)
    }
    for parameter in space.parameters where !trial.contains(where: { $0.name == parameter.name }) {
      if let new = fitted[parameter.name] { result.append(new) }
    }
    return keepsOthers || space.allows(result) ? .success(result) : .failure(.violates)
  }

  /// The parameters that are active at a point and have no value there.
  package func lacking(_ trial: [ParameterAssignment]) -> [String] {
    var known: [String: ParameterValue] = [:]
    for assignment in trial { known[assignment.name] = assignment.value }
    return space.parameters.map(\.name).filter { name in
      known[name] == nil && (space.conditions[name] ?? []).allSatisfy { $0.holds { known[$0] } }
    }
  }

  /// Why a value that was given to a trial that waits cannot be had in the space; nil if it can.
  package func misfit(queued trial: Trial) -> Misfit? {
    guard !trial.state.isFinished,
      case .object(let members)? = trial.systemAttributes.last(where: { $0.key == "fixed_params" })?
        .value
    else { return nil }
    for member in members {
      guard let distribution = space[member.name] else { continue }
      let number = distribution.internalValue(of: member.value.parameterValue)
      if !(number.map(distribution.contains) ?? false) {
        return .outside(
          parameter: member.name, value: member.value.readableText,
          distribution: distribution.summary)
      }
    }
    return nil
  }
}
