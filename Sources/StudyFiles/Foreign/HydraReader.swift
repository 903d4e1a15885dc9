internal import JSON
internal import System

/// Reads Hydra configurations with a sweeper: basic, Optuna (the released plugin), Ax, Nevergrad;
/// and multirun command lines.
struct HydraReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  private enum Sweeper { case basic, optuna, ax, nevergrad }
  private var sweeper = Sweeper.basic
  private var sampler = "tpe"

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    if source.root.members.isEmpty { return try readCommandLine() }
    let root = source.root
    guard let node = root["hydra"]?["sweeper"] ?? root["hydra/sweeper"] ?? root["sweeper"] else {
      throw root.fault("there is no 'hydra.sweeper'; add it")
    }
    findSweeper(root, node)
    var known = ["_target_", "params", "max_batch_size"]
    switch sweeper {
    case .basic: known += ["defaults"]
    case .optuna:
      known += [
        "sampler", "direction", "storage", "study_name", "n_trials", "n_jobs", "search_space",
        "custom_search_space", "max_failure_rate", "defaults",
      ]
    case .ax: known += ["ax_config", "defaults"]
    case .nevergrad: known += ["optim", "parametrization", "version", "defaults"]
    }
    let keys = try ForeignKeys(node, in: "'hydra.sweeper'", known: known)
    switch sweeper {
    case .basic: study.method = "grid"
    case .optuna: try readOptuna(keys)
    case .ax: try readAx(keys)
    case .nevergrad: try readNevergrad(keys)
    }
    let space = keys["params"] ?? keys["search_space"] ?? (keys["ax_config"]?["params"])
    if keys["params"] == nil, keys["search_space"] != nil {
      study.notes.append("search_space is the old spelling of params")
    }
    for entry in space?.members ?? [] { try readParameter(entry) }
    guard !study.parameters.isEmpty else {
      throw node.fault("the sweeper has no 'params'; give the values to try")
    }
    if sweeper != .basic {
      if study.metrics.isEmpty { study.metrics = [.init(name: "value", direction: "minimize")] }
      if let hint = root["optimized_metric"]?.word, study.metrics.count == 1 {
        study.metrics = [.init(name: hint, direction: study.metrics[0].direction)]
      }
    } else {
      study.notes.append("no metric: all combinations are run; name one with --metric")
    }
    study.command = ForeignCommand(
      words: [[.program]]
        + study.parameters.map { [.literal("\($0.name)="), .parameter($0.name)] })
    study.notes.append("the file does not name the program; give it behind '--'")
    return study
  }

  private mutating func findSweeper(_ root: YAMLNode, _ node: YAMLNode) {
    for entry in root["defaults"]?.elements ?? [] {
      for member in entry.members {
        let key = member.key.components(separatedBy: "override ").last ?? member.key
        let path = key.trimmed.hasPrefix("/") ? String(key.trimmed.dropFirst()) : key.trimmed
        guard let value = member.value.word else { continue }
        if path == "hydra/sweeper" {
          switch value {
          case "optuna": sweeper = .optuna
          case "ax": sweeper = .ax
          case "nevergrad": sweeper = .nevergrad
          default: break
          }
        } else if path == "hydra/sweeper/sampler" {
          sampler = value
        }
      }
    }
    let target = (node["_target_"]?.word ?? "").lowercased()
    if target.contains("optuna") { sweeper = .optuna }
    if target.contains("ax_sweeper") { sweeper = .ax }
    if target.contains("nevergrad") { sweeper = .nevergrad }
    if sweeper == .basic {
      if node["n_trials"] != nil || node["search_space"] != nil || node["study_name"] != nil {
        sweeper = .optuna
      } else if node["ax_config"] != nil {
        sweeper = .ax
      } else if node["optim"] != nil {
        sweeper = .nevergrad
      }
    }
    if let name = node["sampler"]?["_target_"]?.word?.split(separator: ".").last {
      sampler = String(name)
    }
  }

  private mutating func readOptuna(_ keys: ForeignKeys) throws(LocatedFault) {
    if let node = keys["custom_search_space"] {
      throw node.fault(
        "'custom_search_space' \(shortened(node.word ?? "")) is Python code, which is not run; let "
          + "the program suggest its parameters instead")
    }
    study.trials = try keys.count("n_trials") ?? 20
    let jobs = try keys.count("n_jobs", from: -1) ?? 2
    study.parallel = jobs > 0 ? jobs : nil
    study.name = try keys.text("study_name")
    study.mostFailedShare = try keys.number("max_failure_rate")
    let directions = keys["direction"]?.elements ?? []
    for (index, node) in directions.enumerated() {
      let word = try node.text("'direction'")
      guard ["minimize", "maximize"].contains(word) else {
        throw node.fault("'direction' is '\(shortened(word))'; give minimize or maximize")
      }
      study.metrics.append(
        .init(name: directions.count == 1 ? "value" : "value_\(index)", direction: word))
    }
    let methods = [
      "tpe": "tpe", "tpesampler": "tpe", "random": "random", "randomsampler": "random",
      "cmaes": "cmaes", "cmaessampler": "cmaes", "nsgaii": "nsga2", "nsgaiisampler": "nsga2",
      "motpe": "tpe", "motpesampler": "tpe", "grid": "grid", "gridsampler": "grid",
      "qmc": "sobol", "qmcsampler": "sobol", "gp": "gp", "gpsampler": "gp",
      "bruteforcesampler": "grid",
    ]
    guard let method = methods[plainName(sampler)] else {
      let known = ["tpe", "random", "cmaes", "nsgaii", "motpe", "grid"]
      throw (keys["sampler"] ?? keys.node).fault(
        "the sampler '\(shortened(sampler))' is unknown; known are \(quotedList(known))")
    }
    study.method = method
    guard let node = keys["sampler"] else { return }
    study.seed = try node["seed"]?.looseCount("'seed'", from: 0)
    if let count = node["n_startup_trials"], ["tpe", "gp", "cmaes"].contains(method) {
      study.samplerOptions.append(
        ("startup_trials", .integer(try count.looseCount("'n_startup_trials'", from: 0))))
    }
    if let flag = node["multivariate"], method == "tpe" {
      study.samplerOptions.append(("multivariate", .bool(try flag.flag("'multivariate'"))))
    }
  }

  private mutating func readAx(_ keys: ForeignKeys) throws(LocatedFault) {
    study.method = "gp"
    let config = keys["ax_config"]
    study.trials = try config?["max_trials"]?.looseCount("'max_trials'") ?? 10
    let experiment = config?["experiment"]
    let isMinimized = try experiment?["minimize"]?.flag("'minimize'") ?? true
    study.metrics = [
      .init(
        name: experiment?["objective_name"]?.word ?? "value",
        direction: isMinimized ? "minimize" : "maximize")
    ]
    study.seed = try config?["client"]?["random_seed"]?.looseCount("'random_seed'", from: 0)
    if config?["early_stop"] != nil {
      study.mostWithoutProgress =
        try config?["early_stop"]?["max_epochs_without_improvement"]?.looseCount("'early_stop'")
    }
  }

  private mutating func readNevergrad(_ keys: ForeignKeys) throws(LocatedFault) {
    study.method = "auto"
    let optim = keys["optim"]
    study.trials = try optim?["budget"]?.looseCount("'budget'") ?? 80
    study.parallel = try optim?["num_workers"]?.looseCount("'num_workers'") ?? 10
    study.seed = try optim?["seed"]?.looseCount("'seed'", from: 0)
    let isMaximized = try optim?["maximize"]?.flag("'maximize'") ?? false
    study.metrics = [.init(name: "value", direction: isMaximized ? "maximize" : "minimize")]
    study.notes.append(
      "the optimizer \(shortened(optim?["optimizer"]?.word ?? "OnePlusOne")) has no equivalent; auto "
        + "chooses a sampler in its place")
  }

  // MARK: Parameters

  private mutating func readParameter(_ entry: YAMLNode.Entry) throws(LocatedFault) {
    let name = entry.key
    let place = entry.value.location
    if entry.value.isMapping {
      study.parameters.append(try bounded(entry))
      return
    }
    if entry.value.isList {
      study.parameters.append(.categorical(name, of: entry.value.elements, source, at: place))
      return
    }
    guard let text = entry.value.spelling, !entry.value.isNull else {
      study.parameters.append(.constant(name, .null, at: place))
      return
    }
    let value = try HydraGrammar.value(text, of: name, at: place)
    if sweeper == .basic {
      let parameter = try value.basic(name, at: place)
      study.parameters.append(parameter)
      return
    }
    study.parameters.append(try optimized(value, name, [], at: place))
  }

  private mutating func optimized(
    _ value: HydraValue, _ name: String, _ tags: [String], at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    switch value {
    case .tagged(let more, let inner):
      return try optimized(inner, name, tags + more, at: place)
    case .single, .choices, .glob: return try value.basic(name, at: place)
    case .range(let start, let stop, let step, let isWhole, let isShuffled):
      if isShuffled { return try value.basic(name, at: place) }
      guard start < stop, step > 0 else {
        throw LocatedFault(
          location: place,
          problem: "'\(shortened(name))' is a range without values; exchange its ends")
      }
      let isLog = tags.contains("log")
      var parameter: ForeignParameter =
        isWhole
        ? .int(name, start, stop, log: isLog, step: step, at: place)
        : .float(name, start, stop, log: isLog, step: isLog ? nil : step, at: place)
      if study.method == "grid" {
        // The plugin's grid leaves the last value out.
        let count = ((stop - start) / step + 1e-9).rounded(.down)
        if count < 1_000 {
          parameter.values = (0..<Int(clamped: count)).map {
            ForeignParameter.clean(start + Double($0) * step)
          }
          study.notes.append(
            "'\(shortened(name))': the grid sampler leaves the last value of a range out")
        }
      }
      return parameter
    case .interval(let low, let high, let isWhole):
      let isLog = tags.contains("log")
      guard !isLog || low > 0 else {
        throw LocatedFault(
          location: place,
          problem: "'\(shortened(name))' is logarithmic and needs a low end above 0")
      }
      if isWhole == nil, low == low.rounded(), high == high.rounded(), sweeper == .optuna {
        study.notes.append(
          "'\(shortened(name))': interval(\(low.brief), \(high.brief)) is a float, as in the released "
            + "plugin; write int(interval(…)) for whole numbers")
      }
      return isWhole == true
        ? .int(name, low.rounded(.up), high.rounded(.down), log: isLog, at: place)
        : .float(name, low, high, log: isLog, at: place)
    }
  }

  /// A parameter as a mapping: Optuna's old search space, Ax, or Nevergrad's scalars.
  private mutating func bounded(_ entry: YAMLNode.Entry) throws(LocatedFault) -> ForeignParameter {
    let name = entry.key
    let what = "parameter '\(shortened(name))'"
    let node = entry.value
    let place = entry.keyLocation
    switch sweeper {
    case .ax:
      let keys = try ForeignKeys(
        node, in: what,
        known: [
          "type", "bounds", "values", "value", "value_type", "log_scale", "is_ordered",
          "is_fidelity", "target_value",
        ])
      switch try keys.text("type") {
      case "range":
        let bounds = try keys.need("bounds").list("'bounds' of \(what)")
        guard bounds.count == 2 else { throw node.fault("'bounds' of \(what) needs two numbers") }
        let (low, high) = (
          try bounds[0].looseNumber("a bound of \(what)"),
          try bounds[1].looseNumber("a bound of \(what)")
        )
        let isLog = try keys.flag("log_scale") ?? false
        let isWhole =
          try keys.text("value_type").map { $0 == "int" }
          ?? (bounds[0].isSpelledWhole && bounds[1].isSpelledWhole)
        return try
          (isWhole
          ? ForeignParameter.int(name, low, high, log: isLog, at: place)
          : ForeignParameter.float(name, low, high, log: isLog, at: place)).checkingBounds(node)
      case "choice":
        return .categorical(
          name, of: try keys.need("values").list("'values' of \(what)"), source,
          ordered: try keys.flag("is_ordered") ?? false, at: place)
      case "fixed": return .constant(name, of: try keys.need("value"), source, at: place)
      default: throw node.fault("'type' of \(what) is unknown; give range, choice or fixed")
      }
    case .nevergrad:
      let keys = try ForeignKeys(
        node, in: what, known: ["init", "step", "log", "lower", "upper", "integer"])
      let isLog = try keys.flag("log") ?? false
      let isWhole = try keys.flag("integer") ?? false
      let initial = try keys.number("init")
      if let initial { study.firstPoint.append((name, initial.json)) }
      if let low = try keys.number("lower"), let high = try keys.number("upper") {
        return try
          (isWhole
          ? ForeignParameter.int(name, low, high, log: isLog, at: place)
          : ForeignParameter.float(name, low, high, log: isLog, at: place)).checkingBounds(node)
      }
      guard let initial else {
        throw node.fault("\(what) has no bounds; give 'lower' and 'upper'")
      }
      let step = try keys.number("step") ?? (isLog ? 2 : 1)
      var parameter = ForeignParameter(name, isWhole ? .int : .float, at: place)
      if isLog {
        guard initial > 0, step > 1 else {
          throw node.fault("\(what) is logarithmic and needs 'init' above 0 and 'step' above 1")
        }
        parameter.isLog = true
        parameter.prior = .logNormal(mean: log(initial), deviation: log(step))
      } else {
        guard step > 0 else { throw node.fault("'step' of \(what) is not above 0") }
        parameter.prior = .normal(mean: initial, deviation: step)
      }
      study.notes.append(
        "\(what) has no bounds: Nevergrad starts at \(initial.brief) and wanders from there")
      return parameter
    default:
      let keys = try ForeignKeys(
        node, in: what, known: ["type", "low", "high", "step", "log", "choices"])
      let type = try keys.need("type").text("'type' of \(what)")
      if type == "categorical" {
        let elements = try keys.need("choices").list("'choices' of \(what)")
        guard !elements.isEmpty else { throw node.fault("\(what) has no choices; give some") }
        return .categorical(name, of: elements, source, at: place)
      }
      guard ["int", "float"].contains(type) else {
        let advice =
          nearest(to: type, among: ["int", "float", "categorical"]).map { "did you mean '\($0)'?" }
          ?? "give int, float or categorical"
        throw try keys.need("type").fault("'type' of \(what) is '\(shortened(type))'; \(advice)")
      }
      let low = try keys.need("low").looseNumber("'low' of \(what)")
      let high = try keys.need("high").looseNumber("'high' of \(what)")
      let isLog = try keys.flag("log") ?? false
      let step = try keys.number("step")
      return try
        (type == "int"
        ? ForeignParameter.int(name, low, high, log: isLog, step: step ?? 1, at: place)
        : ForeignParameter.float(name, low, high, log: isLog, step: step, at: place))
        .checkingBounds(node, lowName: "low", highName: "high")
    }
  }

  // MARK: Command line

  private mutating func readCommandLine() throws(LocatedFault) -> ForeignStudy {
    let line = try source.singleCommand("command")
    study.method = "grid"
    var words: [ForeignCommand.Word] = []
    for word in line.words {
      if word == "--multirun" || (word == "-m" && words.count > 1) { continue }
      guard let equals = word.firstIndex(of: "="), !word.hasPrefix("--"), !words.isEmpty else {
        words.append([.literal(word)])
        continue
      }
      let name = String(word[..<equals])
      let text = String(word[word.index(after: equals)...])
      if name.hasPrefix("hydra.") || name.hasPrefix("hydra/") {
        words.append([.literal(word)])
        continue
      }
      let value = try HydraGrammar.value(text, of: name, at: line.location)
      if case .single = value {
        words.append([.literal(word)])
        continue
      }
      study.parameters.append(try value.basic(name, at: line.location))
      words.append([.literal("\(name)="), .parameter(name)])
    }
    guard !study.parameters.isEmpty else {
      throw source.fault("the command line sweeps nothing; give lists such as lr=0.1,0.01")
    }
    study.command = ForeignCommand(words: words)
    study.notes.append("no metric: all combinations are run; name one with --metric")
    return study
  }
}
