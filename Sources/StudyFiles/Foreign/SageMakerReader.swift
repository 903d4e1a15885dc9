internal import JSON

/// Reads requests of SageMaker's CreateHyperParameterTuningJob, or their configuration alone.
struct SageMakerReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    try source.checkJSON()
    let root = source.root
    let config: YAMLNode
    if let inner = root["HyperParameterTuningJobConfig"] {
      config = inner
      study.name = root["HyperParameterTuningJobName"]?.word
    } else {
      config = root
    }
    let keys = try ForeignKeys(
      config, in: "the tuning job's configuration",
      known: [
        "Strategy", "StrategyConfig", "HyperParameterTuningJobObjective", "ResourceLimits",
        "ParameterRanges", "TrainingJobEarlyStoppingType", "TuningJobCompletionCriteria",
        "RandomSeed",
      ],
      elsewhere: [
        "TrainingJobDefinition", "TrainingJobDefinitions", "WarmStartConfig", "Tags",
        "HyperParameterTuningJobName",
      ])
    try readStrategy(keys)
    if let node = keys["HyperParameterTuningJobObjective"] {
      let objective = try ForeignKeys(
        node, in: "'HyperParameterTuningJobObjective'", known: ["Type", "MetricName"])
      let type = try objective.need("Type").text("'Type'")
      guard ["Minimize", "Maximize"].contains(type) else {
        throw try objective.need("Type").fault(
          "'Type' is '\(shortened(type))'; give Minimize or Maximize")
      }
      study.metrics = [
        .init(
          name: try objective.need("MetricName").text("'MetricName'"),
          direction: type.lowercased())
      ]
    }
    try readLimits(keys)
    study.seed = try keys.count("RandomSeed", from: 0)
    if let node = keys["ParameterRanges"] { try readRanges(node) }
    if let word = try keys.text("TrainingJobEarlyStoppingType"), word == "Auto" {
      study.earlyStopping = .object([.init("type", "auto_median")])
      study.pruner = "median"
      study.notes.append("early stopping Auto compares running averages; median does here")
    }
    if let node = keys["TuningJobCompletionCriteria"] { try readCompletion(node) }
    let definitions = root["TrainingJobDefinitions"]?.elements ?? []
    if let definition = root["TrainingJobDefinition"] {
      try readDefinition(definition)
    } else if !definitions.isEmpty {
      try readDefinition(
        try source.selected(
          definitions.enumerated().map { ($1["DefinitionName"]?.word ?? "\($0 + 1)", $1) },
          "training job definition"))
    } else {
      study.notes.append(
        "no training definition: no regular expression for the metric; print NAME=VALUE or name one"
      )
    }
    if root["WarmStartConfig"] != nil {
      study.notes.append(
        "the trials of the parent tuning jobs are not there; import them with needletail import csv"
      )
    }
    guard !study.parameters.isEmpty else { throw config.fault("there are no parameter ranges") }
    study.notes.append(
      "SageMaker starts the container's own program: give the command behind '--'; its values are "
        + "all texts in /opt/ml/input/config/hyperparameters.json")
    return study
  }

  private mutating func readStrategy(_ keys: ForeignKeys) throws(LocatedFault) {
    let methods = ["Bayesian": "gp", "Random": "random", "Grid": "grid", "Hyperband": "random"]
    guard let node = keys["Strategy"] else {
      study.method = "gp"
      return
    }
    let word = try node.text("'Strategy'")
    guard let method = methods[word] else {
      let advice =
        nearest(to: word, among: methods.keys.sorted()).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(methods.keys.sorted()))"
      throw node.fault("'Strategy' is '\(shortened(word))'; \(advice)")
    }
    study.method = method
    guard word == "Hyperband" else { return }
    let config = keys["StrategyConfig"]?["HyperbandStrategyConfig"]
    let least = try config?["MinResource"]?.looseCount("'MinResource'") ?? 1
    let most = try config?["MaxResource"]?.looseCount("'MaxResource'")
    study.earlyStopping = .object(
      [
        .init("type", "hyperband"), .init("stop_only", true),
        .init("min_resource", .integer(least)),
      ]
        + (most.map { [.init("max_resource", .integer($0))] } ?? []))
    study.pruner =
      "{name: hyperband, min_resource: \(least)" + (most.map { ", max_resource: \($0)" } ?? "")
      + "}"
  }

  private mutating func readLimits(_ keys: ForeignKeys) throws(LocatedFault) {
    guard let node = keys["ResourceLimits"] else { return }
    let limits = try ForeignKeys(
      node, in: "'ResourceLimits'",
      known: ["MaxNumberOfTrainingJobs", "MaxParallelTrainingJobs", "MaxRuntimeInSeconds"])
    study.trials = try limits.count("MaxNumberOfTrainingJobs")
    study.parallel = try limits.count("MaxParallelTrainingJobs")
    study.seconds = try limits.count("MaxRuntimeInSeconds").map(Double.init)
  }

  private mutating func readCompletion(_ node: YAMLNode) throws(LocatedFault) {
    study.target = try node["TargetObjectiveMetricValue"]?.looseNumber("the target")
    study.mostWithoutProgress =
      try node["BestObjectiveNotImproving"]?["MaxNumberOfTrainingJobsNotImproving"]?
      .looseCount("'MaxNumberOfTrainingJobsNotImproving'")
    if node["ConvergenceDetected"] != nil {
      study.notes.append("ConvergenceDetected has no equivalent and is left out")
    }
  }

  private mutating func readRanges(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "'ParameterRanges'",
      known: [
        "ContinuousParameterRanges", "IntegerParameterRanges", "CategoricalParameterRanges",
        "AutoParameters",
      ])
    var automatic: [String] = []
    for (key, isWhole) in [("ContinuousParameterRanges", false), ("IntegerParameterRanges", true)] {
      for element in try keys[key]?.list("'\(key)'") ?? [] {
        let range = try ForeignKeys(
          element, in: "a range of '\(key)'",
          known: ["Name", "MinValue", "MaxValue", "ScalingType"])
        let name = try range.need("Name").text("'Name'")
        let what = "parameter '\(shortened(name))'"
        if study.method == "grid" {
          throw element.fault("\(what) is numeric; Strategy Grid takes only categorical ranges")
        }
        let low = try range.need("MinValue").looseNumber("'MinValue' of \(what)")
        let high = try range.need("MaxValue").looseNumber("'MaxValue' of \(what)")
        if isWhole, low != low.rounded() || high != high.rounded() {
          throw element.fault("\(what) is an integer range with a bound that is no whole number")
        }
        let scaling = try range.text("ScalingType") ?? "Auto"
        let known = ["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]
        guard known.contains(scaling) else {
          let advice =
            nearest(to: scaling, among: known).map { "did you mean '\($0)'?" }
            ?? "give one of \(quotedList(known))"
          throw try range.need("ScalingType").fault(
            "'ScalingType' of \(what) is '\(shortened(scaling))'; \(advice)")
        }
        var parameter: ForeignParameter =
          isWhole
          ? .int(name, low, high, at: element.location)
          : .float(name, low, high, at: element.location)
        parameter.isLog = scaling == "Logarithmic"
        parameter.isReverseLog = scaling == "ReverseLogarithmic"
        if scaling == "Auto" { automatic.append(name) }
        if parameter.isReverseLog, isWhole || low < 0 || high >= 1 {
          throw element.fault(
            "\(what) is ReverseLogarithmic and needs 0 <= MinValue < MaxValue < 1")
        }
        study.parameters.append(
          try parameter.checkingBounds(element, lowName: "MinValue", highName: "MaxValue"))
      }
    }
    for element in try keys["CategoricalParameterRanges"]?.list("'CategoricalParameterRanges'")
      ?? []
    {
      let range = try ForeignKeys(element, in: "a categorical range", known: ["Name", "Values"])
      let name = try range.need("Name").text("'Name'")
      var parameter = ForeignParameter(name, .categorical, at: element.location)
      for value in try range.need("Values").list("'Values' of parameter '\(shortened(name))'") {
        let text = try value.scalar("a value of '\(shortened(name))'", as: "a text").text
        if !parameter.choices.contains(.string(text)) { parameter.choices.append(.string(text)) }
      }
      guard !parameter.choices.isEmpty else {
        throw element.fault("parameter '\(shortened(name))' has no values; give some")
      }
      study.parameters.append(parameter)
    }
    for element in keys["AutoParameters"]?.elements ?? [] {
      study.notes.append(
        "the range of AutoParameter '\(shortened(element["Name"]?.word ?? ""))' is SageMaker's to "
          + "choose; it is left out")
    }
    if !automatic.isEmpty {
      study.notes.append(
        "\(quotedList(automatic)): ScalingType Auto leaves the scale to SageMaker; read as linear")
    }
  }

  private mutating func readDefinition(_ node: YAMLNode) throws(LocatedFault) {
    if let ranges = node["HyperParameterRanges"], study.parameters.isEmpty {
      try readRanges(ranges)
    }
    if study.metrics.isEmpty, let objective = node["TuningObjective"] {
      study.metrics = [
        .init(
          name: try objective["MetricName"]?.text("'MetricName'") ?? "objective",
          direction: objective["Type"]?.word?.lowercased() ?? "minimize")
      ]
    }
    for entry in node["StaticHyperParameters"]?.members ?? [] {
      study.parameters.append(
        .constant(entry.key, .string(entry.value.spelling ?? ""), at: entry.keyLocation))
    }
    study.trialSeconds =
      try node["StoppingCondition"]?["MaxRuntimeInSeconds"]?.looseNumber("'MaxRuntimeInSeconds'")
    for metric in node["AlgorithmSpecification"]?["MetricDefinitions"]?.elements ?? [] {
      guard metric["Name"]?.word == study.metrics.first?.name, let regex = metric["Regex"]?.word
      else { continue }
      study.expressions = [regex]
      study.metricStream = "both"
      study.reduction = "last"
    }
    if let count = node["ResourceConfig"]?["InstanceCount"]?.word, count != "1" {
      study.notes.append("InstanceCount \(shortened(count)): one process is run here")
    }
    study.notes.append("data, role, image and instances are SageMaker's; ignored")
  }
}

