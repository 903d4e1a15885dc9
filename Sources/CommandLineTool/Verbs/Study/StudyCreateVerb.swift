internal import Messages
internal import Stores
internal import Studies
internal import StudyModel

/// `needletail study create <study> [--direction …]`
package struct StudyCreateVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "create"],
    abstract: "Create a study, to be filled with trial ask and tell or by other programs.",
    discussion: ["needletail run creates the study of its study file by itself."],
    arguments: [.init(name: "study", help: "The new study's name.")],
    options: [
      .init(
        name: "--direction", placeholder: "DIRECTION",
        help: "minimize (default) or maximize; with commas between for several objectives.",
        completion: .words(["minimize", "maximize"])),
      .init(
        name: "--exist-ok", help: "Do nothing if the study exists with the same direction."),
      .store, .json,
    ],
    examples: [
      .init("needletail study create lr", "Creates the study lr in needletail.db."),
      .init(
        "needletail study create speed --direction minimize,maximize --store all.db",
        "Creates a study with two objectives in all.db."),
    ])

  private let name: String
  private let directions: [Direction]
  private let mayExist: Bool
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    directions = try [Direction](spelled: arguments.value("--direction") ?? "minimize")
    mayExist = arguments.flag("--exist-ok")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    try StoreError.checkStudyName(name)
    let store = try selection.openOrCreate()
    let (study, _) = try StoredStudy.createOrLoad(
      name, directions, mayExist: mayExist, in: store)
    if json {
      context.console.writeJSON(try StudyOverview(withStatusOf: study).jsonForm)
    } else {
      context.console.write(
        "study '\(name.printable)' (\(directions.text)) is in \(store.location.printable)")
    }
    return .success
  }
}

extension [Direction] {
  /// `minimize`, or `minimize, maximize`.
  var text: String { map(\.rawValue).joined(separator: ", ") }
}
