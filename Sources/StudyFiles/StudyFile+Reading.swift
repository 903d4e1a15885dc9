internal import StudyModel
internal import System

extension StudyFile {
  /// Reads and checks the file.
  ///
  /// - Throws: ``StudyFileError`` for a file that is missing, unreadable, larger than 1 MiB, not
  ///   YAML, or says something that makes no sense.
  package init(contentsOf path: String) throws(StudyFileError) {
    do {
      self = try StudyFile(parsing: try Self.bytes(of: path), path: path)
    } catch {
      throw StudyFileError(path: path, location: error.location, problem: error.problem)
    }
  }

  /// Checks the text of a study file, as `path`.
  package init(text: String, path: String) throws(StudyFileError) {
    do {
      self = try StudyFile(parsing: Array(text.utf8), path: path)
    } catch {
      throw StudyFileError(path: path, location: error.location, problem: error.problem)
    }
  }

  private static let fields: [FieldName] = [
    FieldName("name", "study", "study_name"), "description",
    FieldName("direction", "goal"), "directions",
    FieldName("metric", "objective"), FieldName("metrics", "objectives"),
    FieldName("sampler", "method", "algorithm"), "pruner",
    FieldName("parameters", "params", "search_space"), FieldName("constraints", "constraint"),
    FieldName("repeats", "allow_repeats"), FieldName("replicates", "repetitions"),
    FieldName("log", "log_metrics"), "omit",
    FieldName("trials", "n_trials", "max_trials", "run_cap"),
    "timeout",
    FieldName("workers", "n_jobs", "parallel_trials", "max_concurrent_trials"), "seed",
    FieldName("store", "storage"), "command", "shell", "collect", "retries",
    FieldName("trial_timeout", "max_trial_duration"), FieldName("memory_limit", "memory"),
    "grace_period", "leave", "reuse", FieldName("directory", "workdir", "working_dir"), "spelling",
    "files", FieldName("stand_ins", "stand_in"), FieldName("until", "stop"), "points",
    FieldName("first", "first_point"), FieldName("from", "earlier_studies"),
    FieldName("environment", "env"), "executor", "notify",
  ]

