internal import JSON
internal import System

/// Reads Polyaxon operations with a `matrix` (schema 2.18, sampling of hypertune 1.4).
struct PolyaxonReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy
  private var kind = ""

  private static let kinds = [
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

  private mutating func readMatrix(_ node: YAMLNode) throws(LocatedFault) {
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

  private mutating func readBudget(_ keys: ForeignKeys) throws(LocatedFault) {
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

  private mutating func readHyperband(_ keys: ForeignKeys) throws(LocatedFault) {
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
    study.pruner = "{name: hyperband, max_resource: \(most), reduction_factor: \(max(2, Int(eta.bounded)))}"
    study.notes.append(
      "hyperband starts promoted runs anew with more \(shortened(name)); here every trial gets "
        + "\(most) and hyperband prunes by its reports; the number of runs follows from "
        + "maxIterations and eta there, give --trials here")
  }

  private mutating func readPoints(_ node: YAMLNode) throws(LocatedFault) {
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

  private mutating func readEarlyStopping(_ node: YAMLNode) throws(LocatedFault) {
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

  // MARK: Parameters

  private static let lists: Set<String> = [
    "choice", "pchoice", "range", "linspace", "logspace", "geomspace", "daterange",
    "datetimerange",
  ]
  private static let densities: Set<String> = [
    "uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal",
    "qlognormal",
  ]

  private mutating func parameter(_ entry: YAMLNode.Entry) throws(LocatedFault) -> ForeignParameter
  {
    let name = entry.key
    let what = "parameter '\(shortened(name))'"
    let keys = try ForeignKeys(entry.value, in: what, known: ["kind", "value"])
    let kindNode = try keys.need("kind")
    let kind = try kindNode.text("'kind' of \(what)")
    let value = try keys.need("value")
    let place = entry.keyLocation
    guard Self.lists.contains(kind) || Self.densities.contains(kind) else {
      let known = Self.lists.union(Self.densities).sorted()
      let advice =
        nearest(to: kind, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known, limit: 20))"
      throw kindNode.fault("'kind' of \(what) is '\(shortened(kind))'; \(advice)")
    }
    if self.kind == "grid", Self.densities.contains(kind) || kind == "pchoice" {
      throw kindNode.fault("\(what) is \(kind), which a grid does not take; give a list or a range")
    }
    if self.kind == "bayes", Self.densities.contains(kind), kind != "uniform" {
      throw kindNode.fault("\(what) is \(kind); bayes takes only uniform and lists of values")
    }
    switch kind {
    case "choice":
      let elements = try value.list("'value' of \(what)")
      guard !elements.isEmpty else { throw value.fault("\(what) has no choices; give some") }
      return .categorical(name, of: elements, source, at: place)
    case "pchoice": return try weighted(value, name, what, at: place)
    case "daterange", "datetimerange":
      return try dates(value, kind, name, what, at: place)
    case "range", "linspace", "logspace", "geomspace":
      return try spaced(value, kind, name, what, at: place)
    default: return try density(value, kind, name, what, at: place)
    }
  }

  private mutating func weighted(
    _ value: YAMLNode, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    var parameter = ForeignParameter(name, .categorical, at: place)
    var weights: [Double] = []
    for pair in try value.list("'value' of \(what)") {
      let parts = try pair.list("a pair of \(what)")
      guard parts.count == 2 else {
        throw pair.fault("a pair of \(what) is not [choice, probability]; give both")
      }
      parameter.choices.append(parts[0].json())
      parameter.literals.append(parts[0].spelling ?? "")
      let weight = try parts[1].looseNumber("a probability of \(what)")
      guard weight >= 0 else { throw parts[1].fault("\(what) has a negative probability") }
      weights.append(weight)
    }
    let sum = weights.reduce(0, +)
    guard sum > 0 else { throw value.fault("the probabilities of \(what) add up to 0") }
    if abs(sum - 1) > 1e-6 {
      study.notes.append(
        "the probabilities of \(what) add up to \(ForeignParameter.clean(sum).brief), not 1; they "
          + "are scaled")
    }
    parameter.probabilities = abs(sum - 1) > 1e-6 ? weights.map { $0 / sum } : weights
    return parameter
  }

  /// The numbers of a list, a mapping of the names, or a text `a:b:c`.
  private func numbers(
    _ node: YAMLNode, _ names: [[String]], needed: Int, _ what: String
  ) throws(LocatedFault) -> [Double] {
    var nodes: [YAMLNode] = []
    switch node.content {
    case .sequence(let elements): nodes = elements
    case .mapping(let entries):
      let known = names.flatMap { $0 }
      for entry in entries where !known.contains(entry.key) {
        let advice =
          nearest(to: entry.key, among: known).map { "did you mean '\($0)'?" }
          ?? "known are \(quotedList(known))"
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'value' of \(what) has no key '\(shortened(entry.key))'; \(advice)")
      }
      for spellings in names {
        guard let found = spellings.lazy.compactMap({ node[$0] }).first else { continue }
        nodes.append(found)
      }
    case .scalar(let scalar):
      nodes = scalar.text.split(separator: ":", omittingEmptySubsequences: false).map { part in
        YAMLNode(
          content: .scalar(YAMLScalar(text: part.trimmed, isPlain: true, tag: nil)),
          location: node.location)
      }
    }
    guard nodes.count >= needed else {
      throw node.fault(
        "'value' of \(what) has \(nodes.count) numbers; give "
          + names.map { $0[0] }.joined(separator: ", "))
    }
    var values: [Double] = []
    for node in nodes.prefix(names.count) {
      values.append(try node.looseNumber("a number of \(what)"))
    }
    return values
  }

  private mutating func spaced(
    _ node: YAMLNode, _ kind: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    if case .sequence(let elements) = node.content, elements.count > 3 {
      study.suspicions.append(
        "\(what) is a \(kind) of \(elements.count) numbers, of which only start, stop and "
          + "\(kind == "range" ? "step" : "num") count; give 'choice' if they are the values")
    }
    let last = kind == "range" ? ["step"] : ["num"]
    let parts = try numbers(node, [["start"], ["stop"], last, ["base"]], needed: 3, what)
    let (start, stop, third) = (parts[0], parts[1], parts[2])
    let values: [Double]?
    if kind == "range" {
      guard third != 0 else { throw node.fault("the step of \(what) is 0; give another") }
      values = ForeignParameter.steps(from: start, below: stop, by: third)
    } else {
      guard third == third.rounded(), third >= 1, third <= 1_000 else {
        throw node.fault("\(what) has \(third.brief) values; give a whole number from 1 to 1000")
      }
      let count = Int(third)
      switch kind {
      case "linspace": values = ForeignParameter.divided(start, stop, into: count)
      case "logspace":
        let base = node.isList || !node.isMapping ? 10 : parts.count > 3 ? parts[3] : 10
        values = ForeignParameter.divided(start, stop, into: count)?.map {
          ForeignParameter.clean(pow(base, $0))
        }
      default:
        guard start > 0, stop > 0 else { throw node.fault("\(what) is a geomspace and needs bounds above 0") }
        values = ForeignParameter.divided(log(start), log(stop), into: count)?.map {
          ForeignParameter.clean(exp($0))
        }
      }
    }
    guard let values, !values.isEmpty else {
      throw node.fault("\(what) has no values or more than a thousand; change its bounds")
    }
    if kind == "range" {
      study.notes.append("\(what): a range ends before its stop, \(stop.brief)")
    }
    return .categorical(name, values.map(\.json), ordered: true, at: place)
  }

  private func dates(
    _ node: YAMLNode, _ kind: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let parts: [YAMLNode]
    switch node.content {
    case .sequence(let elements): parts = elements
    case .mapping: parts = ["start", "stop", "step"].compactMap { node[$0] }
    case .scalar(let scalar):
      parts = scalar.text.split(separator: ":").map { part in
        YAMLNode(
          content: .scalar(YAMLScalar(text: String(part), isPlain: false, tag: nil)),
          location: node.location)
      }
    }
    guard parts.count >= 3, let first = parts[0].word.flatMap(CalendarDay.init(spelled:)),
      let last = parts[1].word.flatMap(CalendarDay.init(spelled:))
    else { throw node.fault("\(what) needs two dates such as 2024-02-29 and a step in days") }
    let step = try parts[2].looseNumber("the step of \(what)")
    guard kind == "daterange", step == step.rounded(), step >= 1,
      (last.number - first.number) / Int(step) < 1_000
    else {
      throw node.fault("\(what) needs a step of whole days, and less than a thousand dates")
    }
    let days = stride(from: first.number, to: last.number, by: Int(step)).map { day in
      JSONValue.string(CalendarDay(number: day).text)
    }
    guard !days.isEmpty else { throw node.fault("\(what) has no dates; exchange start and stop") }
    return .categorical(name, days, ordered: true, at: place)
  }

  private mutating func density(
    _ node: YAMLNode, _ kind: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let isNormal = kind.hasSuffix("normal")
    let isQuantized = kind.hasPrefix("q")
    var names = isNormal ? [["loc"], ["scale"]] : [["low"], ["high"]]
    if isQuantized { names.append(["q"]) }
    let parts = try numbers(node, names, needed: names.count, what)
    var parameter = ForeignParameter(name, .float, at: place)
    if isNormal {
      guard parts[1] > 0 else { throw node.fault("the scale of \(what) is not above 0") }
      parameter.prior =
        kind.hasSuffix("lognormal")
        ? .logNormal(mean: parts[0], deviation: parts[1])
        : .normal(mean: parts[0], deviation: parts[1])
    } else {
      let isLog = kind.hasSuffix("loguniform")
      let (low, high) = isLog ? (exp(parts[0]), exp(parts[1])) : (parts[0], parts[1])
      guard low < high, high.isFinite, low > 0 || !isLog else {
        throw node.fault("\(what) has low \(parts[0].brief) and high \(parts[1].brief); exchange them")
      }
      if isLog {
        if parts[0] > 0, parts[1] <= 1, !isQuantized {
          study.suspicions.append(
            "\(what): the bounds of loguniform are exponents of e, so that \(parts[0].brief) to "
              + "\(parts[1].brief) means \(ForeignParameter.clean(low)) to "
              + "\(ForeignParameter.clean(high)); give the logarithms if they are values")
        }
        study.notes.append("\(what): the bounds of \(kind) are exponents of e, \(low) to \(high)")
      }
      (parameter.low, parameter.high, parameter.isLog) = (low, high, isLog)
    }
    if isQuantized {
      guard parts[2] > 0 else { throw node.fault("q of \(what) is not above 0") }
      parameter.quantization = .init(q: parts[2], rule: .floor)
      if !isNormal { parameter.step = parts[2] }
      study.notes.append("\(what): \(kind) takes the multiple of \(parts[2].brief) below")
    }
    return parameter
  }

  // MARK: Component

  private mutating func readComponent(_ root: YAMLNode) throws(LocatedFault) {
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
