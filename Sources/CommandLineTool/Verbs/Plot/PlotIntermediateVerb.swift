internal import Plotting
internal import StudyModel

/// `needletail plot intermediate <study> --output <file>`
package struct PlotIntermediateVerb: Verb {
  package static let description = VerbDescription(
    words: ["plot", "intermediate"],
    abstract: "Draw the values that each trial reported, by step.",
    arguments: [.study],
    options: PlotOutput.options,
    examples: [
      .init("needletail plot intermediate digits -o curves.svg", "A learning curve per trial.")
    ])

  private let name: String
  private let output: PlotOutput

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    output = try PlotOutput(&arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let series = try output.read([name], context)
    return try output.write(.intermediate(series[0], scale: output.scale), context)
  }
}
