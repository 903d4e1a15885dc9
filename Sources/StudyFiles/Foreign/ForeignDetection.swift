internal import JSON

/// Tells whose file a text is, from its content alone: the most telling marks first, the most
/// common words last.
enum ForeignDetection {
  /// The tool, and the mark that says so; nil for our own study files and all others.
  struct Finding {
    let tool: ForeignTool
    /// The keys or words, as in `because of 'method' and 'metric.goal'`.
    let reason: String
    /// The document, or an empty mapping for a text format.
    let root: YAMLNode
  }

  static func find(in text: String, path: String) throws(LocatedFault) -> Finding? {
    let nothing = YAMLNode(content: .mapping([]), location: SourceLocation(line: 1, column: 1))
    if let (tool, reason) = commandLine(text) ?? textFormat(text, path) {
      return Finding(tool: tool, reason: reason, root: nothing)
    }
    var documents: [YAMLNode] = []
    do throws(LocatedFault) {
      documents = try YAMLParser.parseAll(SurrogatePairs.merged(in: Array(text.utf8)), atMost: 20)
    } catch {
      if let first = text.first(where: { !$0.isWhitespace }), first == "{" || first == "[",
        let literal = try? PythonLiteral.value(text)
      {
        documents = [literal]
      } else if let (tool, word) = words(of: text) {
        throw LocatedFault(
          location: error.location,
          problem: "\(tool.fileName) (because of '\(word)') that is broken: \(error.problem)")
      } else {
        return nil
      }
    }
    var findings: [Finding] = []
    for document in documents {
      if let (tool, reason) = mark(of: document) {
        findings.append(Finding(tool: tool, reason: reason, root: document))
      }
    }
    guard findings.count > 1 else { return findings.first }
    // Several documents of one tool stay together, for `--select`.
    let first = findings[0]
    guard findings.allSatisfy({ $0.tool == first.tool }) else {
      let names = Set(findings.map { $0.tool.fileName }).sorted()
      throw LocatedFault(
        location: findings[1].root.location,
        problem: "the documents are \(names.joined(separator: " and ")); keep those of one tool")
    }
    return Finding(
      tool: first.tool, reason: first.reason,
      root: YAMLNode(content: .sequence(findings.map(\.root)), location: first.root.location))
  }

  // MARK: Texts

