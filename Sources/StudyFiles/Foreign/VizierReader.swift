internal import JSON

/// Reads studies of Vizier and Vertex AI: JSON in both spellings of field names, and text protos.
struct VizierReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    var root = source.root
    if root.members.isEmpty {
      root = try TextProto.document(source.text)
    } else {
      try source.checkJSON()
    }
    let spec = field(root, "studySpec") ?? root
    study.name = (field(root, "displayName") ?? field(root, "name"))?.word
    try readMetrics(try need(spec, "metrics", "the study spec"))
    try readAlgorithm(spec)
    for node in try need(spec, "parameters", "the study spec").elements {
      try readParameter(node, under: [])
    }
    guard !study.parameters.isEmpty else { throw spec.fault("'parameters' is empty") }
    if field(spec, "medianAutomatedStoppingSpec") ?? field(spec, "defaultStoppingSpec") != nil {
      study.pruner = "median"
      study.earlyStopping = .object([.init("type", "median")])
    } else if field(spec, "decayCurveStoppingSpec") != nil {
      study.pruner = "predictive"
      study.earlyStopping = .object([.init("type", "decay_curve")])
    }
    if let word = field(spec, "measurementSelectionType")?.word {
      study.reduction = word.hasPrefix("BEST") || word == "2" ? "best" : "last"
    }
    if let noise = field(spec, "observationNoise")?.word, noise == "HIGH" || noise == "2" {
      study.notes.append("observationNoise HIGH: points may repeat")
    }
    study.trials = try field(root, "maxTrialCount")?.looseCount("'maxTrialCount'")
    study.parallel = try field(root, "parallelTrialCount")?.looseCount("'parallelTrialCount'")
    study.mostFailures = try field(root, "maxFailedTrialCount")?.looseCount(
      "'maxFailedTrialCount'", from: 0)
    try readJob(root)
    return study
  }

  /// The value under a field's name, in lowerCamelCase or snake_case.
  private func field(_ node: YAMLNode, _ name: String) -> YAMLNode? {
    if let value = node[name] { return value }
    var snake = ""
    for character in name {
      if character.isUppercase {
        snake += "_\(character.lowercased())"
      } else {
        snake.append(character)
      }
    }
    return node[snake]
  }

  private func need(_ node: YAMLNode, _ name: String, _ what: String) throws(LocatedFault)
    -> YAMLNode
  {
    guard let value = field(node, name) else {
      throw node.fault("\(what) has no '\(name)'; add it")
    }
    return value
  }

  private mutating func readMetrics(_ node: YAMLNode) throws(LocatedFault) {
    for metric in node.elements {
      let name = try (field(metric, "metricId") ?? metric["name"])?.text("'metricId'") ?? ""
      guard !name.isEmpty else { throw metric.fault("a metric has no 'metricId'; add it") }
      let goal = metric["goal"]
      let direction: String
      switch goal?.word {
      case "MAXIMIZE", "1", nil: direction = "maximize"
      case "MINIMIZE", "2": direction = "minimize"
      default:
        throw (goal ?? metric).fault(
          "'goal' of '\(shortened(name))' is '\(shortened(goal?.word ?? ""))'; give MAXIMIZE or "
            + "MINIMIZE")
      }
      let safety =
        field(metric, "safetyConfig") ?? field(metric, "safetyThreshold").map { _ in metric }
      if let safety, let threshold = field(safety, "safetyThreshold") {
        let limit = try threshold.looseNumber("'safetyThreshold'")
        let sign = direction == "minimize" ? "<=" : ">="
        study.metricConstraints.append((name, sign, limit))
        continue
      }
      if field(metric, "safetyConfig") != nil {
        study.metricConstraints.append((name, direction == "minimize" ? "<=" : ">=", 0))
        continue
      }
      study.metrics.append(.init(name: name, direction: direction))
    }
    guard !study.metrics.isEmpty else { throw node.fault("there is no metric to optimize") }
  }

  private mutating func readAlgorithm(_ spec: YAMLNode) throws(LocatedFault) {
    guard let node = spec["algorithm"] else {
      study.method = "gp"
      return
    }
    let word = try node.text("'algorithm'")
    switch word {
    case "DEFAULT", "ALGORITHM_UNSPECIFIED", "GP_UCB_PE", "GAUSSIAN_PROCESS_BANDIT", "0", "1":
      study.method = "gp"
    case "RANDOM_SEARCH", "3": study.method = "random"
    case "GRID_SEARCH", "SHUFFLED_GRID_SEARCH", "2": study.method = "grid"
    case "QUASI_RANDOM_SEARCH": study.method = "sobol"
    case "NSGA2": study.method = "nsga2"
    case "CMA_ES": study.method = "cmaes"
    case "EAGLE_STRATEGY", "BOCS", "HARMONICA":
      study.method = "auto"
      study.notes.append("\(word) has no equivalent; auto chooses a sampler in its place")
    default:
      let known = [
        "DEFAULT", "GP_UCB_PE", "GAUSSIAN_PROCESS_BANDIT", "RANDOM_SEARCH", "GRID_SEARCH",
        "QUASI_RANDOM_SEARCH", "NSGA2", "CMA_ES", "EAGLE_STRATEGY", "BOCS", "HARMONICA",
      ]
      let advice =
        nearest(to: word, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw node.fault("'algorithm' is '\(shortened(word))'; \(advice)")
    }
  }

  // MARK: Parameters

  private mutating func readParameter(
    _ node: YAMLNode, under conditions: [ForeignParameter.Condition]
  ) throws(LocatedFault) {
    guard let idNode = field(node, "parameterId") else {
      throw node.fault("a parameter has no 'parameterId'; add it")
    }
    let name = try idNode.text("'parameterId'")
    let what = "parameter '\(shortened(name))'"
    var parameter: ForeignParameter
    var initial: YAMLNode?
    if let spec = field(node, "doubleValueSpec") {
      let (low, high) = try bounds(spec, what)
      parameter = .float(name, low, high, at: node.location)
      initial = spec
    } else if let spec = field(node, "integerValueSpec") {
      let (low, high) = try bounds(spec, what)
      guard low == low.rounded(), high == high.rounded() else {
        throw spec.fault("\(what) is an integer and needs whole bounds")
      }
      parameter = .int(name, low, high, at: node.location)
      initial = spec
    } else if let spec = field(node, "discreteValueSpec") {
      var values: [Double] = []
      for element in try need(spec, "values", "'discreteValueSpec' of \(what)").elements {
        let value = try element.looseNumber("a value of \(what)")
        guard values.last.map({ $0 < value }) ?? true else {
          throw element.fault("the values of \(what) do not ascend at \(value.brief)")
        }
        values.append(value)
      }
      guard !values.isEmpty else { throw spec.fault("\(what) has no values; give some") }
      parameter = .categorical(name, values.map(\.json), ordered: true, at: node.location)
      initial = spec
    } else if let spec = field(node, "categoricalValueSpec") {
      var values: [JSONValue] = []
      for element in try need(spec, "values", "'categoricalValueSpec' of \(what)").elements {
        let text = try element.scalar("a value of \(what)", as: "a text").text
        if !values.contains(.string(text)) { values.append(.string(text)) }
      }
      guard !values.isEmpty else { throw spec.fault("\(what) has no values; give some") }
      parameter = .categorical(name, values, at: node.location)
      initial = spec
    } else {
      throw node.fault(
        "\(what) has none of doubleValueSpec, integerValueSpec, discreteValueSpec and "
          + "categoricalValueSpec")
    }
    try readScale(field(node, "scaleType"), &parameter, what)
    if !conditions.isEmpty { parameter.conditions = [conditions] }
    study.append(try parameter.checkingBounds(node, lowName: "minValue", highName: "maxValue"))
    if let value = initial.flatMap({ field($0, "defaultValue") }) {
      let inner = value["value"] ?? value
      study.firstPoint.append(
        (
          name,
          parameter.kind == .categorical && !parameter.isOrdered
            ? .string(inner.spelling ?? "") : try inner.looseNumber("the default of \(what)").json
        ))
    }
    for child in field(node, "conditionalParameterSpecs")?.elements ?? [] {
      try readChild(child, of: parameter, under: conditions)
    }
  }

  private mutating func readScale(
    _ node: YAMLNode?, _ parameter: inout ForeignParameter, _ what: String
  ) throws(LocatedFault) {
    switch node?.word {
    case nil, "SCALE_TYPE_UNSPECIFIED", "UNIT_LINEAR_SCALE", "0", "1": break
    case "UNIT_LOG_SCALE", "2":
      if parameter.kind != .categorical { parameter.isLog = true }
    case "UNIT_REVERSE_LOG_SCALE", "3":
      if parameter.kind != .categorical {
        guard (parameter.low ?? 0) > 0 else {
          throw
            (node ?? YAMLNode(content: .sequence([]), location: SourceLocation(line: 1, column: 1)))
            .fault("\(what) is reverse logarithmic and needs 'minValue' above 0")
        }
        parameter.isReverseLog = true
        parameter.pivot = (parameter.low ?? 0) + (parameter.high ?? 0)
        study.notes.append("\(what) has a reverse logarithmic scale, dense near its maximum")
      }
    default:
      let known = ["UNIT_LINEAR_SCALE", "UNIT_LOG_SCALE", "UNIT_REVERSE_LOG_SCALE"]
      guard let node else { return }
      let advice =
        nearest(to: node.word ?? "", among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw node.fault("'scaleType' of \(what) is '\(shortened(node.word ?? ""))'; \(advice)")
    }
  }

  private func bounds(_ spec: YAMLNode, _ what: String) throws(LocatedFault) -> (Double, Double) {
    // A proto leaves a bound of 0 out.
    let low = try field(spec, "minValue")?.looseNumber("'minValue' of \(what)") ?? 0
    let high = try field(spec, "maxValue")?.looseNumber("'maxValue' of \(what)") ?? 0
    return (low, high)
  }

  private mutating func readChild(
    _ node: YAMLNode, of parent: ForeignParameter, under conditions: [ForeignParameter.Condition]
  ) throws(LocatedFault) {
    guard let spec = field(node, "parameterSpec") else {
      throw node.fault(
        "a conditional parameter of '\(shortened(parent.name))' has no 'parameterSpec'")
    }
    var values: [JSONValue] = []
    for key in ["parentCategoricalValues", "parentIntValues", "parentDiscreteValues"] {
      for element in field(node, key).flatMap({ field($0, "values") })?.elements ?? [] {
        if key == "parentCategoricalValues" {
          values.append(.string(element.spelling ?? ""))
        } else {
          values.append(try element.looseNumber("a parent's value").json)
        }
      }
    }
    guard !values.isEmpty else {
      throw node.fault(
        "a conditional parameter of '\(shortened(parent.name))' has no parent values")
    }
    try readParameter(
      spec, under: conditions + [.init(parent: parent.name, test: .among(values))])
  }

  // MARK: Command

  private mutating func readJob(_ root: YAMLNode) throws(LocatedFault) {
    guard let job = field(root, "trialJobSpec") else {
      study.notes.append(
        "a study spec has no budget and no command: give --trials, and the command "
          + "behind '--'")
      return
    }
    let pools = field(job, "workerPoolSpecs")?.elements ?? []
    if pools.count > 1 {
      study.notes.append("of \(pools.count) worker pools the first is run here")
    }
    guard let container = pools.first.flatMap({ field($0, "containerSpec") }) else {
      study.notes.append("the job has no container with a command; give one behind '--'")
      return
    }
    study.image = container["imageUri"]?.word ?? container["image_uri"]?.word
    var texts: [String] = []
    for key in ["command", "args"] {
      for element in container[key]?.elements ?? [] {
        texts.append(try element.scalar("a word of '\(key)'", as: "a text").text)
      }
    }
    var words = ForeignCommand.words(texts)
    for parameter in study.parameters {
      words += [[.literal("--\(parameter.name)")], [.parameter(parameter.name)]]
    }
    if !texts.isEmpty { study.command = ForeignCommand(words: words) }
    for variable in container["env"]?.elements ?? [] {
      guard let name = variable["name"]?.word, let value = variable["value"]?.spelling else {
        continue
      }
      study.environment.append((name, [.literal(value)]))
    }
    study.metricFile = "{dir}/output.metrics"
    study.metricFormat = "hypertune"
    study.followsMetricFile = true
    study.notes.append(
      "machines, images and services are Google's; the command runs here, or "
        + "with --container in its image")
  }
}
