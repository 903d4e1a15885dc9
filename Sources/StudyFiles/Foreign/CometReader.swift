internal import JSON

/// Reads Comet's optimizer files: JSON, or the Python literal that Comet itself reads.
struct CometReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    // YAML takes Python's None, True and False for texts.
    let isLiteral = source.text.first { !$0.isWhitespace } == "{"
    let root = isLiteral ? try PythonLiteral.value(source.text) : source.root
    let keys = try ForeignKeys(
      root, in: "the optimizer file",
      known: ["algorithm", "spec", "parameters", "name", "trials"], elsewhere: ["id"])
    let algorithm = try keys.need("algorithm").text("'algorithm'")
    switch algorithm {
    case "bayes": study.method = "gp"
    case "random": study.method = "random"
    case "grid": study.method = "grid"
    default:
      throw try keys.need("algorithm").fault(
        "'algorithm' is '\(shortened(algorithm))'; give grid, random or bayes")
    }
    study.name = try keys.text("name")
    let spec = try ForeignKeys(
      try keys.need("spec"), in: "'spec'",
      known: [
        "maxCombo", "objective", "metric", "minSampleSize", "retryLimit", "retryAssignLimit",
        "seed",
        "randomize", "gridSize", "trials",
      ])
    let metric = try spec.text("metric") ?? "loss"
    let objective = try spec.text("objective") ?? "minimize"
    guard ["minimize", "maximize"].contains(objective) else {
      throw try spec.need("objective").fault(
        "'objective' is '\(shortened(objective))'; give minimize or maximize")
    }
    study.metrics = [.init(name: metric, direction: objective)]
    study.seed = try spec.count("seed", from: 0)
    let own = try spec.count("trials")
    let repeats = try keys.count("trials") ?? own ?? 1
    if repeats > 1 {
      study.repeats = repeats
      study.notes.append("each point is run \(repeats) times")
    }
    let most = try spec.count("maxCombo", from: 0) ?? 0
    study.trials = most > 0 ? most.multipliedReportingOverflow(by: repeats).partialValue : nil
    if most == 0 { study.notes.append("maxCombo 0: no limit") }
    for key in ["retryLimit", "retryAssignLimit", "minSampleSize"] where spec[key] != nil {
      study.notes.append("\(key) has no equivalent and is left out")
    }
    let divisions = try spec.count("gridSize") ?? 10
    for entry in try keys.need("parameters").entries("'parameters'", of: "names to ranges") {
      var parameter = try parameter(entry)
      if study.method == "grid", parameter.kind == .float || parameter.kind == .int {
        parameter.divisions = divisions
      }
      study.parameters.append(parameter)
    }
    guard !study.parameters.isEmpty else { throw root.fault("'parameters' is empty") }
    study.notes.append(
      "a Comet program asks a server for its points and cannot run unchanged: give a command behind "
        + "'--' that takes them as options")
    return study
  }

  private mutating func parameter(_ entry: YAMLNode.Entry) throws(LocatedFault) -> ForeignParameter
  {
    let name = entry.key
    let what = "parameter '\(shortened(name))'"
    let place = entry.keyLocation
    if entry.value.isList { return try listed(entry.value, name, what, isDiscrete: nil, at: place) }
    guard entry.value.isMapping else { return .constant(name, of: entry.value, source, at: place) }
    let keys = try ForeignKeys(
      entry.value, in: what,
      known: [
        "type", "values", "min", "max", "scalingType", "scaling_type", "mu", "sigma", "gridSize",
      ])
    let typeNode = try keys.need("type")
    let type = try typeNode.text("'type' of \(what)")
    switch type {
    case "categorical", "discrete":
      return try listed(
        try keys.need("values"), name, what, isDiscrete: type == "discrete", at: place)
    case "integer", "float", "double": break
    default:
      let known = ["integer", "float", "double", "categorical", "discrete"]
      let advice =
        nearest(to: type, among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw typeNode.fault("'type' of \(what) is '\(shortened(type))'; \(advice)")
    }
    let scaling = try keys.text("scalingType", "scaling_type") ?? "uniform"
    if scaling == "normal" || scaling == "lognormal" {
      let mean = try keys.need("mu").looseNumber("'mu' of \(what)")
      let deviation = try keys.need("sigma").looseNumber("'sigma' of \(what)")
      guard deviation > 0 else {
        throw try keys.need("sigma").fault("'sigma' of \(what) is not above 0")
      }
      var parameter = ForeignParameter(name, type == "integer" ? .int : .float, at: place)
      parameter.prior =
        scaling == "normal"
        ? .normal(mean: mean, deviation: deviation) : .logNormal(mean: mean, deviation: deviation)
      return parameter
    }
    guard ["uniform", "linear", "loguniform"].contains(scaling) else {
      let known = ["uniform", "linear", "loguniform", "normal", "lognormal"]
      let advice =
        nearest(to: scaling, among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw (keys["scalingType"] ?? entry.value).fault(
        "'scalingType' of \(what) is '\(shortened(scaling))'; \(advice)")
    }
    let low = try keys.need("min").looseNumber("'min' of \(what)")
    let high = try keys.need("max").looseNumber("'max' of \(what)")
    let isLog = scaling == "loguniform"
    if type == "integer", low != low.rounded() || high != high.rounded() {
      throw entry.value.fault("\(what) is an integer and needs whole bounds")
    }
    let parameter: ForeignParameter =
      type == "integer"
      ? .int(name, low, high, log: isLog, at: place)
      : .float(name, low, high, log: isLog, at: place)
    return try parameter.checkingBounds(entry.value)
  }

  private func listed(
    _ node: YAMLNode, _ name: String, _ what: String, isDiscrete: Bool?, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let elements = try node.list("the values of \(what)")
    guard !elements.isEmpty else { throw node.fault("\(what) has no values; give some") }
    let areNumbers = elements.allSatisfy { $0.json().number != nil }
    if isDiscrete == true, !areNumbers {
      throw node.fault("\(what) is discrete and needs numbers; make it categorical")
    }
    return .categorical(
      name, of: elements, source, ordered: isDiscrete ?? areNumbers, at: place)
  }
}
