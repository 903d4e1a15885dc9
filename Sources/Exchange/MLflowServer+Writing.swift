internal import JSON
internal import StudyModel
internal import System

extension MLflowServer: RunTracker {
  package var width: Int { 4 }

  package func open(
    experiment name: String, studyKey: String
  ) throws(ExchangeError) -> (experiment: String, known: KnownRuns) {
    var found = try experiment(named: name)
    if found == nil {
      do throws(ExchangeError) {
        let made = try callAgain("POST", "experiments/create", ["name": .string(name)])
        if let id = made["experiment_id"]?.string { return (id, KnownRuns()) }
      } catch {
        // Another export made it in between, or the answer to ours was lost.
        found = try experiment(named: name)
        if found == nil { throw error }
      }
    }
    guard let found, let id = found["experiment_id"]?.string else {
      throw .notMLflow(address: address, problem: "its experiment has no number")
    }
    guard found["lifecycle_stage"]?.string != "deleted" else { throw .deletedExperiment(name) }
    var known = KnownRuns()
    for run in try search(id, filter: Self.filter(studyKey)) {
      guard let there = KnownRun(json: run) else { continue }
      if let text = run.tag(StudyRuns.Tag.number) {
        // Of two, by an export that ran at the same time, the first counts.
        if let number = Int(text), known.children[number] == nil { known.children[number] = there }
      } else if known.parent == nil {
        known.parent = there
      }
    }
    return (id, known)
  }

  package func write(
    parent: RunRecord, known: KnownRun?, in experiment: String, studyKey: String
  ) throws(ExchangeError) -> String {
    try deliver(parent, identity: parent.identity, known: known, in: experiment) {
      () throws(ExchangeError) in
      try search(experiment, filter: Self.filter(studyKey)).first {
        $0.tag(StudyRuns.Tag.number) == nil
      }
    }
  }

  package func write(
    child: RunRecord, number: Int, below parent: String, known: KnownRun?, in experiment: String,
    studyKey: String
  ) throws(ExchangeError) {
    let identity =
      [RunRecord.Entry(key: StudyRuns.Tag.parent, value: parent)] + child.identity
    let filter = Self.filter(studyKey) + " and tags.`\(StudyRuns.Tag.number)` = '\(number)'"
    _ = try deliver(child, identity: identity, known: known, in: experiment) {
      () throws(ExchangeError) in try search(experiment, filter: filter).first
    }
  }

  private static func filter(_ studyKey: String) -> String {
    "tags.`\(StudyRuns.Tag.key)` = '\(studyKey)'"
  }

  /// Brings a run there, however often the connection breaks. After a failure it is not known what
  /// the server did, so what is there is looked up before anything is sent again.
  private func deliver(
    _ run: RunRecord, identity: [RunRecord.Entry], known: KnownRun?, in experiment: String,
    find: () throws(ExchangeError) -> JSONValue?
  ) throws(ExchangeError) -> String {
    var there = known?.id
    var isFresh = false
    var hasFailed = false
    return try again { () throws(ExchangeError) in
      if there == nil, hasFailed { there = try find()?["info"]?["run_id"]?.string }
      hasFailed = true
      let id: String
      if let there {
        id = there
      } else {
        id = try create(run, identity: identity, in: experiment)
        there = id
        isFresh = true
      }
      let points = isFresh ? run.points : try missing(run.points, in: id)
      isFresh = false
      try log(points, run.parameters, run.tags, in: id)
      var update: [JSONValue.Member] = [
        .init("run_id", .string(id)), .init("status", .string(run.status.name)),
        .init("run_name", .string(run.name)),
      ]
      if let end = run.endedAt { update.append(.init("end_time", .integer(Int(end)))) }
      _ = try call("POST", "runs/update", .object(update))
      return id
    }
  }

