internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel

/// `needletail study failures <study>`
package struct StudyFailuresVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "failures"],
    abstract: "Show why trials failed: grouped by reason, with the line that tells it.",
    discussion: [
      "Reasons that differ in numbers only are one. needletail trial log shows all that a trial "
        + "printed, needletail trial retry queues failed trials again."
    ],
    arguments: [.study],
    options: StudyPlace.options,
    examples: [
      .init("needletail study failures digits", "Shows the reasons, the most frequent first."),
      .init(
        "needletail study failures digits --json",
        "One line of JSON per reason: outcome, reason, line, count, trials."),
    ])

  private let name: String
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let failed: [Trial]
    if let client = try place.client(context) {
      failed = try client.allTrials(of: name, in: .failed)
    } else {
      let study = try place.study(name, context)
      failed = try study.store.trials(in: study.record, numbers: nil)
    }
    let groups = FailureGroup.groups(of: failed)
    guard !groups.isEmpty else {
      context.console.warn("study '\(name.printable)' has no failed trial")
      return .nothingFound
    }
    for group in groups {
      if json {
        context.console.writeJSON([
          "outcome": group.outcome.map { .string($0) } ?? .null, "reason": .string(group.sentence),
          "line": group.line.map { .string($0) } ?? .null, "count": .integer(group.numbers.count),
          "trials": .array(group.numbers.map(JSONValue.integer)),
        ])
        continue
      }
      let count = group.numbers.count
      context.console.write(
        "\(count) \(count == 1 ? "trial" : "trials"): \(group.sentence.printable)")
      if let line = group.line { context.console.write("  | \(line.printable)") }
      let shown = group.numbers.prefix(12).map(String.init).joined(separator: ", ")
      context.console.write("  trial \(shown)\(count > 12 ? ", …" : "")")
    }
    return .success
  }
}
