internal import StudyFiles
internal import StudyModel
internal import System

/// A folder of MLflow's, `mlruns`: its file store, without a server.
///
/// A run is a folder whose `meta.yaml` is written last, so a run without one was interrupted, is
/// none to MLflow, and is written again. Its name follows from the study and the trial.
package struct MLflowFolder: RunTracker {
  /// One thread: the disk is the limit.
  package var width: Int { 1 }

  let root: String

  /// - Parameter text: A path, or `file://` and an absolute one.
  package init(_ text: String) throws(ExchangeError) {
    var path = text
    if let scheme = text.firstRange(of: "://") {
      guard text[..<scheme.lowerBound].lowercased() == "file",
        text[scheme.upperBound...].first == "/"
      else {
        throw .badPlace(
          text.lastIndex(of: "@").map { "…" + text[$0...] } ?? text,
          problem: "give the http:// or https:// address of an MLflow server, or a folder")
      }
      path = String(text[scheme.upperBound...])
    }
    while path.count > 1, path.last == "/" { path.removeLast() }
    guard !path.isEmpty else { throw .badPlace(text, problem: "it is empty; name a folder") }
    if Folder.exists(path), !Folder.isFolder(path) {
      throw .file(path: path, problem: "it is no folder; name one")
    }
    root = path
  }

  // MARK: Reading

  /// The experiments by ascending number, deleted ones left out.
  func experiments() throws(ExchangeError) -> [(id: String, name: String)] {
    guard Folder.exists(root) else { return [] }
    var found: [(id: String, name: String)] = []
    for id in try Folder.names(in: root) {
      guard let meta = try meta(of: "\(root)/\(id)"), let name = meta["name"] else { continue }
      found.append((id, name))
    }
    return found
  }

  /// The active runs of an experiment, by their folders, with what their `meta.yaml` says.
  func runs(
    of experiment: String
  ) throws(ExchangeError) -> [(path: String, meta: [String: String])] {
    var found: [(path: String, meta: [String: String])] = []
    for name in try Folder.names(in: "\(root)/\(experiment)") {
      let path = "\(root)/\(experiment)/\(name)"
      guard name.utf8.count >= 16, let meta = try meta(of: path), meta["run_id"] != nil,
        meta["lifecycle_stage"] != "deleted"
      else { continue }
      found.append((path, meta))
    }
    return found
  }

  private func meta(of folder: String) throws(ExchangeError) -> [String: String]? {
    guard let bytes = try Folder.bytes(of: "\(folder)/meta.yaml", atMost: 1 << 20) else {
      return nil
    }
    return FlatYAML.entries(of: bytes)
  }

  /// The text of a small file; nil when there is none.
  func text(_ path: String) throws(ExchangeError) -> String? {
    try Folder.bytes(of: path, atMost: 1 << 24).map { String(decoding: $0, as: UTF8.self) }
  }

  // MARK: Writing

  package func open(
    experiment name: String, studyKey: String
  ) throws(ExchangeError) -> (experiment: String, known: KnownRuns) {
    try Folder.make(root)
    guard let experiment = try experiments().first(where: { $0.name == name }) else {
      return (try makeExperiment(name), KnownRuns())
    }
    var known = KnownRuns()
    for (path, meta) in try runs(of: experiment.id) {
      guard try text("\(path)/tags/\(StudyRuns.Tag.key)") == studyKey else { continue }
      let status = meta["status"].flatMap { Int($0) }.flatMap(RunRecord.Status.init) ?? .running
      let there = KnownRun(
        id: meta["run_id"] ?? "", status: status,
        startedAt: meta["start_time"].flatMap { Int64($0) } ?? 0, isComplete: status.isFinal)
      if let number = try text("\(path)/tags/\(StudyRuns.Tag.number)").flatMap({ Int($0) }) {
        if known.children[number] == nil { known.children[number] = there }
      } else if known.parent == nil {
        known.parent = there
      }
    }
    return (experiment.id, known)
  }

  private func makeExperiment(_ name: String) throws(ExchangeError) -> String {
    // As many digits as MLflow's own.
    var id = String(Int.random(in: 100_000_000_000_000_000...999_999_999_999_999_999))
    while Folder.exists("\(root)/\(id)") {
      id = String(Int.random(in: 100_000_000_000_000_000...999_999_999_999_999_999))
    }
    let now = String(Timestamp.now().milliseconds)
    try Folder.make("\(root)/\(id)")
    try write(
      [
        ("artifact_location", Self.quoted(try uri("\(root)/\(id)"))), ("creation_time", now),
        ("experiment_id", Self.quoted(id)), ("last_update_time", now),
        ("lifecycle_stage", "active"), ("name", Self.quoted(name)),
      ], to: "meta.yaml", in: "\(root)/\(id)")
    return id
  }

  package func write(
    parent: RunRecord, known: KnownRun?, in experiment: String, studyKey: String
  ) throws(ExchangeError) -> String {
    let id = known?.id ?? StableHash.text(experiment, studyKey)
    try write(parent, identity: parent.identity, id: id, in: experiment)
    return id
  }

  package func write(
    child: RunRecord, number: Int, below parent: String, known: KnownRun?, in experiment: String,
    studyKey: String
  ) throws(ExchangeError) {
    let parentTag = RunRecord.Entry(key: StudyRuns.Tag.parent, value: parent)
    try write(
      child, identity: [parentTag] + child.identity,
      id: known?.id ?? StableHash.text(experiment, studyKey, String(number)), in: experiment)
  }

  private func write(
    _ run: RunRecord, identity: [RunRecord.Entry], id: String, in experiment: String
  ) throws(ExchangeError) {
    let folder = "\(root)/\(experiment)/\(id)"
    for name in ["params", "metrics", "tags", "artifacts"] {
      try Folder.make("\(folder)/\(name)")
    }
    for entry in run.parameters { try write(entry.value, to: "params/\(entry.key)", in: folder) }
    let names = [
      RunRecord.Entry(key: "mlflow.runName", value: run.name),
      RunRecord.Entry(key: "mlflow.source.name", value: "needletail"),
      RunRecord.Entry(key: "mlflow.source.type", value: "LOCAL"),
    ]
    for entry in names + identity + run.tags {
      try write(entry.value, to: "tags/\(entry.key)", in: folder)
    }
    var lines: [String: [String]] = [:]
    for point in run.points {
      let value =
        point.value.isNaN
        ? "nan" : point.value.isInfinite ? (point.value > 0 ? "inf" : "-inf") : "\(point.value)"
      lines[point.key, default: []].append("\(point.time) \(value) \(point.step)")
    }
    for (key, new) in lines {
      let path = "metrics/\(key)"
      // What is there stays: of the study's run, whose values come one by one.
      let old = (try text("\(folder)/\(path)") ?? "").split(separator: "\n").map(String.init)
      let all = old + new.filter { !old.contains($0) }
      try write(all.map { $0 + "\n" }.joined(), to: path, in: folder)
    }
    try write(
      [
        ("artifact_uri", Self.quoted(try uri(folder) + "/artifacts")),
        ("end_time", run.endedAt.map { String($0) } ?? "null"), ("entry_point_name", "''"),
        ("experiment_id", Self.quoted(experiment)), ("lifecycle_stage", "active"),
        ("run_id", Self.quoted(id)), ("run_name", Self.quoted(run.name)),
        ("run_uuid", Self.quoted(id)), ("source_name", "''"), ("source_type", "4"),
        ("source_version", "''"), ("start_time", String(run.startedAt)),
        ("status", String(run.status.rawValue)), ("tags", "[]"), ("user_id", "needletail"),
      ], to: "meta.yaml", in: folder)
  }

  private func write(
    _ entries: [(String, String)], to path: String, in folder: String
  ) throws(ExchangeError) {
    try write(entries.map { "\($0.0): \($0.1)\n" }.joined(), to: path, in: folder)
  }

  /// Writes a file below the folder of a run or an experiment.
  private func write(
    _ text: String, to path: String, in folder: String
  ) throws(ExchangeError) {
    // Not beside the file: MLflow takes every file there for a parameter.
    let temporary = "\(folder)/.needletail.part"
    if let slash = path.lastIndex(of: "/") {
      try Folder.make("\(folder)/\(path[..<slash])")
    }
    try Folder.write(Array(text.utf8), to: "\(folder)/\(path)", by: temporary)
  }

  /// A folder as MLflow names it.
  private func uri(_ folder: String) throws(ExchangeError) -> String {
    guard let base = Folder.resolved(root) else { throw Folder.failure(root, "cannot be read") }
    let parts = (base + folder.dropFirst(root.count)).split(separator: "/")
    return "file:///" + parts.map { Self.escaped(String($0)) }.joined(separator: "/")
  }

  private static func escaped(_ part: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in part.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
      default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A text as a quoted scalar of YAML (YAML 1.2.2, §7.3.1).
  static func quoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: output += "\\\""
      case 0x5C: output += "\\\\"
      case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD,
        0x10000...0x10FFFF:
        output.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16)
        output += "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
      }
    }
    return output + "\""
  }
}
