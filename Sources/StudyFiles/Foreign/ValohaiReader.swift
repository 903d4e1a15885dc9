internal import JSON
internal import System

/// Reads tasks of `valohai.yaml` (valohai-yaml 0.61).
struct ValohaiReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let elements = try source.root.list("the file")
    var tasks: [(name: String, element: YAMLNode)] = []
    for element in elements {
      guard let task = element["task"] else { continue }
      guard let name = task["name"]?.word else { throw task.fault("a task has no 'name'; add it") }
      tasks.append((name, task))
    }
    let task = try source.selected(tasks, "task")
    let keys = try ForeignKeys(
      task, in: "the task",
      known: [
        "step", "name", "type", "parameters", "execution-count", "execution-batch-size",
        "maximum-queued-executions", "optimization-target-metric", "optimization-target-value",
        "on-child-error", "engine", "reuse-children", "parameter-sets", "stop-condition",
      ], unknown: .ignored)
    study.ignored = keys.ignored
    study.name = try keys.text("name")
    try readType(keys)
    try readTarget(keys)
    study.parallel = try keys.count("maximum-queued-executions")
    if keys["execution-batch-size"] != nil {
      study.notes.append(
        "execution-batch-size has no equivalent: each trial sees all that are finished")
    }
    if let word = try keys.text("on-child-error"), plainName(word).hasPrefix("stopall") {
      study.mostFailures = 0
    }
    let stepName = try keys.need("step").text("'step'")
    let steps = elements.compactMap { $0["step"] }
    guard let step = steps.first(where: { $0["name"]?.word == stepName }) else {
      let names = steps.compactMap { $0["name"]?.word }
      let advice =
        nearest(to: stepName, among: names).map { "did you mean '\($0)'?" }
        ?? "there are \(quotedList(names))"
      throw try keys.need("step").fault(
        "the step '\(shortened(stepName))' is not in the file; \(advice)")
    }
    for node in keys["parameters"]?.elements ?? [] { try readParameter(node) }
    if let sets = keys["parameter-sets"] { try readSets(sets) }
    try readStep(step)
    if study.method == "grid" {
      var count = 1
      for parameter in study.parameters where parameter.kind != .constant {
        count = min(1 << 40, count * max(1, parameter.values?.count ?? parameter.choices.count))
      }
      study.trials = count
    } else if study.method != "list" {
      study.trials = try keys.count("execution-count") ?? study.trials
    }
    study.notes.append("metrics are read from JSON lines that the program prints")
    return study
  }

  private mutating func readType(_ keys: ForeignKeys) throws(LocatedFault) {
    let word = try keys.text("type") ?? "grid_search"
    let methods = [
      "gridsearch": "grid", "randomsearch": "random", "bayesiantpe": "tpe", "manualsearch": "list",
      "parametersweep": "grid", "bayesianoptimization": "tpe",
    ]
    if plainName(word) == "distributed" {
      throw try keys.need("type").fault(
        "a distributed task is one training on several machines, no search")
    }
    guard let method = methods[plainName(word)] else {
      throw (keys["type"] ?? keys.node).fault(
        "'type' is '\(shortened(word))'; give grid_search, random_search, bayesian_tpe or "
          + "manual_search")
    }
    study.method = method
  }

  private mutating func readTarget(_ keys: ForeignKeys) throws(LocatedFault) {
    guard let metric = try keys.text("optimization-target-metric") else {
      study.notes.append("no metric in the file; name it with --metric")
      return
    }
    if let target = try keys.number("optimization-target-value") {
      study.metrics = [.init(name: metric, direction: "target")]
      study.target = target
      study.notes.append(
        "the target \(target.brief) is a value that \(shortened(metric)) should come near; it is "
          + "maximized until it is reached")
    } else {
      study.metrics = [.init(name: metric, direction: "maximize")]
    }
  }

  private mutating func readSets(_ node: YAMLNode) throws(LocatedFault) {
    var names: [String] = []
    for element in try node.list("'parameter-sets'") {
      let entries = try element.entries("a parameter set", of: "names to values")
      study.points.append(entries.map { ($0.key, $0.value.json()) })
      for entry in entries where !names.contains(entry.key) { names.append(entry.key) }
    }
    study.parameters.removeAll { names.contains($0.name) }
    study.setParametersFromPoints(names, at: node.location)
    study.trials = study.points.count
  }

  private mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    guard let name = node["name"]?.word else {
      throw node.fault("a parameter has no 'name'; add it")
    }
    let what = "parameter '\(shortened(name))'"
    let style = node["style"]?.word ?? "single"
    let rules = node["rules"]
    func number(_ key: String) throws(LocatedFault) -> Double {
      guard let value = rules?[key] else {
        throw node.fault("'rules' of \(what) have no '\(key)'; add it")
      }
      return try value.looseNumber("'\(key)' of \(what)")
    }
    let isWhole = try rules?["integerify"]?.flag("'integerify' of \(what)") ?? false
    let place = node.location
    switch style {
    case "single":
      guard let value = rules?["value"] ?? node["rules"] else {
        throw node.fault("'rules' of \(what) have no 'value'; add it")
      }
      study.parameters.append(.constant(name, of: value, source, at: place))
    case "multiple":
      guard let items = rules?["items"] else {
        throw node.fault("'rules' of \(what) have no 'items'; add them")
      }
      let elements = try items.list("'items' of \(what)")
      guard !elements.isEmpty else { throw items.fault("\(what) has no items; give some") }
      let areNumbers = elements.allSatisfy { $0.json().number != nil }
      study.parameters.append(
        .categorical(
          name, of: elements, source, ordered: areNumbers && elements.count > 1, at: place))
    case "linear":
      let (start, end) = (try number("start"), try number("end"))
      let step = try rules?["step"]?.looseNumber("'step' of \(what)") ?? 1
      guard let values = ForeignParameter.steps(from: start, through: end, by: step) else {
        throw node.fault(
          "\(what) has no values or more than a thousand; change start, end and step")
      }
      let areWhole = isWhole || [start, end, step].allSatisfy { $0 == $0.rounded() }
      var parameter: ForeignParameter =
        areWhole
        ? .int(name, start, values.last ?? end, step: step, at: place)
        : .float(name, start, values.last ?? end, step: step, at: place)
      parameter.values = values
      study.parameters.append(parameter)
    case "logspace":
      let (start, end, count) = (try number("start"), try number("end"), try number("count"))
      let base = try rules?["base"]?.looseNumber("'base' of \(what)") ?? 10
      guard count == count.rounded(), base > 0,
        let exponents = ForeignParameter.divided(start, end, into: Int(clamped: count))
      else { throw node.fault("\(what) needs a whole 'count' from 1 to 1000") }
      var values: [JSONValue] = []
      for exponent in exponents {
        let value = ForeignParameter.clean(pow(base, exponent))
        let json = isWhole ? value.rounded().json : value.json
        if !values.contains(json) { values.append(json) }
      }
      study.parameters.append(.categorical(name, values, ordered: true, at: place))
    case "random":
      let (low, high) = (try number("min"), try number("max"))
      let distribution = rules?["distribution"]?.word ?? "uniform"
      let isLog = ["logarithmic", "log", "loguniform"].contains(distribution)
      guard isLog || ["uniform", "linear"].contains(distribution) else {
        throw (rules ?? node).fault(
          "'distribution' of \(what) is '\(shortened(distribution))'; give uniform or logarithmic")
      }
      let parameter: ForeignParameter =
        isWhole
        ? .int(name, low.rounded(.up), high.rounded(.down), log: isLog, at: place)
        : .float(name, low, high, log: isLog, at: place)
      study.parameters.append(try parameter.checkingBounds(node))
    default:
      let known = ["single", "multiple", "linear", "logspace", "random"]
      let advice =
        nearest(to: style, among: known).map { "did you mean '\($0)'?" }
        ?? (["list", "choice"].contains(style)
          ? "did you mean 'multiple'?" : "give one of \(quotedList(known))")
      throw (node["style"] ?? node).fault("'style' of \(what) is '\(shortened(style))'; \(advice)")
    }
  }

  private mutating func readStep(_ step: YAMLNode) throws(LocatedFault) {
    var options: [ForeignCommand.Word] = []
    for parameter in step["parameters"]?.elements ?? [] {
      guard let name = parameter["name"]?.word else { continue }
      let isSwept = study.parameters.contains { $0.name == name }
      if !isSwept {
        guard let value = parameter["default"] else { continue }
        study.parameters.append(.constant(name, of: value, source, at: parameter.location))
      }
      if parameter["type"]?.word == "flag" {
        let isSet = study.parameters.last { $0.name == name }?.choices.first == .bool(true)
        if isSet { options.append([.literal(parameter["pass-as"]?.word ?? "--\(name)")]) }
        continue
      }
      guard let form = parameter["pass-as"]?.word else {
        options.append([.literal("--\(name)="), .parameter(name)])
        continue
      }
      for word in ShellWords.split(form) ?? [form] {
        options.append(
          try ForeignCommand.pieces(of: word, open: "{", close: "}") {
            (inside) throws(LocatedFault) -> ForeignCommand.Word? in
            ["v", "value"].contains(inside) ? [.parameter(name)] : nil
          })
      }
    }
    guard let command = step["command"] else {
      throw step.fault("the step has no 'command'; add it")
    }
    let lines = command.elements.compactMap(\.word)
    if lines.count == 1, !ForeignCommand.needsShell(lines[0]),
      let split = ShellWords.split(lines[0])
    {
      var words: [ForeignCommand.Word] = []
      for text in split {
        if text == "{parameters}" {
          words += options
        } else {
          words.append(try word(text))
        }
      }
      study.command = ForeignCommand(words: words)
      return
    }
    var script: ForeignCommand.Word = []
    for (index, line) in lines.enumerated() {
      if index > 0 { script.append(.literal(" && ")) }
      let parts = line.components(separatedBy: "{parameters}")
      for (number, part) in parts.enumerated() {
        if number > 0 {
          for (place, option) in options.enumerated() {
            if place > 0 { script.append(.literal(" ")) }
            script += option
          }
        }
        script += try word(part)
      }
    }
    study.command = ForeignCommand(words: [script.joined], usesShell: true)
  }

  private func word(_ text: String) throws(LocatedFault) -> ForeignCommand.Word {
    let names = Set(study.parameters.map(\.name))
    return try ForeignCommand.pieces(of: text, open: "{parameter:", close: "}") {
      (inside) throws(LocatedFault) -> ForeignCommand.Word? in
      names.contains(inside) ? [.parameter(inside)] : nil
    }
  }
}

extension [ForeignCommand.Piece] {
  /// The same with neighbouring texts made one.
  var joined: [ForeignCommand.Piece] {
    reduce(into: []) { result, piece in
      if case .literal(let text) = piece, case .literal(let before)? = result.last {
        result[result.count - 1] = .literal(before + text)
      } else {
        result.append(piece)
      }
    }
  }
}
