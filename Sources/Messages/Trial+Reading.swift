package import JSON
package import StudyModel

extension Trial {
  /// Reads a trial from its ``jsonForm``.
  ///
  /// A parameter's distribution is that of `distributions` where it is there, else one with no
  /// other value than the parameter's.
  ///
  /// - Throws: ``MessageError`` for a form that makes no sense.
  package init(jsonForm json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    let number = try reader.integer("number", in: 0...Int.max)
    let name = try reader.text("state")
    guard let state = TrialState.allCases.first(where: { $0.name == name }) else {
      throw MessageError("'state' is '\(name.prefix(40))', which this version does not know")
    }
    self.init(
      TrialReference(id: 0, number: number), state: state, values: try reader.numbers("values"))
    for (name, value) in Self.members(json["parameters"]) {
      parameters.append(try Self.assignment(name, value, json["distributions"]?[name]))
    }
    intermediateValues = try reader.list("intermediate_values") { (item) throws(MessageError) in
      try item.report()
    }
    userAttributes = Self.members(json["user_attributes"]).map { Attribute($0, $1) }
    systemAttributes = Self.members(json["system_attributes"]).map { Attribute($0, $1) }
    startedAt = json["started_at"]?.string.flatMap { Timestamp($0) }
    completedAt = json["completed_at"]?.string.flatMap { Timestamp($0) }
  }

  private static func members(_ json: JSONValue?) -> [(String, JSONValue)] {
    guard case .object(let members)? = json else { return [] }
    return members.map { ($0.name, $0.value) }
  }

  private static func assignment(
    _ name: String, _ json: JSONValue, _ form: JSONValue?
  ) throws(MessageError) -> ParameterAssignment {
    var value = json.parameterValue
    do throws(SearchSpaceError) {
      let distribution: Distribution
      if let form {
        distribution = try Distribution(stored: form)
      } else {
        switch value {
        case .int(let number):
          distribution = .int(try IntDistribution(low: number, high: number))
        case .float(let number):
          distribution = .float(try FloatDistribution(low: number, high: number))
        case .null, .bool, .string, .opaque:
          distribution = .categorical(try CategoricalDistribution([value]))
        }
      }
      if distribution.isNumeric, let number = MessageReader.number(json) { value = .float(number) }
      guard let internalValue = distribution.internalValue(of: value) else {
        throw SearchSpaceError.noChoices
      }
      return ParameterAssignment(name, distribution, internalValue: internalValue)
    } catch {
      throw MessageError("parameter '\(name.prefix(40))' has a value that it cannot have")
    }
  }
}

extension Distribution {
  /// Whether values are numbers, which strict JSON spells as texts when they are infinite.
  fileprivate var isNumeric: Bool {
    switch self {
    case .float, .opaque: true
    case .int, .categorical: false
    }
  }
}
