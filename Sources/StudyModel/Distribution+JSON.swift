public import JSON

extension Distribution {
  /// The distribution as the study store keeps it: class name and attributes in Optuna's order, and
  /// behind them the traits that Optuna does not know.
  public var json: JSONValue {
    let traits = traitsMember
    return switch self {
    case .float(let d):
      Self.json(
        "FloatDistribution", traits,
        [
          "step": d.step.map(JSONValue.float) ?? .null, "low": .float(d.low),
          "high": .float(d.high), "log": .bool(d.log),
        ])
    case .int(let d):
      Self.json(
        "IntDistribution", traits,
        [
          "log": .bool(d.log), "step": .integer(d.step), "low": .integer(d.low),
          "high": .integer(d.high),
        ])
    case .categorical(let d):
      Self.json(
        "CategoricalDistribution", traits, ["choices": .array(d.choices.map { JSONValue($0) })])
    case .opaque(let d): d.json
    }
  }

  private static func json(
    _ name: String, _ traits: JSONValue.Member?, _ attributes: JSONValue
  ) -> JSONValue {
    .object(
      [.init("name", .string(name)), .init("attributes", attributes)] + (traits.map { [$0] } ?? []))
  }

  /// Reads what a store or another program's answer says, which may be a distribution that nothing
  /// here draws from.
  ///
  /// - Throws: ``SearchSpaceError`` for what is no distribution.
  public init(stored json: JSONValue) throws(SearchSpaceError) {
    do throws(SearchSpaceError) {
      self = try Distribution(json: json)
    } catch {
      guard let opaque = OpaqueDistribution(json, refusedFor: error) else { throw error }
      self = .opaque(opaque)
    }
  }

  /// Reads a distribution that can be drawn from, the class names before Optuna 3 and the command
  /// line's short form `{"type": "float", …}` included.
  ///
  /// - Throws: ``SearchSpaceError`` for an unknown class, an unknown, missing or mistyped
  ///   attribute, or a range that makes no sense.
  public init(json: JSONValue) throws(SearchSpaceError) {
    guard case .object = json else { throw .notADistribution(json.text()) }
    if let type = json["type"]?.string {
      guard case .object(let members) = json else { throw .notADistribution(json.text()) }
      let attributes = members.filter { $0.name != "type" && $0.name != Self.traitsKey }
      self = try Self.read(type, DistributionAttributes(members: attributes))
    } else {
      guard let name = json["name"]?.string, case .object(let members)? = json["attributes"] else {
        throw .notADistribution(json.text())
      }
      self = try Self.read(name, DistributionAttributes(members: members))
    }
    if let traits = json[Self.traitsKey] { self = try adding(traits: traits) }
  }

  private static func read(
    _ kind: String, _ attributes: DistributionAttributes
  ) throws(SearchSpaceError) -> Distribution {
    switch kind {
    case "FloatDistribution", "float":
      try attributes.allow(["low", "high", "step", "log"])
      return .float(
        try FloatDistribution(
          low: try attributes.float("low"), high: try attributes.float("high"),
          step: try attributes.optionalFloat("step"), log: try attributes.flag("log")))
    case "IntDistribution", "int":
      try attributes.allow(["low", "high", "step", "log"])
      return .int(
        try IntDistribution(
          low: try attributes.int("low"), high: try attributes.int("high"),
          step: try attributes.int("step", default: 1), log: try attributes.flag("log")))
    case "CategoricalDistribution", "categorical":
      try attributes.allow(["choices"])
      guard let elements = attributes["choices"]?.array else {
        throw .badAttribute("choices", attributes["choices"]?.text() ?? "nothing")
      }
      return .categorical(try CategoricalDistribution(elements.map(\.parameterValue)))
    case "UniformDistribution", "LogUniformDistribution":
      return .float(
        try FloatDistribution(
          low: try attributes.float("low"), high: try attributes.float("high"),
          log: kind == "LogUniformDistribution"))
    case "DiscreteUniformDistribution":
      return .float(
        try FloatDistribution(
          low: try attributes.float("low"), high: try attributes.float("high"),
          step: try attributes.float("q")))
    case "IntUniformDistribution", "IntLogUniformDistribution":
      return .int(
        try IntDistribution(
          low: try attributes.int("low"), high: try attributes.int("high"),
          step: try attributes.int("step", default: 1), log: kind == "IntLogUniformDistribution"))
    default: throw .unknownDistribution(kind)
    }
  }
}

/// The attributes of a distribution in the store, read with their types.
private struct DistributionAttributes {
  let members: [JSONValue.Member]

  subscript(name: String) -> JSONValue? { members.last { $0.name == name }?.value }

  func allow(_ names: [String]) throws(SearchSpaceError) {
    if let stranger = members.first(where: { !names.contains($0.name) }) {
      throw .unknownAttribute(stranger.name)
    }
  }

  func float(_ name: String) throws(SearchSpaceError) -> Double {
    switch self[name] {
    // Strict JSON has no other word for them.
    case .string("inf")?: return .infinity
    case .string("-inf")?: return -.infinity
    case .string("nan")?: return .nan
    case let value:
      guard let number = value?.number else {
        throw .badAttribute(name, value?.text() ?? "nothing")
      }
      return number
    }
  }

  func optionalFloat(_ name: String) throws(SearchSpaceError) -> Double? {
    switch self[name] {
    case nil, .null?: nil
    default: try float(name)
    }
  }

  func int(_ name: String, default fallback: Int? = nil) throws(SearchSpaceError) -> Int {
    if self[name] == nil, let fallback { return fallback }
    switch self[name] {
    case .integer(let exact)?: return exact
    case .wideInteger(let digits)?: throw .integerTooLarge(digits)
    case let value:
      guard let number = value?.number, let whole = Int(exactly: number) else {
        throw .badAttribute(name, value?.text() ?? "nothing")
      }
      return whole
    }
  }

  func flag(_ name: String) throws(SearchSpaceError) -> Bool {
    switch self[name] {
    case nil: false
    case .bool(let value)?: value
    // Python takes a number for a truth value.
    case .integer(0)?: false
    case .integer(1)?: true
    default: throw .badAttribute(name, self[name]?.text() ?? "nothing")
    }
  }
}
