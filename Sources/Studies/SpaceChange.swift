package import JSON
package import StudyFiles
package import StudyModel

/// How a user changes the space of a study that has trials.
package enum SpaceChange: Sendable {
  /// By another study file.
  case file(StudyFile)
  /// Piece by piece, where there is no study file.
  case pieces(SpacePieces)
}

/// Changes of single parameters.
package struct SpacePieces: Sendable {
  /// Choices to add behind those that a parameter has.
  package var choices: [(name: String, choice: ParameterValue)] = []
  /// Other bounds of numbers.
  package var ranges: [(name: String, low: Double, high: Double)] = []
  /// Parameters that are new, or that are something else from now on.
  package var parameters: [(name: String, distribution: Distribution)] = []

  package init() {}

  /// The space with the changes.
  ///
  /// - Throws: ``OperationRefusal/badChange(parameter:reason:)`` for what makes no sense.
  package func applied(to known: SearchSpace, of study: String) throws -> SearchSpace {
    var changed: [String: Distribution] = [:]
    func current(_ name: String) throws(OperationRefusal) -> Distribution {
      guard let distribution = changed[name] ?? known[name] else {
        let names = known.parameters.map(\.name).joined(separator: ", ")
        throw .badChange(
          parameter: name, reason: "study '\(study)' has no such parameter; it has \(names)")
      }
      return distribution
    }
    for (name, distribution) in parameters { changed[name] = distribution }
    for (name, choice) in choices {
      guard case .categorical(let now) = try current(name) else {
        throw OperationRefusal.badChange(parameter: name, reason: "it is a number, without choices")
      }
      guard !now.choices.contains(where: { $0.isEquivalent(to: choice) }) else {
        throw OperationRefusal.badChange(
          parameter: name, reason: "it has the choice \(choice) already")
      }
      changed[name] = try Self.checked(name) { () throws(SearchSpaceError) in
        .categorical(try CategoricalDistribution(now.choices + [choice]))
      }
    }
    for (name, low, high) in ranges {
      let now = try current(name)
      changed[name] = try Self.checked(name) { () throws(SearchSpaceError) in
        switch now {
        case .float(let d):
          return .float(try FloatDistribution(low: low, high: high, step: d.step, log: d.log))
        case .int(let d):
          guard let low = Int(exactly: low), let high = Int(exactly: high) else { return nil }
          return .int(try IntDistribution(low: low, high: high, step: d.step, log: d.log))
        case .categorical, .opaque: return nil
        }
      }
    }
    var space = SearchSpace()
    for parameter in known.parameters {
      try space.append(
        Parameter(parameter.name, changed[parameter.name] ?? parameter.distribution),
        when: known.conditions[parameter.name] ?? [])
    }
    for (name, distribution) in parameters where known[name] == nil {
      try space.append(Parameter(name, changed[name] ?? distribution))
    }
    return space
  }

  private static func checked(
    _ name: String, _ make: () throws(SearchSpaceError) -> Distribution?
  ) throws(OperationRefusal) -> Distribution {
    let made: Distribution?
    do throws(SearchSpaceError) {
      made = try make()
    } catch {
      throw .badChange(parameter: name, reason: "\(error)")
    }
    guard let made else {
      throw .badChange(
        parameter: name, reason: "a range is for numbers, and a whole one for whole numbers")
    }
    return made
  }
}

extension SearchSpace {
  /// The parameters as an object of distributions, as `trial ask --space` takes it.
  package var declaration: JSONValue {
    .object(parameters.map { .init($0.name, $0.distribution.json) })
  }

  /// Reads an object of distributions.
  ///
  /// - Throws: ``OperationRefusal/badChange(parameter:reason:)``.
  package init(declaration json: JSONValue) throws(OperationRefusal) {
    self.init()
    guard case .object(let members) = json else {
      throw .badChange(parameter: "", reason: "the space is no JSON object of parameters")
    }
    for member in members {
      do throws(SearchSpaceError) {
        try append(Parameter(member.name, try Distribution(json: member.value)))
      } catch {
        throw .badChange(parameter: member.name, reason: "\(error)")
      }
    }
  }
}
