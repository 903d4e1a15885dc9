internal import JSON
internal import System

/// Reads Azure ML sweep jobs (`type: sweep`), alone or in a pipeline.
struct AzureReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy
  /// The base of the exponents of loguniform bounds.
  private var base = 2.718281828459045
  /// What `${{inputs.x}}` stands for.
  private var inputs: [String: String] = [:]
  private var isComponent = false

  private static let elsewhere = [
    "$schema", "compute", "identity", "resources", "queue_settings", "tags", "properties",
    "services", "experiment_name", "version", "settings", "resume",
  ]

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let job = try sweep()
    let keys = try ForeignKeys(
      job, in: "the sweep",
      known: [
        "type", "name", "display_name", "description", "trial", "inputs", "outputs",
        "sampling_algorithm", "search_space", "objective", "limits", "early_termination",
      ], elsewhere: Self.elsewhere, unknown: .ignored)
    study.ignored = keys.ignored.filter { $0 != "$schema" && $0 != "version" }
    study.name = try keys.text("name", "display_name")
    try readInputs(keys["inputs"])
    try readSampling(keys["sampling_algorithm"])
    for entry in try keys.need("search_space").entries("'search_space'", of: "names to ranges") {
      try readParameter(entry)
    }
    guard !study.parameters.isEmpty else { throw job.fault("'search_space' is empty") }
    try readObjective(try keys.need("objective"))
    try readLimits(try keys.need("limits"))
    if let node = keys["early_termination"] { try readEarlyTermination(node) }
    try readTrial(try keys.need("trial"))
    study.notes.append("environment and compute are Azure's; the command runs on this machine")
    return study
  }

  private mutating func sweep() throws(LocatedFault) -> YAMLNode {
    let root = source.root
    let type = root["type"]?.word ?? (root["trial"] != nil ? "sweep" : "")
    switch type {
    case "sweep": return root
    case "pipeline":
      let jobs = root["jobs"]?.members ?? []
      let sweeps = jobs.filter { $0.value["type"]?.word == "sweep" }
      let job = try source.selected(sweeps.map { ($0.key, $0.value) }, "sweep")
      let others = jobs.map(\.key).filter { key in
        !sweeps.contains { $0.key == key && $0.value.location == job.location }
      }
      if !others.isEmpty {
        study.notes.append("of the pipeline only the sweep is run, not \(quotedList(others))")
      }
      for entry in root["inputs"]?.members ?? [] {
        inputs["parent.\(entry.key)"] = Self.value(of: entry.value)
      }
      return job
    default:
      throw (root["type"] ?? root).fault(
        type == "automl"
          ? "type automl has no command of your own; only type sweep can be run"
          : "the type is '\(shortened(type))'; only type sweep can be run")
    }
  }

  private static func value(of node: YAMLNode) -> String? {
    if let word = node.spelling { return word }
    return (node["path"] ?? node["value"] ?? node["default"])?.spelling
  }

  private mutating func readInputs(_ node: YAMLNode?) throws(LocatedFault) {
    for entry in node?.members ?? [] {
      guard var value = Self.value(of: entry.value) else { continue }
      if value.hasPrefix("${{parent.inputs."), value.hasSuffix("}}") {
        let name = "parent." + value.dropFirst(17).dropLast(2)
        value = inputs[name] ?? value
      }
      inputs[entry.key] = value
    }
  }

  private mutating func readSampling(_ node: YAMLNode?) throws(LocatedFault) {
    guard let node else {
      study.method = "random"
      return
    }
    var type = node.word
    var isSobol = false
    if node.isMapping {
      let keys = try ForeignKeys(
        node, in: "'sampling_algorithm'", known: ["type", "seed", "rule", "logbase"])
      type = try keys.need("type").text("'type' of 'sampling_algorithm'")
      study.seed = try keys.count("seed", from: 0)
      if let rule = try keys.text("rule") {
        guard ["random", "sobol"].contains(rule) else {
          throw try keys.need("rule").fault("'rule' is '\(shortened(rule))'; give random or sobol")
        }
        isSobol = rule == "sobol"
      }
      if let node = keys["logbase"], node.word != "e" {
        base = try node.looseNumber("'logbase'")
        guard base > 1 else {
          throw node.fault("'logbase' is \(base.brief); give a number above 1")
        }
      }
    }
    switch type {
    case "random": study.method = isSobol ? "sobol" : "random"
    case "grid": study.method = "grid"
    case "bayesian": study.method = "gp"
    default:
      let known = ["random", "grid", "bayesian"]
      let advice =
        nearest(to: type ?? "", among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw node.fault("'sampling_algorithm' is '\(shortened(type ?? ""))'; \(advice)")
    }
  }

  private mutating func readObjective(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(node, in: "'objective'", known: ["goal", "primary_metric"])
    let goal = try keys.need("goal").text("'goal' of 'objective'")
    guard ["minimize", "maximize"].contains(goal.lowercased()) else {
      throw try keys.need("goal").fault(
        "'goal' of 'objective' is '\(shortened(goal))'; give minimize or maximize")
    }
    study.metrics = [
      .init(
        name: try keys.need("primary_metric").text("'primary_metric'"),
        direction: goal.lowercased())
    ]
  }

  private mutating func readLimits(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'limits'",
      known: ["max_total_trials", "max_concurrent_trials", "timeout", "trial_timeout"])
    study.trials = try keys.need("max_total_trials").looseCount("'max_total_trials'")
    study.parallel = try keys.count("max_concurrent_trials")
    for key in ["timeout", "trial_timeout"] {
      guard let value = keys[key] else { continue }
      let seconds = Double(try value.looseCount("'\(key)' of 'limits'"))
      if key == "timeout" { study.seconds = seconds } else { study.trialSeconds = seconds }
    }
    if study.parallel == nil {
      study.notes.append(
        "max_concurrent_trials is left out: Azure runs as many as fit; give --workers")
    }
  }

  private mutating func readEarlyTermination(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'early_termination'",
      known: [
        "type", "evaluation_interval", "delay_evaluation", "slack_factor", "slack_amount",
        "truncation_percentage",
        "exclude_finished_jobs",
      ])
    let type = try keys.need("type").text("'type' of 'early_termination'")
    let interval = try keys.count("evaluation_interval", from: 0) ?? 1
    let delay = try keys.count("delay_evaluation", from: 0) ?? 0
    var members: [JSONValue.Member] = []
    switch type {
    case "median_stopping":
      members = [.init("type", "median")]
      study.pruner =
        "{name: median, startup_trials: 1, warmup_steps: \(delay), interval: \(max(1, interval))}"
      study.notes.append("Azure's median compares running averages, ours the values at a step")
    case "bandit":
      members = [.init("type", "bandit")]
      var slack = "slack_factor: 0"
      for key in ["slack_factor", "slack_amount"] {
        guard let value = try keys.number(key) else { continue }
        members.append(.init(key, value.json))
        slack = "\(key): \(max(0, value).brief)"
      }
      study.pruner =
        "{name: bandit, \(slack), interval: \(max(1, interval)), delay: \(delay)}"
      study.notes.append(
        "bandit stops what is behind the best trial by more than the slack; reports count as its "
          + "intervals")
    case "truncation_selection":
      let percent = try keys.need("truncation_percentage").looseNumber("'truncation_percentage'")
      members = [.init("type", "truncation"), .init("percentage", percent.json)]
      let excludes = try keys.flag("exclude_finished_jobs") ?? false
      study.pruner =
        "{name: truncation, percentage: \(max(1, min(99, percent)).brief), exclude_finished: "
        + "\(excludes), interval: \(max(1, interval)), delay: \(delay)}"
      study.notes.append(
        "truncation_selection stops the worst \(percent.brief) % at each interval, which reports "
          + "count here")
    default:
      let known = ["bandit", "median_stopping", "truncation_selection"]
      let advice =
        nearest(to: type, among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw try keys.need("type").fault(
        "'type' of 'early_termination' is '\(shortened(type))'; \(advice)")
    }
    members += [.init("interval", .integer(interval)), .init("delay", .integer(delay))]
    study.earlyStopping = .object(members)
  }

  // MARK: Parameters

  private static let kinds: [String: [String]] = [
    "choice": ["values"], "randint": ["upper"], "uniform": ["min_value", "max_value"],
    "quniform": ["min_value", "max_value", "q"], "loguniform": ["min_value", "max_value"],
    "qloguniform": ["min_value", "max_value", "q"], "normal": ["mu", "sigma"],
    "qnormal": ["mu", "sigma", "q"], "lognormal": ["mu", "sigma"],
    "qlognormal": ["mu", "sigma", "q"],
  ]

  private mutating func readParameter(_ entry: YAMLNode.Entry) throws(LocatedFault) {
    let name = entry.key
    let what = "parameter '\(shortened(name))'"
    guard entry.value.isMapping, let typeNode = entry.value["type"] else {
      throw entry.value.fault("\(what) has no 'type'; give one such as choice or uniform")
    }
    let type = try typeNode.text("'type' of \(what)")
    guard let needed = Self.kinds[type] else {
      let known = Self.kinds.keys.sorted()
      let advice =
        nearest(to: type, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw typeNode.fault("'type' of \(what) is '\(shortened(type))'; \(advice)")
    }
    let keys = try ForeignKeys(entry.value, in: what, known: ["type"] + needed)
    if study.method == "grid", type != "choice" {
      throw typeNode.fault("\(what) is \(type); a grid takes only choice")
    }
    let place = entry.keyLocation
    func number(_ key: String) throws(LocatedFault) -> Double {
      try keys.need(key).looseNumber("'\(key)' of \(what)")
    }
    switch type {
    case "choice":
      let elements = try keys.need("values").list("'values' of \(what)")
      guard !elements.isEmpty else { throw entry.value.fault("\(what) has no values; give some") }
      study.parameters.append(.categorical(name, of: elements, source, at: place))
      return
    case "randint":
      let upper = try keys.need("upper").looseCount("'upper' of \(what)")
      study.parameters.append(.int(name, 0, Double(upper) - 1, at: place))
      study.notes.append("\(what): randint draws from 0 to \(upper - 1)")
      return
    default: break
    }
    var parameter = ForeignParameter(name, .float, at: place)
    if type.hasSuffix("normal") {
      let (mean, deviation) = (try number("mu"), try number("sigma"))
      guard deviation > 0 else {
        throw try keys.need("sigma").fault("'sigma' of \(what) is not above 0")
      }
      parameter.prior =
        type.hasSuffix("lognormal")
        ? .logNormal(mean: mean, deviation: deviation) : .normal(mean: mean, deviation: deviation)
    } else {
      let (first, last) = (try number("min_value"), try number("max_value"))
      guard first < last else {
        throw try keys.need("min_value").fault(
          "\(what) has min_value \(first.brief) not below max_value \(last.brief)")
      }
      parameter.isLog = type.hasSuffix("loguniform")
      (parameter.low, parameter.high) =
        parameter.isLog ? (pow(base, first), pow(base, last)) : (first, last)
      if parameter.isLog {
        guard let low = parameter.low, let high = parameter.high, low > 0, high.isFinite else {
          throw entry.value.fault("\(what) has exponents that no double holds")
        }
        if type == "loguniform", first > 0, last <= 1 {
          study.suspicions.append(
            "\(what): the bounds of loguniform are exponents of e, so that \(first.brief) to "
              + "\(last.brief) means \(ForeignParameter.clean(low)) to "
              + "\(ForeignParameter.clean(high)); give the logarithms if they are values")
        }
        study.notes.append("\(what): the bounds of \(type) are exponents, \(low) to \(high)")
      }
    }
    if type.hasPrefix("q") {
      let q = try number("q")
      guard q > 0 else { throw try keys.need("q").fault("'q' of \(what) is not above 0") }
      parameter.quantization = .init(q: q, rule: .nearest)
      if parameter.low != nil { parameter.step = q }
      study.notes.append(
        "\(what): values are multiples of \(q.brief) from 0, which may leave its bounds")
    }
    study.parameters.append(parameter)
  }

  // MARK: Command

  private mutating func readTrial(_ node: YAMLNode) throws(LocatedFault) {
    var trial = node
    if let name = node.word {
      let path = name.hasPrefix("file:") ? String(name.dropFirst(5)) : name
      guard !name.hasPrefix("azureml:"), source.sideFile(path) != nil else {
        study.notes.append(
          "the component '\(shortened(name))' cannot be read beside this file; give the command "
            + "behind '--'")
        return
      }
      let file = YAMLNode(
        content: .scalar(YAMLScalar(text: path, isPlain: false, tag: nil)), location: node.location)
      trial = try source.sideDocument(file, "'trial'")
      isComponent = true
      for entry in trial["inputs"]?.members ?? [] where inputs[entry.key] == nil {
        inputs[entry.key] = entry.value["default"]?.spelling
      }
    }
    let code = trial["code"]?.word
    if let code, !code.hasPrefix("azureml:"), !code.contains("://") { study.workingFolder = code }
    for entry in trial["environment_variables"]?.members ?? [] {
      study.environment.append((entry.key, try word(entry.value.spelling ?? "")))
    }
    for parameter in study.parameters {
      study.environment.append(("AZUREML_SWEEP_\(parameter.name)", [.parameter(parameter.name)]))
    }
    guard let command = trial["command"] else {
      throw trial.fault("'trial' has no 'command'; add it")
    }
    let text = withOptionalInputs(try command.text("'command'")).trimmed
    guard let words = ForeignCommand.split(text, open: "${{", close: "}}") else {
      study.command = ForeignCommand(words: [try word(text, at: command)], usesShell: true)
      study.notes.append("the command needs a shell, as in Azure")
      return
    }
    var result: [ForeignCommand.Word] = []
    for text in words { result.append(try word(text, at: command)) }
    study.command = ForeignCommand(words: result)
  }

  /// `$[[…]]` stands only if the inputs in it are given.
  private func withOptionalInputs(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.range(of: "$[[") {
      result += rest[..<start.lowerBound]
      rest = rest[start.upperBound...]
      guard let end = rest.range(of: "]]") else { return result + "$[[" + rest }
      let inside = rest[..<end.lowerBound]
      let names = inside.components(separatedBy: "${{inputs.").dropFirst().map { part in
        String(part.prefix { $0 != "}" })
      }
      if names.allSatisfy({ name in
        inputs[name] != nil || study.parameters.contains { $0.name == name }
      }) {
        result += inside
      }
      rest = rest[end.upperBound...]
    }
    return result + rest
  }

  private func word(
    _ text: String, at node: YAMLNode? = nil
  ) throws(LocatedFault) -> ForeignCommand.Word {
    try ForeignCommand.pieces(of: text, open: "${{", close: "}}") {
      (inside) throws(LocatedFault) -> ForeignCommand.Word? in
      let name = inside.trimmed
      func unknown(_ kind: String, _ known: [String]) -> LocatedFault {
        let wanted = String(name.drop { $0 != "." }.dropFirst())
        let advice =
          nearest(to: wanted, among: known).map { "did you mean '\($0)'?" }
          ?? "there are \(quotedList(known))"
        return LocatedFault(
          location: node?.location,
          problem: "${{\(shortened(name))}} names no \(kind); \(advice)")
      }
      if name.hasPrefix("search_space.") {
        let parameter = String(name.dropFirst(13))
        guard study.parameters.contains(where: { $0.name == parameter }) else {
          throw unknown("parameter", study.parameters.map(\.name))
        }
        return [.parameter(parameter)]
      }
      if name.hasPrefix("inputs.") {
        let input = String(name.dropFirst(7))
        if study.parameters.contains(where: { $0.name == input }) { return [.parameter(input)] }
        guard let value = inputs[input] else { throw unknown("input", inputs.keys.sorted()) }
        return [.literal(value)]
      }
      if name.hasPrefix("outputs.") { return [.folder, .literal("/\(name.dropFirst(8))")] }
      throw unknown("parameter, input or output", study.parameters.map(\.name))
    }
  }
}
