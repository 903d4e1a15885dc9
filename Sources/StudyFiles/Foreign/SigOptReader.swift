internal import JSON

/// Reads SigOpt experiments, and the files of its Orchestrate with an `optimization`.
struct SigOptReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let root = source.root
    let node = root["optimization"] ?? root["experiment"] ?? root
    let isInner = root["optimization"] != nil || root["experiment"] != nil
    let keys = try ForeignKeys(
      node, in: "the experiment",
      known: [
        "name", "parameters", "metrics", "metric", "budget", "observation_budget",
        "parallel_bandwidth",
        "conditionals", "linear_constraints", "tasks", "type", "num_solutions", "run",
        "optimization",
      ],
      elsewhere: [
        "project", "metadata", "image", "framework", "language", "install", "resources_per_model",
        "resources", "cpu", "gpu", "aws", "client_id",
      ], unknown: .ignored)
    study.ignored = keys.ignored
    study.method = "auto"
    study.name = root["name"]?.word ?? node["name"]?.word
    switch keys["type"]?.word {
    case "grid": study.method = "grid"
    case "random": study.method = "random"
    default: break
    }
    for node in keys["conditionals"]?.elements ?? [] {
      let conditional = try ForeignKeys(node, in: "a conditional", known: ["name", "values"])
      let name = try conditional.need("name").text("'name' of a conditional")
      let values = try conditional.need("values").list("'values' of '\(shortened(name))'")
      guard !values.isEmpty else {
        throw node.fault("'\(shortened(name))' has no values; give some")
      }
      study.parameters.append(.categorical(name, of: values, source, at: node.location))
    }
    for node in try keys.need("parameters").list("'parameters'") { try readParameter(node) }
    try readMetrics(keys["metrics"] ?? keys["metric"])
    study.trials = try keys.count("budget", "observation_budget")
    study.parallel = try keys.count("parallel_bandwidth")
    for node in keys["linear_constraints"]?.elements ?? [] { try readConstraint(node) }
    if keys["tasks"] != nil {
      study.notes.append("tasks of different cost have no equivalent: all trials run at full cost")
    }
    if let run = root["run"] ?? (isInner ? node["run"] : nil) {
      let texts = run.elements.compactMap(\.word)
      if texts.count == 1, let words = ForeignCommand.split(texts[0], open: "{{", close: "}}") {
        study.command = ForeignCommand(words: ForeignCommand.words(words))
      } else {
        study.command = ForeignCommand(
          words: [[.literal(texts.joined(separator: " && "))]], usesShell: true)
      }
    } else {
      study.notes.append("there is no command in the file; give it behind '--'")
    }
    if study.metrics.contains(where: { $0.direction == "maximize" }) {
      study.notes.append("SigOpt maximizes unless a metric says otherwise")
    }
    return study
  }

  private mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "a parameter",
      known: [
        "name", "type", "bounds", "categorical_values", "grid", "transformation", "prior",
        "conditions", "default_value", "step", "precision", "tunable",
      ])
    let name = try keys.need("name").text("'name' of a parameter")
    let what = "parameter '\(shortened(name))'"
    let typeNode = try keys.need("type")
    let type = try typeNode.text("'type' of \(what)")
    let place = node.location
    var parameter: ForeignParameter
    switch type {
    case "categorical":
      var values: [JSONValue] = []
      for element in try keys.need("categorical_values").list("'categorical_values' of \(what)") {
        let value = element["name"] ?? element["enum_index"] ?? element
        let json = JSONValue.string(try value.scalar("a value of \(what)", as: "a text").text)
        if !values.contains(json) { values.append(json) }
      }
      guard !values.isEmpty else { throw node.fault("\(what) has no values; give some") }
      parameter = .categorical(name, values, at: place)
    case "int", "double":
      if let grid = keys["grid"] {
        let elements = try grid.list("'grid' of \(what)")
        guard !elements.isEmpty else { throw grid.fault("'grid' of \(what) is empty") }
        for element in elements { _ = try element.looseNumber("a value of \(what)") }
        parameter = .categorical(name, of: elements, source, ordered: true, at: place)
        break
      }
      let bounds = try keys.need("bounds")
      guard bounds.isMapping else {
        throw bounds.fault(
          "'bounds' of \(what) are \(bounds.summary); give a mapping {min: …, max: …}")
      }
      let range = try ForeignKeys(bounds, in: "'bounds' of \(what)", known: ["min", "max"])
      let low = try range.need("min").looseNumber("'min' of \(what)")
      let high = try range.need("max").looseNumber("'max' of \(what)")
      if type == "int", low != low.rounded() || high != high.rounded() {
        throw bounds.fault("\(what) is int and needs whole bounds")
      }
      parameter =
        type == "int" ? .int(name, low, high, at: place) : .float(name, low, high, at: place)
      if let transformation = try keys.text("transformation"), transformation != "none" {
        guard transformation == "log" else {
          throw try keys.need("transformation").fault(
            "'transformation' of \(what) is '\(shortened(transformation))'; give log or none")
        }
        parameter.isLog = true
      }
      try readPrior(keys["prior"], &parameter, what)
      parameter = try parameter.checkingBounds(bounds, strictly: true)
    default:
      let known = ["int", "double", "categorical"]
      let advice =
        nearest(to: type, among: known)
        ?? (["float", "real"].contains(plainName(type)) ? "double" : nil)
      throw typeNode.fault(
        "'type' of \(what) is '\(shortened(type))'; "
          + (advice.map { "did you mean '\($0)'?" } ?? "give one of \(quotedList(known))"))
    }
    if let conditions = keys["conditions"] {
      var group: [ForeignParameter.Condition] = []
      for entry in conditions.members {
        guard study.parameters.contains(where: { $0.name == entry.key }) else {
          throw LocatedFault(
            location: entry.keyLocation,
            problem: "\(what) depends on '\(shortened(entry.key))', which is no conditional")
        }
        group.append(
          .init(parent: entry.key, test: .among(entry.value.elements.map { $0.json() })))
      }
      if !group.isEmpty { parameter.conditions = [group] }
    }
    if let value = keys["default_value"] { study.firstPoint.append((name, value.json())) }
    study.parameters.append(parameter)
  }

  private func readPrior(
    _ node: YAMLNode?, _ parameter: inout ForeignParameter, _ what: String
  ) throws(LocatedFault) {
    guard let node else { return }
    let keys = try ForeignKeys(
      node, in: "'prior' of \(what)", known: ["name", "mean", "scale", "shape_a", "shape_b"])
    switch try keys.need("name").text("'name' of the prior of \(what)") {
    case "normal":
      let deviation = try keys.need("scale").looseNumber("'scale' of \(what)")
      guard deviation > 0 else {
        throw try keys.need("scale").fault("'scale' of \(what) is not above 0")
      }
      let mean = try keys.need("mean").looseNumber("'mean' of \(what)")
      if let low = parameter.low, let high = parameter.high, mean < low || mean > high {
        throw try keys.need("mean").fault(
          "'mean' of \(what) is \(mean.brief), outside \(low.brief) to \(high.brief)")
      }
      parameter.prior = .normal(mean: mean, deviation: deviation)
      parameter.isTruncated = true
    case "beta":
      let a = try keys.need("shape_a").looseNumber("'shape_a' of \(what)")
      let b = try keys.need("shape_b").looseNumber("'shape_b' of \(what)")
      guard a > 0, b > 0 else { throw node.fault("the prior of \(what) needs shapes above 0") }
      parameter.prior = .beta(a: a, b: b)
    default:
      throw try keys.need("name").fault("the prior of \(what) is unknown; give normal or beta")
    }
  }

  private mutating func readMetrics(_ node: YAMLNode?) throws(LocatedFault) {
    for metric in node?.elements ?? [] {
      guard metric.isMapping else {
        study.metrics.append(.init(name: try metric.text("a metric"), direction: "maximize"))
        continue
      }
      let keys = try ForeignKeys(
        metric, in: "a metric",
        known: ["name", "objective", "strategy", "threshold", "type"])
      let name = try keys.text("name") ?? "value"
      let objective = try keys.text("objective") ?? "maximize"
      guard ["minimize", "maximize"].contains(objective) else {
        throw try keys.need("objective").fault(
          "'objective' of '\(shortened(name))' is '\(shortened(objective))'; give minimize or "
            + "maximize")
      }
      switch try keys.text("strategy") ?? "optimize" {
      case "optimize": study.metrics.append(.init(name: name, direction: objective))
      case "constraint":
        let threshold = try keys.need("threshold").looseNumber(
          "'threshold' of '\(shortened(name))'")
        study.metricConstraints.append((name, objective == "minimize" ? "<=" : ">=", threshold))
      case "store": study.furtherMetrics.append(name)
      default:
        throw try keys.need("strategy").fault(
          "'strategy' of '\(shortened(name))' is unknown; give optimize, constraint or store")
      }
    }
  }

  private mutating func readConstraint(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "a linear constraint", known: ["type", "threshold", "terms"])
    let type = try keys.need("type").text("'type' of a linear constraint")
    guard ["less_than", "greater_than"].contains(type) else {
      throw try keys.need("type").fault(
        "'type' of a linear constraint is '\(shortened(type))'; give less_than or greater_than")
    }
    let threshold = try keys.need("threshold").looseNumber("'threshold'")
    var terms: [String] = []
    for term in try keys.need("terms").list("'terms'") {
      guard let name = term["name"]?.word, let weight = term["weight"] else {
        throw term.fault("a term needs 'name' and 'weight'")
      }
      guard study.parameters.contains(where: { $0.name == name }) else {
        throw term.fault("a term names '\(shortened(name))', which is no parameter")
      }
      let value = try weight.looseNumber("'weight' of '\(shortened(name))'")
      let quoted = ForeignStudy.quotedName(name)
      terms.append(value == 1 ? quoted : "\(value.brief)*\(quoted)")
    }
    guard !terms.isEmpty else { throw node.fault("a linear constraint has no terms") }
    study.constraints.append(
      "\(terms.joined(separator: " + ")) \(type == "less_than" ? "<=" : ">=") \(threshold.brief)")
  }
}
