internal import JSON

/// Reads Kubeflow's OptimizationJob (`trainer.kubeflow.org/v1alpha1`).
struct OptimizationJobReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    var root = source.root
    if case .sequence(let documents) = root.content {
      root = try source.selected(
        documents.enumerated().map { ($1["metadata"]?["name"]?.word ?? "\($0 + 1)", $1) }, "job")
    }
    study.name = root["metadata"]?["name"]?.word
    guard let specNode = root["spec"] else { throw root.fault("there is no 'spec'; add it") }
    let spec = try ForeignKeys(
      specNode, in: "'spec'",
      known: [
        "objectives", "searchAlgorithm", "algorithm", "parameters", "numTrials", "parallelTrials",
        "maxFailedTrials", "trainJobTemplate", "trialConfig",
      ], unknown: .ignored)
    study.ignored = spec.ignored
    for objective in try spec.need("objectives").list("'objectives'") {
      let name = try ForeignKeys(objective, in: "an objective", known: ["metric", "direction"])
      let direction = try name.text("direction") ?? "minimize"
      guard ["minimize", "maximize"].contains(direction.lowercased()) else {
        throw try name.need("direction").fault(
          "'direction' is '\(shortened(direction))'; give Minimize or Maximize")
      }
      study.metrics.append(
        .init(
          name: try name.need("metric").text("'metric' of an objective"),
          direction: direction.lowercased()))
    }
    guard !study.metrics.isEmpty else { throw specNode.fault("'objectives' is empty; give one") }
    try readAlgorithm(spec["searchAlgorithm"] ?? spec["algorithm"])
    for node in try spec.need("parameters").list("'parameters'") { try readParameter(node) }
    let counts = spec["trialConfig"]
    study.trials =
      try (spec["numTrials"] ?? counts?["numTrials"])?.looseCount("'numTrials'") ?? 1
    if spec["numTrials"] == nil, counts?["numTrials"] == nil {
      study.notes.append("no numTrials: its default is 1, so that one trial is run")
    }
    study.parallel =
      try (spec["parallelTrials"] ?? counts?["parallelTrials"])?.looseCount("'parallelTrials'") ?? 1
    study.mostFailures = try spec.count("maxFailedTrials", from: 0)
    let trainer = spec["trainJobTemplate"]?["spec"]?["trainer"]
    var texts: [String] = []
    for key in ["command", "args"] {
      for element in trainer?[key]?.elements ?? [] {
        texts.append(try element.scalar("a word of '\(key)'", as: "a text").text)
      }
    }
    if texts.isEmpty {
      study.notes.append("the trainer has no command; give one behind '--'")
    } else {
      study.command = ForeignCommand(words: ForeignCommand.words(texts))
    }
    for parameter in study.parameters {
      let name = String(
        parameter.name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
      study.environment.append(("KUBEFLOW_TRAINER_OPT_\(name)", [.parameter(parameter.name)]))
    }
    study.notes.append(
      "metrics reach the service through the TrainJob's progress; print NAME=VALUE here")
    return study
  }

  private mutating func readAlgorithm(_ node: YAMLNode?) throws(LocatedFault) {
    guard let node, let entry = node.members.first, node.members.count == 1 else {
      if let node { throw node.fault("'searchAlgorithm' needs one algorithm such as 'random: {}'") }
      study.method = "random"
      return
    }
    let methods = [
      "random": "random", "grid": "grid", "tpe": "tpe", "bayesian": "gp",
      "bayesianOptimization": "gp", "cmaes": "cmaes", "sobol": "sobol",
    ]
    guard let method = methods[entry.key] else {
      let advice =
        nearest(to: entry.key, among: methods.keys.sorted()).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(methods.keys.sorted()))"
      throw LocatedFault(
        location: entry.keyLocation,
        problem: "the algorithm '\(shortened(entry.key))' is unknown; \(advice)")
    }
    study.method = method
    study.seed =
      try (entry.value["randomState"] ?? entry.value["seed"])?.looseCount("the seed", from: 0)
  }

  private mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(node, in: "a parameter", known: ["name", "searchSpace"])
    let name = try keys.need("name").text("'name' of a parameter")
    let what = "parameter '\(shortened(name))'"
    let space = try keys.need("searchSpace")
    guard let entry = space.members.first, space.members.count == 1 else {
      throw space.fault("'searchSpace' of \(what) needs one of uniform, logUniform, categorical")
    }
    switch entry.key {
    case "uniform", "logUniform":
      let range = try ForeignKeys(
        entry.value, in: "'\(entry.key)' of \(what)", known: ["min", "max", "type", "step"])
      let low = try range.need("min").looseNumber("'min' of \(what)")
      let high = try range.need("max").looseNumber("'max' of \(what)")
      let type = (try range.text("type") ?? "Float").lowercased()
      guard ["int", "float", "double"].contains(type) else {
        throw try range.need("type").fault("'type' of \(what) is '\(type)'; give Int or Float")
      }
      let step = try range.number("step")
      let isLog = entry.key == "logUniform"
      let parameter: ForeignParameter =
        type == "int"
        ? .int(name, low, high, log: isLog, step: step ?? 1, at: node.location)
        : .float(name, low, high, log: isLog, step: step, at: node.location)
      study.parameters.append(try parameter.checkingBounds(entry.value))
    case "categorical", "discrete":
      let elements = try (entry.value["choices"] ?? entry.value["values"] ?? entry.value)
        .list("'choices' of \(what)")
      guard !elements.isEmpty else { throw entry.value.fault("\(what) has no choices; give some") }
      study.parameters.append(
        .categorical(name, of: elements, source, at: node.location))
    default:
      throw LocatedFault(
        location: entry.keyLocation,
        problem: "'searchSpace' of \(what) has '\(shortened(entry.key))'; give uniform, logUniform "
          + "or categorical")
    }
  }
}
