internal import JSON
internal import Serving
internal import StudyModel

/// `needletail token create --role ROLE`
package struct TokenCreateVerb: Verb {
  package static let description = VerbDescription(
    words: ["token", "create"],
    abstract: "Create a token that lets a worker, a viewer or an admin in.",
    discussion: [
      "Prints the token, which nobody can find out again: the store keeps its hash only. Give it "
        + "to needletail worker in NEEDLETAIL_TOKEN or a file, not on a command line, which "
        + "other users of the machine can read. It works within two seconds."
    ],
    options: [
      .init(
        name: "--role", placeholder: "ROLE",
        help: "worker (takes trials), viewer (reads) or admin (all).",
        completion: .words(Role.allCases.map(\.rawValue))),
      .init(
        name: "--study", placeholder: "STUDY",
        help: "The only study it is good for; with commas between for several."),
      .init(
        name: "--expires", placeholder: "TIME",
        help: "After this time it is refused: 12h, 30d; never by default."),
      .store, .json,
    ],
    examples: [
      .init(
        "needletail token create --role worker --expires 30d > worker.token",
        "Creates a token for workers in needletail.db."),
      .init(
        "needletail token create --role viewer --study digits --store all.db",
        "Creates a token that reads the study digits."),
    ])

  private let role: Role
  private let studies: [String]
  private let lifetime: Duration?
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let names = Role.allCases.map(\.rawValue)
    guard let name = try arguments.word("--role", of: names), let role = Role(rawValue: name)
    else { throw .missingArgument("--role worker, viewer or admin", verb: "token create") }
    self.role = role
    studies = (arguments.value("--study") ?? "").split(separator: ",").map(String.init)
    lifetime = try arguments.duration("--expires")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let tokens = TokenStore(try selection.openOrCreate())
    let (text, token) = try tokens.create(role, studies: studies, lifetime: lifetime)
    if json {
      guard case .object(let members) = token.jsonForm else { return .failed }
      context.console.writeJSON(.object([.init("token", .string(text))] + members))
    } else {
      context.console.write(text)
    }
    return .success
  }
}