  private static func commandLine(_ text: String) -> (ForeignTool, String)? {
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmed }
    guard let first = lines.first(where: { !$0.isEmpty && !$0.hasPrefix("#") }) else { return nil }
    let words = first.split(separator: " ").map(String.init)
    func program(_ word: String) -> String {
      word.split(separator: "/").last.map(String.init) ?? ""
    }
    guard let head = words.first.map(program), !head.hasSuffix(":") else { return nil }
    let second = words.count > 1 ? words[1] : ""
    switch head {
    case "clearml-param-search": return (.clearml, head)
    case "orion" where second == "hunt": return (.orion, "orion hunt")
    case "guild" where second == "run": return (.guild, "guild run")
    case "optuna" where ["create-study", "ask", "study"].contains(second):
      return (.optunacli, "optuna \(second)")
    case "dvc" where second == "exp": return (.dvc, "dvc exp run")
    default: break
    }
    let isSwept = words.dropFirst(2).contains { $0.hasPrefix("-") ? false : $0.contains("=") }
    if head.hasPrefix("python"), isSwept {
      if words.contains("--multirun") { return (.hydra, "--multirun") }
      // Before the program `-m` is Python's own.
      if words.dropFirst(2).contains("-m") { return (.hydra, "-m") }
    }
    if first.contains("hyper_parameters="), first.contains("&") {
      return (.h2o, "hyper_parameters=")
    }
    // A script that changes folders or sets variables first.
    if !first.contains(": "), lines.contains(where: { $0.hasPrefix("dvc exp run") }) {
      return (.dvc, "dvc exp run")
    }
    return nil
  }

  private static func textFormat(_ text: String, _ path: String) -> (ForeignTool, String)? {
    let head = text.first { !$0.isWhitespace }
    if text.contains("parameter_id:"), text.contains("{"), head != "{", head != "[",
      text.split(whereSeparator: \.isNewline).contains(where: { line in
        let start = line.trimmed
        return (start.hasPrefix("parameters") || start.hasPrefix("parameter_specs"))
          && start.contains("{") && !start.contains("[")
      })
    {
      return (.vizier, "parameter_id:")
    }
    guard head != "{", head != "[" else { return nil }
    if path.hasSuffix(".pcs") { return (.configspace, "the ending .pcs") }
    for line in text.split(whereSeparator: \.isNewline).prefix(2_000) {
      if PCSReader.isDeclaration(String(line)) { return (.configspace, shortened(line.trimmed)) }
    }
    return nil
  }

  /// The tool of a text that does not parse, by its words.
  private static func words(of text: String) -> (ForeignTool, String)? {
    let marks: [(String, ForeignTool)] = [
      ("HyperParameterTuningJob", .sagemaker), ("ParameterRanges", .sagemaker),
      ("trainer.kubeflow.org/", .optimizationjob), ("kubeflow.org/v1", .katib),
      ("\nmatrix:", .polyaxon), ("azuremlschemas", .azure), ("${{search_space.", .azure),
      ("search_space:", .azure), ("\"_type\"", .nni), ("_type:", .nni), ("trialCommand", .nni),
      ("\nsearcher:", .determined), ("parameterId", .vizier), ("parameter_id", .vizier),
      ("sweeper:", .hydra), ("class_name", .kerastuner), ("hyper_params", .h2o),
      ("entry_points:", .mlproject), ("domain_cls", .synetune), ("orion~", .orion),
      ("categorical_values", .sigopt), ("observation_budget", .sigopt), ("grid_search:", .ray),
      ("- task:", .valohai), ("early_terminate:", .wandb), ("\"algorithm\"", .comet),
      ("${args", .wandb), ("method: bayes", .wandb),
    ]
    return marks.first { text.contains($0.0) }.map { ($0.1, $0.0.trimmed) }
  }

  // MARK: Documents

  /// Keys that only our own study files have.
  private static let own: Set<String> = [
    "sampler", "trials", "n_trials", "max_trials", "direction", "directions", "pruner", "workers",
    "n_jobs", "store", "storage", "collect", "retries", "repeats", "constraints", "timeout",
    "search_space", "memory_limit", "shell", "grace_period", "trial_timeout", "until", "replicates",
    "points", "first", "files", "leave", "env", "environment", "failures", "log", "directory",
    "omit", "spelling", "stand_in", "stand_ins", "executor", "notify", "earlier_studies",
  ]

  /// Whose document it is.
  static func mark(of node: YAMLNode) -> (ForeignTool, String)? {
    if case .sequence(let elements) = node.content { return mark(ofList: elements) }
    guard case .mapping(let entries) = node.content else { return nil }
    func has(_ key: String) -> Bool { entries.contains { $0.key == key } }
    func word(_ key: String) -> String { node[key]?.word ?? "" }
    if word("apiVersion").hasPrefix("trainer.kubeflow.org/"), word("kind") == "OptimizationJob" {
      return (.optimizationjob, "kind: OptimizationJob")
    }
    if word("apiVersion").hasPrefix("kubeflow.org/"), word("kind") == "Experiment" {
      return (.katib, "kind: Experiment")
    }
    if word("$schema").lowercased().contains("azureml") { return (.azure, "$schema") }
    if word("type") == "sweep", has("trial") { return (.azure, "type: sweep") }
    if let matrix = node["matrix"], matrix.isMapping, matrix["kind"] != nil || has("version") {
      return (.polyaxon, "matrix.kind")
    }
    if has("HyperParameterTuningJobConfig") { return (.sagemaker, "HyperParameterTuningJobConfig") }
    if has("ParameterRanges"), has("Strategy") || has("HyperParameterTuningJobObjective") {
      return (.sagemaker, "ParameterRanges")
    }
    for space in ["searchSpace", "searchSpaceFile", "searchSpacePath"] where has(space) {
      for trial in ["trialCommand", "trial"] where has(trial) {
        return (.nni, "\(space) and \(trial)")
      }
    }
    if let searcher = node["searcher"], searcher.isMapping, has("hyperparameters") {
      return (.determined, "searcher and hyperparameters")
    }
    if let found = vizier(node) { return (.vizier, found) }
    if let hydra = node["hydra"], hydra["sweeper"] != nil { return (.hydra, "hydra.sweeper") }
    if let hydra = node["hydra/sweeper"] ?? node["sweeper"], hydra["params"] != nil,
      hydra["_target_"] != nil || has("defaults")
    {
      return (.hydra, "sweeper.params")
    }
    if let space = node["hyperparameters"]?["space"], space.isList {
      return (.kerastuner, "hyperparameters.space")
    }
    if case .sequence(let elements)? = node["hyperparameters"]?.content,
      elements.contains(where: { $0["type"] != nil && $0["name"] != nil })
    {
      return (.configspace, "hyperparameters with type and name")
    }
    for key in ["hyper_params", "hyper_parameters"] where node[key]?.isMapping == true {
      return (.h2o, key)
    }
    if node["entry_points"]?.isMapping == true { return (.mlproject, "entry_points") }
    if node["spec"]?["hyperparams"] != nil { return (.mlrun, "spec.hyperparams") }
    if ["grid", "random", "bayes"].contains(word("algorithm")), has("parameters"), has("spec") {
      return (.comet, "algorithm, parameters and spec")
    }
    if entries.contains(where: { $0.value["domain_cls"] != nil }) {
      return (.synetune, "domain_cls")
    }
    if let found = sigopt(node) { return (.sigopt, found) }
    if let found = orion(node) { return (.orion, found) }
    if !entries.isEmpty,
      entries.allSatisfy({ entry in
        entry.value["run"] != nil && (entry.value["env"] != nil || entry.value["config"] != nil)
      })
    {
      return (.ray, "run and \(entries[0].value["env"] != nil ? "env" : "config")")
    }
    return wandb(node).map { (.wandb, $0) }
  }

  private static func mark(ofList elements: [YAMLNode]) -> (ForeignTool, String)? {
    if let type = elements.lazy.compactMap({ $0["type"]?.word }).first(where: {
      $0.hasSuffix("ParameterRange")
    }) {
      return (.clearml, type)
    }
    let keys = Set(elements.flatMap { $0.members.map(\.key) })
    if keys.contains("operations"), keys.contains("model") || keys.contains("config") {
      return (.guild, "model and operations")
    }
    if keys.contains("task") || keys.contains("step"),
      keys.isSubset(of: [
        "step", "task", "pipeline", "endpoint", "deployment", "environment-variable-group",
      ])
    {
      return (.valohai, keys.contains("task") ? "task" : "step")
    }
    return nil
  }

  private static func vizier(_ node: YAMLNode) -> String? {
    for (key, spec) in [
      ("studySpec", node["studySpec"]), ("study_spec", node["study_spec"]), ("", node),
    ] {
      guard case .sequence(let parameters)? = spec?["parameters"]?.content else { continue }
      for id in ["parameterId", "parameter_id"] where parameters.contains(where: { $0[id] != nil })
      {
        return key.isEmpty ? id : "\(key) and \(id)"
      }
    }
    return nil
  }

  private static func sigopt(_ node: YAMLNode) -> String? {
    for experiment in [node["optimization"], node["experiment"], node] {
      guard case .sequence(let parameters)? = experiment?["parameters"]?.content else { continue }
      for key in ["bounds", "categorical_values", "grid"]
      where parameters.contains(where: { $0[key] != nil }) {
        return "parameters with \(key)"
      }
    }
    return nil
  }

  private static func orion(_ node: YAMLNode) -> String? {
    func isMarked(_ node: YAMLNode, _ depth: Int) -> Bool {
      if let word = node.word { return word.hasPrefix("orion~") }
      return depth > 0 && node.members.contains { isMarked($0.value, depth - 1) }
    }
    if node.members.contains(where: { isMarked($0.value, 6) }) { return "orion~" }
    let priors = [
      "uniform(", "loguniform(", "normal(", "gaussian(", "choices(", "fidelity(", "randint(",
      "norm(", "reciprocal(", "lognorm(",
    ]
    func isPrior(_ node: YAMLNode, _ depth: Int) -> Bool {
      if let word = node.word { return priors.contains { word.hasPrefix($0) } }
      return depth > 0 && node.members.contains { isPrior($0.value, depth - 1) }
    }
    if node["experiment"] != nil, let params = node["params"], isPrior(params, 6) {
      return "experiment and params with priors"
    }
    return nil
  }

  private static func wandb(_ node: YAMLNode) -> String? {
    let keys = Set(node.members.map(\.key))
    guard let parameters = node["parameters"], parameters.isMapping else { return nil }
    let ownKeys = keys.intersection(own)
    // Our placeholders, which a W&B command does not have.
    let words = node["command"]?.elements.compactMap(\.word) ?? []
    if words.contains(where: { $0.contains("{args") && !$0.contains("${args") }) { return nil }
    let method = node["method"]?.word
    if let marks = strongMarks(node, keys, parameters, method) {
      guard ownKeys.isEmpty else { return nil }
      return marks
    }
    guard ownKeys.isEmpty, method == "grid" || method == "random" || method == "bayes" else {
      return nil
    }
    if let metric = node["metric"], metric.isMapping, metric["goal"] != nil {
      return "method and metric.goal"
    }
    return nil
  }

  private static func strongMarks(
    _ node: YAMLNode, _ keys: Set<String>, _ parameters: YAMLNode, _ method: String?
  ) -> String? {
    if keys.contains("program") { return "program" }
    if keys.contains("early_terminate") { return "early_terminate" }
    if keys.contains("job"), keys.contains("run_cap") { return "job and run_cap" }
    if method == "custom" || method == "bayes" { return "method: \(method ?? "")" }
    let command =
      node["command"].map { $0.elements.compactMap(\.word).joined(separator: " ") } ?? ""
    for macro in ["${args", "${program", "${interpreter", "${env"] where command.contains(macro) {
      return "the macro \(macro)…"
    }
    for entry in parameters.members {
      for key in ["distribution", "probabilities"] where entry.value[key] != nil {
        return "'\(key)' of '\(shortened(entry.key))'"
      }
      if entry.value["parameters"]?.isMapping == true {
        return "the nested parameters of '\(shortened(entry.key))'"
      }
    }
    return nil
  }
}
