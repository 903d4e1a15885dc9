internal import JSON
internal import System

/// Reads ClearML's `--params-search` objects, in a file or on its command line.
struct ClearMLReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    study.method = "tpe"
    if source.root.isList {
      for node in source.root.elements { try readParameter(node) }
      guard !study.parameters.isEmpty else { throw source.fault("the list is empty") }
      study.notes.append(
        "objective, budget and script are options of ClearML's command: give --metric, --trials and "
          + "the command behind '--'")
      return study
    }
    try readCommandLine()
    return study
  }

  private static let kinds = [
    "UniformParameterRange", "LogUniformParameterRange", "UniformIntegerParameterRange",
    "DiscreteParameterRange",
  ]

  private mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    guard let given = node["name"]?.word else {
      throw node.fault("a parameter has no 'name'; add it")
    }
    let name = given.contains("/") ? given : "General/\(given)"
    let what = "parameter '\(shortened(given))'"
    guard let typeNode = node["type"], let type = typeNode.word else {
      throw node.fault("\(what) has no 'type'; add it")
    }
    let place = node.location
    if type == "DiscreteParameterRange" {
      let keys = try ForeignKeys(node, in: what, known: ["name", "type", "values"])
      let elements = try keys.need("values").list("'values' of \(what)")
      guard !elements.isEmpty else { throw node.fault("\(what) has no values; give some") }
      study.parameters.append(.categorical(name, of: elements, source, at: place))
      return
    }
    guard Self.kinds.contains(type) else {
      let advice =
        nearest(to: type, among: Self.kinds).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(Self.kinds))"
      throw typeNode.fault("'type' of \(what) is '\(shortened(type))'; \(advice)")
    }
    let keys = try ForeignKeys(
      node, in: what,
      known: [
        "name", "type", "min_value", "max_value", "step_size", "base", "include_max_value",
        "include_max",
      ])
    let low = try keys.need("min_value").looseNumber("'min_value' of \(what)")
    let high = try keys.need("max_value").looseNumber("'max_value' of \(what)")
    guard low <= high else {
      throw try keys.need("min_value").fault(
        "\(what) has min_value \(low.brief) above max_value \(high.brief); exchange them")
    }
    let step = try keys.number("step_size")
    if let step, step <= 0 {
      throw try keys.need("step_size").fault("'step_size' of \(what) is not above 0")
    }
    switch type {
    case "LogUniformParameterRange":
      let base = try keys.number("base") ?? 10
      guard base > 1 else { throw try keys.need("base").fault("'base' of \(what) is not above 1") }
      func power(_ exponent: Double) -> Double {
        if base == 10, exponent == exponent.rounded(), exponent.magnitude < 300 {
          return Double("1e\(Int(clamped: exponent))") ?? pow(base, exponent)
        }
        return pow(base, exponent)
      }
      let (least, most) = (power(low), power(high))
      guard least > 0, most.isFinite else {
        throw node.fault("\(what) has exponents that no double holds")
      }
      study.parameters.append(.float(name, least, most, log: true, at: place))
      study.notes.append("\(what): the bounds are exponents of \(base.brief), \(least) to \(most)")
    case "UniformIntegerParameterRange":
      guard low == low.rounded(), high == high.rounded(), step == step?.rounded() else {
        throw node.fault("\(what) is a range of integers and needs whole numbers")
      }
      var parameter = ForeignParameter.int(name, low, high, step: step ?? 1, at: place)
      if let step, step > 1 {
        // randrange(min, max + step, step): what is drawn may lie above max.
        parameter.values = ForeignParameter.steps(from: low, below: high + step, by: step)
        if (parameter.values?.last ?? high) > high {
          study.notes.append(
            "\(what): ClearML draws up to \((parameter.values?.last ?? high).brief), above its "
              + "max_value; values up to \(high.brief) are meant and are drawn here")
        }
      }
      study.parameters.append(parameter)
    default:
      var parameter = ForeignParameter.float(name, low, high, step: step, at: place)
      if let step {
        // Drawn as min + k·step below max.
        let values = ForeignParameter.steps(from: low, below: high, by: step)
        parameter.values = values
        parameter.high = values?.last ?? high
        study.notes.append("\(what): with a step the maximum \(high.brief) is never drawn")
      }
      study.parameters.append(parameter)
    }
  }

  private mutating func readCommandLine() throws(LocatedFault) {
    let line = try source.singleCommand("command")
    for text in line.values("--params-search") {
      try readParameter(try PythonLiteral.value(text, at: line.location))
    }
    guard !study.parameters.isEmpty else {
      throw LocatedFault(location: line.location, problem: "there is no --params-search; add it")
    }
    for text in line.values("--params-override") {
      let node = try PythonLiteral.value(text, at: line.location)
      guard let given = node["name"]?.word,
        let value = node.members.first(where: { $0.key == "value" })?.value
      else { throw node.fault("--params-override needs 'name' and 'value'") }
      study.parameters.append(
        .constant(
          given.contains("/") ? given : "General/\(given)", of: value, source, at: line.location))
    }
    for text in line.values("--args") {
      guard let equals = text.firstIndex(of: "=") else { continue }
      let scalar = YAMLNode(
        content: .scalar(
          YAMLScalar(text: String(text[text.index(after: equals)...]), isPlain: true, tag: nil)),
        location: line.location)
      study.parameters.append(
        .constant(String(text[..<equals]), of: scalar, source, at: line.location))
    }
    try readObjective(line)
    let classes = [
      "randomsearch": "random", "gridsearch": "grid", "optimizeroptuna": "tpe",
      "optimizerbohb": "tpe", "optuna": "tpe", "hpbandster": "tpe",
    ]
    if let name = line.value("--optimizer-class") {
      let last = name.split(separator: ".").last.map(String.init) ?? name
      guard let method = classes[plainName(last)] else {
        throw LocatedFault(
          location: line.location,
          problem: "the optimizer class '\(shortened(name))' is unknown; give OptimizerOptuna, "
            + "OptimizerBOHB, RandomSearch or GridSearch")
      }
      study.method = method
    }
    study.trials = try line.count("--total-max-jobs", "--max-number-of-jobs")
    study.parallel = try line.count("--max-number-of-concurrent-tasks")
    study.seconds = try line.number("--optimization-time-limit").map { $0 * 60 }
    study.trialSeconds = try line.number("--time-limit-per-job").map { $0 * 60 }
    if let steps = line.value("--max-iteration-per-job") {
      study.notes.append(
        "a trial ends at step \(shortened(steps)) in ClearML; the program has to keep it")
    }
    if let script = line.value("--script") {
      study.command = ForeignCommand(words: ForeignCommand.words(["python", script]))
      study.notes.append("parameters reach the program by Task.connect; here by NEEDLETAIL_PARAMS")
    } else {
      study.notes.append("there is no script; give the command behind '--'")
    }
  }

  private mutating func readObjective(_ line: ForeignCommandLine) throws(LocatedFault) {
    guard let title = line.value("--objective-metric-title") else { return }
    let series = line.value("--objective-metric-series")
    let sign = line.value("--objective-metric-sign") ?? "min"
    let known = ["min", "max", "min_global", "max_global"]
    guard known.contains(sign) else {
      throw LocatedFault(
        location: line.location,
        problem: "--objective-metric-sign is '\(shortened(sign))'; give one of \(quotedList(known))"
      )
    }
    study.metrics = [
      .init(
        name: series.map { "\(title)/\($0)" } ?? title,
        direction: sign.hasPrefix("min") ? "minimize" : "maximize")
    ]
    study.reduction = sign.hasSuffix("_global") ? "best" : "last"
  }
}
