internal import JSON
internal import Serving
internal import StudyModel

/// `needletail token revoke <id>`
package struct TokenRevokeVerb: Verb {
  package static let description = VerbDescription(
    words: ["token", "revoke"],
    abstract: "Remove a token; coordinators refuse it within two seconds.",
    arguments: [.init(name: "id", help: "The token's id, as token list shows it.")],
    options: [.store, .json],
    examples: [.init("needletail token revoke 3f2a9c01b4de", "Removes that token.")])

  private let id: String
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    id = try arguments.positional("id")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let revoked = try TokenStore(try selection.openExisting()).revoke(id)
    if json {
      context.console.writeJSON(["id": .string(revoked)])
    } else {
      context.console.write("revoked token \(revoked)")
    }
    return .success
  }
}