extension ForeignSource {
  /// Refuses what is YAML but no JSON, such as a comma before a bracket, for tools that take only
  /// JSON.
  func checkJSON() throws(LocatedFault) {
    guard let first = text.first(where: { !$0.isWhitespace }), first == "{" || first == "[" else {
      return
    }
    do throws(JSONError) {
      _ = try JSONValue(parsing: text)
    } catch {
      guard let place = trailingComma else {
        throw LocatedFault(location: nil, problem: "\(error); JSON is what the tool reads")
      }
      throw LocatedFault(
        location: place, problem: "not JSON: a comma stands before a closing bracket; remove it")
    }
  }

  /// Where a comma stands before a closing bracket.
  private var trailingComma: SourceLocation? {
    var (line, column) = (1, 0)
    var (isQuoted, isEscaped) = (false, false)
    var comma: SourceLocation?
    for character in text {
      if character.isNewline { (line, column) = (line + 1, 0) } else { column += 1 }
      if isEscaped {
        isEscaped = false
      } else if isQuoted {
        if character == "\\" { isEscaped = true }
        if character == "\"" { isQuoted = false }
      } else if character == "," {
        comma = SourceLocation(line: line, column: column)
      } else if character == "]" || character == "}" {
        if let comma { return comma }
      } else if !character.isWhitespace {
        comma = nil
        isQuoted = character == "\""
      }
    }
    return nil
  }
}
