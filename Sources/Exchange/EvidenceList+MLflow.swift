internal import JSON
internal import StudyModel

/// A run of MLflow's as texts, from a server or a folder.
struct FoundRun {
  var id: String
  var status: RunRecord.Status
  var startedAt: Int64?
  var endedAt: Int64?
  var parameters: [RunRecord.Entry]
  /// The latest value of each metric.
  var metrics: [String: Double]
  var tags: [String: String]
}

extension EvidenceList {
  /// Reads the runs of an experiment: those that are no other run's parent.
  package init(
    of server: MLflowServer, experiment name: String, options: EvidenceOptions
  ) throws(ExchangeError) {
    guard let experiment = try server.experiment(named: name),
      let id = experiment["experiment_id"]?.string
    else { throw .unknownExperiment(name, known: try server.experimentNames()) }
    guard experiment["lifecycle_stage"]?.string != "deleted" else {
      throw .deletedExperiment(name)
    }
    try self.init(
      try server.search(id, filter: "").compactMap(FoundRun.init(json:)), options: options)
  }

  /// Reads the runs of an experiment in a folder.
  package init(
    of folder: MLflowFolder, experiment name: String, options: EvidenceOptions
  ) throws(ExchangeError) {
    let experiments = try folder.experiments()
    guard let id = experiments.first(where: { $0.name == name })?.id else {
      throw .unknownExperiment(name, known: Array(experiments.map(\.name).prefix(12)))
    }
    var runs: [FoundRun] = []
    for (path, meta) in try folder.runs(of: id) { runs.append(try folder.run(at: path, meta)) }
    runs.sort { ($0.startedAt ?? 0, $0.id) < ($1.startedAt ?? 0, $1.id) }
    try self.init(runs, options: options)
  }

  private init(_ runs: [FoundRun], options: EvidenceOptions) throws(ExchangeError) {
    self.init()
    format = "mlflow"
    let parents = Set(runs.compactMap { $0.tags[StudyRuns.Tag.parent] })
    let trials = runs.filter { !parents.contains($0.id) }
    let metrics = Set(trials.flatMap { $0.metrics.keys }).sorted()
    let wanted = options.values.flatMap {
      $0.allSatisfy(metrics.contains) || !options.mayLackValues ? $0 : nil
    }
    let names = wanted ?? (metrics.contains("value") ? ["value"] : Self.numbered(metrics))
    guard !names.isEmpty || trials.isEmpty else {
      throw .unusable(
        "no metric is known to be the value; name it with --value ("
          + metrics.prefix(20).map { "'\($0)'" }.joined(separator: ", ") + ")")
    }
    if let wanted = options.objectives, !trials.isEmpty, wanted != names.count {
      throw .unusable(
        "there are \(names.count) metrics of values, and the study has \(wanted) objectives; name "
          + "as many with --value")
    }
    for run in trials {
      let word = run.tags[StudyRuns.Tag.state] ?? run.status.name
      guard let state = TrialState(evidence: word), state.isFinished else {
        unfinished += 1
        continue
      }
      var evidence = Evidence(
        place: "run \(run.id)", state: state,
        values: names.map { name in run.metrics[name].map { "\($0)" } ?? "" }, parameters: [],
        startedAt: run.startedAt.map { Timestamp(microseconds: $0 * 1_000) },
        completedAt: run.endedAt.map { Timestamp(microseconds: $0 * 1_000) })
      if let wanted = options.parameters {
        var keys = RunNames()
        for name in wanted {
          let key = keys.key(of: name)
          guard let entry = run.parameters.first(where: { $0.key == name || $0.key == key })
          else { continue }
          evidence.parameters.append((name, entry.value))
        }
      } else {
        evidence.parameters = run.parameters.map { ($0.key, $0.value) }
      }
      rows.append(evidence)
    }
  }

  /// `value_0`, `value_1` …, as our own export calls several.
  private static func numbered(_ metrics: [String]) -> [String] {
    var names: [String] = []
    while metrics.contains("value_\(names.count)") { names.append("value_\(names.count)") }
    return names
  }
}

extension FoundRun {
  /// Reads a run of `runs/search`.
  init?(json: JSONValue) {
    guard let known = KnownRun(json: json) else { return nil }
    let (info, data) = (json["info"], json["data"])
    id = known.id
    status = known.status
    func time(_ key: String) -> Int64? {
      info?[key].flatMap(RunRecord.Point.number).flatMap { Int64(exactly: $0) }
    }
    startedAt = time("start_time")
    endedAt = time("end_time").flatMap { $0 > 0 ? $0 : nil }
    parameters = (data?["params"]?.array ?? []).compactMap(RunRecord.Entry.init(json:))
    metrics = (data?["metrics"]?.array ?? []).compactMap(RunRecord.Point.init(json:))
      .reduce(into: [:]) { $0[$1.key] = $1.value }
    tags = (data?["tags"]?.array ?? []).compactMap(RunRecord.Entry.init(json:))
      .reduce(into: [:]) { $0[$1.key] = $1.value }
  }
}

extension MLflowFolder {
  /// Reads one run.
  func run(at path: String, _ meta: [String: String]) throws(ExchangeError) -> FoundRun {
    var run = FoundRun(
      id: meta["run_id"] ?? "",
      status: meta["status"].flatMap { Int($0) }.flatMap(RunRecord.Status.init) ?? .running,
      startedAt: meta["start_time"].flatMap { Int64($0) },
      endedAt: meta["end_time"].flatMap { Int64($0) }, parameters: [], metrics: [:], tags: [:])
    for (key, text) in try texts(below: "\(path)/params") {
      run.parameters.append(RunRecord.Entry(key: key, value: text))
    }
    for (key, text) in try texts(below: "\(path)/metrics") {
      // The latest is the one with the greatest step, then time.
      var latest: (step: Int, time: Int64, value: Double)?
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: " ")
        guard parts.count >= 2, let time = Int64(parts[0]), let value = Double(parts[1]) else {
          continue
        }
        let step = parts.count == 3 ? Int(parts[2]) ?? 0 : 0
        if let known = latest, (known.step, known.time) > (step, time) { continue }
        latest = (step, time, value)
      }
      if let latest { run.metrics[key] = latest.value }
    }
    for (key, text) in try texts(below: "\(path)/tags") { run.tags[key] = text }
    return run
  }

  /// The texts of the files in a folder and those below it, by their paths.
  private func texts(
    below folder: String, _ prefix: String = ""
  ) throws(ExchangeError) -> [(key: String, text: String)] {
    guard Folder.isFolder(folder) else { return [] }
    var found: [(key: String, text: String)] = []
    for name in try Folder.names(in: folder) {
      let path = "\(folder)/\(name)"
      if Folder.isFolder(path) {
        found += try texts(below: path, prefix + name + "/")
      } else if let text = try text(path) {
        found.append((prefix + name, text))
      }
    }
    return found
  }
}
