internal import Coordination
internal import StudyModel

/// What `study pause`, `resume`, `stop` and `cancel` have in common.
struct StudyControlRequest: Sendable {
  private let name: String
  private let store: String?
  private let json: Bool

  /// The description of one of the verbs.
  static func description(
    _ verb: String, _ abstract: String, discussion: String
  ) -> VerbDescription {
    VerbDescription(
      words: ["study", verb], abstract: abstract,
      discussion: [
        discussion + " Every coordinator and every run that works on the study follows within two "
          + "seconds."
      ],
      arguments: [.study],
      options: [.store, .json],
      examples: [
        .init("needletail study \(verb) digits", "Does so with the study digits of needletail.db.")
      ])
  }

  init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  func run(_ control: StudyControl, _ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    try store.setControl(control, of: study)
    if json {
      context.console.writeJSON(["name": .string(name), "control": .string(control.rawValue)])
    } else {
      context.console.write("study '\(name.printable)' is \(control.rawValue)")
    }
    return .success
  }
}
