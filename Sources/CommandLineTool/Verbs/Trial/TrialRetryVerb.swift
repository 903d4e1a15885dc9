internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import System

/// `needletail trial retry <study> [<number>…] [--all]`
package struct TrialRetryVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "retry"],
    abstract: "Queue failed trials again: new trials with the same parameters.",
    discussion: [
      "The failed trials stay as they are. Each new one has the user attribute retry_of with the number "
        + "of the one that it repeats, comes beside the study's number of trials, and is run before "
        + "others by the next run or worker. Attempts are something else: those that the "
        + "study file's 'retries' allows are made by themselves, under the same number."
    ],
    arguments: [
      .study,
      .init(
        name: "number", help: "The numbers of failed trials.", isOptional: true, isRepeated: true),
    ],
    options: [
      .init(
        name: "--all", help: "All failed trials that no other trial repeats."),
      .init(
        name: "--reason", placeholder: "TEXT",
        help: "With --all: only those in whose reason this text stands (needletail study failures)."
      ),
    ] + StudyPlace.options,
    examples: [
      .init("needletail trial retry digits 12 17", "Queues the trials 12 and 17 again."),
      .init(
        "needletail trial retry digits --all --reason 'out of memory'",
        "Queues all trials again that failed for this reason."),
    ])

  private let name: String
  private let numbers: [Int]
  private let all: Bool
  private let reason: String?
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    numbers = try arguments.trialNumbers()
    all = arguments.flag("--all")
    reason = arguments.value("--reason")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
    if all, !numbers.isEmpty { throw .conflict("--all and numbers exclude each other") }
    if reason != nil, !all { throw .conflict("--reason needs --all; add it") }
    if !all, numbers.isEmpty {
      throw .conflict("there is no trial's number; give some, or --all")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let client = try place.client(context)
    let study = try client == nil ? place.study(name, context) : nil
    var wanted = numbers
    if all {
      let failed = try study?.retriableTrials() ?? client?.retriableTrials(of: name) ?? []
      wanted = failed.filter { trial in
        reason.map { trial.failureReason.firstRange(of: $0) != nil } ?? true
      }.map(\.number)
      guard !wanted.isEmpty else {
        context.console.warn(
          "study '\(name.printable)' has no failed trial to repeat"
            + (reason == nil ? "" : " with such a reason"))
        return .nothingFound
      }
    }
    for number in wanted {
      let added =
        try study?.retry(number).number
        ?? client?.retry(number, of: name)["number"]?.number.map { Int(clamped: $0) }
      if json {
        context.console.writeJSON([
          "trial": .integer(number), "number": added.map(JSONValue.integer) ?? .null,
        ])
      } else {
        context.console.write(
          "trial \(number) is tried again as trial \(added.map(String.init) ?? "?")")
      }
    }
    return .success
  }
}
