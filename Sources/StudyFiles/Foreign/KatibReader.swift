internal import JSON
internal import System

/// Reads Katib Experiments (`kubeflow.org/v1beta1`) as Katib's suggestion services do.
struct KatibReader: ForeignReader {
  let source: ForeignSource
  var study: ForeignStudy
  var algorithm = "random"
  var namespace: String?
  /// The trial's resource.
  var specification: YAMLNode?

  static let methods = [
    "random": "random", "grid": "grid", "tpe": "tpe", "multivariate-tpe": "tpe",
    "bayesianoptimization": "gp", "cmaes": "cmaes", "sobol": "sobol", "hyperband": "random",
    "pbt": "pbt",
  ]
  /// Services that run in hyperopt, which rounds to multiples of the step from 0.
  var isHyperopt: Bool { ["random", "tpe", "hyperband"].contains(algorithm) }
  /// Services that run in Optuna, which counts steps from the minimum.
  var isOptuna: Bool { ["grid", "multivariate-tpe"].contains(algorithm) }

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let root = try experiment()
    study.name = root["metadata"]?["name"]?.word
    namespace = root["metadata"]?["namespace"]?.word
    guard let specNode = root["spec"] else { throw root.fault("there is no 'spec'; add it") }
    let spec = try ForeignKeys(
      specNode, in: "'spec'",
      known: [
        "objective", "algorithm", "parameters", "trialTemplate", "parallelTrialCount",
        "maxTrialCount", "maxFailedTrialCount", "metricsCollectorSpec", "earlyStopping",
        "nasConfig",
      ], elsewhere: ["resumePolicy"])
    study.ignored = spec.ignored
    if let node = spec["nasConfig"] {
      throw node.fault(
        "'nasConfig' searches network architectures inside Katib, which has no equivalent; only "
          + "experiments with 'parameters' can be run")
    }
    try readObjective(try spec.need("objective"))
    study.trials = try spec.count("maxTrialCount")
    study.parallel = try spec.count("parallelTrialCount") ?? 3
    study.mostFailures = try spec.count("maxFailedTrialCount", from: 0)
    if let trials = study.trials, let parallel = study.parallel, parallel > trials,
      let node = spec["parallelTrialCount"]
    {
      throw node.fault("'parallelTrialCount' \(parallel) is above 'maxTrialCount' \(trials)")
    }
    if study.trials == nil {
      study.notes.append(
        "no maxTrialCount: Katib sets no limit; it runs until the space is exhausted or it is "
          + "interrupted")
    }
    let settings = try readAlgorithm(try spec.need("algorithm"))
    for node in try spec.need("parameters").list("'parameters'") { try readParameter(node) }
    try readSettings(settings)
    if let node = spec["earlyStopping"] { try readEarlyStopping(node) }
    try readCollector(spec["metricsCollectorSpec"])
    if let node = spec["trialTemplate"] { try readTemplate(node) }
    return study
  }

  func experiment() throws(LocatedFault) -> YAMLNode {
    guard case .sequence(let documents) = source.root.content else { return source.root }
    return try source.selected(
      documents.enumerated().map { ($1["metadata"]?["name"]?.word ?? "\($0 + 1)", $1) },
      "experiment")
  }

  mutating func readObjective(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'objective'",
      known: ["type", "goal", "objectiveMetricName", "additionalMetricNames", "metricStrategies"])
    let type = try keys.need("type").text("'type' of 'objective'")
    guard type == "minimize" || type == "maximize" else {
      throw try keys.need("type").fault(
        "'type' of 'objective' is '\(shortened(type))'; give minimize or maximize")
    }
    let metric = try keys.need("objectiveMetricName").text("'objectiveMetricName'")
    study.metrics = [.init(name: metric, direction: type)]
    study.target = try keys.number("goal")
    study.reduction = "best"
    if let strategies = keys["metricStrategies"] {
      for strategy in try strategies.list("'metricStrategies'") {
        guard strategy["name"]?.word == metric, let value = strategy["value"]?.word else {
          continue
        }
        switch value {
        case "latest": study.reduction = "last"
        case "min" where type == "minimize", "max" where type == "maximize": break
        case "min", "max":
          study.notes.append(
            "metricStrategies takes the \(value) of a metric to \(type): the best is taken here")
        default:
          throw strategy.fault(
            "the strategy '\(shortened(value))' is unknown; give min, max or latest")
        }
      }
    }
    for name in try keys["additionalMetricNames"]?.list("'additionalMetricNames'") ?? [] {
      study.furtherMetrics.append(try name.text("a name of 'additionalMetricNames'"))
    }
  }

  mutating func readAlgorithm(_ node: YAMLNode) throws(LocatedFault) -> [YAMLNode] {
    let keys = try ForeignKeys(
      node, in: "'algorithm'", known: ["algorithmName", "algorithmSettings"])
    let nameNode = try keys.need("algorithmName")
    algorithm = try nameNode.text("'algorithmName'")
    if ["enas", "darts"].contains(algorithm) {
      throw nameNode.fault("'\(algorithm)' searches network architectures, which has no equivalent")
    }
    guard let method = Self.methods[algorithm] else {
      let known = Self.methods.keys.sorted()
      let advice =
        nearest(to: algorithm, among: known) ?? known.first { algorithm.hasPrefix($0) }
      throw nameNode.fault(
        "'algorithmName' is '\(shortened(algorithm))'; "
          + (advice.map { "did you mean '\($0)'?" } ?? "known are \(quotedList(known))"))
    }
    study.method = method
    if algorithm == "multivariate-tpe" { study.samplerOptions.append(("multivariate", true)) }
    if algorithm == "pbt" {
      study.notes.append(
        "population based training, which copies checkpoints between trials, has no equivalent; "
          + "random search does in its place")
    }
    return try keys["algorithmSettings"]?.list("'algorithmSettings'") ?? []
  }

  mutating func readSettings(_ settings: [YAMLNode]) throws(LocatedFault) {
    var resource: String?
    var eta = 3.0
    var most: Double?
    for setting in settings {
      guard let name = setting["name"]?.word, let value = setting["value"] else {
        throw setting.fault("a setting of the algorithm needs 'name' and 'value'")
      }
      switch name {
      case "random_state": study.seed = try value.looseCount("'random_state'", from: 0)
      case "n_startup_trials"
      where study.method == "tpe" || study.method == "gp" || study.method == "cmaes":
        study.samplerOptions.append(
          ("startup_trials", .integer(try value.looseCount("'\(name)'", from: 0))))
      case "n_initial_points" where study.method == "gp":
        study.samplerOptions.append(
          ("startup_trials", .integer(try value.looseCount("'\(name)'", from: 0))))
      case "n_EI_candidates", "n_ei_candidates":
        study.samplerOptions.append(
          ("candidate_count", .integer(try value.looseCount("'\(name)'"))))
      case "sigma" where study.method == "cmaes":
        study.samplerOptions.append(("sigma", try value.looseNumber("'sigma'").json))
      case "resource_name" where algorithm == "hyperband": resource = try value.text("'\(name)'")
      case "eta" where algorithm == "hyperband": eta = try value.looseNumber("'eta'")
      case "r_l" where algorithm == "hyperband": most = try value.looseNumber("'r_l'")
      default:
        study.notes.append("the setting \(shortened(name)) of \(algorithm) has no equivalent")
      }
    }
    guard algorithm == "hyperband" else { return }
    guard let resource else {
      throw source.fault("hyperband needs the setting 'resource_name', a parameter")
    }
    guard let index = study.parameters.firstIndex(where: { $0.name == resource }) else {
      throw source.fault(
        "'resource_name' is '\(shortened(resource))', which is no parameter; there are "
          + quotedList(study.parameters.map(\.name)))
    }
    let limit = most ?? study.parameters[index].high ?? 1
    study.parameters[index].fidelity = .init(least: 1, most: limit, base: eta)
    study.earlyStopping = .object([
      .init("type", "hyperband"), .init("restarts", true), .init("resource", .string(resource)),
      .init("eta", eta.json), .init("max_resource", limit.json),
    ])
    study.pruner =
      "{name: hyperband, max_resource: \(max(1, Int(clamped: limit))), reduction_factor: \(max(2, Int(clamped: eta)))}"
    study.notes.append(
      "Katib's hyperband runs promoted trials again with more \(shortened(resource)); here every "
        + "trial gets the full budget and hyperband prunes by its reports")
  }

  // MARK: Pruner, metrics, template

  mutating func readEarlyStopping(_ node: YAMLNode) throws(LocatedFault) {
    let name = try node["algorithmName"]?.text("'algorithmName' of 'earlyStopping'") ?? ""
    guard name == "medianstop" else {
      throw node.fault("the early stopping '\(shortened(name))' is unknown; there is medianstop")
    }
    var (trials, start) = (3, 4)
    for setting in try node["algorithmSettings"]?.list("'algorithmSettings'") ?? [] {
      guard let value = setting["value"] else { continue }
      switch setting["name"]?.word {
      case "min_trials_required": trials = try value.looseCount("'min_trials_required'", from: 1)
      case "start_step": start = try value.looseCount("'start_step'", from: 1)
      default:
        throw setting.fault(
          "medianstop has no setting '\(shortened(setting["name"]?.word ?? ""))'; it takes "
            + "'min_trials_required' and 'start_step'")
      }
    }
    study.earlyStopping = .object([
      .init("type", "median"), .init("min_trials", .integer(trials)),
      .init("start_step", .integer(start)),
    ])
    study.pruner = "{name: median, startup_trials: \(trials), warmup_steps: \(start)}"
    study.notes.append(
      "medianstop compares with the average of the first \(start) reports of finished trials, "
        + "median here with their values at the same step")
  }

  mutating func readCollector(_ node: YAMLNode?) throws(LocatedFault) {
    let kind = node?["collector"]?["kind"]?.word ?? "StdOut"
    let path = node?["source"]?["fileSystemPath"]?["path"]?.word
    let filters = node?["source"]?["filter"]?["metricsFormat"]
    switch kind {
    case "StdOut", "File":
      if let filters {
        for filter in try filters.list("'metricsFormat'") {
          study.expressions.append(try filter.text("a 'metricsFormat'"))
        }
      }
      if kind == "File" {
        study.metricFile = path ?? "/var/log/katib/metrics.log"
        study.followsMetricFile = true
        study.notes.append(
          "the metrics stand in \(shortened(study.metricFile ?? "")), one path for all trials, "
            + "which each pod has for itself: with several workers here, give each trial its own")
      }
    case "TensorFlowEvent":
      study.metricFile = path ?? "/tmp"
      study.metricFormat = "tensorboard"
      study.followsMetricFile = true
      study.notes.append(
        "the metrics stand in TensorBoard event files under \(shortened(path ?? "/tmp")), one path "
          + "for all trials, which each pod has for itself: with several workers here, give each "
          + "trial its own")
    case "None", "Push":
      study.notes.append("metrics are pushed to Katib's service; print NAME=VALUE here")
    default:
      study.notes.append(
        "the metrics collector \(shortened(kind)) needs the cluster; print NAME=VALUE")
    }
  }

  mutating func readTemplate(_ node: YAMLNode) throws(LocatedFault) {
    var references: [String: String] = [:]
    for parameter in try node["trialParameters"]?.list("'trialParameters'") ?? [] {
      guard let name = parameter["name"]?.word, let reference = parameter["reference"]?.word else {
        throw parameter.fault("a trial parameter needs 'name' and 'reference'")
      }
      let isParameter = study.parameters.contains { $0.name == reference }
      guard isParameter || reference.hasPrefix("${trialSpec.") else {
        throw parameter.fault(
          "the reference '\(shortened(reference))' is no parameter; there are "
            + quotedList(study.parameters.map(\.name)))
      }
      references[name] = reference
    }
    if node["configMap"] != nil {
      study.notes.append(
        "the trials' template stands in a ConfigMap of the cluster; give the command behind '--'")
      return
    }
    guard let spec = node["trialSpec"] else { throw node.fault("there is no 'trialSpec'; add it") }
    specification = spec
    try checkPlaceholders(spec, references)
    let kind = spec["kind"]?.word ?? ""
    if ["Workflow", "PipelineRun"].contains(kind) {
      study.notes.append(
        "a \(kind) is a graph of pods and cannot run as one process; give the command behind '--'")
      return
    }
    var containers: [YAMLNode] = []
    Self.collect(spec, &containers)
    let primary = node["primaryContainerName"]?.word
    guard
      let container = containers.first(where: { $0["name"]?.word == primary })
        ?? (containers.count == 1 ? containers.first : nil)
    else {
      throw node.fault(
        "no container is named '\(shortened(primary ?? ""))'; there are "
          + quotedList(containers.compactMap { $0["name"]?.word }))
    }
    study.image = container["image"]?.word
    var texts: [String] = []
    for key in ["command", "args"] {
      for element in container[key]?.elements ?? [] {
        texts.append(try element.scalar("a word of '\(key)'", as: "a text").text)
      }
    }
    var words: [ForeignCommand.Word] = []
    for text in texts { words.append(try word(text, references)) }
    if words.isEmpty {
      study.notes.append("the container runs its image's own command; give one behind '--'")
    } else {
      study.command = ForeignCommand(words: words)
    }
    for variable in container["env"]?.elements ?? [] {
      guard let name = variable["name"]?.word, let value = variable["value"]?.spelling else {
        continue
      }
      study.environment.append((name, try word(value, references)))
    }
    if kind.hasSuffix("Job"), kind != "Job" {
      study.notes.append("of the \(kind)'s replicas one process is run here")
    }
    study.notes.append(
      "image, resources, volumes and other settings of pods are Kubernetes': the container's "
        + "command runs here as a process, or with --container in its image")
  }

  func word(
    _ text: String, _ references: [String: String]
  ) throws(LocatedFault) -> ForeignCommand.Word {
    try ForeignCommand.pieces(of: text, open: "${trialParameters.", close: "}") {
      (inside) throws(LocatedFault) -> ForeignCommand.Word? in
      guard let reference = references[inside] else { return nil }
      guard reference.hasPrefix("${trialSpec.") else { return [.parameter(reference)] }
      return meta(String(reference.dropFirst(12).prefix { $0 != "}" }))
    }
  }

  /// What stands for a part of the trial's own resource.
  func meta(_ name: String) -> ForeignCommand.Word {
    let spec = specification
    switch name {
    case "Name": return [.placeholder("study"), .literal("-"), .placeholder("trial")]
    case "Namespace": return [.literal(namespace ?? "default")]
    case "Kind": return [.literal(spec?["kind"]?.word ?? "Job")]
    case "APIVersion": return [.literal(spec?["apiVersion"]?.word ?? "batch/v1")]
    default:
      for (key, field) in [("Labels[", "labels"), ("Annotations[", "annotations")]
      where name.hasPrefix(key) {
        let inner = String(name.dropFirst(key.count).prefix { $0 != "]" })
        return [.literal(spec?["metadata"]?[field]?[inner]?.word ?? "")]
      }
      return [.literal("${trialSpec.\(name)}")]
    }
  }

  func checkPlaceholders(
    _ spec: YAMLNode, _ references: [String: String]
  ) throws(LocatedFault) {
    var used: Set<String> = []
    func visit(_ node: YAMLNode) throws(LocatedFault) {
      switch node.content {
      case .sequence(let elements): for element in elements { try visit(element) }
      case .mapping(let entries): for entry in entries { try visit(entry.value) }
      case .scalar(let scalar):
        var rest = scalar.text[...]
        while let found = rest.range(of: "${trialParameters.") {
          rest = rest[found.upperBound...]
          guard let end = rest.firstIndex(of: "}") else { break }
          let name = String(rest[..<end])
          guard references[name] != nil else {
            throw node.fault(
              "${trialParameters.\(shortened(name))} is not declared; declared are "
                + quotedList(references.keys.sorted()))
          }
          used.insert(name)
        }
      }
    }
    try visit(spec)
    if let unused = references.keys.sorted().first(where: { !used.contains($0) }) {
      throw spec.fault(
        "the trial parameter '\(shortened(unused))' does not occur in the template; write "
          + "${trialParameters.\(shortened(unused))} where its value belongs, or remove it")
    }
  }

  /// All elements of lists named `containers`, wherever they stand.
  static func collect(_ node: YAMLNode, _ containers: inout [YAMLNode]) {
    switch node.content {
    case .sequence(let elements): for element in elements { collect(element, &containers) }
    case .mapping(let entries):
      for entry in entries {
        if entry.key == "containers", case .sequence(let elements) = entry.value.content {
          containers += elements
        } else {
          collect(entry.value, &containers)
        }
      }
    case .scalar: break
    }
  }
}
