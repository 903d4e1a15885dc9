internal import Analysis
internal import Plotting
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel

/// `needletail plot <kind>… <study>… --output <file>`
package struct PlotVerb: Verb {
  package static let description = VerbDescription(
    words: ["plot"],
    abstract: "Draw a study: its history, importances, timeline and more.",
    discussion: [
      "Kinds: " + PlotKind.allCases.map(\.rawValue).joined(separator: ", ")
        + ". Several are separated by commas, and all means all that have something to show. Of "
        + "several kinds HTML and PDF hold all figures in one file; of SVG and PNG each has a file, "
        + "with the kind in its name. history and edf draw several studies in one picture, the "
        + "others one for each.",
      "Without a file the figure is drawn as text, 80 columns wide where standard output is no "
        + "terminal.",
    ],
    arguments: [
      .init(
        name: "kind", help: "What to draw; see above.",
        completion: .words(PlotKind.allCases.map(\.rawValue) + ["all"])),
      .init(
        name: "study", help: "The studies' names.", isRepeated: true, completion: .study),
    ],
    options: [
      .init(
        name: "--output", short: "-o", placeholder: "FILE",
        help: "The picture: a name that ends in .svg, .png, .pdf or .html.", completion: .file),
      .init(
        name: "--data", placeholder: "FILE",
        help: "The figure's data: a name that ends in .csv or .json, or - for CSV.",
        completion: .file),
      .init(
        name: "--vega", placeholder: "FILE",
        help: "The figure as a Vega-Lite specification; - for standard output.",
        completion: .file),
      .init(
        name: "--terminal", help: "Draw as text, beside the files that other options name."),
      .init(name: "--open", help: "Open the picture; a web page when no file is named."),
      .init(
        name: "--objective", placeholder: "N",
        help: "Which of several objectives, counted from 0."),
      .init(
        name: "--parameters", placeholder: "NAMES",
        help: "The parameters to show, separated by commas."),
      .init(
        name: "--evaluator", placeholder: "NAME",
        help: "Of importances: ped-anova (default) or fanova.",
        completion: .words(ImportanceMethod.allCases.map(\.rawValue))),
      .init(
        name: "--reference", placeholder: "NUMBERS",
        help: "Of hypervolume: the reference point, one number per objective."),
      .init(
        name: "--error-band",
        help: "Of history: the mean of several studies with a band of one deviation."),
      .init(
        name: "--scale", placeholder: "SCALE",
        help: "Of the values: linear, log, or automatic (default).",
        completion: .words(ValueScale.allCases.map(\.rawValue))),
      .init(name: "--width", placeholder: "PIXELS", help: "The width; 860 or more by default."),
      .init(name: "--height", placeholder: "PIXELS", help: "The height; 500 or more by default."),
      .store, .json,
    ],
    examples: [
      .init("needletail plot history digits", "Draws in the terminal."),
      .init("needletail plot all digits | less", "Reads the figures as text."),
      .init("needletail plot history digits second -o both.png", "Two studies in one picture."),
      .init("needletail plot all digits -o digits.html", "A web page with every figure."),
      .init("needletail plot slice digits --parameters layers,dropout -o s.svg", "Two parameters."),
      .init("needletail plot edf digits --data -", "The data as CSV."),
    ])

  private let kinds: [PlotKind]
  /// Whether figures that have nothing to show are left out.
  private let isAll: Bool
  private let names: [String]
  private let options: PlotOptions
  private let output: PlotOutput
  private let store: String?

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let words = try arguments.positional("kind")
    let first = try arguments.positional("study")
    names = [first] + arguments.remaining()
    isAll = words == "all"
    kinds = isAll ? PlotKind.allCases : try Self.kinds(words)
    var options = PlotOptions()
    options.objective = try arguments.integer("--objective", in: 0...1_000)
    options.parameters = arguments.value("--parameters").map(Self.list)
    options.showsErrorBand = arguments.flag("--error-band")
    let scales = ValueScale.allCases.map(\.rawValue)
    if let word = try arguments.word("--scale", of: scales), let scale = ValueScale(rawValue: word)
    {
      options.scale = scale
    }
    let methods = ImportanceMethod.allCases.map(\.rawValue)
    if let word = try arguments.word("--evaluator", of: methods),
      let method = ImportanceMethod(rawValue: word)
    {
      options.evaluator = method
    }
    if let text = arguments.value("--reference") {
      let numbers = Self.list(text).map { Double(decimal: $0) }
      guard !numbers.isEmpty, numbers.allSatisfy({ $0?.isFinite ?? false }) else {
        throw .badValue(
          option: "--reference", value: text,
          expected: "numbers separated by commas, one per objective")
      }
      options.reference = numbers.compactMap { $0 }
    }
    self.options = options
    output = try PlotOutput(&arguments)
    store = arguments.value("--store")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let studies = try names.map { name -> StudySeries in
      let study = try store.study(named: name)
      let metrics = try StoredStudy(study, in: store).file()?.objectives.map(\.name)
      let series = try StudySeries(
        of: study, in: store, metrics: metrics, withWorkers: kinds.contains(.timeline),
        withAttempts: kinds.contains(.attempts))
      try check(series)
      return series
    }
    var figures: [PlotOutput.Item] = []
    let isSingle = studies.allSatisfy { $0.directions.count == 1 }
    for kind in kinds {
      if isAll, isSingle, kind == .pareto || kind == .hypervolume { continue }
      let groups = kind.takesSeveralStudies ? [studies] : studies.map { [$0] }
      for group in groups {
        figures.append(
          PlotOutput.Item(
            kind: kind, studies: group.map(\.name), figure: .of(kind, group, options: options)))
      }
    }
    if isAll, figures.contains(where: { $0.figure.emptyReason == nil }) {
      figures.removeAll { $0.figure.emptyReason != nil }
    }
    return try output.write(figures, context)
  }

  /// Refuses objectives, parameters and reference points that the study does not have.
  private func check(_ study: StudySeries) throws {
    let name = study.name.printable
    if let objective = options.objective, objective >= study.directions.count {
      throw CommandError.other(
        "study '\(name)' has no objective \(objective); it has \(study.directions.count), "
          + "counted from 0")
    }
    if kinds.contains(.hypervolume), study.directions.count > 1,
      let reference = options.reference, reference.count != study.directions.count
    {
      throw CommandError.other(
        "--reference has \(reference.count) numbers, and study '\(name)' has "
          + "\(study.directions.count) objectives; give one number for each")
    }
    guard let wanted = options.parameters else { return }
    let known = study.parameterNames
    for parameter in wanted where !known.contains(parameter) {
      let hint =
        nearest(to: parameter, among: known).map { "; did you mean '\($0.printable)'?" }
        ?? "; it has \(quotedList(known.map(\.printable)))"
      throw CommandError.other(
        "study '\(name)' has no parameter '\(parameter.printable)'\(known.isEmpty ? "" : hint)")
    }
  }

  private static func kinds(_ text: String) throws(UsageError) -> [PlotKind] {
    var kinds: [PlotKind] = []
    for word in list(text) {
      guard let kind = PlotKind(spelled: word) else {
        let known = PlotKind.allCases.map(\.rawValue) + ["all"]
        throw .unknownPlot(word, nearest: nearest(to: word, among: known), known: known)
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    guard !kinds.isEmpty else { throw .missingArgument("a kind", verb: "plot") }
    return kinds
  }

  /// The parts between commas, without spaces around them and without empty ones.
  private static func list(_ text: String) -> [String] {
    text.split(separator: ",").map { part in
      let start = part.drop { $0 == " " }
      return String(start.reversed().drop { $0 == " " }.reversed())
    }.filter { !$0.isEmpty }
  }
}
