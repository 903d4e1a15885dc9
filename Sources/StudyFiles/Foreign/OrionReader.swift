internal import JSON
internal import System

/// Reads Orion experiments: `orion hunt` command lines, configuration files with `params`, and
/// programs' own files with texts `orion~…`.
struct OrionReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy
  /// The precisions that were spoken of.
  private var roundedDigits: [Int] = []

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    study.method = "random"
    study.metrics = [.init(name: "objective", direction: "minimize")]
    if source.root.members.isEmpty {
      try readCommandLine()
    } else {
      try readDocument()
    }
    guard !study.parameters.isEmpty else { throw source.fault("there are no priors; give some") }
    study.notes.append("Orion always minimizes")
    study.notes.append(
      "ORION_RESULTS_PATH is not set: a program that is not Python prints objective=VALUE")
    if study.trials == nil {
      study.notes.append("no max_trials: Orion goes on without a limit; give --trials")
    }
    return study
  }

  // MARK: Priors

  private mutating func add(
    _ prior: String, _ name: String, at place: SourceLocation?
  ) throws(LocatedFault) {
    let what = "'\(shortened(name))'"
    func fault(_ problem: String) -> LocatedFault {
      LocatedFault(location: place, problem: "\(what): \(problem)")
    }
    let text = prior.hasPrefix("orion~") ? String(prior.dropFirst(6)) : prior
    guard let call = try PythonLiteral.call(text, at: place) else {
      throw fault("'\(shortened(text))' is no prior such as uniform(0, 1)")
    }
    if let shape = call["shape"], shape.word != "1" {
      throw fault(
        "shape=\(shape.summary) is a vector; make one parameter of each element")
    }
    var parameter: ForeignParameter
    func numbers(_ names: [String]) throws(LocatedFault) -> [Double] {
      var all: [Double] = []
      for (index, key) in names.enumerated() {
        guard let node = call[key] ?? (index < call.arguments.count ? call.arguments[index] : nil)
        else { throw fault("\(call.name) has no '\(key)'; give \(quotedList(names))") }
        all.append(try node.looseNumber("'\(key)' of \(what)"))
      }
      return all
    }
    let isDiscrete = try call["discrete"]?.flag("'discrete' of \(what)") ?? false
    switch call.name {
    case "uniform", "loguniform", "reciprocal":
      let bounds = try numbers(["low", "high"])
      guard bounds[0] < bounds[1] else {
        throw fault("\(bounds[0].brief) is not below \(bounds[1].brief); exchange them")
      }
      let isLog = call.name != "uniform"
      guard !isLog || bounds[0] > 0 else { throw fault("\(call.name) needs a lower bound above 0") }
      parameter =
        isDiscrete
        ? .int(name, bounds[0].rounded(.up), bounds[1].rounded(.down), log: isLog, at: place)
        : .float(name, bounds[0], bounds[1], log: isLog, at: place)
      if !isDiscrete {
        parameter.significantDigits = try digits(call, what)
        if let digits = parameter.significantDigits, !roundedDigits.contains(digits) {
          roundedDigits.append(digits)
          study.notes.append(
            "Orion rounds values to \(digits) significant digits, its 'precision'; here they keep "
              + "all digits")
        }
      }
    case "normal", "gaussian", "norm", "lognorm":
      let values = try numbers(["loc", "scale"])
      guard values[1] > 0 else { throw fault("the scale is not above 0") }
      guard call.name != "lognorm" else {
        throw fault("lognorm of scipy has a shape, which has no equivalent; use loguniform")
      }
      parameter = ForeignParameter(name, isDiscrete ? .int : .float, at: place)
      parameter.prior = .normal(mean: values[0], deviation: values[1])
      if isDiscrete { parameter.quantization = .init(q: 1, rule: .floor, isWhole: true) }
    case "choices": parameter = try choices(call, name, what, at: place)
    case "fidelity":
      let bounds = try numbers(["low", "high"])
      let third = call["base"] ?? (call.arguments.count > 2 ? call.arguments[2] : nil)
      let base = try third?.looseNumber("'base' of \(what)") ?? 2
      parameter = .int(name, bounds[0], bounds[1], at: place)
      parameter.fidelity = .init(least: bounds[0], most: bounds[1], base: base)
    case "randint":
      throw fault(
        "randint stands in Orion's manual, but its parser refuses it; write uniform(low, high, discrete=True)"
      )
    default:
      let known = ["uniform", "loguniform", "normal", "choices", "fidelity"]
      let advice =
        nearest(to: call.name, among: known + ["gaussian", "reciprocal", "norm"]).map {
          "did you mean '\($0)'?"
        }
        ?? "known are \(quotedList(known))"
      throw fault("the prior '\(shortened(call.name))' has no equivalent; \(advice)")
    }
    if let initial = call["default_value"] { study.firstPoint.append((name, initial.json())) }
    study.parameters.append(parameter)
  }

  /// Values are rounded to so many significant digits, 4 unless said.
  private func digits(_ call: PythonLiteral.Call, _ what: String) throws(LocatedFault) -> Int? {
    guard let node = call["precision"] else { return 4 }
    return node.isNull ? nil : try node.looseCount("'precision' of \(what)")
  }

  private func choices(
    _ call: PythonLiteral.Call, _ name: String, _ what: String, at place: SourceLocation?
  ) throws(LocatedFault) -> ForeignParameter {
    guard let first = call.arguments.first else {
      throw LocatedFault(location: place, problem: "\(what): choices() has no values; give a list")
    }
    if first.isMapping {
      var parameter = ForeignParameter(name, .categorical, at: place)
      var weights: [Double] = []
      for entry in first.members {
        let key = YAMLNode(
          content: .scalar(YAMLScalar(text: entry.key, isPlain: !entry.isKeyQuoted, tag: nil)),
          location: entry.keyLocation)
        parameter.choices.append(key.json())
        parameter.literals.append(entry.key)
        weights.append(try entry.value.looseNumber("a probability of \(what)"))
      }
      let sum = weights.reduce(0, +)
      guard !weights.isEmpty, weights.allSatisfy({ $0 >= 0 }), abs(sum - 1) < 1e-4 else {
        throw LocatedFault(
          location: place,
          problem:
            "\(what): the probabilities add up to \(ForeignParameter.clean(sum).brief); make it 1")
      }
      parameter.probabilities = weights
      return parameter
    }
    let elements =
      first.isList && call.arguments.count == 1 ? first.elements : call.arguments
    guard !elements.isEmpty else {
      throw LocatedFault(location: place, problem: "\(what): choices() has no values; give some")
    }
    return .categorical(name, of: elements, source, at: place)
  }

  // MARK: Files

  private mutating func readDocument() throws(LocatedFault) {
    if let experiment = source.root["experiment"] { try readExperiment(experiment) }
    if let params = source.root["params"], source.root["experiment"] != nil {
      try visit(params, [], isMarked: false)
    } else {
      try visit(source.root, [], isMarked: true)
    }
    if study.parameters.contains(where: { $0.fidelity != nil }) { readFidelity() }
    study.notes.append("there is no command in the file; give it behind '--'")
  }

  private mutating func visit(_ node: YAMLNode, _ path: [String], isMarked: Bool)
    throws(LocatedFault)
  {
    for entry in node.members {
      let next = path + [entry.key]
      if entry.value.isMapping {
        try visit(entry.value, next, isMarked: isMarked)
      } else if let word = entry.value.word, !isMarked || word.hasPrefix("orion~") {
        if word.hasPrefix("orion~") || word.contains("(") {
          try add(word, next.joined(separator: "."), at: entry.value.location)
        } else {
          study.parameters.append(
            .constant(next.joined(separator: "."), of: entry.value, source, at: entry.keyLocation))
        }
      }
    }
  }

  private var algorithm: (name: String, options: YAMLNode?)?

  private mutating func readExperiment(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'experiment'",
      known: [
        "name", "version", "max_trials", "max_broken", "worker_trials", "algorithms", "algorithm",
        "worker", "working_dir", "pool_size", "strategy", "producer", "evc", "knowledge_base",
      ], elsewhere: ["user", "storage", "database", "branching", "priors", "space"],
      unknown: .ignored)
    study.ignored = keys.ignored
    study.name = try keys.text("name")
    study.trials = try keys.count("max_trials")
    study.mostFailures = try keys.count("max_broken", from: 0)
    let worker = keys["worker"] ?? source.root["worker"]
    study.parallel = try worker?["n_workers"]?.looseCount("'n_workers'")
    guard let node = keys["algorithms"] ?? keys["algorithm"] else { return }
    let name = node.word ?? node["of_type"]?.word ?? node.members.first?.key ?? "random"
    let options = node["of_type"] != nil ? node : node.members.first?.value
    let methods = [
      "random": "random", "gridsearch": "grid", "grid": "grid", "asha": "random",
      "hyperband": "random", "tpe": "tpe", "bohb": "tpe", "dehb": "random", "pbt": "pbt",
      "pb2": "pbt",
      "evolutiones": "random", "ax": "gp", "axoptimizer": "gp", "hebo": "gp", "robo": "gp",
      "nevergrad": "auto", "nevergradoptimizer": "auto", "mofa": "random",
      "bayesianoptimizer": "gp",
    ]
    guard let method = methods[plainName(name)] else {
      let advice =
        nearest(to: name, among: methods.keys.sorted()).map { "did you mean '\($0)'?" }
        ?? "known are random, gridsearch, asha, hyperband, tpe, bohb"
      throw node.fault("the algorithm '\(shortened(name))' is unknown; \(advice)")
    }
    study.method = method
    study.seed = try options?["seed"]?.looseCount("'seed'", from: 0)
    algorithm = (plainName(name), options)
  }

  private mutating func readFidelity() {
    guard let parameter = study.parameters.first(where: { $0.fidelity != nil }),
      let fidelity = parameter.fidelity
    else { return }
    let name = algorithm?.name ?? "random"
    var rungs: [JSONValue] = []
    var rung = fidelity.most
    for _ in 0..<20 where rung >= fidelity.least && rung >= 1 {
      rungs.insert(Double(Int(clamped: rung)).json, at: 0)
      rung /= max(1.5, fidelity.base)
    }
    let factor = max(2, Int(clamped: fidelity.base))
    study.earlyStopping = .object([
      .init("type", .string(name == "hyperband" ? "hyperband" : "asha")), .init("restarts", true),
      .init("resource", .string(parameter.name)), .init("eta", fidelity.base.json),
      .init("rungs", .array(rungs)),
    ])
    study.pruner =
      name == "hyperband"
      ? "{name: hyperband, max_resource: \(max(1, Int(clamped: fidelity.most))), reduction_factor: \(factor)}"
      : "{name: asha, reduction_factor: \(factor)}"
    study.notes.append(
      "\(shortened(parameter.name)) is the fidelity: Orion starts promoted trials anew with more of "
        + "it; here every trial gets its value and is pruned by its reports")
  }

  // MARK: Command line

  private mutating func readCommandLine() throws(LocatedFault) {
    let line = try source.singleCommand("command")
    var rest = line.words.dropFirst(2)
    var words: [ForeignCommand.Word] = []
    var isProgram = false
    while let word = rest.popFirst() {
      if !isProgram {
        switch word {
        case "-n", "--name": study.name = rest.popFirst()
        case "--max-trials", "--exp-max-trials":
          study.trials = try count(rest.popFirst(), word, line)
        case "--max-broken", "--exp-max-broken":
          study.mostFailures = try count(rest.popFirst(), word, line)
        case "--n-workers": study.parallel = try count(rest.popFirst(), word, line)
        case "--trial-timeout", "-c", "--config", "-u", "--user", "--version", "-v", "-V",
          "--worker-max-trials", "--worker-trials", "--working-dir", "--executor", "--branch-from",
          "--branch-to", "-b":
          if word == "--working-dir" {
            study.workingFolder = rest.popFirst()
          } else {
            _ = rest.popFirst()
            study.notes.append("the option \(word) is Orion's own; ignored")
          }
        default:
          if word.hasPrefix("-") {
            study.notes.append("the option \(shortened(word)) is Orion's own; ignored")
          } else {
            isProgram = true
            words.append([.literal(word)])
          }
        }
        continue
      }
      guard let tilde = word.firstIndex(of: "~"), word.hasPrefix("-") || !word.contains("/") else {
        words.append([.literal(word)])
        continue
      }
      let option = String(word[..<tilde])
      let prior = String(word[word.index(after: tilde)...])
      guard prior.contains("(") || !option.isEmpty, !prior.hasPrefix("/") else {
        words.append([.literal(word)])
        continue
      }
      let bare = String(option.drop { $0 == "-" })
      let name = "/" + bare
      try add(prior, name, at: line.location)
      if option.hasPrefix("-") { words.append([.literal(option)]) }
      words.append([.parameter(name)])
    }
    study.command = ForeignCommand(words: words)
    if study.parameters.contains(where: { $0.fidelity != nil }) { readFidelity() }
    study.notes.append("names have a slash before them in Orion's records")
  }

  private func count(_ text: String?, _ option: String, _ line: ForeignCommandLine)
    throws(LocatedFault) -> Int
  {
    guard let text, let number = Int(text), number >= 0 else {
      throw LocatedFault(
        location: line.location,
        problem: "'\(option)' is '\(shortened(text ?? ""))'; give a whole number")
    }
    return number
  }
}
