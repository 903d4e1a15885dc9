internal import Coordination
internal import CoordinatorClient
internal import JSON
internal import Stores
internal import Studies
internal import StudyModel
internal import Trials

/// What `study pause`, `resume`, `stop` and `cancel` have in common.
struct StudyControlRequest: Sendable {
  /// The last word of the verb.
  private let verb: String
  private let name: String
  private let place: StudyPlace
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
      options: StudyPlace.options,
      examples: [
        .init(
          "needletail study \(verb) digits", "Does so with the study digits of needletail.db."),
        .init(
          "needletail study \(verb) digits --to http://127.0.0.1:7654",
          "Asks the coordinator on this machine to do so."),
      ])
  }

  init(_ verb: String, _ arguments: inout ArgumentScanner) throws(UsageError) {
    self.verb = verb
    name = try arguments.positional("study")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  func run(_ control: StudyControl, _ context: Context) throws -> ExitCode {
    if let client = try place.client(context) {
      _ = try client.control(name, verb)
    } else {
      try place.study(name, context).setControl(control)
    }
    if json {
      context.console.writeJSON(["name": .string(name), "control": .string(control.rawValue)])
    } else {
      context.console.write("study '\(name.printable)' is \(control.rawValue)")
    }
    return .success
  }
}
