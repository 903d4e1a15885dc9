internal import StudyModel

/// A range, a prior or both, as they stand in the file.
struct NumberDeclaration {
  /// What `type` may say.
  enum Kind: String, CaseIterable {
    case float, int, categorical
  }

  /// What `log` may say.
  private enum Scale {
    case linear, log
    /// The pivot; nil for the sum of both bounds.
    case reverse(Double?)
  }

  private let fields: Fields
  private let node: YAMLNode
  private let what: String
  private let isWhole: Bool
  private let scale: Scale

  init(
    _ fields: Fields, _ node: YAMLNode, _ type: Kind?, _ what: String
  ) throws(LocatedFault) {
    self.fields = fields
    self.node = node
    self.what = what
    if fields["prior"] == nil, fields["low"] == nil || fields["high"] == nil {
      let missing = fields["low"] == nil ? "low" : "high"
      throw node.fault(
        fields["low"] == nil && fields["high"] == nil
          ? "\(what) has no values; give 'low' and 'high', 'choices', or 'value'"
          : "\(what) has no '\(missing)'; add it")
    }
    // A prior's own numbers say nothing of the kind.
    let numbers = ["low", "high", "step", "round_to"].compactMap { fields[$0] }
    let areWhole = numbers.allSatisfy { node in
      guard case .scalar(let scalar) = node.content else { return false }
      return scalar.isSpelledWhole
    }
    isWhole = (type ?? (areWhole && !numbers.isEmpty ? .int : .float)) == .int
    scale = try Self.scale(fields["log"], what)
  }

  static func type(_ fields: Fields, _ what: String) throws(LocatedFault) -> Kind? {
    guard let node = fields["type"] else { return nil }
    switch plainName(try node.text("'type' of \(what)")) {
    case "double", "real", "uniform": return .float
    case "integer": return .int
    case "choice", "category": return .categorical
    default: return try node.choice("'type' of \(what)", among: Kind.allCases)
    }
  }

  private static func scale(_ node: YAMLNode?, _ what: String) throws(LocatedFault) -> Scale {
    guard let node else { return .linear }
    if case .mapping = node.content {
      let fields = try Fields(node, in: "'log' of \(what)", known: ["reverse"])
      guard let pivot = fields["reverse"] else {
        throw node.fault("'log' of \(what) is empty; give true, false, reverse or {reverse: 1}")
      }
      return .reverse(try pivot.number("'reverse' of \(what)"))
    }
    if case .scalar(let scalar) = node.content, plainName(scalar.text) == "reverse" {
      return .reverse(nil)
    }
    return try node.flag("'log' of \(what)") ? .log : .linear
  }

  func distribution() throws(LocatedFault) -> Distribution {
    let isReversed: Bool = if case .reverse = scale { true } else { false }
    let isPlain =
      !isReversed
      && ["prior", "round_to", "values"].allSatisfy { fields[$0] == nil }
    for key in ["rounding", "clip"] where fields["round_to"] == nil {
      if let stray = fields[key] {
        throw stray.fault("\(what) has '\(key)' without 'round_to'; add that, or remove it")
      }
    }
    return isPlain ? try plain() : try withTraits()
  }

  private func plain() throws(LocatedFault) -> Distribution {
    guard let low = fields["low"], let high = fields["high"] else {
      throw node.fault("\(what) has no 'low' and 'high'; add them")
    }
    let log: Bool = if case .log = scale { true } else { false }
    if isWhole {
      let (lowest, highest) = (
        try low.integer("'low' of \(what)"), try high.integer("'high' of \(what)")
      )
      let step = try fields["step"]?.integer("'step' of \(what)")
      return try blaming(low: low, high: high) { () throws(SearchSpaceError) in
        .int(try IntDistribution(low: lowest, high: highest, step: step ?? 1, log: log))
      }
    }
    let (lowest, highest) = (
      try low.number("'low' of \(what)"), try high.number("'high' of \(what)")
    )
    let step = try fields["step"]?.number("'step' of \(what)")
    return try blaming(low: low, high: high) { () throws(SearchSpaceError) in
      .float(try FloatDistribution(low: lowest, high: highest, step: step, log: log))
    }
  }

  private func withTraits() throws(LocatedFault) -> Distribution {
    let low = try fields["low"]?.number("'low' of \(what)")
    let high = try fields["high"]?.number("'high' of \(what)")
    let shape = try shape(low, high)
    let rounding = try rounding(from: low)
    var gridValues: [Double] = []
    for element in fields["values"]?.elements ?? [] {
      let value = try element.number("a value of \(what)")
      guard !gridValues.contains(value) else {
        throw element.fault("\(what) has the value \(element.summary) twice; remove one")
      }
      gridValues.append(value)
    }
    let distribution = try blaming(low: fields["low"] ?? node, high: fields["high"] ?? node) {
      () throws(SearchSpaceError) in
      try .drawn(
        NumberTraits(shape, low: low, high: high, rounding: rounding, gridValues: gridValues),
        isWhole: isWhole)
    }
    for (place, value) in gridValues.enumerated() where !distribution.contains(value) {
      let element = fields["values"]?.elements[place] ?? node
      throw element.fault(
        "\(what) has the value \(element.summary), which is none of \(distribution.summary)")
    }
    return distribution
  }

