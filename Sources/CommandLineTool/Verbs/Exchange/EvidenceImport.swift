internal import Exchange
internal import JSON
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel

/// Imports finished trials into a study, whatever they come from: what `import csv` and
/// `import mlflow` have in common.
struct EvidenceImport: Sendable {
  static let options: [VerbDescription.Option] = [
    .init(
      name: "--study-file", placeholder: "FILE",
      help: "Take objectives and search space from this study file; what is outside does not fit.",
      completion: .file),
    .init(
      name: "--value", placeholder: "NAMES",
      help: "The columns or metrics of the objectives, separated by commas."),
    .init(
      name: "--parameters", placeholder: "NAMES",
      help: "The parameters to import, separated by commas."),
    .init(
      name: "--direction", placeholder: "DIRECTION",
      help: "Of a new study: minimize (default) or maximize; with commas between for several.",
      completion: .words(["minimize", "maximize"])),
    .init(name: "--skip-bad", help: "Import what fits although some rows do not."),
  ]

  static let discussion = [
    "The study is made when it is not there. Trials that it has already are not imported again: the "
      + "same state, parameters and values, and the same times where the source has some. A row that "
      + "does not fit is reported with its place, and then nothing is imported, unless --skip-bad "
      + "is given.",
    "Without a study file the distributions are those of the study's trials, their bounds widened "
      + "as need be; for new parameters whole numbers make an int, numbers a float, from the least to "
      + "the greatest, on a logarithmic scale when the least is above 0 and the greatest a thousand "
      + "times that; true and false a Boolean; other texts choices.",
  ]

  /// The most rows that are reported one by one.
  private static let reported = 20

  let name: String
  private let studyFile: String?
  private let values: [String]?
  private let parameters: [String]?
  private let directions: [Direction]?
  private let skipsBad: Bool
  private let store: String?
  private let json: Bool

