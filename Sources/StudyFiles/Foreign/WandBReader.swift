internal import JSON
internal import System

/// Reads W&B sweeps as its engine `sweeps` 0.3 and the agent of `wandb` 0.31 do.
struct WandBReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy
  private var usesGrid = false

  private static let keys = [
    "method", "metric", "parameters", "program", "command", "name", "description", "run_cap",
    "early_terminate", "job", "scheduler",
  ]
  private static let cloudKeys = [
    "project", "entity", "controller", "image_uri", "imageuri", "image", "queue", "prior_runs",
    "settings", "resource", "resource_args", "tags", "template_variables",
  ]

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    var root = source.root
    if root["parameters"] == nil, let inner = root["config"], inner["parameters"] != nil {
      root = inner
      study.notes.append("the sweep stands under 'config'")
    }
    let keys = try ForeignKeys(
      root, in: "the sweep", known: Self.keys, elsewhere: Self.cloudKeys, unknown: .ignored)
    study.ignored = keys.ignored.filter { $0 != "controller" }
    study.name = try keys.text("name")
    study.trials = try keys.count("run_cap")
    let hasScheduler = try readScheduler(keys)
    try readMethod(keys, hasScheduler: hasScheduler)
    try readMetric(keys)
    let parameters = try keys.need("parameters")
    guard !(try parameters.entries("'parameters'", of: "names to distributions")).isEmpty else {
      throw parameters.fault("'parameters' is empty; give at least one parameter")
    }
    try readParameters(parameters, prefix: [])
    try readCommand(keys)
    if usesGrid {
      study.notes.append(
        "W&B takes the grid's points in the order of the sorted names; the order here is the "
          + "sampler's")
    }
    if let node = keys["early_terminate"] { try readEarlyTermination(node) }
    offerParameters()
    if study.trials == nil, study.method != "grid" {
      study.notes.append(
        "no run_cap: the sweep never ends by itself; it runs until it is interrupted, or give "
          + "--trials")
    }
    return study
  }

  private mutating func readScheduler(_ keys: ForeignKeys) throws(LocatedFault) -> Bool {
    guard let node = keys["scheduler"] else { return false }
    study.parallel = try node["num_workers"]?.looseCount("'num_workers' of 'scheduler'")
    if let pruner = node["settings"]?["pruner"], let type = pruner["type"]?.word {
      switch plainName(type) {
      case "percentilepruner":
        let percentile = try pruner["args"]?["percentile"]?.looseNumber("'percentile'") ?? 25
        let warmup = try pruner["args"]?["n_warmup_steps"]?.looseCount("'n_warmup_steps'", from: 0)
        study.pruner = "{name: percentile, percentile: \(percentile.brief)"
          + (warmup.map { ", warmup_steps: \($0)" } ?? "") + "}"
        study.earlyStopping = .object([
          .init("type", "percentile"), .init("percentile", percentile.json),
          .init("warmup", .integer(warmup ?? 0)),
        ])
      case "medianpruner":
        study.pruner = "median"
        study.earlyStopping = .object([.init("type", "median")])
      default:
        study.notes.append("the scheduler's pruner \(shortened(type)) is not taken over")
      }
    }
    study.notes.append(
      "the scheduler's own program chooses the points in W&B; Optuna's default, TPE, does here")
    return true
  }

  private mutating func readMethod(
    _ keys: ForeignKeys, hasScheduler: Bool
  ) throws(LocatedFault) {
    guard let node = keys["method"] else {
      guard hasScheduler else { throw keys.node.fault("there is no 'method'; give grid, random or bayes") }
      study.method = "tpe"
      return
    }
    let known = ["grid", "random", "bayes", "custom"]
    let method = try node.text("'method'")
    switch method {
    case "grid": (study.method, usesGrid) = ("grid", true)
    case "random": study.method = "random"
    case "bayes": study.method = "gp"
    case "custom": study.method = hasScheduler ? "tpe" : "auto"
    default:
      let advice =
        nearest(to: method, among: known)
        ?? (plainName(method).hasPrefix("bayes") ? "bayes" : nil)
      throw node.fault(
        "'method' is '\(shortened(method))'; "
          + (advice.map { "did you mean '\($0)'?" } ?? "give one of \(quotedList(known))"))
    }
    // What the tool calls bayes is a Gaussian process; the neutral form keeps the word.
    if method == "bayes" { study.methodWord = "bayes" }
  }

  private mutating func readMetric(_ keys: ForeignKeys) throws(LocatedFault) {
    guard let node = keys["metric"] else {
      guard keys["method"]?.word != "bayes" else {
        throw keys.node.fault("'method: bayes' needs a 'metric' with name and goal")
      }
      study.notes.append(
        "no metric: all points are run and none is called the best; give --metric to name one")
      return
    }
    let metric = try ForeignKeys(
      node, in: "'metric'", known: ["name", "goal", "target", "impute", "impute_while_running"])
    let name = try metric.need("name").text("'name' of 'metric'")
    var direction = "minimize"
    if let goal = metric["goal"] {
      let word = try goal.text("'goal' of 'metric'")
      if ["minimize", "maximize"].contains(word) {
        direction = word
      } else if let near = nearest(to: word, among: ["minimize", "maximize"]) {
        throw goal.fault(
          "'goal' is '\(shortened(word))', which W&B drops and then minimizes; did you mean "
            + "'\(near)'?")
      } else {
        study.suspicions.append(
          "'goal' is '\(shortened(word))', neither minimize nor maximize: W&B drops it and "
            + "minimizes \(shortened(name)); write the goal that is meant")
      }
    }
    study.metrics = [.init(name: name, direction: direction)]
    study.reduction = "best"
    study.target = try metric.number("target")
    if study.target != nil { study.notes.append("metric.target ends the study once it is reached") }
    for key in ["impute", "impute_while_running"] where metric[key] != nil {
      study.notes.append("metric.\(key) has no equivalent and is left out")
    }
  }

  // MARK: Parameters

  private mutating func readParameters(
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
  private func checkForMisplaced(
    _ entry: YAMLNode.Entry, _ name: String
  ) throws(LocatedFault) {
    let own = ["value", "values", "distribution", "min", "max"]
    guard let holder = entry.value.members.first(where: { own.contains($0.key) }) else { return }
    for inner in entry.value.members where inner.value.isMapping && inner.key != "value" {
      guard inner.key == "parameters" || inner.value.members.contains(where: { own.contains($0.key) })
      else { continue }
      throw LocatedFault(
        location: inner.keyLocation,
        problem: "'\(shortened(inner.key))' stands inside the parameter '\(shortened(name))', which "
          + "has '\(holder.key)'; indent it less to make it a parameter of its own")
    }
  }

  private static let distributions: [String: [String]] = [
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

  private mutating func parameter(
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
        problem: "\(what) has '\(key)', which distribution '\(distribution)' does not take; it takes "
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
      guard let node = value ?? entry.value.members.first(where: { $0.key == "value" })?.value else {
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

  private func distribution(_ keys: ForeignKeys, _ what: String) throws(LocatedFault) -> String {
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

  private func checkGrid(
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

  private func categorical(
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
      guard value >= 0 else { throw element.fault("\(what) has the probability \(value.brief); give 0 or more") }
      all.append(value)
    }
    guard all.count == count else {
      throw node.fault("\(what) has \(all.count) probabilities for \(count) values; give one for each")
    }
    let sum = all.reduce(0, +)
    guard abs(sum - 1) < 1e-6 else {
      throw node.fault(
        "the probabilities of \(what) add up to \(ForeignParameter.clean(sum).brief); make it 1")
    }
    return all
  }

  private mutating func withPrior(
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
        "\(what): \(distribution) has no bounds; values lie within four deviations of the mean here")
      parameter.prior =
        distribution.hasSuffix("log_normal")
        ? .logNormal(mean: mean, deviation: deviation) : .normal(mean: mean, deviation: deviation)
    }
    if distribution.hasPrefix("q_") { try quantize(&parameter, keys, what, withStep: false) }
    return parameter
  }

  /// Adds the rounding to multiples of q, which is 1.0 unless given; an int only when q is spelled
  /// as one.
  private mutating func quantize(
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

  private mutating func range(
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
        throw lowNode.fault("\(what): e to the power of its bounds is no number that a double holds")
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
            "\(what): multiples of \(q.brief) count from 0, so that values outside min and max occur")
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

  // MARK: Command and pruner

  private mutating func readCommand(_ keys: ForeignKeys) throws(LocatedFault) {
    let program = try keys.text("program")
    guard let node = keys["command"] else {
      if let program {
        study.command = ForeignCommand(
          words: ForeignCommand.words(["/usr/bin/env", "python", program]) + [[.arguments("")]])
      } else if let job = keys["job"]?.word {
        study.notes.append(
          "the job '\(shortened(job))' is an artifact of W&B Launch; give the command behind '--'")
      }
      return
    }
    var texts: [String] = []
    if node.isList {
      for element in node.elements {
        texts.append(try element.scalar("a word of 'command'", as: "a text").text)
      }
      for text in texts where text.hasPrefix("-") && text.contains(" -") {
        study.notes.append(
          "'\(shortened(text))' is one word of the command and reaches the program as one argument")
      }
    } else {
      let text = try node.text("'command'")
      guard let words = ShellWords.split(text) else {
        throw node.fault("'command' has a quote that is not closed; give a list of words")
      }
      texts = words
      study.notes.append(
        "'command' is one text, for which the agent runs its default command; it is split into "
          + "words here")
    }
    let names = Set(study.parameters.map(\.name))
    var words: [ForeignCommand.Word] = []
    for text in texts {
      if let macro = Self.macro(text) {
        if let word = try word(of: macro, program, names) {
          words.append(word)
        } else {
          study.notes.append("the macro ${\(shortened(macro))} is unknown and vanishes")
        }
        continue
      }
      words.append(
        try ForeignCommand.pieces(of: text, open: "${", close: "}") {
          (inside) throws(LocatedFault) -> ForeignCommand.Word? in
          if inside.hasPrefix("envvar:") { return [.variable(String(inside.dropFirst(7)))] }
          return names.contains(inside) ? [.parameter(inside)] : nil
        })
    }
    study.command = ForeignCommand(words: words)
  }

  /// Gives the program its parameters in the way in which `wandb.init` finds those of a sweep.
  private mutating func offerParameters() {
    study.files = [("wandb-sweep.yaml", "{args:values}")]
    study.environment += [
      ("WANDB_SWEEP_PARAM_PATH", [.folder, .literal("/wandb-sweep.yaml")]),
      ("WANDB_SWEEP_ID", [.literal("needletail")]), ("WANDB_MODE", [.literal("offline")]),
      ("WANDB_DIR", [.folder]), ("WANDB_SILENT", [.literal("true")]),
    ]
    study.standIn = .wandb
    study.stepNames = ["_step"]
    study.notes.append(
      "a stand-in takes the place of the module wandb: wandb.config has the parameters, and what "
        + "wandb.log gets is read here while the program runs; without 'stand_in' the module itself "
        + "runs, offline, and the program has to print its metric")
  }

  /// The inside of a word that is nothing but a macro.
  private static func macro(_ text: String) -> String? {
    guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
    let inside = text.dropFirst(2).dropLast()
    return inside.contains("}") || inside.contains("{") ? nil : String(inside)
  }

  private func word(
    of macro: String, _ program: String?, _ names: Set<String>
  ) throws(LocatedFault) -> ForeignCommand.Word? {
    switch macro {
    case "env": return [.literal("/usr/bin/env")]
    case "interpreter": return [.literal("python")]
    case "program": return program.map { [.literal($0)] } ?? [.program]
    case "args": return [.arguments("")]
    case "args_no_equals": return [.arguments("space")]
    case "args_no_hyphens": return [.arguments("bare")]
    case "args_append_hydra": return [.arguments("+")]
    case "args_override_hydra": return [.arguments("++")]
    case "args_no_boolean_flags": return [.arguments("flags")]
    case "args_json": return [.arguments("json")]
    case "args_json_file": return [.arguments("jsonfile")]
    default: break
    }
    if macro.hasPrefix("envvar:") { return [.variable(String(macro.dropFirst(7)))] }
    return names.contains(macro) ? [.parameter(macro)] : nil
  }

  private mutating func readEarlyTermination(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'early_terminate'",
      known: ["type", "min_iter", "max_iter", "s", "eta", "strict"])
    let type = try keys.need("type").text("'type' of 'early_terminate'")
    guard type == "hyperband" else {
      throw try keys.need("type").fault(
        "'type' of 'early_terminate' is '\(shortened(type))'; W&B knows only 'hyperband'")
    }
    let eta = try keys.number("eta") ?? 3
    guard eta > 1 else { throw node.fault("'eta' is \(eta.brief); give a number above 1") }
    var members: [JSONValue.Member] = [
      .init("type", "hyperband"), .init("stop_only", true),
    ]
    let first: Int
    if let most = try keys.number("max_iter") {
      let count = try keys.count("s") ?? 1
      var bands: [Int] = []
      var band = most
      for _ in 0..<min(count, 100) {
        band /= eta
        guard band >= 1 else { break }
        bands.insert(Int(band), at: 0)
      }
      guard let least = bands.first else {
        throw node.fault("max_iter \(most.brief) has no band of at least 1; give a larger one")
      }
      members.append(.init("rungs", .array(bands.map(JSONValue.integer))))
      first = least
    } else if let least = try keys.count("min_iter") {
      members.append(.init("rungs", .string("\(least)*\(eta.brief)^k")))
      members.append(.init("min_iter", .integer(least)))
      first = least
    } else {
      throw node.fault("'early_terminate' needs 'min_iter', or 'max_iter' and 's'")
    }
    members += [
      .init("eta", eta.json), .init("strict", .bool(try keys.flag("strict") ?? true)),
      .init("counts", "logged values of the metric, not the step"),
    ]
    study.earlyStopping = .object(members)
    study.pruner = "{name: asha, min_resource: \(first), reduction_factor: \(max(2, Int(eta.bounded)))}"
    study.notes.append(
      "hyperband stops runs at bands of logged values; successive halving (asha) does here, from "
        + "\(first) reports on")
  }
}
