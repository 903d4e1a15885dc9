internal import JSON
internal import System

/// Reads W&B sweeps as its engine `sweeps` 0.3 and the agent of `wandb` 0.31 do.
struct WandBReader: ForeignReader {
  let source: ForeignSource
  var study: ForeignStudy
  var usesGrid = false

  static let keys = [
    "method", "metric", "parameters", "program", "command", "name", "description", "run_cap",
    "early_terminate", "job", "scheduler",
  ]
  static let cloudKeys = [
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
    if let node = keys["early_terminate"] { try readEarlyTermination(node) }
    offerParameters()
    if study.trials == nil, study.method != "grid" {
      study.notes.append(
        "no run_cap: the sweep never ends by itself; it runs until it is interrupted, or give "
          + "--trials")
    }
    return study
  }

  mutating func readScheduler(_ keys: ForeignKeys) throws(LocatedFault) -> Bool {
    guard let node = keys["scheduler"] else { return false }
    study.parallel = try node["num_workers"]?.looseCount("'num_workers' of 'scheduler'")
    if let pruner = node["settings"]?["pruner"], let type = pruner["type"]?.word {
      switch plainName(type) {
      case "percentilepruner":
        let percentile = try pruner["args"]?["percentile"]?.looseNumber("'percentile'") ?? 25
        let warmup = try pruner["args"]?["n_warmup_steps"]?.looseCount("'n_warmup_steps'", from: 0)
        study.pruner =
          "{name: percentile, percentile: \(percentile.brief)"
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

  mutating func readMethod(
    _ keys: ForeignKeys, hasScheduler: Bool
  ) throws(LocatedFault) {
    guard let node = keys["method"] else {
      guard hasScheduler else {
        throw keys.node.fault("there is no 'method'; give grid, random or bayes")
      }
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

  mutating func readMetric(_ keys: ForeignKeys) throws(LocatedFault) {
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

  // MARK: Command and pruner

  mutating func readCommand(_ keys: ForeignKeys) throws(LocatedFault) {
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
  mutating func offerParameters() {
    study.files = [("wandb-sweep.yaml", "{args:values}")]
    study.environment += [
      ("WANDB_SWEEP_PARAM_PATH", [.folder, .literal("/wandb-sweep.yaml")]),
      ("WANDB_SWEEP_ID", [.literal("needletail")]), ("WANDB_MODE", [.literal("offline")]),
      ("WANDB_DIR", [.folder]), ("WANDB_SILENT", [.literal("true")]),
    ]
    study.stepNames = ["_step"]
  }

  /// The inside of a word that is nothing but a macro.
  static func macro(_ text: String) -> String? {
    guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
    let inside = text.dropFirst(2).dropLast()
    return inside.contains("}") || inside.contains("{") ? nil : String(inside)
  }

  func word(
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

  mutating func readEarlyTermination(_ node: YAMLNode) throws(LocatedFault) {
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
    let rungs: String
    if let most = try keys.number("max_iter") {
      let count = try keys.count("s") ?? 1
      var bands: [Int] = []
      var band = most
      for _ in 0..<min(count, 100) {
        band /= eta
        guard band >= 1 else { break }
        bands.insert(Int(clamped: band), at: 0)
      }
      guard !bands.isEmpty else {
        throw node.fault("max_iter \(most.brief) has no band of at least 1; give a larger one")
      }
      members.append(.init("rungs", .array(bands.map(JSONValue.integer))))
      rungs = "rungs: [\(bands.map(String.init).joined(separator: ", "))]"
    } else if let least = try keys.count("min_iter") {
      members.append(.init("rungs", .string("\(least)*\(eta.brief)^k")))
      members.append(.init("min_iter", .integer(least)))
      rungs = "min_resource: \(least)"
    } else {
      throw node.fault("'early_terminate' needs 'min_iter', or 'max_iter' and 's'")
    }
    members += [
      .init("eta", eta.json), .init("strict", .bool(try keys.flag("strict") ?? true)),
      .init("counts", "logged values of the metric, not the step"),
    ]
    study.earlyStopping = .object(members)
    study.pruner =
      "{name: asha, \(rungs), resource: reports, reduction_factor: \(max(2, Int(clamped: eta)))}"
    study.notes.append(
      "hyperband stops runs at bands of logged values; successive halving (asha) at the same "
        + "numbers of reports does here")
  }
}
