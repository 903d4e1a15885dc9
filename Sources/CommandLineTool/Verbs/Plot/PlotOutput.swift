internal import Plotting
internal import StudyFiles
internal import StudyModel

/// What all plots have in common: where the picture goes, how large it is, where the data is.
struct PlotOutput: Sendable {
  static let options: [VerbDescription.Option] = [
    .init(
      name: "--output", short: "-o", placeholder: "FILE",
      help: "The picture: a name that ends in .svg, .png, .pdf or .html.", completion: .file),
    .init(name: "--width", placeholder: "PIXELS", help: "The width; 860 by default."),
    .init(name: "--height", placeholder: "PIXELS", help: "The height; 500 by default."),
    .init(
      name: "--scale", placeholder: "SCALE",
      help: "Of the values: linear, log, or automatic (default).",
      completion: .words(ValueScale.allCases.map(\.rawValue))),
    .store, .json,
  ]

  let path: String
  let scale: ValueScale
  private let width: Int
  private let height: Int
  private let store: String?
  private let json: Bool

  init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    guard let path = arguments.value("--output") else {
      throw .missingArgument("--output FILE", verb: "plot")
    }
    guard PlotFormat(path: path) != nil else {
      throw .badValue(
        option: "--output", value: path, expected: "a name that ends in .svg, .png, .pdf or .html")
    }
    self.path = path
    width =
      try arguments.integer("--width", in: 1...1_000_000) ?? Figure.defaultSize.width
    height =
      try arguments.integer("--height", in: 1...1_000_000) ?? Figure.defaultSize.height
    let word = try arguments.word("--scale", of: ValueScale.allCases.map(\.rawValue))
    scale = word.flatMap { ValueScale(rawValue: $0) } ?? .automatic
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  /// Reads the studies of those names.
  func read(_ names: [String], _ context: Context) throws -> [StudySeries] {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    return try names.map { name in
      let study = try store.study(named: name)
      let metric = try StoredStudyFile.load(of: study, in: store)?.objectives.first?.name
      let trials = try store.trials(in: study, numbers: nil)
      guard let metric else {
        return StudySeries(name: name, directions: study.directions, trials: trials)
      }
      return StudySeries(
        name: name, directions: study.directions, trials: trials, metric: metric)
    }
  }

  /// Writes the picture. One without data is written, too, and says so; the exit code as well.
  func write(_ figure: Figure, _ context: Context) throws -> ExitCode {
    try PlotFile.write(figure, to: path, width: width, height: height)
    if json {
      context.console.writeJSON(["file": .string(path)])
    } else {
      context.console.write("wrote \(path.printable)")
    }
    if let reason = figure.emptyReason {
      context.console.warn("the picture is empty: \(reason)")
      return .nothingFound
    }
    return .success
  }
}
