internal import JSON
internal import Objectives
internal import StudyModel

/// `needletail trial report <value> --step <step>`
package struct TrialReportVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "report"],
    abstract: "Inside a trial: report a value at a step, and print whether to go on.",
    discussion: [
      "For scripts that needletail run started. Prints continue, or prune when the trial is not "
        + "worth going on; the script should then exit with 81."
    ],
    arguments: [.init(name: "value", help: "The objective's value at this step.")],
    options: [
      .init(name: "--step", placeholder: "N", help: "The step, such as an epoch; from 0 up."),
      .json,
    ],
    examples: [
      .init(
        "[ $(needletail trial report $loss --step $epoch) = continue ] || exit 81",
        "Reports a loss and ends the script if the pruner says so.")
    ])

  private let value: String
  private let step: Int
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    value = try arguments.positional("value")
    guard let step = try arguments.integer("--step", in: 0...Int.max) else {
      throw .missingArgument("--step N", verb: "trial report")
    }
    self.step = step
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    // A report may be NaN: it ranks last.
    let isNaN = value.lowercased().hasSuffix("nan")
    let number = isNaN ? .nan : try ObjectiveValue.read(value)
    let client = try TrialChannelClient()
    _ = try client.call(.report(number, step: step))
    let reason = try client.pruningReason()
    if json {
      context.console.writeJSON([
        "prune": .bool(reason != nil), "reason": reason.map { .string($0) } ?? .null,
      ])
    } else {
      context.console.write(reason == nil ? "continue" : "prune")
    }
    return .success
  }
}