  private func create(
    _ run: RunRecord, identity: [RunRecord.Entry], in experiment: String
  ) throws(ExchangeError) -> String {
    let answer = try call(
      "POST", "runs/create",
      [
        "experiment_id": .string(experiment), "run_name": .string(run.name),
        "start_time": .integer(Int(run.startedAt)),
        "tags": .array(
          ([RunRecord.Entry(key: "mlflow.source.name", value: "needletail")] + identity).map(\.json)
        ),
      ], isOnce: true)
    guard let id = answer["run"]?["info"]?["run_id"]?.string, !id.isEmpty else {
      throw .notMLflow(address: address, problem: "the run that it made has no id")
    }
    return id
  }

  /// The values that the run does not have yet.
  private func missing(
    _ points: [RunRecord.Point], in run: String
  ) throws(ExchangeError) -> [RunRecord.Point] {
    var there: [String: [RunRecord.Point]] = [:]
    for key in Set(points.map(\.key)).sorted() { there[key] = try history(of: key, in: run) }
    return points.filter { point in
      !(there[point.key] ?? []).contains { $0.isSame(as: point) }
    }
  }

  /// Logs in batches that keep MLflow's limits.
  private func log(
    _ points: [RunRecord.Point], _ parameters: [RunRecord.Entry], _ tags: [RunRecord.Entry],
    in run: String
  ) throws(ExchangeError) {
    var batch = Batch()
    func send() throws(ExchangeError) {
      guard batch.count > 0 else { return }
      _ = try call("POST", "runs/log-batch", batch.json(run))
      batch = Batch()
    }
    for (kind, entries) in [(Batch.Kind.params, parameters), (.tags, tags)] {
      for entry in entries where !batch.take(entry.json, as: kind) {
        try send()
        _ = batch.take(entry.json, as: kind)
      }
    }
    for point in points where !batch.take(point.json, as: .metrics) {
      try send()
      _ = batch.take(point.json, as: .metrics)
    }
    try send()
  }
}

/// What one `runs/log-batch` holds.
struct Batch {
  enum Kind: String, CaseIterable { case params, tags, metrics }

  private var entries: [Kind: [JSONValue]] = [:]
  private(set) var count = 0
  private(set) var bytes = 0

  /// Takes an entry unless that would be beyond a limit; an empty batch takes any.
  mutating func take(_ entry: JSONValue, as kind: Kind) -> Bool {
    let size = entry.bytes().count + 2
    let limit = kind == .metrics ? MLflowServer.Limit.entities : MLflowServer.Limit.texts
    if count > 0 {
      guard count < MLflowServer.Limit.entities, (entries[kind]?.count ?? 0) < limit,
        bytes + size <= MLflowServer.Limit.bytes
      else { return false }
    }
    entries[kind, default: []].append(entry)
    count += 1
    bytes += size
    return true
  }

  func json(_ run: String) -> JSONValue {
    .object(
      [.init("run_id", .string(run))]
        + Kind.allCases.compactMap { kind in
          entries[kind].map { .init(kind.rawValue, .array($0)) }
        })
  }
}

extension KnownRun {
  /// Reads a run of `runs/search`.
  init?(json: JSONValue) {
    guard let info = json["info"], let id = info["run_id"]?.string ?? info["run_uuid"]?.string
    else { return nil }
    let status = RunRecord.Status(name: info["status"]?.string ?? "")
    self.init(
      id: id, status: status,
      startedAt: Int64(clamped: info["start_time"].flatMap(RunRecord.Point.number) ?? 0),
      isComplete: status.isFinal)
  }
}

extension RunRecord.Status {
  /// The status that MLflow calls so; running for any other text.
  init(name: String) {
    self = Self.allCases.first { $0.name == name } ?? .running
  }
}

extension JSONValue {
  /// The value of a tag of a run in MLflow's form.
  func tag(_ key: String) -> String? {
    self["data"]?["tags"]?.array?.first { $0["key"]?.string == key }?["value"]?.string
  }
}
