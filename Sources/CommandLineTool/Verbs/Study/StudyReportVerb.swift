internal import Messages
internal import Plotting
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel

/// `needletail study report <study> [--output FILE]`
package struct StudyReportVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "report"],
    abstract: "Write a report on a study, to send to a colleague.",
    discussion: [
      "It has the question, what to use and how sure that is, what mattered, the space, the figures and "
        + "how to repeat the study, in one file that needs no other. Without a file it is written as "
        + "Markdown without pictures."
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--output", short: "-o", placeholder: "FILE",
        help: "The report: a name that ends in .html or .md.", completion: .file),
      .store,
    ],
    examples: [
      .init("needletail study report digits -o report.html", "A web page of one file."),
      .init("needletail study report digits | less", "Reads it in the terminal."),
    ])

  private let name: String
  private let path: String?
  private let store: String?

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    path = arguments.value("--output")
    store = arguments.value("--store")
    if let path, Self.form(of: path) == nil {
      throw .badValue(
        option: "--output", value: path, expected: "a name that ends in .html or .md")
    }
  }

  private enum Form {
    case html
    case markdown
  }

  private static func form(of path: String) -> Form? {
    let path = path.lowercased()
    if path.hasSuffix(".html") || path.hasSuffix(".htm") { return .html }
    return path.hasSuffix(".md") || path.hasSuffix(".markdown") ? .markdown : nil
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let stored = StoredStudy(study, in: store)
    let metrics = try stored.file()?.objectives.map(\.name)
    let series = try StudySeries(
      of: study, in: store, metrics: metrics, withWorkers: true, withAttempts: true)
    var space: [Parameter] = []
    var places: [String: Int] = [:]
    for trial in series.trials {
      for assignment in trial.parameters {
        let parameter = Parameter(assignment.name, assignment.distribution)
        if let place = places[assignment.name] {
          space[place] = parameter
        } else {
          places[assignment.name] = space.count
          space.append(parameter)
        }
      }
    }
    let report = StudyReport(
      series,
      StudyReport.Facts(
        file: try stored.plan().text,
        space: space.map { ($0.name, $0.distribution.summary) },
        writer: "needletail \(Release.version)"))
    guard let path, let form = Self.form(of: path) else {
      context.console.writeText(report.markdown(withPictures: false))
      return .success
    }
    let text = form == .html ? report.html : report.markdown(withPictures: true)
    try PlotFile.write(Array(text.utf8), to: path)
    context.console.write("wrote \(path.printable)")
    return .success
  }
}