  init(_ arguments: inout ArgumentScanner, study: String) throws(UsageError) {
    name = study
    studyFile = arguments.value("--study-file")
    values = arguments.value("--value").map(Self.list)
    parameters = arguments.value("--parameters").map(Self.list)
    directions = try arguments.value("--direction").map { (text) throws(UsageError) in
      try [Direction](spelled: text)
    }
    skipsBad = arguments.flag("--skip-bad")
    store = arguments.value("--store")
    json = arguments.flag("--json")
    if studyFile != nil, directions != nil {
      throw .conflict("--direction and --study-file both say what is better; remove one")
    }
  }

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",").map { part in
      let start = part.drop { $0 == " " }
      return String(start.reversed().drop { $0 == " " }.reversed())
    }.filter { !$0.isEmpty }
  }

  /// Reads the source and imports what it holds.
  func run(
    _ context: Context, reading read: (EvidenceOptions) throws(ExchangeError) -> EvidenceList
  ) throws -> ExitCode {
    let selection = try StoreSelection(option: self.store, environment: context.environment)
    try StoreError.checkStudyName(name)
    let file = try studyFile.map { path in
      var source = SourceStudy(path: path)
      source.accepts = true
      return try source.read(telling: context.console, needsCommand: false)
    }
    // A store that is not there is made when it is known that there is something for it.
    let isThere = selection.path.map { FileFacts($0).exists } ?? true
    let present = isThere ? try selection.openExisting() : nil
    let study = try present.flatMap { try StoredStudy.find(name, in: $0) }
    let given = file?.directions ?? directions
    if let study, let given { try study.check(given) }
    var options = EvidenceOptions()
    // A study that was run from a file has its space from there.
    let basis = try file ?? study?.file()
    let space = basis.flatMap { $0.space.parameters.isEmpty ? nil : $0.space }
    options.values = values ?? basis.map { $0.objectives.map(\.name) }
    options.parameters = parameters ?? space.map { $0.parameters.map(\.name) }
    options.mayLackValues = values == nil
    options.mayLackParameters = parameters == nil
    options.objectives = (study?.record.directions ?? given)?.count
    let list = try read(options)
    let directions =
      study?.record.directions ?? given
      ?? Array(repeating: .minimize, count: max(1, list.rows.first?.values.count ?? 1))

    let existing = try study.map { try $0.store.trials(in: $0.record, numbers: nil) } ?? []
    let distributions = try EvidenceSpace(
      list.rows, source: space.map { .file($0) } ?? .trials(Self.distributions(existing)))
    var (trials, repeated, faults) = ([Trial](), 0, list.faults)
    var taken = KnownEvidence(existing)
    let now = Timestamp.now()
    for row in list.rows {
      switch distributions.trial(row, objectives: directions.count, undatedAt: now) {
      case .failure(let problem):
        faults.append(EvidenceList.Fault(place: row.place, problem: problem.description))
      case .success(let trial):
        let isDated = row.startedAt != nil || row.completedAt != nil
        if taken.take(trial, isDated: isDated) { repeated += 1 } else { trials.append(trial) }
      }
    }
    try report(faults, of: list.rows.count + list.faults.count, context.console)
    guard !trials.isEmpty || repeated > 0 || !faults.isEmpty else {
      context.console.warn("there is no finished trial to import")
      return .nothingFound
    }
    if !trials.isEmpty {
      try StoredStudy.add(
        trials, to: name, directions, file: file, in: try present ?? selection.openOrCreate())
    }
    tell(
      trials.count, present: repeated, skipped: faults.count, list, distributions,
      showsSpace: study == nil && file == nil && !trials.isEmpty, context.console)
    return .success
  }

  private static func distributions(_ trials: [Trial]) -> [String: Distribution] {
    trials.reduce(into: [:]) { known, trial in
      for parameter in trial.parameters { known[parameter.name] = parameter.distribution }
    }
  }

  private func report(
    _ faults: [EvidenceList.Fault], of total: Int, _ console: Console
  ) throws(CommandError) {
    for fault in faults.prefix(Self.reported) {
      console.warn("\(fault.place.printable): \(fault.problem.printable)")
    }
    if faults.count > Self.reported {
      console.warn("and \(faults.count - Self.reported) more rows that do not fit")
    }
    guard faults.isEmpty || skipsBad else {
      throw .other(
        "\(faults.count) of \(total) rows do not fit, and nothing was imported; mend them, or import "
          + "the others with --skip-bad")
    }
  }

  private func tell(
    _ imported: Int, present: Int, skipped: Int, _ list: EvidenceList, _ space: EvidenceSpace,
    showsSpace: Bool, _ console: Console
  ) {
    if json {
      console.writeJSON([
        "study": .string(name), "format": .string(list.format), "imported": .integer(imported),
        "present": .integer(present), "skipped": .integer(skipped),
        "unfinished": .integer(list.unfinished),
        "parameters": .object(space.parameters.map { .init($0.name, $0.distribution.json) }),
      ])
      return
    }
    var line = "imported \(imported) trials into '\(name.printable)' (\(list.format))"
    if present > 0 { line += "; \(present) were there" }
    if skipped > 0 { line += "; \(skipped) do not fit" }
    if list.unfinished > 0 { line += "; \(list.unfinished) are not finished" }
    console.write(line)
    guard showsSpace else { return }
    let width = space.parameters.map(\.name.printable.columns).max() ?? 0
    for parameter in space.parameters {
      console.write(
        "  \(parameter.name.printable.padded(to: width))  \(parameter.distribution.summary.printable)"
      )
    }
  }
}

extension [Direction] {
  /// Reads `minimize,maximize`.
  init(spelled text: String) throws(UsageError) {
    self = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let direction = Direction(rawValue: String(word)) else {
        throw .badValue(
          option: "--direction", value: String(word), expected: "minimize or maximize")
      }
      append(direction)
    }
  }
}