  /// The names under `from`, for a sampler that can make use of them.
  private static func earlierStudies(
    _ node: YAMLNode, for sampler: AlgorithmSetting?
  ) throws(LocatedFault) -> [String] {
    if let name = sampler?.name, !["auto", "gp"].contains(name) {
      throw node.fault(
        "'from' is for the samplers 'auto' and 'gp', not for '\(name)'; remove one of the two")
    }
    var names: [String] = []
    for element in node.elements {
      let name = try studyName(element)
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  private init(parsing bytes: [UInt8], path: String) throws(LocatedFault) {
    let root = try YAMLParser.parse(SurrogatePairs.merged(in: bytes))
    if case .scalar(let scalar) = root.content {
      throw root.fault(
        scalar.isNull
          ? "empty; a study file needs at least parameters, a metric and a command"
          : "not a study file: it holds only the text '\(shortened(scalar.text))'; "
            + "give a mapping such as 'metric: loss'")
    }
    let fields = try Fields(
      root, in: "the study file", known: Self.fields, sparingFragments: true)
    self.path = path
    text = String(decoding: bytes, as: UTF8.self)
    name = try fields["name"].map { (node) throws(LocatedFault) in try Self.studyName(node) }
    _ = try fields["description"]?.text("'description'")
    objectives = try Self.objectives(fields)
    sampler = try fields["sampler"].map { (node) throws(LocatedFault) in
      try AlgorithmSetting(.sampler, reading: node, path: path)
    }
    pruner = try fields["pruner"].map { (node) throws(LocatedFault) in
      try AlgorithmSetting(.pruner, reading: node, path: path)
    }
    space =
      try fields["parameters"].map { (node) throws(LocatedFault) in
        try SearchSpace(reading: node)
      } ?? SearchSpace()
    constraintMetrics = []
    constraintBounds = []
    if let node = fields["constraints"] {
      let bounds = node.elements.filter(\.isMapping)
      let others = YAMLNode(
        content: .sequence(node.elements.filter { !$0.isMapping }), location: node.location)
      constraintMetrics = try space.read(constraints: others, besides: objectives.map(\.name))
      for element in bounds {
        let bound = try MetricBound(reading: element)
        guard !constraintMetrics.contains(bound.metric),
          !objectives.contains(where: { $0.name == bound.metric })
        else {
          throw element.fault(
            "the constraint '\(shortened(bound.metric))' is a metric that stands already; remove one"
          )
        }
        constraintMetrics.append(bound.metric)
        constraintBounds.append(bound)
      }
    }
    allowsRepeats = try fields["repeats"]?.flag("'repeats'") ?? false
    let declared = space
    points =
      try fields["points"].map { (node) throws(LocatedFault) in
        try FixedValue.readPoints(node, in: declared)
      } ?? []
    first =
      try fields["first"].map { (node) throws(LocatedFault) in
        try FixedValue.read(node, "'first'", in: declared)
      } ?? []
    let chosen = sampler
    earlierStudies =
      try fields["from"].map { (node) throws(LocatedFault) in
        try Self.earlierStudies(node, for: chosen)
      } ?? []
    trials =
      try fields["trials"]?.count("'trials'", from: 1, through: 1 << 40)
      ?? (points.isEmpty ? nil : points.count)
    timeout = try fields["timeout"]?.duration("'timeout'")
    (workers, usesAllProcessors) = try Self.workers(fields["workers"])
    replicates = try fields["replicates"]?.count("'replicates'", from: 1, through: 10_000) ?? 1
    seed = try fields["seed"].map { (node) throws(LocatedFault) in
      UInt64(try node.count("'seed'", from: 0, through: .max))
    }
    store = try fields["store"]?.text("'store'")
    let names = space.parameters.map(\.name)
    let chosenSpelling =
      try fields["spelling"]?.choice("'spelling'", among: ValueSpelling.allCases) ?? .plain
    spelling = chosenSpelling
    directory = try fields["directory"]?.text("'directory'")
    ending =
      try fields["until"].map { (node) throws(LocatedFault) in
        try StudyEnding(reading: node)
      } ?? StudyEnding()
    if let node = fields["until"], objectives.count > 1,
      ending.target != nil || ending.noProgress != nil
    {
      throw node.fault("'until' compares one objective, and there are \(objectives.count)")
    }
    let omission =
      try fields["omit"]?.choice("'omit'", among: CommandTemplate.Omission.allCases) ?? .nothing
    let usesShell = try fields["shell"]?.flag("'shell'") ?? false
    command = try fields["command"].map { (node) throws(LocatedFault) in
      try CommandTemplate(
        reading: node, usesShell: usesShell, parameters: names, spelling: chosenSpelling,
        omitting: omission)
    }
    collection =
      try fields["collect"].map { (node) throws(LocatedFault) in
        try MetricCollection(reading: node, parameters: names)
      } ?? MetricCollection()
    executor =
      try fields["executor"].map { (node) throws(LocatedFault) in
        try ExecutorSetting(reading: node, parameters: names)
      } ?? .process
    try executor.check(fields, collection)
    retries =
      try fields["retries"].map { (node) throws(LocatedFault) in
        try RetryPolicy(reading: node)
      } ?? RetryPolicy()
    trialTimeout = try fields["trial_timeout"]?.duration("'trial_timeout'")
    memoryLimit = try fields["memory_limit"]?.byteCount("'memory_limit'")
    gracePeriod =
      try fields["grace_period"]?.duration("'grace_period'", orZero: true) ?? .seconds(10)
    leave =
      try fields["leave"].map { (node) throws(LocatedFault) in
        try Self.programNames(node)
      } ?? []
    reuse = try fields["reuse"]?.count("'reuse'", from: 1, through: 1_000_000)
    if let node = fields["reuse"], let reuse, reuse > 1,
      let name = command?.difference(among: Set(names))
    {
      throw node.fault(
        "'reuse' is \(reuse), and the command has '{\(shortened(name))}', which another trial of the "
          + "same process cannot change; let the program take its parameters from the trial, or "
          + "remove 'reuse'")
    }
    standIns =
      try fields["stand_ins"].map { (node) throws(LocatedFault) in
        try StandIns(reading: node)
      } ?? StandIns()
    files =
      try fields["files"].map { (node) throws(LocatedFault) in
        try TrialFile.read(node, parameters: names)
      } ?? []
    furtherMetrics =
      try fields["log"].map { [objectives, constraintMetrics] (node) throws(LocatedFault) in
        try FurtherMetrics(reading: node, besides: objectives.map(\.name) + constraintMetrics)
      } ?? .named([])
    environment =
      try fields["environment"].map { (node) throws(LocatedFault) in
        try EnvironmentVariable.read(node, parameters: names)
      } ?? []
    notices =
      try fields["notify"].map { (node) throws(LocatedFault) in
        try NoticeSetting.read(node)
      } ?? []
  }

  /// Reads `workers:`, a number or `auto`.
  private static func workers(
    _ node: YAMLNode?
  ) throws(LocatedFault) -> (count: Int?, isAutomatic: Bool) {
    if case .scalar(let scalar)? = node?.content, scalar.text.lowercased() == "auto" {
      return (nil, true)
    }
    return (try node?.count("'workers'", from: 1, through: 4_096), false)
  }

  private static func programNames(_ node: YAMLNode) throws(LocatedFault) -> [String] {
    var names: [String] = []
    for element in node.elements {
      let name = try element.text("a name in 'leave'")
      guard !name.isEmpty, !name.utf8.contains(where: { $0 == 0x2F || $0 == 0x3A || $0 == 0 })
      else {
        throw element.fault(
          "'leave' has '\(shortened(name))'; give names of programs as ps shows them, such as sccache"
        )
      }
      names.append(name)
    }
    return names
  }

  private static func studyName(_ node: YAMLNode) throws(LocatedFault) -> String {
    let name = try node.text("'name'")
    guard name.unicodeScalars.count <= 512 else {
      throw node.fault("'name' has \(name.unicodeScalars.count) characters; give at most 512")
    }
    return name
  }

  static func bytes(of path: String) throws(LocatedFault) -> [UInt8] {
    func failure(_ code: Int32) -> LocatedFault {
      let reason = unsafe String(cString: strerror(code))
      let fix =
        code == ENOENT
        ? "write one, or give its path" : "check the path and its permissions"
      return LocatedFault(
        location: nil, problem: "the study file cannot be read: \(reason); \(fix)")
    }
    guard !path.isEmpty, !path.utf8.contains(0) else { throw failure(ENOENT) }
    // A FIFO or a device must not hang the program.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw failure(errno) }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw failure(errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw failure(EISDIR) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw LocatedFault(location: nil, problem: "not a regular file; give the path of a text file")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= YAMLParser.largestSize {
      let count = unsafe read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return bytes
  }
}

// MARK: Objectives

extension StudyFile {
  /// Brings `direction(s)`, `metric` and `metrics` together.
  private static func objectives(_ fields: Fields) throws(LocatedFault) -> [ObjectiveMetric] {
    if let metrics = fields["metrics"], let metric = fields["metric"] {
      throw (metrics.location.line > metric.location.line ? metrics : metric).fault(
        "'metric' and 'metrics' exclude each other; keep one")
    }
    if let directions = fields["directions"], let direction = fields["direction"] {
      throw (directions.location.line > direction.location.line ? directions : direction).fault(
        "'direction' and 'directions' exclude each other; keep one")
    }
    let metricNodes = (fields["metrics"] ?? fields["metric"])?.elements ?? []
    let directionNode = fields["directions"] ?? fields["direction"]
    let directionNodes = directionNode?.elements ?? []
    if let node = fields["metrics"] ?? fields["metric"], metricNodes.isEmpty {
      throw node.fault("the list of metrics is empty; give at least one")
    }
    if let directionNode {
      guard !directionNodes.isEmpty else {
        throw directionNode.fault("the list of directions is empty; give one per objective")
      }
      guard metricNodes.isEmpty || metricNodes.count == directionNodes.count else {
        throw directionNode.fault(
          "\(directionNodes.count) directions do not fit \(metricNodes.count) metrics; "
            + "give one per metric")
      }
    }
    let count = max(metricNodes.count, directionNodes.count, 1)
    var objectives: [ObjectiveMetric] = []
    for index in 0..<count {
      let direction: Direction? =
        try index < directionNodes.count ? Self.direction(directionNodes[index]) : nil
      let objective: ObjectiveMetric
      if index < metricNodes.count {
        objective = try Self.metric(metricNodes[index], direction: direction)
      } else {
        objective = ObjectiveMetric(
          name: count == 1 ? "objective" : "objective_\(index)",
          direction: direction ?? .minimize)
      }
      if objectives.contains(where: { $0.name == objective.name }) {
        throw metricNodes[index].fault("the metric '\(objective.name)' stands twice; rename one")
      }
      objectives.append(objective)
    }
    return objectives
  }

  private static func metric(
    _ node: YAMLNode, direction: Direction?
  ) throws(LocatedFault) -> ObjectiveMetric {
    guard case .mapping = node.content else {
      return ObjectiveMetric(
        name: try metricName(node), direction: direction ?? .minimize)
    }
    let fields = try Fields(
      node, in: "a metric", known: ["name", FieldName("direction", "goal", "mode"), "reduce"])
    guard let nameNode = fields["name"] else {
      throw node.fault("a metric has no name; add 'name:'")
    }
    var chosen = direction
    if let own = fields["direction"] {
      let given = try Self.direction(own)
      if let direction, direction != given {
        throw own.fault(
          "the metric is to \(given.rawValue), but 'direction' says \(direction.rawValue); remove one"
        )
      }
      chosen = given
    }
    var reduction = ObjectiveMetric.Reduction.last
    if let reduce = fields["reduce"] {
      reduction = try reduce.choice("'reduce'", among: ObjectiveMetric.Reduction.allCases)
    }
    return ObjectiveMetric(
      name: try metricName(nameNode), direction: chosen ?? .minimize, reduction: reduction)
  }

  private static func metricName(_ node: YAMLNode) throws(LocatedFault) -> String {
    let name = try node.text("the metric's name")
    guard name.utf8.count <= 256, !name.contains(where: \.isNewline) else {
      throw node.fault("the metric's name '\(shortened(name))' is too long; give at most 256 bytes")
    }
    return name
  }

  private static func direction(_ node: YAMLNode) throws(LocatedFault) -> Direction {
    let text = try node.text("the direction")
    switch plainName(text) {
    case "min", "minimize", "minimise": return .minimize
    case "max", "maximize", "maximise": return .maximize
    default:
      let advice =
        nearest(to: text, among: ["minimize", "maximize"]).map { "did you mean '\($0)'?" }
        ?? "give minimize or maximize"
      throw node.fault("the direction '\(shortened(text))' is unknown; \(advice)")
    }
  }
}

extension YAMLNode {
  /// One of the cases of an enumeration, by its raw value.
  func choice<Choice: RawRepresentable<String>>(
    _ what: String, among choices: [Choice]
  ) throws(LocatedFault) -> Choice {
    let names = choices.map(\.rawValue)
    let text = try scalar(what, as: "one of \(quotedList(names))").text
    if let found = choices.first(where: { plainName($0.rawValue) == plainName(text) }) {
      return found
    }
    let advice =
      nearest(to: text, among: names).map { "did you mean '\($0)'?" }
      ?? "give one of \(quotedList(names))"
    throw fault("\(what) is '\(shortened(text))'; \(advice)")
  }
}

extension FurtherMetrics {
  /// Reads `log:`, names of metrics or `all`.
  init(reading node: YAMLNode, besides known: [String]) throws(LocatedFault) {
    if case .scalar(let scalar) = node.content, scalar.text == "all" {
      self = .all
      return
    }
    var names: [String] = []
    for element in node.elements {
      let name = try element.text("a name in 'log'")
      guard !known.contains(name), !names.contains(name) else {
        throw element.fault("'log' has '\(shortened(name))', which is kept already; remove it")
      }
      names.append(name)
    }
    self = .named(names)
  }
}
