internal import JSON

/// Traits in the stored form of a distribution: a member ``Distribution/traitsKey`` beside `name`
/// and `attributes`, which Optuna does not look at.
extension Distribution {
  /// The member that holds what Optuna's distributions do not have.
  static let traitsKey = "needletail"

  /// The traits as a member of the stored form; nil for none.
  var traitsMember: JSONValue.Member? {
    if let traits = numberTraits { return .init(Self.traitsKey, traits.json) }
    if let traits = choiceTraits { return .init(Self.traitsKey, traits.json) }
    return nil
  }

  /// Gives the distribution the traits of a stored form.
  func adding(traits json: JSONValue) throws(SearchSpaceError) -> Distribution {
    switch self {
    case .float(let d):
      .float(
        try FloatDistribution(
          low: d.low, high: d.high, step: d.step, log: d.log, traits: try NumberTraits(json)))
    case .int(let d):
      .int(
        try IntDistribution(
          low: d.low, high: d.high, step: d.step, log: d.log, traits: try NumberTraits(json)))
    case .categorical(let d):
      .categorical(try CategoricalDistribution(d.choices, traits: try ChoiceTraits(json)))
    case .opaque: self
    }
  }
}

extension NumberTraits {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    func add(_ name: String, _ value: Double) { members.append(.init(name, .float(value))) }
    switch shape {
    case .uniform: members.append(.init("shape", "uniform"))
    case .logUniform: members.append(.init("shape", "log_uniform"))
    case .reverseLogUniform(let pivot):
      members.append(.init("shape", "reverse_log_uniform"))
      add("pivot", pivot)
    case .normal(let mean, let deviation):
      members.append(.init("shape", "normal"))
      add("mean", mean)
      add("sd", deviation)
    case .logNormal(let mean, let deviation):
      members.append(.init("shape", "log_normal"))
      add("mean", mean)
      add("sd", deviation)
    case .beta(let a, let b):
      members.append(.init("shape", "beta"))
      add("a", a)
      add("b", b)
    }
    add("low", low)
    add("high", high)
    if !isTruncated { members.append(.init("truncated", .bool(false))) }
    if let rounding {
      add("round_to", rounding.step)
      if rounding.origin != 0 { add("from", rounding.origin) }
      if rounding.rule != .nearest {
        members.append(.init("rounding", .string(rounding.rule.rawValue)))
      }
      if rounding.isClipped { members.append(.init("clip", .bool(true))) }
    }
    if !gridValues.isEmpty {
      members.append(.init("values", .array(gridValues.map(JSONValue.float))))
    }
    return .object(members)
  }

  fileprivate init(_ json: JSONValue) throws(SearchSpaceError) {
    func number(_ name: String) throws(SearchSpaceError) -> Double {
      guard let value = json[name]?.number else {
        throw .badAttribute(name, json[name]?.text() ?? "nothing")
      }
      return value
    }
    let shape: Shape
    switch json["shape"]?.string {
    case "uniform": shape = .uniform
    case "log_uniform": shape = .logUniform
    case "reverse_log_uniform": shape = .reverseLogUniform(pivot: try number("pivot"))
    case "normal": shape = .normal(mean: try number("mean"), deviation: try number("sd"))
    case "log_normal": shape = .logNormal(mean: try number("mean"), deviation: try number("sd"))
    case "beta": shape = .beta(a: try number("a"), b: try number("b"))
    default: throw .unknownAttribute(Distribution.traitsKey)
    }
    var rounding: Rounding?
    if json["round_to"] != nil {
      guard let rule = Rounding.Rule(rawValue: json["rounding"]?.string ?? "nearest") else {
        throw .unknownAttribute("rounding")
      }
      rounding = Rounding(
        to: try number("round_to"), from: json["from"] == nil ? 0 : try number("from"), rule: rule,
        isClipped: json["clip"] == .bool(true))
    }
    let isTruncated = json["truncated"] != .bool(false)
    try self.init(
      shape, low: isTruncated ? try number("low") : nil,
      high: isTruncated ? try number("high") : nil,
      rounding: rounding, gridValues: (json["values"]?.array ?? []).compactMap(\.number))
  }
}

extension ChoiceTraits {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    if isOrdered { members.append(.init("ordered", .bool(true))) }
    if !weights.isEmpty { members.append(.init("weights", .array(weights.map(JSONValue.float)))) }
    if !spellings.isEmpty {
      members.append(
        .init("spelled", .array(spellings.map { $0.map(JSONValue.string) ?? .null })))
    }
    return .object(members)
  }

  fileprivate init(_ json: JSONValue) throws(SearchSpaceError) {
    let weights = json["weights"]?.array ?? []
    let numbers = weights.compactMap(\.number)
    guard numbers.count == weights.count else {
      throw .badAttribute("weights", json["weights"]?.text() ?? "nothing")
    }
    self.init(
      isOrdered: json["ordered"] == .bool(true), weights: numbers,
      spellings: (json["spelled"]?.array ?? []).map(\.string))
  }
}
