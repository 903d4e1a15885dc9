internal import JSON
internal import System

/// Reads Polyaxon operations with a `matrix` (schema 2.18, sampling of hypertune 1.4).
struct PolyaxonReader: ForeignReader {
  let source: ForeignSource
  var study: ForeignStudy
  var kind = ""

  static let kinds = [
    "grid": "grid", "random": "random", "hyperband": "random", "bayes": "gp", "hyperopt": "tpe",
    "tpe": "tpe", "mapping": "list", "iterative": "random",
  ]

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    var root = source.root
    if case .sequence(let documents) = root.content {
      root = try source.selected(
        documents.enumerated().map { ($1["name"]?.word ?? "\($0 + 1)", $1) }, "operation")
    }
    if let node = root["kind"], let word = node.word, !["operation", "component"].contains(word) {
      throw node.fault("'kind' is '\(shortened(word))'; did you mean 'operation'?")
    }
    study.name = root["name"]?.word
    guard let node = root["matrix"] else { throw root.fault("there is no 'matrix'; add it") }
    try readMatrix(node)
    try readComponent(root)
    if let node = root["matrix"]?["earlyStopping"] { try readEarlyStopping(node) }
    return study
  }

  mutating func readMatrix(_ node: YAMLNode) throws(LocatedFault) {
    guard let kindNode = node["kind"] else { throw node.fault("'matrix' has no 'kind'; add it") }
    kind = try kindNode.text("'kind' of 'matrix'")
    guard let method = Self.kinds[kind] else {
      let known = Self.kinds.keys.sorted()
      let advice =
        nearest(to: kind, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw kindNode.fault("'kind' of 'matrix' is '\(shortened(kind))'; \(advice)")
    }
    study.method = method
    var known = ["kind", "concurrency", "earlyStopping"]
    switch kind {
    case "mapping": known += ["values"]
    case "grid": known += ["params", "numRuns"]
    case "random": known += ["params", "numRuns", "seed"]
    case "hyperband":
      known += ["params", "maxIterations", "eta", "resource", "metric", "resume", "seed", "tuner"]
    case "bayes":
      known += [
        "params", "numInitialRuns", "maxIterations", "metric", "utilityFunction", "seed", "tuner",
      ]
    case "iterative": known += ["params", "maxIterations", "seed", "tuner"]
    default:
      known += ["params", "numRuns", "maxIterations", "algorithm", "metric", "seed", "tuner"]
    }
    let keys = try ForeignKeys(node, in: "'matrix' of kind \(kind)", known: known)
    study.parallel = try keys.count("concurrency")
    study.seed = try keys.count("seed", from: 0)
    if kind == "mapping" {
      try readPoints(try keys.need("values"))
      return
    }
    try readBudget(keys)
    if let metric = keys["metric"] {
      let fields = try ForeignKeys(metric, in: "'metric'", known: ["name", "optimization"])
      let direction = try fields.text("optimization") ?? "maximize"
      guard ["minimize", "maximize"].contains(direction) else {
        throw try fields.need("optimization").fault(
          "'optimization' is '\(shortened(direction))'; give minimize or maximize")
      }
      study.metrics = [
        .init(name: try fields.need("name").text("'name' of 'metric'"), direction: direction)
      ]
    } else if kind == "bayes" || kind == "hyperband" {
      throw node.fault("'matrix' of kind \(kind) needs a 'metric'")
    } else {
      study.notes.append("no metric in the file, which \(kind) needs not; name it with --metric")
    }
    for entry in try keys.need("params").entries("'params'", of: "names to distributions") {
      study.parameters.append(try parameter(entry))
    }
    if kind == "hyperband" { try readHyperband(keys) }
    if kind == "hyperopt" {
      study.notes.append("kind hyperopt is called tpe today")
    }
  }

  mutating func readBudget(_ keys: ForeignKeys) throws(LocatedFault) {
    switch kind {
    case "random":
      study.trials = try keys.need("numRuns").looseCount("'numRuns'")
    case "grid": study.trials = try keys.count("numRuns")
    case "hyperopt", "tpe":
      study.trials = try keys.count("numRuns", "maxIterations")
    case "bayes":
      let first = try keys.need("numInitialRuns").looseCount("'numInitialRuns'")
      let more = try keys.need("maxIterations").looseCount("'maxIterations'")
      study.trials = first + more
      study.samplerOptions.append(("startup_trials", .integer(first)))
      if keys["utilityFunction"] != nil {
        study.notes.append("utilityFunction has no equivalent; the model's own is used")
      }
    case "iterative": study.trials = try keys.need("maxIterations").looseCount("'maxIterations'")
    default: break
    }
    if keys["tuner"] != nil {
      study.notes.append("the tuner's own program is not run; its search is replaced")
    }
  }

  mutating func readHyperband(_ keys: ForeignKeys) throws(LocatedFault) {
    let most = try keys.need("maxIterations").looseCount("'maxIterations'")
    let eta = try keys.number("eta") ?? 3
    let resource = try keys.need("resource")
    let name = try resource["name"]?.text("'name' of 'resource'") ?? "resource"
    let isFloat = resource["type"]?.word == "float"
    study.parameters.removeAll { $0.name == name }
    var parameter = ForeignParameter(name, isFloat ? .float : .int, at: resource.location)
    (parameter.low, parameter.high) = (1, Double(most))
    if !isFloat { parameter.step = 1 }
    parameter.fidelity = .init(least: 1, most: Double(most), base: eta)
    study.parameters.append(parameter)
    study.earlyStopping = .object([
      .init("type", "hyperband"), .init("restarts", true), .init("resource", .string(name)),
      .init("eta", eta.json), .init("max_resource", .integer(most)),
    ])
    study.pruner =
      "{name: hyperband, max_resource: \(most), reduction_factor: \(max(2, Int(clamped: eta)))}"
    study.notes.append(
      "hyperband starts promoted runs anew with more \(shortened(name)); here every trial gets "
        + "\(most) and hyperband prunes by its reports; the number of runs follows from "
        + "maxIterations and eta there, give --trials here")
  }

  mutating func readPoints(_ node: YAMLNode) throws(LocatedFault) {
    var names: [String] = []
    for element in try node.list("'values' of 'matrix'") {
      let entries = try element.entries("a point of 'values'", of: "names to values")
      study.points.append(entries.map { ($0.key, $0.value.json()) })
      for entry in entries where !names.contains(entry.key) { names.append(entry.key) }
    }
    guard !study.points.isEmpty else { throw node.fault("'values' is empty; give points") }
    study.setParametersFromPoints(names, at: node.location)
    study.trials = study.points.count
    study.notes.append("no metric in the file, which a list of points needs not")
  }

  mutating func readEarlyStopping(_ node: YAMLNode) throws(LocatedFault) {
    for rule in try node.list("'earlyStopping'") {
      switch rule["kind"]?.word {
      case "metric_early_stopping":
        if let policy = rule["policy"], policy["kind"]?.word == "median" {
          study.pruner = "median"
          study.earlyStopping = .object([.init("type", "median")])
        } else if let value = rule["value"] {
          study.target = try value.looseNumber("'value' of 'earlyStopping'")
          study.notes.append("earlyStopping ends the whole search once its metric is reached")
          if study.metrics.isEmpty, let metric = rule["metric"]?.word {
            study.metrics = [
              .init(name: metric, direction: rule["optimization"]?.word ?? "maximize")
            ]
          }
        } else {
          study.notes.append("an earlyStopping policy has no equivalent and is left out")
        }
      case "failure_early_stopping":
        study.mostFailedShare = try rule["percent"]?.looseNumber("'percent'").divided(by: 100)
      default:
        throw rule.fault(
          "'kind' of 'earlyStopping' is '\(shortened(rule["kind"]?.word ?? ""))'; give "
            + "metric_early_stopping or failure_early_stopping")
      }
    }
  }

  // MARK: Component

  mutating func readComponent(_ root: YAMLNode) throws(LocatedFault) {
    var component = root["component"]
    if component == nil, root["run"] != nil { component = root }
    if component == nil, let path = root["pathRef"] {
      let name = try path.text("'pathRef'")
      guard source.sideFile(name) != nil else {
        study.notes.append(
          "the component '\(shortened(name))' cannot be read beside this file; give the command "
            + "behind '--'")
        return
      }
      component = try source.sideDocument(path, "'pathRef'")
    }
    guard let component else {
      let reference = ["hubRef", "urlRef", "dagRef"].first { root[$0] != nil }
      study.notes.append(
        "the component stands elsewhere\(reference.map { " (\($0))" } ?? ""); give the command "
          + "behind '--'")
      return
    }
    let container = component["run"]?["container"]
    study.image = container?["image"]?.word
    var texts: [String] = []
    for key in ["command", "args"] {
      for element in container?[key]?.elements ?? [] {
        texts.append(try element.scalar("a word of '\(key)'", as: "a text").text)
      }
    }
    guard !texts.isEmpty else {
      study.notes.append("the component has no command; give one behind '--'")
      return
    }
    for input in component["inputs"]?.elements ?? [] {
      if let name = input["name"]?.word, let value = input["value"] {
        study.inputDefaults[name] = value.spelling ?? value.json().text()
      }
    }
    for entry in root["params"]?.members ?? [] {
      if let value = entry.value["value"] ?? (entry.value.isMapping ? nil : entry.value) {
        study.inputDefaults[entry.key] = value.spelling ?? value.json().text()
      }
    }
    var words: [ForeignCommand.Word] = []
    for text in texts {
      words.append(
        try ForeignCommand.pieces(of: text, open: "{{", close: "}}") {
          (inside) throws(LocatedFault) -> ForeignCommand.Word? in
          var name = inside.trimmed
          if name.hasPrefix("params.") { name = String(name.dropFirst(7)) }
          if name.hasSuffix(".as_arg") {
            name = String(name.dropLast(7))
            return [.literal("--\(name)="), .parameter(name)]
          }
          if name.hasSuffix(".value") { name = String(name.dropLast(6)) }
          if name.hasPrefix("globals.") || name.hasPrefix("connections.") { return nil }
          return [.parameter(name)]
        })
    }
    study.command = ForeignCommand(words: words)
    let used = study.command?.parameterNames ?? []
    let missing = study.parameters.map(\.name).filter { !used.contains($0) }
    if !missing.isEmpty {
      study.notes.append(
        "the command of the component does not mention \(quotedList(missing)); Polyaxon would "
          + "refuse parameters that are no inputs")
    }
  }
}

extension Double {
  fileprivate func divided(by other: Double) -> Double { self / other }
}
