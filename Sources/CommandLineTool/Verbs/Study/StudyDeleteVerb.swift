internal import JSON
internal import Objectives
internal import Stores
internal import StudyModel

/// `needletail study delete <study> --yes`
package struct StudyDeleteVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "delete"],
    abstract: "Delete a study with all its trials and their files, for good.",
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
    let folders = TrialFolders(
      in: selection.trialFolder, study: study.name, token: study.token)
    let removal = folders.remove()
    if case .failed(let reason) = removal {
      context.console.warn(
        "the files of its trials stay in \(folders.base.printable) (\(reason)); remove them by hand"
      )
    }
    if json {
      context.console.writeJSON([
        "name": .string(name), "deleted_trials": .integer(total),
        "deleted_folder": removal == .removed ? .string(folders.base) : .null,
      ])
    } else {
      let files = removal == .removed ? ", and their files in \(folders.base.printable)" : ""
      context.console.write("deleted study '\(name.printable)' with \(total) trials\(files)")
    }
    return .success
  }
}
