internal import JSON
internal import System

/// Reads NNI experiments, of version 2 and 3 and with the older spellings of version 1.
struct NNIReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let keys = try ForeignKeys(
      source.root, in: "the experiment",
      known: [
        "searchSpace", "searchSpaceFile", "searchSpacePath", "trialCommand", "trial",
        "trialCodeDirectory", "trialConcurrency", "maxTrialNumber", "maxTrialNum",
        "maxExperimentDuration", "maxExecDuration", "maxTrialDuration", "tuner", "assessor",
        "advisor", "trainingService", "trainingServicePlatform", "experimentName", "useAnnotation",
      ],
      elsewhere: [
        "authorName", "nniManagerIp", "logDir", "logLevel", "debug", "trialGpuNumber",
        "experimentWorkingDirectory", "tunerGpuIndices", "versionCheck", "logCollection",
        "localConfig", "machineList", "sharedStorage", "description", "multiPhase",
      ], unknown: .ignored)
    study.ignored = keys.ignored
    study.name = try keys.text("experimentName")
    study.parallel = try keys.count("trialConcurrency") ?? 1
    study.trials = try keys.count("maxTrialNumber", "maxTrialNum")
    study.seconds = try seconds(keys["maxExperimentDuration"] ?? keys["maxExecDuration"])
    study.trialSeconds = try seconds(keys["maxTrialDuration"])
    let tuner = keys["advisor"] ?? keys["tuner"]
    try readTuner(tuner)
    try readSpace(keys)
    if let most = budget, study.parameters.allSatisfy({ $0.name != "TRIAL_BUDGET" }) {
      var parameter = ForeignParameter.int("TRIAL_BUDGET", 1, most.most)
      parameter.fidelity = most
      study.parameters.append(parameter)
    }
    try readCommand(keys)
    if let node = keys["assessor"] { try readAssessor(node) }
    if let platform = (keys["trainingService"]?["platform"] ?? keys["trainingServicePlatform"])?
      .word,
      platform != "local"
    {
      study.notes.append(
        "the training service \(shortened(platform)) is not used; start needletail workers on the "
          + "machines instead")
    }
    offerProtocol()
    return study
  }

  private var budget: ForeignParameter.Fidelity?

  /// Gives the program what NNI's own module finds on a platform that is not the local one, and
  /// reads the lines that it then prints.
  private mutating func offerProtocol() {
    study.files = [
      ("parameter.cfg", #"{{"parameter_id": {trial}, "parameters": {args:nested}}}"#)
    ]
    study.environment += [
      ("NNI_PLATFORM", [.literal("needletail")]), ("NNI_SYS_DIR", [.folder]),
      ("NNI_OUTPUT_DIR", [.folder]), ("NNI_EXP_ID", [.literal("needletail")]),
      ("NNI_TRIAL_JOB_ID", [.placeholder("trial")]),
      ("NNI_TRIAL_SEQ_ID", [.placeholder("trial")]),
    ]
    let number = #"(?<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:Infinity|NaN))"#
    let value = #""value": "(?:\{.*?\\+"default\\+": )?"# + number
    study.expressions = [
      #"NNISDK_MEb?'?\{.*"type": "PERIODICAL".*"sequence": (?<step>\d+).*"# + value,
      #"NNISDK_MEb?'?\{.*"type": "FINAL".*"# + value,
      #"(?:\bstep\s*=\s*(?<step>\d+).*)?\bdefault\s*=\s*"# + number,
    ]
    study.notes.append(
      "a program without NNI's module reads NEEDLETAIL_PARAMS and prints default=VALUE")
  }

  private func seconds(_ node: YAMLNode?) throws(LocatedFault) -> Double? {
    guard let node else { return nil }
    return try node.duration("the duration").inSeconds
  }

  // MARK: Tuner

  private mutating func readTuner(_ node: YAMLNode?) throws(LocatedFault) {
    guard let node else {
      study.method = "random"
      return
    }
    let arguments = node["classArgs"]
    if let mode = arguments?["optimize_mode"] {
      let word = try mode.text("'optimize_mode'")
      guard ["minimize", "maximize"].contains(word) else {
        throw mode.fault("'optimize_mode' is '\(shortened(word))'; give minimize or maximize")
      }
      study.metrics = [.init(name: "default", direction: word)]
    } else {
      study.metrics = [.init(name: "default", direction: "maximize")]
      study.notes.append("no optimize_mode: the largest value counts as best, NNI's default")
    }
    study.seed = try arguments?["seed"]?.looseCount("'seed'", from: 0)
    let nameNode = node["name"] ?? node["builtinTunerName"] ?? node["builtinAdvisorName"]
    guard let nameNode else {
      let custom = node["className"] ?? node["codeDir"]
      throw (custom ?? node).fault(
        "the tuner '\(shortened(node["className"]?.word ?? ""))' is Python code, which is not run "
          + "here; give a tuner of NNI's by its 'name'")
    }
    let name = try nameNode.text("the tuner's name")
    let methods = [
      "tpe": "tpe", "random": "random", "anneal": "random", "evolution": "nsga2",
      "gridsearch": "grid", "grid": "grid", "batchtuner": "list", "batch": "list", "smac": "gp",
      "gptuner": "gp", "gp": "gp", "metis": "gp", "metistuner": "gp", "dngo": "gp",
      "dngotuner": "gp", "hyperband": "random", "bohb": "tpe", "networkmorphism": "auto",
      "pbttuner": "pbt", "pbt": "pbt", "ppotuner": "auto", "bohbadvisor": "tpe",
    ]
    guard let method = methods[plainName(name)] else {
      let known = [
        "TPE", "Random", "Anneal", "Evolution", "GridSearch", "BatchTuner", "SMAC", "GP",
        "Metis", "Hyperband", "BOHB", "PBTTuner",
      ]
      let advice =
        nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw nameNode.fault("the tuner '\(shortened(name))' is unknown; \(advice)")
    }
    study.method = method
    if [
      "anneal", "evolution", "metis", "metistuner", "smac", "dngo", "dngotuner", "networkmorphism",
      "ppotuner",
    ].contains(plainName(name)) {
      study.notes.append(
        "the tuner \(shortened(name)) has no equivalent; \(method) does in its place")
    }
    if method == "pbt" {
      study.notes.append("population based training has no equivalent; random search does")
    }
    guard ["hyperband", "bohb", "bohbadvisor"].contains(plainName(name)) else { return }
    let isBOHB = plainName(name) != "hyperband"
    let most =
      try (isBOHB ? arguments?["max_budget"] : arguments?["R"])?.looseNumber("the budget")
      ?? (isBOHB ? 3 : 60)
    let eta = try arguments?["eta"]?.looseNumber("'eta'") ?? 3
    let least = try arguments?["min_budget"]?.looseNumber("'min_budget'") ?? 1
    budget = .init(least: least, most: most, base: eta)
    study.earlyStopping = .object([
      .init("type", "hyperband"), .init("restarts", true), .init("resource", "TRIAL_BUDGET"),
      .init("eta", eta.json), .init("max_resource", most.json),
    ])
    study.pruner =
      "{name: hyperband, max_resource: \(max(1, Int(clamped: most))), reduction_factor: \(max(2, Int(clamped: eta)))}"
    study.notes.append(
      "\(shortened(name)) runs promoted points again with more TRIAL_BUDGET; here every trial gets "
        + "the full budget and hyperband prunes by its reports")
  }

  private mutating func readAssessor(_ node: YAMLNode) throws(LocatedFault) {
    let name = node["name"]?.word ?? node["builtinAssessorName"]?.word ?? ""
    let arguments = node["classArgs"]
    switch plainName(name) {
    case "medianstop":
      let start = try arguments?["start_step"]?.looseCount("'start_step'", from: 0) ?? 0
      study.earlyStopping = .object([
        .init("type", "median"), .init("start_step", .integer(start)),
      ])
      study.pruner = "{name: median, warmup_steps: \(start)}"
    case "curvefitting":
      var members: [JSONValue.Member] = [.init("type", "curvefitting")]
      if let epochs = try arguments?["epoch_num"]?.looseCount("'epoch_num'") {
        members.append(.init("epochs", .integer(epochs)))
      }
      if let threshold = try arguments?["threshold"]?.looseNumber("'threshold'") {
        members.append(.init("threshold", threshold.json))
      }
      study.earlyStopping = .object(members)
      study.pruner = "predictive"
      study.notes.append("Curvefitting has no equivalent; predictive, which fits curves too, does")
    default:
      throw node.fault(
        "the assessor '\(shortened(name))' is unknown; give Medianstop or Curvefitting")
    }
  }

  // MARK: Space

  private mutating func readSpace(_ keys: ForeignKeys) throws(LocatedFault) {
    let space: YAMLNode
    if let node = keys["searchSpace"] {
      space = node
    } else if let file = keys["searchSpaceFile"] ?? keys["searchSpacePath"] {
      space = try source.sideDocument(file, "the search space")
    } else {
      throw keys.node.fault("there is no search space")
    }
    if study.method == "list" {
      try readBatch(space)
      return
    }
    for entry in try space.entries("the search space", of: "names to ranges") {
      try readParameter(entry, prefix: "", under: [])
    }
    guard !study.parameters.isEmpty else { throw space.fault("the search space is empty") }
  }

  private mutating func readBatch(_ space: YAMLNode) throws(LocatedFault) {
    guard let entry = space.members.first, space.members.count == 1,
      entry.value["_type"]?.word == "choice", let value = entry.value["_value"]
    else {
      throw space.fault("BatchTuner needs one parameter of type choice, whose values are points")
    }
    var names: [String] = []
    for element in try value.list("the points") {
      let entries = try element.entries("a point", of: "names to values")
      study.points.append(entries.map { ($0.key, $0.value.json(yaml11: true)) })
      for entry in entries where !names.contains(entry.key) { names.append(entry.key) }
    }
    guard !study.points.isEmpty else { throw value.fault("there are no points; give some") }
    study.setParametersFromPoints(names, at: value.location)
    study.trials = min(study.trials ?? .max, study.points.count)
    study.notes.append("\(entry.key) is a list of whole points, each run once in its order")
  }

  private static let kinds: [String: Int] = [
    "choice": 0, "randint": 2, "uniform": 2, "quniform": 3, "loguniform": 2, "qloguniform": 3,
    "normal": 2, "qnormal": 3, "lognormal": 2, "qlognormal": 3,
  ]

  private mutating func readParameter(
    _ entry: YAMLNode.Entry, prefix: String, under conditions: [ForeignParameter.Condition]
  ) throws(LocatedFault) {
    let name = prefix.isEmpty ? entry.key : "\(prefix).\(entry.key)"
    let what = "parameter '\(shortened(name))'"
    guard let typeNode = entry.value["_type"], let value = entry.value["_value"] else {
      throw entry.value.fault("\(what) needs '_type' and '_value'")
    }
    let type = try typeNode.text("'_type' of \(what)")
    guard let count = Self.kinds[type] else {
      let known = Self.kinds.keys.sorted()
      let advice =
        nearest(to: type, among: known).map { "did you mean '\($0)'?" }
        ?? (type == "discrete" ? "did you mean 'choice'?" : "known are \(quotedList(known))")
      throw typeNode.fault("'_type' of \(what) is '\(shortened(type))'; \(advice)")
    }
    let elements = try value.list("'_value' of \(what)")
    if type == "choice" {
      try readChoice(elements, name, what, at: entry, conditions)
      return
    }
    guard elements.count == count else {
      throw value.fault("'_value' of \(what) has \(elements.count) numbers; \(type) takes \(count)")
    }
    var numbers: [Double] = []
    for element in elements { numbers.append(try element.looseNumber("a number of \(what)")) }
    var parameter = ForeignParameter(name, .float, at: entry.keyLocation)
    if !conditions.isEmpty { parameter.conditions = [conditions] }
    if type.hasSuffix("normal") {
      guard numbers[1] > 0 else { throw value.fault("the deviation of \(what) is not above 0") }
      parameter.prior =
        type.hasSuffix("lognormal")
        ? .logNormal(mean: numbers[0], deviation: numbers[1])
        : .normal(mean: numbers[0], deviation: numbers[1])
      if type.hasPrefix("q") { parameter.quantization = .init(q: numbers[2], rule: .nearest) }
    } else {
      (parameter.low, parameter.high) = (numbers[0], numbers[1])
      parameter.isLog = type.hasSuffix("loguniform")
      if type == "randint" {
        guard numbers[0] == numbers[0].rounded(), numbers[1] == numbers[1].rounded(),
          numbers[0] < numbers[1]
        else {
          throw value.fault("\(what) is a randint and needs two whole numbers, lower below upper")
        }
        parameter.kind = .int
        parameter.step = 1
        parameter.high = numbers[1] - 1
        study.notes.append("\(what): a randint ends before its upper bound \(numbers[1].brief)")
      }
      if type.hasPrefix("q") {
        parameter.step = numbers[2]
        parameter.quantization = .init(q: numbers[2], rule: .clipped)
      }
    }
    if type.hasPrefix("q"), numbers[2] <= 0 { throw value.fault("q of \(what) is not above 0") }
    if type == "quniform", let low = parameter.low, let high = parameter.high, low < high,
      let multiples = ForeignParameter.multiples(of: numbers[2], from: low, through: high)
    {
      var values: [Double] = []
      for multiple in multiples {
        let clipped = min(max(multiple, low), high)
        if values.last != clipped { values.append(clipped) }
      }
      parameter.values = values
    }
    study.append(try parameter.checkingBounds(value, lowName: "low", highName: "high"))
  }

  private mutating func readChoice(
    _ elements: [YAMLNode], _ name: String, _ what: String, at entry: YAMLNode.Entry,
    _ conditions: [ForeignParameter.Condition]
  ) throws(LocatedFault) {
    guard !elements.isEmpty else { throw entry.value.fault("\(what) has no values; give some") }
    let isNested = elements.contains { $0["_name"] != nil }
    guard isNested else {
      var parameter = ForeignParameter.categorical(
        name, of: elements, source, at: entry.keyLocation)
      if !conditions.isEmpty { parameter.conditions = [conditions] }
      study.append(parameter)
      return
    }
    var choices: [JSONValue] = []
    for element in elements {
      guard let choice = element["_name"] ?? (element.isMapping ? nil : element) else {
        throw element.fault("a choice of \(what) has no '_name'; add it to each")
      }
      choices.append(choice.json())
    }
    var parent = ForeignParameter.categorical(name, choices, at: entry.keyLocation)
    if !conditions.isEmpty { parent.conditions = [conditions] }
    study.parameters.append(parent)
    for (element, choice) in zip(elements, choices) {
      for inner in element.members where inner.key != "_name" {
        try readParameter(
          inner, prefix: name,
          under: conditions + [.init(parent: name, test: .among([choice]))])
      }
    }
    study.notes.append(
      "\(what): what stands in a choice exists only with it, as '\(shortened(name)).…'")
  }

  // MARK: Command

  private mutating func readCommand(_ keys: ForeignKeys) throws(LocatedFault) {
    let trial = keys["trial"]
    guard let node = keys["trialCommand"] ?? trial?["command"] else {
      study.notes.append("there is no trial command; give one behind '--'")
      return
    }
    let text = try node.text("the trial command")
    study.command = ForeignCommand(words: [[.literal(text)]], usesShell: true)
    study.workingFolder =
      try (keys["trialCodeDirectory"] ?? trial?["codeDir"])?.text("the code's folder") ?? "."
  }
}
