internal import JSON

/// Reads `dvc exp run --queue -S …`, whose values follow Hydra's basic grammar.
struct DVCReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let lines = try source.commandLines()
    let runs = lines.filter { Array($0.words.prefix(3)) == ["dvc", "exp", "run"] }
    let line = try source.selected(runs.enumerated().map { ("\($0 + 1)", $1) }, "'dvc exp run'")
    study.method = "grid"
    study.metrics = []
    for other in lines where Array(other.words.prefix(3)) == ["dvc", "queue", "start"] {
      study.parallel = try other.count("-j", "--jobs")
    }
    var settings: [String] = []
    var rest = line.words.dropFirst(3)
    var kept: [String] = []
    while let word = rest.popFirst() {
      switch word {
      case "-S", "--set-param":
        guard let value = rest.popFirst() else {
          throw LocatedFault(
            location: line.location, problem: "'\(word)' has no value; give NAME=VALUE")
        }
        settings.append(value)
      case "--queue": break
      case "-n", "--name": study.name = rest.popFirst()
      case "-j", "--jobs": study.parallel = rest.popFirst().flatMap(Int.init) ?? study.parallel
      case "--run-all", "--temp", "-f", "--force": break
      default:
        if word.hasPrefix("--set-param=") {
          settings.append(String(word.dropFirst(12)))
        } else {
          kept.append(word)
        }
      }
    }
    guard !settings.isEmpty else {
      throw LocatedFault(
        location: line.location, problem: "the command sets no parameters; give -S NAME=VALUES")
    }
    var words = ForeignCommand.words(["dvc", "exp", "run"] + kept)
    var count = 1
    for setting in settings {
      let parts = try readSetting(setting, at: line.location)
      words += [[.literal("-S")], parts]
      count = min(1 << 40, count * max(1, study.parameters.last?.choices.count ?? 1))
    }
    study.trials = count
    study.command = ForeignCommand(words: words)
    study.notes.append(
      "each experiment patches its parameter files in a copy of the workspace; several at a time "
        + "need a copy each here, too")
    study.notes.append(
      "the metrics stand in the files that dvc.yaml names: name one with collect, or print NAME=VALUE"
    )
    return study
  }

  private mutating func readSetting(_ setting: String, at location: SourceLocation)
    throws(LocatedFault) -> ForeignCommand.Word
  {
    guard let equals = setting.firstIndex(of: "=") else {
      guard setting.hasPrefix("~") else {
        throw LocatedFault(
          location: location, problem: "'-S \(shortened(setting))' has no '='; write NAME=VALUES")
      }
      study.parameters.append(.constant(setting, .null, at: location))
      study.notes.append("\(shortened(setting)) removes a key")
      return [.literal(setting)]
    }
    let target = String(setting[..<equals])
    let text = String(setting[setting.index(after: equals)...])
    var (file, name) = ("params.yaml", target)
    if let colon = target.lastIndex(of: ":") {
      file = String(target[..<colon])
      name = String(target[target.index(after: colon)...])
    }
    let value = try HydraGrammar.value(text, of: name, at: location)
    var parameter = try value.basic(name, at: location)
    parameter.file = file
    study.parameters.append(parameter)
    return [.literal("\(target)="), .parameter(name)]
  }
}
