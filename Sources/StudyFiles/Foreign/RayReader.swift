internal import JSON

/// Reads Ray Tune's and RLlib's experiment files, with `grid_search` and texts `tune.….`, which are
/// read and never evaluated.
struct RayReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy
  private var hasDensity = false
  private var gridSize = 1

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let experiment = try source.selected(
      source.root.members.map { ($0.key, $0.value) }, "experiment")
    study.name = source.root.members.first { $0.value.location == experiment.location }?.key
    let keys = try ForeignKeys(
      experiment, in: "the experiment",
      known: [
        "run", "env", "config", "stop", "num_samples", "metric", "mode", "time_budget_s",
        "max_concurrent_trials", "search_alg", "scheduler",
      ],
      elsewhere: [
        "checkpoint_freq", "checkpoint_at_end", "local_dir", "storage_path", "restore",
        "keep_checkpoints_num",
        "checkpoint_score_attr", "resources_per_trial", "upload_dir", "verbose", "max_failures",
        "checkpoint_config", "export_formats", "trial_name_creator", "pass_criteria", "framework",
      ], unknown: .ignored)
    study.ignored = keys.ignored
    if let env = keys["env"] { try visit(env, ["env"]) }
    for entry in keys["config"]?.members ?? [] { try visit(entry.value, ["config", entry.key]) }
    let samples = try keys.count("num_samples", from: -1) ?? 1
    if hasDensity {
      study.method = "random"
      if gridSize > 1 {
        study.notes.append(
          "grid_search beside sampled values: Ray runs each of its points num_samples times; here "
            + "they are drawn, too, each as often as the others on average")
      }
    } else {
      study.method = "grid"
      if samples > 1 {
        study.repeats = samples
        study.notes.append("num_samples repeats the whole grid \(samples) times")
      }
    }
    if samples > 0 {
      let (product, isTooMany) = gridSize.multipliedReportingOverflow(by: samples)
      guard !isTooMany, product < 1 << 40 else {
        throw experiment.fault("the grid has more than 2^40 points; make it smaller")
      }
      study.trials = product
    }
    study.seconds = try keys.number("time_budget_s")
    study.parallel = try keys.count("max_concurrent_trials")
    try readMetric(keys)
    let run = keys["run"]?.word ?? ""
    study.notes.append(
      "'run: \(shortened(run))' names an algorithm of Ray, not a program: give the command behind "
        + "'--'")
    return study
  }

  private mutating func readMetric(_ keys: ForeignKeys) throws(LocatedFault) {
    if let metric = try keys.text("metric") {
      let mode = try keys.text("mode") ?? "max"
      guard ["min", "max"].contains(mode) else {
        throw try keys.need("mode").fault("'mode' is '\(shortened(mode))'; give min or max")
      }
      study.metrics = [.init(name: metric, direction: mode == "min" ? "minimize" : "maximize")]
      return
    }
    let stops = keys["stop"]?.members ?? []
    if !stops.isEmpty {
      study.notes.append("'stop' ends single trials, not the search; the program has to keep it")
    }
    if let reward = stops.first(where: { $0.key.contains("reward") || $0.key.contains("return") })?
      .key
    {
      study.metrics = [.init(name: reward, direction: "maximize")]
      study.notes.append("no metric in the file: \(shortened(reward)) of 'stop' is taken")
    } else if stops.isEmpty, keys["run"] != nil {
      study.metrics = [.init(name: "episode_reward_mean", direction: "maximize")]
      study.notes.append("no metric in the file: episode_reward_mean, RLlib's, is taken")
    } else {
      study.notes.append("no metric in the file; name it with --metric")
    }
  }

  private mutating func visit(_ node: YAMLNode, _ path: [String]) throws(LocatedFault) {
    let name = path.joined(separator: ".")
    if let grid = node["grid_search"], node.members.count == 1 {
      let elements = try grid.list("'grid_search' of '\(shortened(name))'")
      guard !elements.isEmpty else {
        throw grid.fault("'grid_search' of '\(shortened(name))' is empty")
      }
      let parameter = ForeignParameter.categorical(
        name, of: elements, source, at: node.location)
      gridSize = min(1 << 41, gridSize * min(parameter.choices.count, 1 << 20))
      add(parameter, path)
      return
    }
    switch node.content {
    case .mapping(let entries) where !entries.isEmpty:
      for entry in entries { try visit(entry.value, path + [entry.key]) }
    case .sequence(let elements) where elements.contains(where: Self.hasGrid):
      for (index, element) in elements.enumerated() { try visit(element, path + ["\(index)"]) }
    default:
      if let word = node.word, word.trimmed.hasPrefix("tune.") {
        add(try sampled(word, name, node), path)
      } else {
        add(.constant(name, of: node, source, at: node.location), path)
      }
    }
  }

  private static func hasGrid(_ node: YAMLNode) -> Bool {
    if node["grid_search"] != nil { return true }
    if let word = node.word { return word.trimmed.hasPrefix("tune.") }
    return node.members.contains { hasGrid($0.value) }
      || (node.isList && node.elements.contains(where: hasGrid))
  }

  private mutating func add(_ parameter: ForeignParameter, _ path: [String]) {
    var parameter = parameter
    if path.count > 1 { parameter.nested = path }
    study.parameters.append(parameter)
  }

  private mutating func sampled(
    _ text: String, _ name: String, _ node: YAMLNode
  ) throws(LocatedFault) -> ForeignParameter {
    let what = "'\(shortened(name))'"
    guard let call = try PythonLiteral.call(text, at: node.location) else {
      throw node.fault(
        "\(what) is '\(shortened(text))', which is no call such as tune.uniform(0, 1)")
    }
    let kind = String(call.name.dropFirst(5))
    if kind == "choice" || kind == "grid_search" {
      guard let list = call.arguments.first, list.isList, !list.elements.isEmpty else {
        throw node.fault("tune.\(kind) of \(what) needs a list of values")
      }
      let parameter = ForeignParameter.categorical(
        name, of: list.elements, source, at: node.location)
      if kind == "choice" {
        hasDensity = true
      } else {
        gridSize = min(1 << 41, gridSize * parameter.choices.count)
      }
      return parameter
    }
    let names: [String]
    switch kind {
    case "uniform", "loguniform", "randint", "lograndint": names = ["lower", "upper"]
    case "quniform", "qloguniform", "qrandint", "qlograndint": names = ["lower", "upper", "q"]
    case "randn": names = ["mean", "sd"]
    case "qrandn": names = ["mean", "sd", "q"]
    default:
      let known = [
        "uniform", "loguniform", "quniform", "qloguniform", "randint", "lograndint", "qrandint",
        "qlograndint", "randn", "qrandn", "choice", "grid_search",
      ]
      let advice =
        nearest(to: kind, among: known).map { "did you mean 'tune.\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw node.fault("\(what) is \(shortened(call.name))(…), which is not read; \(advice)")
    }
    hasDensity = true
    var numbers: [Double] = []
    for (index, key) in names.enumerated() {
      let value = call[key] ?? (index < call.arguments.count ? call.arguments[index] : nil)
      if value == nil, key == "q", kind.hasSuffix("int") {
        numbers.append(1)
      } else if value == nil, kind.hasSuffix("randn"), key != "q" {
        numbers.append(key == "sd" ? 1 : 0)
      } else {
        guard let value else { throw node.fault("tune.\(kind) of \(what) has no '\(key)'; add it") }
        numbers.append(try value.looseNumber("'\(key)' of \(what)"))
      }
    }
    if kind.hasSuffix("randn") {
      var parameter = ForeignParameter(name, .float, at: node.location)
      parameter.prior = .normal(mean: numbers[0], deviation: numbers[1])
      if kind == "qrandn" { parameter.quantization = .init(q: numbers[2], rule: .nearest) }
      guard numbers[1] > 0 else { throw node.fault("the deviation of \(what) is not above 0") }
      return parameter
    }
    let isLog = kind.contains("log")
    if kind.hasSuffix("int") {
      let isQuantized = kind.hasPrefix("q")
      guard numbers.allSatisfy({ $0 == $0.rounded() }) else {
        throw node.fault("tune.\(kind) of \(what) needs whole numbers")
      }
      let high = isQuantized ? numbers[1] : numbers[1] - 1
      if !isQuantized { study.notes.append("\(what): tune.\(kind) ends before its upper bound") }
      return try ForeignParameter.int(
        name, numbers[0], high, log: isLog, step: isQuantized ? numbers[2] : 1, at: node.location
      ).checkingBounds(node, lowName: "lower", highName: "upper")
    }
    var parameter = ForeignParameter.float(
      name, numbers[0], numbers[1], log: isLog, at: node.location)
    if kind.hasPrefix("q") {
      guard numbers[2] > 0 else { throw node.fault("q of \(what) is not above 0") }
      for bound in numbers.prefix(2) {
        let count = bound / numbers[2]
        guard abs(count - count.rounded()) < 1e-6 else {
          throw node.fault(
            "\(what): the bound \(bound.brief) is no multiple of q \(numbers[2].brief), which Ray refuses"
          )
        }
      }
      parameter.step = numbers[2]
    }
    return try parameter.checkingBounds(node, lowName: "lower", highName: "upper")
  }
}
