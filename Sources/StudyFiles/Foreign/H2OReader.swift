internal import JSON

/// Reads H2O grids: hyper-parameters and search criteria, as JSON or as the form of its REST calls.
struct H2OReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let root = source.root.members.isEmpty ? try form() : source.root
    guard let hyper = root["hyper_params"] ?? root["hyper_parameters"] else {
      throw root.fault("there are no 'hyper_params'; add them")
    }
    for entry in try hyper.entries("'hyper_params'", of: "names to lists") {
      let elements = entry.value.elements
      guard !elements.isEmpty else {
        throw entry.value.fault("'\(shortened(entry.key))' has no values; give some")
      }
      let areNumbers = elements.allSatisfy { $0.json().number != nil }
      study.parameters.append(
        .categorical(
          entry.key, of: elements, source, ordered: areNumbers && elements.count > 1,
          at: entry.keyLocation))
    }
    guard !study.parameters.isEmpty else { throw hyper.fault("'hyper_params' is empty") }
    var points = 1
    for parameter in study.parameters { points = min(1 << 40, points * parameter.choices.count) }
    try readCriteria(root["search_criteria"], points: points)
    study.notes.append(
      "a grid trains inside H2O: give a command behind '--' that trains one model, and name its "
        + "metric with --metric")
    return study
  }

  private mutating func readCriteria(_ node: YAMLNode?, points: Int) throws(LocatedFault) {
    guard let node else {
      (study.method, study.trials) = ("grid", points)
      return
    }
    let keys = try ForeignKeys(
      node, in: "'search_criteria'",
      known: [
        "strategy", "max_models", "max_runtime_secs", "seed", "stopping_metric",
        "stopping_tolerance", "stopping_rounds",
      ])
    let strategy = try keys.text("strategy") ?? "Cartesian"
    switch strategy {
    case "Cartesian": (study.method, study.trials) = ("grid", points)
    case "RandomDiscrete":
      study.method = "random"
      let most = try keys.count("max_models", from: 0) ?? 0
      study.trials = most > 0 ? most : nil
      study.notes.append("no point is drawn twice")
    case "Sequential": (study.method, study.trials) = ("grid", points)
    default:
      throw try keys.need("strategy").fault(
        "'strategy' is '\(shortened(strategy))'; give Cartesian or RandomDiscrete")
    }
    let seconds = try keys.number("max_runtime_secs") ?? 0
    study.seconds = seconds > 0 ? seconds : nil
    study.seed = try keys.count("seed", from: -1).flatMap { $0 < 0 ? nil : $0 }
    if let rounds = try keys.count("stopping_rounds", from: 0), rounds > 0 {
      study.mostWithoutProgress = rounds
      study.notes.append(
        "stopping_rounds ends the search when the best \(rounds) models no longer improve; the "
          + "study ends after \(rounds) trials without progress")
    }
  }

  /// The document in `hyper_parameters={…}&search_criteria={…}`.
  private func form() throws(LocatedFault) -> YAMLNode {
    var entries: [YAMLNode.Entry] = []
    let place = SourceLocation(line: 1, column: 1)
    for part in source.text.trimmed.components(separatedBy: "&") {
      guard let equals = part.firstIndex(of: "=") else { continue }
      let name =
        part[..<equals].split(whereSeparator: { " ?'\"".contains($0) }).last.map(String.init) ?? ""
      let value = part[part.index(after: equals)...].trimmed
      guard value.hasPrefix("{") else { continue }
      let end = value.lastIndex(of: "}").map { value.index(after: $0) } ?? value.endIndex
      entries.append(
        .init(
          key: name, keyLocation: place,
          value: try PythonLiteral.value(String(value[..<end]), at: place)))
    }
    return YAMLNode(content: .mapping(entries), location: place)
  }
}
