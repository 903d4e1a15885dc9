internal import JSON

/// Reads MLRun jobs with `hyperparams`.
struct MLRunReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    guard let spec = source.root["spec"], let hyper = spec["hyperparams"] else {
      throw source.root.fault("there is no 'spec.hyperparams'; add it")
    }
    study.name = source.root["metadata"]?["name"]?.word
    let options = spec["hyper_param_options"]
    let strategy = options?["strategy"]?.word ?? "grid"
    let entries = try hyper.entries("'hyperparams'", of: "names to lists")
    for entry in entries {
      let elements = try entry.value.list("'\(shortened(entry.key))'")
      guard !elements.isEmpty else {
        throw entry.value.fault("'\(shortened(entry.key))' has no values")
      }
      study.parameters.append(
        .categorical(entry.key, of: elements, source, at: entry.keyLocation))
    }
    guard !entries.isEmpty else { throw hyper.fault("'hyperparams' is empty; give lists") }
    let most = try options?["max_iterations"]?.looseCount("'max_iterations'")
    switch strategy {
    case "grid":
      study.method = "grid"
      var points = 1
      for parameter in study.parameters { points = min(1 << 40, points * parameter.choices.count) }
      study.trials = min(points, most ?? points)
    case "list":
      study.method = "list"
      let counts = Set(entries.map { $0.value.elements.count })
      guard counts.count == 1, let count = counts.first else {
        throw hyper.fault("the lists of strategy list differ in length; make them alike")
      }
      for index in 0..<count {
        study.points.append(entries.map { ($0.key, $0.value.elements[index].json()) })
      }
      study.trials = min(count, most ?? count)
    case "random":
      study.method = "random"
      study.trials = most ?? 10
    default:
      throw (options ?? hyper).fault(
        "'strategy' is '\(shortened(strategy))'; give grid, list or random")
    }
    for entry in spec["parameters"]?.members ?? [] {
      study.parameters.append(.constant(entry.key, of: entry.value, source, at: entry.keyLocation))
    }
    if let selector = options?["selector"]?.word ?? spec["selector"]?.word {
      let parts = selector.split(separator: ".", maxSplits: 1).map(String.init)
      let direction = parts[0] == "min" ? "minimize" : "maximize"
      study.metrics = [
        .init(name: parts.count > 1 ? parts[1] : parts[0], direction: direction)
      ]
    }
    study.parallel = try options?["parallel_runs"]?.looseCount("'parallel_runs'")
    study.mostFailures = try options?["max_errors"]?.looseCount("'max_errors'", from: 0)
    if let condition = options?["stop_condition"]?.word {
      for sign in [">=", "<=", "==", ">", "<"] {
        guard let range = condition.range(of: sign) else { continue }
        let scalar = YAMLScalar(
          text: condition[range.upperBound...].trimmed, isPlain: true, tag: nil)
        study.target = scalar.number
        break
      }
    }
    if let handler = spec["handler"]?.word {
      study.notes.append(
        "the handler \(shortened(handler)) is a Python function; give a command behind '--'")
    }
    return study
  }
}
