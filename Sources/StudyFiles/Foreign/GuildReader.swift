internal import JSON
internal import System

/// Reads Guild AI's `guild run` command lines, alone or as a step of a Guild file.
struct GuildReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    if source.root.isList {
      try readFile()
    } else {
      let lines = try source.commandLines().filter {
        Array($0.words.prefix(2)) == ["guild", "run"]
      }
      let line = try source.selected(
        lines.enumerated().map { ("\($0 + 1)", $1) }, "command")
      try readRun(Array(line.words.dropFirst(2)), defaults: [], main: nil, at: line.location)
    }
    guard !study.parameters.isEmpty else { throw source.fault("no flag has values to try") }
    return study
  }

  private mutating func readFile() throws(LocatedFault) {
    var runs: [(name: String, element: (words: [String], place: SourceLocation))] = []
    var operations: [YAMLNode.Entry] = []
    for element in source.root.elements {
      for entry in element["operations"]?.members ?? [] {
        operations.append(entry)
        for step in entry.value["steps"]?.elements ?? [] {
          guard let text = step["run"]?.word ?? step.word, let words = ShellWords.split(text),
            words.contains(where: { $0.contains("=") })
          else { continue }
          runs.append((entry.key, (words, step.location)))
        }
      }
    }
    if runs.isEmpty {
      // The operation's own flags are the search.
      let searched = operations.filter { $0.value["flags"] != nil }
      let operation = try source.selected(searched.map { ($0.key, $0) }, "operation")
      try readRun(
        [operation.key], defaults: operation.value["flags"]?.members ?? [],
        main: operation.value["main"]?.word, at: operation.keyLocation, usesFlags: true)
      return
    }
    let run = try source.selected(runs, "search")
    let name = run.words.first.map { $0.split(separator: ":").last.map(String.init) ?? $0 } ?? ""
    let operation = operations.first { $0.key == name }
    if let scalars = operation?.value["output-scalars"]?.word {
      study.notes.append("metrics are lines such as 'key: value' (\(shortened(scalars)))")
    }
    try readRun(
      run.words, defaults: operation?.value["flags"]?.members ?? [],
      main: operation?.value["main"]?.word, at: run.place)
  }

  private mutating func readRun(
    _ words: [String], defaults: [YAMLNode.Entry], main: String?, at place: SourceLocation,
    usesFlags: Bool = false
  ) throws(LocatedFault) {
    var hasDensity = false
    let line = ForeignCommandLine(words: words, location: place)
    for word in words.dropFirst() where !word.hasPrefix("-") {
      guard let equals = word.firstIndex(of: "=") else { continue }
      let name = String(word[..<equals])
      let parameter = try flag(
        String(word[word.index(after: equals)...]), name, at: place)
      if parameter.kind == .float || parameter.kind == .int { hasDensity = true }
      study.parameters.append(parameter)
    }
    if usesFlags {
      for entry in defaults {
        if let parameter = try declared(entry) {
          if parameter.kind == .float { hasDensity = true }
          study.parameters.append(parameter)
        }
      }
    }
    study.trials = try line.count("--max-trials", "-m")
    study.seed = try line.count("--random-seed", from: 0)
    if let metric = line.value("--minimize", "-N") {
      study.metrics = [.init(name: metric, direction: "minimize")]
    } else if let metric = line.value("--maximize", "-X") {
      study.metrics = [.init(name: metric, direction: "maximize")]
    } else {
      study.notes.append("no metric in the command; name it with --metric")
    }
    let optimizers = [
      "gp": "gp", "forest": "tpe", "gbrt": "tpe", "random": "random", "grid": "grid",
      "skopt:gp": "gp", "skopt:random": "random",
    ]
    if let optimizer = line.value("--optimizer", "-o") {
      guard let method = optimizers[optimizer] else {
        throw LocatedFault(
          location: place,
          problem:
            "the optimizer '\(shortened(optimizer))' is unknown; give gp, forest, gbrt or random")
      }
      study.method = method
      if ["forest", "gbrt"].contains(optimizer) {
        study.notes.append("the optimizer \(optimizer) has no equivalent; tpe does in its place")
      }
    } else {
      study.method = hasDensity ? "random" : "grid"
    }
    if study.method == "random", study.trials == nil { study.trials = 20 }
    if study.method == "grid", study.trials == nil {
      var points = 1
      for parameter in study.parameters {
        points = min(1 << 40, points * max(1, parameter.choices.count))
      }
      study.trials = points
    }
    if let main {
      study.command = ForeignCommand(
        words: ForeignCommand.words(["python", "-m", main])
          + study.parameters.flatMap { parameter -> [ForeignCommand.Word] in
            [[.literal("--\(parameter.name)")], [.parameter(parameter.name)]]
          })
    } else {
      study.notes.append("the operation's program is not in the file; give the command behind '--'")
    }
  }

  private func scalar(_ text: String, at place: SourceLocation) -> YAMLNode {
    YAMLNode(
      content: .scalar(YAMLScalar(text: text, isPlain: true, tag: nil)), location: place)
  }

  private mutating func flag(
    _ text: String, _ name: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let what = "flag '\(shortened(name))'"
    func fault(_ problem: String) -> LocatedFault {
      LocatedFault(location: place, problem: "\(what) \(problem)")
    }
    guard text.hasSuffix("]"), let open = text.firstIndex(of: "[") else {
      return .constant(name, of: scalar(text, at: place), source, at: place)
    }
    let function = String(text[..<open])
    let inside = text[text.index(after: open)...].dropLast()
    if function.isEmpty {
      let items = inside.split(separator: ",").map { scalar($0.trimmed, at: place) }
      guard !items.isEmpty else { throw fault("has no values; give some") }
      return .categorical(name, of: items, source, at: place)
    }
    var numbers: [Double] = []
    for part in inside.split(separator: ":", omittingEmptySubsequences: false) {
      numbers.append(try scalar(part.trimmed, at: place).looseNumber("a number of \(what)"))
    }
    func need(_ count: Int) throws(LocatedFault) {
      guard numbers.count >= count else { throw fault("needs \(count) numbers in \(function)[…]") }
    }
    switch function {
    case "uniform", "loguniform":
      try need(2)
      guard numbers[0] < numbers[1] else {
        throw fault("has bounds in the wrong order; exchange them")
      }
      guard function == "uniform" || numbers[0] > 0 else {
        throw fault("needs a lower bound above 0")
      }
      if numbers.count > 2 { study.firstPoint.append((name, numbers[2].json)) }
      return .float(name, numbers[0], numbers[1], log: function == "loguniform", at: place)
    case "range":
      try need(2)
      let values = ForeignParameter.steps(
        from: numbers[0], through: numbers[1], by: numbers.count > 2 ? numbers[2] : 1)
      guard let values else { throw fault("has no values or more than a thousand") }
      return .categorical(name, values.map(\.json), ordered: true, at: place)
    case "linspace", "logspace":
      try need(2)
      let count = numbers.count > 2 ? numbers[2] : 5
      let base = numbers.count > 3 ? numbers[3] : 10
      guard count == count.rounded(),
        let values = ForeignParameter.divided(numbers[0], numbers[1], into: Int(clamped: count))
      else { throw fault("needs a whole number of values from 1 to 1000") }
      let all =
        function == "linspace" ? values : values.map { ForeignParameter.clean(pow(base, $0)) }
      return .categorical(name, all.map(\.json), ordered: true, at: place)
    default:
      let known = ["uniform", "loguniform", "range", "linspace", "logspace"]
      let advice =
        nearest(to: function, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw fault("has the unknown function '\(shortened(function))'; \(advice)")
    }
  }

  /// A flag of the file with values or a range of its own.
  private func declared(_ entry: YAMLNode.Entry) throws(LocatedFault) -> ForeignParameter? {
    let node = entry.value
    if node.isList, !node.elements.isEmpty {
      return .categorical(entry.key, of: node.elements, source, at: entry.keyLocation)
    }
    guard node.isMapping else {
      return node.isNull ? nil : .constant(entry.key, of: node, source, at: entry.keyLocation)
    }
    if let low = node["min"], let high = node["max"] {
      let isLog = node["distribution"]?.word?.hasPrefix("log") == true
      return try ForeignParameter.float(
        entry.key, try low.looseNumber("'min'"), try high.looseNumber("'max'"), log: isLog,
        at: entry.keyLocation
      ).checkingBounds(node)
    }
    if let choices = node["choices"], choices.isList, !choices.elements.isEmpty {
      let values = choices.elements.map { $0["value"] ?? $0 }
      return .categorical(entry.key, of: values, source, at: entry.keyLocation)
    }
    return node["default"].map { .constant(entry.key, of: $0, source, at: entry.keyLocation) }
  }
}
