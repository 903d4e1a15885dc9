internal import Plotting
internal import StudyModel

/// `needletail plot history <study>… --output <file>`
package struct PlotHistoryVerb: Verb {
  package static let description = VerbDescription(
    words: ["plot", "history"],
    abstract: "Draw the values of the trials and the best so far, of one or more studies.",
    arguments: [
      .init(
        name: "study", help: "The studies' names.", isRepeated: true, completion: .study)
    ],
    options: PlotOutput.options + [
      .init(
        name: "--objective", placeholder: "N",
        help: "Which of several objectives, counted from 0.")
    ],
    examples: [
      .init("needletail plot history digits -o history.html", "A web page with the data."),
      .init("needletail plot history digits second -o both.png", "Two studies in one picture."),
    ])

  private let names: [String]
  private let output: PlotOutput
  private let objective: Int

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let first = try arguments.positional("study")
    names = [first] + arguments.remaining()
    output = try PlotOutput(&arguments)
    objective = try arguments.integer("--objective", in: 0...1_000) ?? 0
  }

  package func run(_ context: Context) throws -> ExitCode {
    let series = try output.read(names, context)
    for study in series where objective >= study.directions.count {
      throw CommandError.other(
        "study '\(study.name.printable)' has no objective \(objective); it has "
          + "\(study.directions.count), counted from 0")
    }
    return try output.write(
      .history(series, objective: objective, scale: output.scale), context)
  }
}
