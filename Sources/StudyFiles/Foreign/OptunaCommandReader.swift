internal import JSON

/// Reads Optuna's command line: `optuna create-study` and `optuna ask` with a search space.
struct OptunaCommandReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let lines = try source.commandLines().filter { $0.words.first?.hasSuffix("optuna") == true }
    study.method = "tpe"
    var directions: [String] = []
    for line in lines {
      study.name = line.value("--study-name") ?? study.name
      if let direction = line.value("--direction") { directions = [direction] }
      let several = line.values("--directions")
      if !several.isEmpty { directions = several }
      if let sampler = line.value("--sampler") { try readSampler(sampler, line) }
      if let space = line.value("--search-space"), study.parameters.isEmpty {
        try readSpace(try PythonLiteral.value(space, at: line.location))
      }
    }
    for direction in directions where !["minimize", "maximize"].contains(direction) {
      throw source.fault(
        "the direction '\(shortened(direction))' is unknown; give minimize or maximize")
    }
    if directions.isEmpty { directions = ["minimize"] }
    study.metrics = directions.enumerated().map { index, direction in
      .init(name: directions.count == 1 ? "value" : "value_\(index)", direction: direction)
    }
    guard !study.parameters.isEmpty else {
      throw source.fault("there is no --search-space; add it")
    }
    study.notes.append(
      "values are told by optuna tell: give the command behind '--', and --trials; Optuna's storage "
        + "is read and written as it is by --store")
    return study
  }

  private mutating func readSampler(_ name: String, _ line: ForeignCommandLine) throws(LocatedFault)
  {
    let methods = [
      "tpesampler": "tpe", "randomsampler": "random", "gpsampler": "gp", "cmaessampler": "cmaes",
      "nsgaiisampler": "nsga2", "qmcsampler": "sobol", "gridsampler": "grid", "autosampler": "auto",
      "bruteforcesampler": "grid",
    ]
    guard let method = methods[plainName(name)] else {
      throw LocatedFault(
        location: line.location, problem: "the sampler '\(shortened(name))' is unknown")
    }
    study.method = method
    guard let text = line.value("--sampler-kwargs") else { return }
    let options = try PythonLiteral.value(text, at: line.location)
    for entry in options.members {
      switch entry.key {
      case "seed": study.seed = try entry.value.looseCount("'seed'", from: 0)
      case "multivariate" where method == "tpe", "group" where method == "tpe",
        "constant_liar" where method == "tpe":
        study.samplerOptions.append(
          (entry.key, .bool(try entry.value.flag("'\(entry.key)'"))))
      case "n_startup_trials":
        study.samplerOptions.append(
          ("startup_trials", .integer(try entry.value.looseCount("'n_startup_trials'", from: 0))))
      default: study.notes.append("the sampler's option \(shortened(entry.key)) is left out")
      }
    }
  }

  private mutating func readSpace(_ node: YAMLNode) throws(LocatedFault) {
    for entry in try node.entries("--search-space", of: "names to distributions") {
      let what = "'\(shortened(entry.key))'"
      let place = entry.keyLocation
      guard let kind = entry.value["name"]?.word, let attributes = entry.value["attributes"] else {
        throw entry.value.fault("\(what) needs 'name' and 'attributes'")
      }
      func number(_ key: String) throws(LocatedFault) -> Double {
        guard let value = attributes[key] else {
          throw attributes.fault("\(what) has no '\(key)'; add it")
        }
        return try value.looseNumber("'\(key)' of \(what)")
      }
      switch kind {
      case "CategoricalDistribution":
        guard let choices = attributes["choices"], choices.isList, !choices.elements.isEmpty else {
          throw attributes.fault("\(what) has no choices; give some")
        }
        study.parameters.append(
          .categorical(entry.key, of: choices.elements, source, at: place))
      case "FloatDistribution", "UniformDistribution", "LogUniformDistribution",
        "DiscreteUniformDistribution", "IntDistribution", "IntUniformDistribution",
        "IntLogUniformDistribution":
        let isLog =
          try attributes["log"]?.flag("'log' of \(what)") ?? kind.contains("LogUniform")
        let step = try (attributes["step"] ?? attributes["q"])?.looseNumber("'step' of \(what)")
        let (low, high) = (try number("low"), try number("high"))
        let parameter: ForeignParameter =
          kind.hasPrefix("Int")
          ? .int(entry.key, low, high, log: isLog, step: step ?? 1, at: place)
          : .float(entry.key, low, high, log: isLog, step: step, at: place)
        study.parameters.append(
          try parameter.checkingBounds(attributes, lowName: "low", highName: "high"))
      default:
        throw entry.value.fault("the distribution '\(shortened(kind))' of \(what) is unknown")
      }
    }
  }
}
