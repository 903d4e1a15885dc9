internal import Serving
internal import StudyModel

/// `needletail token list`
package struct TokenListVerb: Verb {
  package static let description = VerbDescription(
    words: ["token", "list"],
    abstract: "List the tokens of a store, without their secrets.",
    options: [.store, .json],
    examples: [.init("needletail token list", "Lists the tokens of needletail.db.")])

  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let tokens = try TokenStore(try selection.openExisting()).all()
    var table = TextTable(["id", "role", "studies", "created", "expires"])
    for token in tokens {
      if json {
        context.console.writeJSON(token.jsonForm)
        continue
      }
      let expiry = token.expiresAt.map { $0.rfc3339 } ?? "never"
      table.append([
        token.id, token.role.rawValue,
        token.studies.isEmpty ? "all" : token.studies.joined(separator: ", "),
        token.createdAt.rfc3339, token.hasExpired() ? "\(expiry) (expired)" : expiry,
      ])
    }
    guard !tokens.isEmpty else {
      context.console.warn("there are no tokens; needletail token create makes one")
      return .nothingFound
    }
    if !json { table.lines.forEach(context.console.write) }
    return .success
  }
}