  private func shape(
    _ low: Double?, _ high: Double?
  ) throws(LocatedFault) -> NumberTraits.Shape {
    guard let prior = fields["prior"] else {
      switch scale {
      case .linear: return .uniform
      case .log: return .logUniform
      case .reverse(let pivot):
        return .reverseLogUniform(pivot: pivot ?? (low ?? 0) + (high ?? 0))
      }
    }
    if let log = fields["log"] {
      throw log.fault(
        "\(what) has 'log' beside 'prior', which says the scale itself; remove one")
    }
    let example = "{normal: {mean: 0, sd: 1}}"
    let kinds = try Fields(
      prior, in: "'prior' of \(what)",
      known: ["normal", FieldName("log_normal", "lognormal"), "beta"])
    func numbers(
      _ kind: String, _ names: [FieldName]
    ) throws(LocatedFault) -> (Double, Double)? {
      guard let node = kinds[kind] else { return nil }
      let own = try Fields(node, in: "the \(kind) prior of \(what)", known: names)
      var values: [Double] = []
      for name in names {
        guard let value = own[name.name] else {
          throw node.fault("the \(kind) prior of \(what) has no '\(name.name)'; add it")
        }
        values.append(try value.number("'\(name.name)' of \(what)"))
      }
      return (values[0], values[1])
    }
    let moments: [FieldName] = [
      FieldName("mean", "mu", "loc"), FieldName("sd", "std", "sigma", "deviation"),
    ]
    var found: [NumberTraits.Shape] = []
    if let (mean, sd) = try numbers("normal", moments) {
      found.append(.normal(mean: mean, deviation: sd))
    }
    if let (mean, sd) = try numbers("log_normal", moments) {
      found.append(.logNormal(mean: mean, deviation: sd))
    }
    if let (a, b) = try numbers("beta", [FieldName("a", "alpha"), FieldName("b", "beta")]) {
      found.append(.beta(a: a, b: b))
    }
    guard found.count == 1 else {
      throw prior.fault("'prior' of \(what) names \(found.count) kinds; give one, as in \(example)")
    }
    return found[0]
  }

  private func rounding(
    from low: Double?
  ) throws(LocatedFault) -> NumberTraits.Rounding? {
    guard let node = fields["round_to"] else {
      guard let step = try fields["step"]?.number("'step' of \(what)") else { return nil }
      guard let low else {
        throw (fields["step"] ?? self.node).fault(
          "\(what) has a 'step' but no 'low' to count from; add it, or use 'round_to'")
      }
      return NumberTraits.Rounding(to: step, from: low)
    }
    if let step = fields["step"] {
      throw step.fault(
        "\(what) has 'step', which counts from 'low', beside 'round_to', which counts from 0; "
          + "remove one")
    }
    if let rounding = fields["rounding"], case .scalar(let scalar) = rounding.content,
      scalar.text == "from_low"
    {
      guard let low, fields["clip"] == nil else {
        throw rounding.fault(
          "'rounding: from_low' of \(what) needs 'low' to count from, and no 'clip'")
      }
      return NumberTraits.Rounding(to: try node.number("'round_to' of \(what)"), from: low)
    }
    let rule =
      try fields["rounding"].map { (node) throws(LocatedFault) in
        try node.choice("'rounding' of \(what)", among: NumberTraits.Rounding.Rule.allCases)
      } ?? .nearest
    return NumberTraits.Rounding(
      to: try node.number("'round_to' of \(what)"), rule: rule,
      isClipped: try fields["clip"]?.flag("'clip' of \(what)") ?? false)
  }

  /// Makes a distribution; its refusal is located at the key that is to blame.
  private func blaming(
    low: YAMLNode, high: YAMLNode, _ make: () throws(SearchSpaceError) -> Distribution
  ) throws(LocatedFault) -> Distribution {
    do {
      return try make()
    } catch {
      let step = fields["step"] ?? fields["round_to"]
      let culprit: YAMLNode =
        switch error {
        case .stepNotPositive, .logWithStep, .emptyAfterRounding, .notWhole("step", _):
          step ?? low
        case .badPrior: fields["prior"] ?? fields["log"] ?? low
        case .boundMissing: node
        case .integerTooLarge(let bound), .notWhole(_, let bound):
          high.isSpelling(bound) ? high : low
        default: low
        }
      throw culprit.fault("\(what): \(error)")
    }
  }
}

extension YAMLScalar {
  /// Whether it is spelled as a whole number, of whatever size: then a range of such is one of
  /// integers.
  fileprivate var isSpelledWhole: Bool {
    if integer != nil { return tag == nil || tag == "int" }
    let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    return tag != "float" && !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) }
  }
}

extension YAMLNode {
  fileprivate func isSpelling(_ whole: String) -> Bool {
    guard case .scalar(let scalar) = content else { return false }
    return scalar.number == Double(whole)
  }
}
