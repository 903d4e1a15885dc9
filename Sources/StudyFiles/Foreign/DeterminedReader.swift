internal import JSON
internal import System

/// Reads Determined experiments (0.38).
struct DeterminedReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy
  private var usesGrid = false

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let keys = try ForeignKeys(
      source.root, in: "the experiment",
      known: [
        "name", "description", "searcher", "hyperparameters", "entrypoint", "environment",
        "max_restarts", "reproducibility", "optimizations",
      ],
      elsewhere: [
        "resources", "bind_mounts", "checkpoint_storage", "checkpoint_policy", "labels", "debug",
        "project", "workspace", "profiling", "data", "data_layer", "min_validation_period",
        "min_checkpoint_period", "records_per_epoch", "scheduling_unit",
        "perform_initial_validation",
        "tensorboard_storage", "log_policies", "slurm", "pbs", "security", "integrations",
        "internal", "config_file", "retention_policy", "preemption_timeout",
      ], unknown: .ignored)
    study.ignored = keys.ignored
    study.name = try keys.text("name", "description")
    try readSearcher(try keys.need("searcher"))
    for entry in try keys.need("hyperparameters").entries(
      "'hyperparameters'", of: "names to values")
    {
      try readParameter(entry, [])
    }
    if usesGrid { try finishGrid() }
    study.retries = try keys.count("max_restarts", from: 0)
    if study.retries == nil {
      study.notes.append("max_restarts is left out: Determined tries 5 times more")
    }
    study.seed = try keys["reproducibility"]?["experiment_seed"]?.looseCount("the seed", from: 0)
    try readEnvironment(keys["environment"])
    try readEntrypoint(keys["entrypoint"])
    study.environment.append(("DET_HPARAMS", [.arguments("nested")]))
    study.notes.append(
      "the program finds its hyperparameters in DET_HPARAMS (JSON) and NEEDLETAIL_PARAMS")
    let number = #"(?<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"#
    study.expressions = [
      #"report_validation_metrics\(steps_completed=(?<step>\d+), metrics=\{.*?'(?<name>[^']+)': "#
        + number,
      #"(?<name>[\w./:-]+)\s*=\s*"# + number,
    ]
    study.metricStream = "both"
    return study
  }

  private mutating func readSearcher(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'searcher'",
      known: [
        "name", "metric", "smaller_is_better", "max_trials", "max_concurrent_trials", "max_length",
        "time_metric", "max_time", "divisor", "max_rungs", "num_rungs", "mode", "stop_once",
        "bracket_rungs", "source_trial_id", "source_checkpoint_uuid", "source_experiment_id",
        "train_stragglers", "budget",
      ], unknown: .ignored)
    study.ignored += keys.ignored
    let nameNode = try keys.need("name")
    let name = try nameNode.text("'name' of 'searcher'")
    let metric = try keys.text("metric") ?? "validation_loss"
    let isSmaller = try keys.flag("smaller_is_better") ?? true
    study.metrics = [.init(name: metric, direction: isSmaller ? "minimize" : "maximize")]
    let concurrent = try keys.count("max_concurrent_trials", from: 0)
    study.parallel = concurrent == 0 ? nil : concurrent ?? 16
    switch name {
    case "single":
      study.method = "random"
      (study.trials, study.parallel) = (1, 1)
      study.notes.append("searcher single runs one trial, with a random draw of what is a range")
    case "random":
      study.method = "random"
      study.trials = try keys.need("max_trials").looseCount("'max_trials'")
    case "grid": (study.method, usesGrid) = ("grid", true)
    case "adaptive_asha", "async_halving", "asha", "sync_halving", "adaptive", "adaptive_simple":
      study.method = "random"
      study.trials = try keys.need("max_trials").looseCount("'max_trials'")
      try readHalving(keys, name)
    default:
      let known = ["single", "random", "grid", "adaptive_asha", "async_halving"]
      let advice =
        nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw nameNode.fault("'name' of 'searcher' is '\(shortened(name))'; \(advice)")
    }
    if concurrent == nil, study.parallel == 16 {
      study.notes.append("max_concurrent_trials is left out: Determined runs 16 at a time")
    }
    if keys["max_length"] != nil {
      study.notes.append("max_length is for the program to keep; it is not enforced here")
    }
  }

  private mutating func readHalving(_ keys: ForeignKeys, _ name: String) throws(LocatedFault) {
    let divisor = try keys.number("divisor") ?? 4
    let mode = try keys.text("mode") ?? "standard"
    guard ["aggressive", "standard", "conservative"].contains(mode) else {
      throw try keys.need("mode").fault(
        "'mode' is '\(shortened(mode))'; give aggressive, standard or conservative")
    }
    let rungs = try keys.count("num_rungs", "max_rungs") ?? 5
    var most = try keys.number("max_time")
    var metric = try keys.text("time_metric")
    if most == nil, let length = keys["max_length"] {
      if let entry = length.members.first {
        (most, metric) = (try entry.value.looseNumber("'max_length'"), entry.key)
      } else {
        most = try length.looseNumber("'max_length'")
      }
    }
    var members: [JSONValue.Member] = [
      .init("type", "asha"), .init("stop_only", true), .init("mode", .string(mode)),
      .init("divisor", divisor.json), .init("max_rungs", .integer(rungs)),
    ]
    if let most { members.append(.init("max_time", most.json)) }
    if let metric { members.append(.init("time_metric", .string(metric))) }
    study.earlyStopping = .object(members)
    let factor = max(2, Int(clamped: divisor))
    var least = 1.0
    if let most {
      least = most
      for _ in 1..<max(2, min(rungs, 60)) { least /= Double(factor) }
    }
    let resource = max(1, Int(clamped: least))
    if name == "adaptive_asha", mode != "aggressive", let most {
      study.pruner =
        "{name: hyperband, min_resource: \(resource), max_resource: \(max(1, Int(clamped: most))), "
        + "reduction_factor: \(factor)}"
    } else {
      var ends: [Int] = []
      var end = most ?? 0
      for _ in 1..<max(2, min(rungs, 60)) {
        end /= Double(factor)
        guard end >= 1 else { break }
        ends.insert(Int(clamped: end), at: 0)
      }
      let levels =
        ends.isEmpty
        ? "min_resource: \(resource)"
        : "rungs: [\(ends.map(String.init).joined(separator: ", "))]"
      study.pruner = "{name: asha, \(levels), reduction_factor: \(factor)}"
    }
    study.notes.append(
      "\(name) stops trials at rungs of \(metric ?? "its time metric"); report that as the step")
  }

  // MARK: Hyperparameters

  private mutating func readParameter(_ entry: YAMLNode.Entry, _ prefix: [String])
    throws(LocatedFault)
  {
    let path = prefix + [entry.key]
    let name = path.joined(separator: ".")
    let what = "hyperparameter '\(shortened(name))'"
    let place = entry.keyLocation
    guard entry.value.isMapping, !entry.value.members.isEmpty else {
      add(.constant(name, of: entry.value, source, at: place), path)
      return
    }
    guard let typeNode = entry.value["type"], typeNode.word != nil else {
      for inner in entry.value.members { try readParameter(inner, path) }
      return
    }
    let type = try typeNode.text("'type' of \(what)")
    switch type {
    case "const":
      guard let value = entry.value.members.first(where: { $0.key == "val" })?.value else {
        throw entry.value.fault("\(what) is const without 'val'; add it")
      }
      add(.constant(name, of: value, source, at: place), path)
    case "categorical":
      let keys = try ForeignKeys(entry.value, in: what, known: ["type", "vals"])
      let elements = try keys.need("vals").list("'vals' of \(what)")
      guard !elements.isEmpty else { throw entry.value.fault("'vals' of \(what) is empty") }
      add(.categorical(name, of: elements, source, at: place), path)
    case "int", "double", "log":
      let keys = try ForeignKeys(
        entry.value, in: what, known: ["type", "minval", "maxval", "base", "count"])
      let first = try keys.need("minval").looseNumber("'minval' of \(what)")
      let last = try keys.need("maxval").looseNumber("'maxval' of \(what)")
      guard first < last || (first == last && type == "int") else {
        throw try keys.need("minval").fault(
          "\(what) has minval \(first.brief) not below maxval \(last.brief)")
      }
      var parameter: ForeignParameter = .float(name, first, last, at: place)
      if type == "int" {
        guard first == first.rounded(), last == last.rounded() else {
          throw try keys.need("minval").fault("\(what) is int and needs whole bounds")
        }
        parameter = .int(name, first, last, at: place)
      }
      var base = 10.0
      if type == "log" {
        guard let node = keys["base"] else {
          throw entry.value.fault("\(what) is log without 'base'; add 'base: 10'")
        }
        base = try node.looseNumber("'base' of \(what)")
        guard base > 0, base != 1 else {
          throw node.fault("'base' of \(what) is \(base.brief); give 10")
        }
        let (low, high) = (power(base, first), power(base, last))
        guard min(low, high) > 0, max(low, high).isFinite else {
          throw entry.value.fault("\(what) has exponents that no double holds")
        }
        (parameter.low, parameter.high) = (min(low, high), max(low, high))
        parameter.isLog = true
        study.notes.append("\(what): minval and maxval are exponents of \(base.brief)")
      }
      if let count = try keys.count("count") {
        guard let values = ForeignParameter.divided(first, last, into: count) else {
          throw try keys.need("count").fault("'count' of \(what) is above a thousand")
        }
        if usesGrid {
          switch type {
          case "log": parameter.values = values.map { ForeignParameter.clean(power(base, $0)) }
          case "int":
            var whole: [Double] = []
            for value in values.map({ $0.rounded() }) where whole.last != value {
              whole.append(value)
            }
            parameter.values = whole
          default: parameter.values = values
          }
        }
      } else if usesGrid {
        throw entry.value.fault("\(what) has no 'count', which a grid needs; add it")
      }
      add(parameter, path)
    default:
      // A mapping with a key of that name, unless it looks like a range.
      guard entry.value["minval"] == nil, entry.value["vals"] == nil, entry.value["val"] == nil
      else {
        let known = ["const", "categorical", "int", "double", "log"]
        let advice =
          nearest(to: type, among: known) ?? (plainName(type) == "float" ? "double" : nil)
        throw typeNode.fault(
          "'type' of \(what) is '\(shortened(type))'; "
            + (advice.map { "did you mean '\($0)'?" } ?? "give one of \(quotedList(known))"))
      }
      for inner in entry.value.members { try readParameter(inner, path) }
    }
  }

  private func power(_ base: Double, _ exponent: Double) -> Double {
    if base == 10, exponent == exponent.rounded(), exponent.magnitude < 300 {
      return Double("1e\(Int(clamped: exponent))") ?? pow(base, exponent)
    }
    return pow(base, exponent)
  }

  private mutating func add(_ parameter: ForeignParameter, _ path: [String]) {
    var parameter = parameter
    if path.count > 1 { parameter.nested = path }
    study.parameters.append(parameter)
  }

  /// The number of points is the budget.
  private mutating func finishGrid() throws(LocatedFault) {
    var count = 1
    for parameter in study.parameters where parameter.kind != .constant {
      let (product, isTooMany) = count.multipliedReportingOverflow(
        by: parameter.values?.count ?? parameter.choices.count)
      guard !isTooMany, product <= 1 << 40 else {
        throw source.fault("the grid has more than 2^40 points; make it smaller")
      }
      count = product
    }
    study.trials = count
  }

  // MARK: Command

  private mutating func readEnvironment(_ node: YAMLNode?) throws(LocatedFault) {
    let image = node?["image"]
    study.image = image?.word ?? image?["cpu"]?.word ?? image?["gpu"]?.word
    guard let variables = node?["environment_variables"] else { return }
    for element in variables.elements {
      if let word = element.word, let equals = word.firstIndex(of: "=") {
        study.environment.append(
          (String(word[..<equals]), [.literal(String(word[word.index(after: equals)...]))]))
      }
      for entry in element.members {
        for value in entry.value.elements {
          guard let word = value.word, let equals = word.firstIndex(of: "=") else { continue }
          study.environment.append(
            (String(word[..<equals]), [.literal(String(word[word.index(after: equals)...]))]))
        }
      }
    }
  }

  private mutating func readEntrypoint(_ node: YAMLNode?) throws(LocatedFault) {
    guard let node else {
      study.notes.append("there is no entrypoint; give the command behind '--'")
      return
    }
    var texts: [String]
    if node.isList {
      texts = []
      for element in node.elements {
        texts.append(try element.scalar("a word of 'entrypoint'", as: "a text").text)
      }
    } else {
      let text = try node.text("'entrypoint'").trimmed
      if !text.contains(where: \.isWhitespace), text.contains(":"), !text.contains("/") {
        study.notes.append(
          "the entrypoint \(shortened(text)) is a Python class, which cannot run here; give a "
            + "command behind '--'")
        return
      }
      guard let words = ForeignCommand.split(text, open: "${{", close: "}}") else {
        study.command = ForeignCommand(words: [[.literal(text)]], usesShell: true)
        return
      }
      texts = words
    }
    if texts.contains(where: { $0.hasPrefix("determined.launch.") }) {
      study.notes.append(
        "the launch layer determined.launch needs Determined; without it, run the program behind it"
      )
    }
    study.command = ForeignCommand(words: ForeignCommand.words(texts))
  }
}
