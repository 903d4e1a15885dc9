internal import JSON
internal import System

extension WandBReader {
  mutating func readParameters(
    _ node: YAMLNode, prefix: [String]
  ) throws(LocatedFault) {
    for entry in try node.entries("'parameters'", of: "names to distributions") {
      if prefix.isEmpty, entry.key.hasPrefix("x-"), entry.value["value"] == nil { continue }
      let path = prefix + [entry.key]
      let name = path.joined(separator: ".")
      let what = "parameter '\(shortened(name))'"
      guard entry.value.isMapping else {
        throw entry.value.fault(
          "\(what) is \(entry.value.summary); give 'value: …' for a constant or 'values: […]'")
      }
      try checkForMisplaced(entry, name)
      if let inner = entry.value["parameters"], inner.isMapping,
        entry.value.members.allSatisfy({ $0.key == "parameters" })
      {
        try readParameters(inner, prefix: path)
        continue
      }
      var parameter = try parameter(entry, name, what)
      if path.count > 1 { parameter.nested = path }
      study.parameters.append(parameter)
    }
    if prefix.isEmpty, study.parameters.contains(where: { $0.nested.count > 1 }) {
      study.notes.append(
        "nested parameters have dotted names here; W&B gives the program one word for each top "
          + "name with all below it")
    }
  }

  /// Refuses a parameter that was indented into another one.
  func checkForMisplaced(
    _ entry: YAMLNode.Entry, _ name: String
  ) throws(LocatedFault) {
    let own = ["value", "values", "distribution", "min", "max"]
    guard let holder = entry.value.members.first(where: { own.contains($0.key) }) else { return }
    for inner in entry.value.members where inner.value.isMapping && inner.key != "value" {
      guard
        inner.key == "parameters" || inner.value.members.contains(where: { own.contains($0.key) })
      else { continue }
      throw LocatedFault(
        location: inner.keyLocation,
        problem:
          "'\(shortened(inner.key))' stands inside the parameter '\(shortened(name))', which "
          + "has '\(holder.key)'; indent it less to make it a parameter of its own")
    }
  }

  static let distributions: [String: [String]] = [
    "constant": ["value"], "categorical": ["values", "probabilities"],
    "categorical_w_probabilities": ["values", "probabilities"],
    "int_uniform": ["min", "max"], "uniform": ["min", "max"], "q_uniform": ["min", "max", "q"],
    "log_uniform": ["min", "max"], "log_uniform_values": ["min", "max"],
    "q_log_uniform": ["min", "max", "q"], "q_log_uniform_values": ["min", "max", "q"],
    "inv_log_uniform": ["min", "max"], "inv_log_uniform_values": ["min", "max"],
    "normal": ["mu", "sigma"], "q_normal": ["mu", "sigma", "q"],
    "log_normal": ["mu", "sigma"], "q_log_normal": ["mu", "sigma", "q"],
    "beta": ["a", "b"], "q_beta": ["a", "b", "q"],
  ]

  mutating func parameter(
    _ entry: YAMLNode.Entry, _ name: String, _ what: String
  ) throws(LocatedFault) -> ForeignParameter {
    let keys = try ForeignKeys(
      entry.value, in: what,
      known: [
        "value", "values", "probabilities", "distribution", "min", "max", "mu", "sigma", "q", "a",
        "b", "parameters",
      ], elsewhere: ["description", "desc"])
    let distribution = try distribution(keys, what)
    for key in ["value", "values", "probabilities", "min", "max", "mu", "sigma", "q", "a", "b"]
    where keys.has(key) && !(Self.distributions[distribution] ?? []).contains(key) {
      throw LocatedFault(
        location: keys.location(of: key),
        problem:
          "\(what) has '\(key)', which distribution '\(distribution)' does not take; it takes "
          + quotedList(Self.distributions[distribution] ?? []))
    }
    let place = entry.keyLocation
    if usesGrid { try checkGrid(distribution, keys, what) }
    switch distribution {
    case "constant":
      let value = keys["value"] ?? entry.value["value"]
      if value?.isList == true {
        study.suspicions.append(
          "\(what) has a list under 'value': that is one constant list; write 'values' if its "
            + "elements are the choices")
      }
      guard let node = value ?? entry.value.members.first(where: { $0.key == "value" })?.value
      else {
        throw entry.value.fault("\(what) has no 'value'; add it")
      }
      return .constant(name, of: node, source, at: place)
    case "categorical", "categorical_w_probabilities":
      return try categorical(keys, name, what, at: place)
    default: break
    }
    if distribution.hasSuffix("normal") || distribution.hasSuffix("beta") {
      return try withPrior(distribution, keys, name, what, at: place)
    }
    return try range(distribution, keys, name, what, at: place)
  }

