internal import JSON
internal import Stores
internal import StudyModel

/// `needletail study delete <study> --yes`
package struct StudyDeleteVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "delete"],
    abstract: "Delete a study with all its trials, for good.",
    arguments: [.study],
    options: [
      .init(name: "--yes", help: "Really do it; without it nothing is deleted."),
      .store, .json,
    ],
    examples: [
      .init("needletail study delete old --yes", "Deletes the study old.")
    ])

  private let name: String
  private let isSure: Bool
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    isSure = arguments.flag("--yes")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let total = try store.counts(in: study).values.reduce(0, +)
    guard isSure else {
      throw CommandError.other(
        "study '\(name.printable)' has \(total) trials; add --yes to delete them for good")
    }
    for lease in try store.openLeases(in: study) {
      try store.requireNobodyRuns(lease.trial.number, of: study)
    }
    try store.delete(study)
    if json {
      context.console.writeJSON(["name": .string(name), "deleted_trials": .integer(total)])
    } else {
      context.console.write("deleted study '\(name.printable)' with \(total) trials")
    }
    return .success
  }
}
