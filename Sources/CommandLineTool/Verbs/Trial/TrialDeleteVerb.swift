internal import CoordinatorClient
internal import JSON
internal import Objectives
internal import Stores
internal import Studies
internal import StudyModel

/// `needletail trial delete <study> <number>… --yes`
package struct TrialDeleteVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "delete"],
    abstract: "Delete trials with all that is known of them and their files, for good.",
    discussion: [
      "A trial that waits is taken out of the queue, also while the study is run. Others are deleted while "
        + "no trial of the study runs. The number of a deleted trial stays taken, as that of a "
        + "failed trial without parameters or values: Optuna counts on numbers without gaps. No "
        + "sampler heeds it, and it counts among the study's trials."
    ],
    arguments: [
      .study,
      .init(name: "number", help: "The trials' numbers within the study.", isRepeated: true),
    ],
    options: [
      .init(name: "--yes", help: "Really do it; without it nothing is deleted.")
    ] + StudyPlace.options,
    examples: [
      .init("needletail trial delete digits 12 --yes", "Deletes trial 12 of the study digits.")
    ])

  private let name: String
  private let numbers: [Int]
  private let isSure: Bool
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    numbers = [try arguments.trialNumber()] + (try arguments.trialNumbers())
    isSure = arguments.flag("--yes")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    guard isSure else {
      throw CommandError.other(
        "add --yes to delete \(numbers.count == 1 ? "trial \(numbers[0])" : "\(numbers.count) trials") "
          + "of study '\(name.printable)' for good")
    }
    let client = try place.client(context)
    var study = try client == nil ? place.study(name, context) : nil
    let folder = try client == nil ? place.selection(context).trialFolder : nil
    for number in numbers {
      if let client {
        _ = try client.delete(trial: number, of: name)
      } else if let known = study, let folder {
        study = try known.delete(trial: number)
        let folders = TrialFolders(in: folder, study: name, token: known.record.token)
        if case .failed(let reason) = folders.remove(trial: number) {
          context.console.warn(
            "files of trial \(number) stay in \(folders.base.printable) (\(reason)); remove them by "
              + "hand")
        }
      }
      if json {
        context.console.writeJSON(["name": .string(name), "number": .integer(number)])
      } else {
        context.console.write("deleted trial \(number) of study '\(name.printable)'")
      }
    }
    return .success
  }
}