  func distribution(_ keys: ForeignKeys, _ what: String) throws(LocatedFault) -> String {
    if let node = keys["distribution"] {
      let name = try node.text("'distribution' of \(what)")
      guard Self.distributions[name] == nil else { return name }
      if plainName(name) == "loguniform" {
        throw node.fault(
          "'distribution' of \(what) is '\(shortened(name))'; did you mean 'log_uniform_values' "
            + "(bounds are values) or 'log_uniform' (bounds are exponents of e)?")
      }
      let known = Self.distributions.keys.sorted()
      let advice =
        nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known, limit: 30))"
      throw node.fault("'distribution' of \(what) is '\(shortened(name))'; \(advice)")
    }
    if keys.has("value") { return "constant" }
    if keys.has("values") { return "categorical" }
    if let low = keys["min"], let high = keys["max"] {
      if keys["q"] != nil { return "q_uniform" }
      return low.isSpelledWhole && high.isSpelledWhole ? "int_uniform" : "uniform"
    }
    if keys.has("min") || keys.has("max") {
      throw keys.node.fault("\(what) has no '\(keys.has("min") ? "max" : "min")'; add it")
    }
    throw keys.node.fault(
      "\(what) says nothing about its values; give 'value', 'values', or 'min' and 'max'")
  }

  func checkGrid(
    _ distribution: String, _ keys: ForeignKeys, _ what: String
  ) throws(LocatedFault) {
    let allowed = ["constant", "categorical", "int_uniform", "q_uniform"]
    guard allowed.contains(distribution), keys["probabilities"] == nil else {
      throw keys.node.fault(
        keys["probabilities"] != nil
          ? "\(what) has probabilities, which a grid does not take; remove them"
          : "\(what) is \(distribution); a W&B grid takes only values, constants, int_uniform and "
            + "q_uniform")
    }
  }

  func categorical(
    _ keys: ForeignKeys, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let elements = try keys.need("values").list("'values' of \(what)")
    guard !elements.isEmpty else {
      throw keys.node.fault("'values' of \(what) is empty; give at least one")
    }
    var parameter = ForeignParameter.categorical(name, of: elements, source, at: place)
    if let node = keys["probabilities"] {
      parameter.probabilities = try Self.probabilities(node, of: elements.count, what)
    }
    return parameter
  }

  /// Probabilities that belong to as many values and add up to 1.
  static func probabilities(
    _ node: YAMLNode, of count: Int, _ what: String
  ) throws(LocatedFault) -> [Double] {
    var all: [Double] = []
    for element in try node.list("'probabilities' of \(what)") {
      let value = try element.looseNumber("a probability of \(what)")
      guard value >= 0 else {
        throw element.fault("\(what) has the probability \(value.brief); give 0 or more")
      }
      all.append(value)
    }
    guard all.count == count else {
      throw node.fault(
        "\(what) has \(all.count) probabilities for \(count) values; give one for each")
    }
    let sum = all.reduce(0, +)
    guard abs(sum - 1) < 1e-6 else {
      throw node.fault(
        "the probabilities of \(what) add up to \(ForeignParameter.clean(sum).brief); make it 1")
    }
    return all
  }

  mutating func withPrior(
    _ distribution: String, _ keys: ForeignKeys, _ name: String, _ what: String,
    at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    var parameter = ForeignParameter(name, .float, at: place)
    if distribution.hasSuffix("beta") {
      let a = try keys.need("a").looseNumber("'a' of \(what)")
      let b = try keys.need("b").looseNumber("'b' of \(what)")
      guard a > 0, b > 0 else { throw keys.node.fault("\(what) needs 'a' and 'b' above 0") }
      parameter.prior = .beta(a: a, b: b)
      (parameter.low, parameter.high) = (0, 1)
    } else {
      let mean = try keys.number("mu") ?? 0
      let deviation = try keys.number("sigma") ?? 1
      guard deviation > 0 else {
        throw keys.node.fault("'sigma' of \(what) is \(deviation.brief); give a number above 0")
      }
      study.notes.append(
        "\(what): \(distribution) has no bounds; values lie within four deviations of the mean here"
      )
      parameter.prior =
        distribution.hasSuffix("log_normal")
        ? .logNormal(mean: mean, deviation: deviation) : .normal(mean: mean, deviation: deviation)
    }
    if distribution.hasPrefix("q_") { try quantize(&parameter, keys, what, withStep: false) }
    return parameter
  }

  /// Adds the rounding to multiples of q, which is 1.0 unless given; an int only when q is spelled
  /// as one.
  mutating func quantize(
    _ parameter: inout ForeignParameter, _ keys: ForeignKeys, _ what: String, withStep: Bool
  ) throws(LocatedFault) {
    let q = try keys.number("q") ?? 1
    guard q > 0 else {
      throw keys.node.fault("'q' of \(what) is \(q.brief); give a number above 0")
    }
    let isWhole = keys["q"]?.isSpelledWhole ?? false
    if keys["q"] == nil {
      study.notes.append(
        "\(what): q is left out and is then 1.0, so that values are floats such as 9.0")
    }
    parameter.kind = isWhole ? .int : .float
    parameter.quantization = .init(q: q, rule: .nearest, isWhole: isWhole)
    if withStep { parameter.step = q }
  }

  mutating func range(
    _ distribution: String, _ keys: ForeignKeys, _ name: String, _ what: String,
    at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let (lowNode, highNode) = (try keys.need("min"), try keys.need("max"))
    var low = try lowNode.number("'min' of \(what)")
    var high = try highNode.number("'max' of \(what)")
    guard low < high else {
      throw lowNode.fault(
        low == high
          ? "\(what) has min and max both \(low.brief); give 'value' for a constant"
          : "\(what) has min \(low.brief) above max \(high.brief); exchange them")
    }
    let isLog = distribution.contains("log_uniform")
    if isLog, !distribution.hasSuffix("_values") {
      if low > 0, high <= 1, distribution == "log_uniform" || distribution == "q_log_uniform" {
        study.suspicions.append(
          "\(what): the bounds of log_uniform are exponents of e, so that \(low.brief) to "
            + "\(high.brief) means \(ForeignParameter.clean(exp(low))) to "
            + "\(ForeignParameter.clean(exp(high))); write log_uniform_values if they are values")
      }
      (low, high) =
        distribution.hasPrefix("inv_") ? (exp(-high), exp(-low)) : (exp(low), exp(high))
      guard high.isFinite, low > 0 else {
        throw lowNode.fault(
          "\(what): e to the power of its bounds is no number that a double holds")
      }
      study.notes.append(
        "\(what): the bounds of \(distribution) are exponents of e, \(low) to \(high)")
    }
    if isLog, low <= 0 {
      throw lowNode.fault("\(what) is logarithmic and needs 'min' above 0, not \(low.brief)")
    }
    if distribution == "int_uniform" {
      guard low == low.rounded(), high == high.rounded() else {
        throw lowNode.fault("\(what) is int_uniform and needs whole bounds")
      }
      if keys["distribution"] == nil, low == 0, high == 1 {
        study.notes.append(
          "\(what): min 0 and max 1 are spelled whole, so that it is an integer, 0 or 1; write 1.0 "
            + "for what lies between")
      }
      return .int(name, low, high, at: place)
    }
    var parameter = ForeignParameter.float(name, low, high, log: isLog, at: place)
    if distribution.hasPrefix("q_") {
      try quantize(&parameter, keys, what, withStep: true)
      let q = parameter.step ?? 1
      if distribution == "q_uniform" {
        parameter.values =
          usesGrid
          ? ForeignParameter.steps(from: low, below: high, by: q)
          : ForeignParameter.multiples(of: q, from: low, through: high)
        if parameter.values?.contains(where: { $0 < low || $0 > high }) == true {
          study.notes.append(
            "\(what): multiples of \(q.brief) count from 0, so that values outside min and max occur"
          )
        }
      }
    }
    if distribution.hasPrefix("inv_log_uniform") {
      study.notes.append(
        "\(what): \(distribution) has the same density as log_uniform_values and does not favour "
          + "large values")
    }
    if distribution == "uniform", low > 0, high / low >= 50 {
      study.notes.append(
        "\(what): uniform over \(low) to \(high); log_uniform_values may be meant")
    }
    return parameter
  }
}
