internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Objectives
internal import Stores
internal import Studies
internal import StudyModel

/// `needletail study rename <study> <name>`
package struct StudyRenameVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "rename"],
    abstract: "Give a study another name; all else of it stays.",
    discussion: [
      "Trials, seed, budget and files stay, and other programs find the study under its new name. While "
        + "a trial of it runs it is refused. A study file that names the study by its old name "
        + "makes a new study when it is run again: change its 'name', too."
    ],
    arguments: [.study, .init(name: "name", help: "The name from then on.")],
    options: StudyPlace.options,
    examples: [
      .init("needletail study rename digits digits-2026", "Renames the study digits.")
    ])

  private let name: String
  private let newName: String
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    newName = try arguments.positional("name")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    if let client = try place.client(context) {
      _ = try client.rename(name, RenameRequest(name: newName))
    } else {
      let study = try place.study(name, context)
      let folder = try place.selection(context).trialFolder
      let renamed = try study.rename(to: newName)
      let seed = try renamed.store.note("seed", of: renamed.record).flatMap { UInt64($0) }
      let logs = TrialLogs(in: folder, of: study.record, seed: seed)
      if let problem = logs.rename(from: name, to: newName) {
        context.console.warn("the files of its trials keep their place: \(problem.printable)")
      }
    }
    if json {
      context.console.writeJSON(["name": .string(newName), "former_name": .string(name)])
    } else {
      context.console.write("study '\(name.printable)' is called '\(newName.printable)' now")
    }
    return .success
  }
}
