package import JSON
package import Stores
package import StudyModel

/// A token as a store keeps it: everything but its secret, of which only the hash is kept.
package struct AccessToken: Sendable, Hashable {
  /// The part of the token that is no secret, by which it is found and revoked.
  package let id: String
  /// What it lets its holder do.
  package let role: Role
  /// The only studies it is good for; empty for all.
  package let studies: [String]
  /// When its secret was drawn.
  package let createdAt: Timestamp
  /// From when on it is refused; nil for never.
  package let expiresAt: Timestamp?
  /// The SHA-256 of the whole token, in hexadecimal digits.
  let hash: String

  /// Whether it is no longer good at a moment.
  package func hasExpired(at moment: Timestamp = .now()) -> Bool {
    expiresAt.map { $0 <= moment } ?? false
  }
}

extension AccessToken {
  /// Keys: `id`, `role`, `studies`, `created_at`, `expires_at`, `expired`. Without the hash.
  package var jsonForm: JSONValue {
    [
      "id": .string(id), "role": .string(role.rawValue),
      "studies": .array(studies.map(JSONValue.string)),
      "created_at": .string(createdAt.rfc3339),
      "expires_at": expiresAt.map { .string($0.rfc3339) } ?? .null,
      "expired": .bool(hasExpired()),
    ]
  }

  /// The text of the store's note.
  var note: String {
    let json: JSONValue = [
      "role": .string(role.rawValue), "studies": .array(studies.map(JSONValue.string)),
      "created_at": .string(createdAt.rfc3339),
      "expires_at": expiresAt.map { .string($0.rfc3339) } ?? .null, "sha256": .string(hash),
    ]
    return json.text()
  }

  /// Reads the text of a note; nil for one that makes no sense, which then opens nothing.
  init?(id: String, note: String) {
    guard let json = try? JSONValue(parsing: note),
      let role = json["role"]?.string.flatMap(Role.init(rawValue:)),
      let created = json["created_at"]?.string.flatMap({ Timestamp($0) }),
      let studies = json["studies"]?.array, let hash = json["sha256"]?.string
    else { return nil }
    self.id = id
    self.role = role
    self.studies = studies.compactMap(\.string)
    createdAt = created
    self.hash = hash
    switch json["expires_at"] {
    case .null?: expiresAt = nil
    case .string(let text)?:
      guard let moment = Timestamp(text) else { return nil }
      expiresAt = moment
    default: return nil
    }
  }
}

/// The tokens of a store: for `token create`, `list` and `revoke`, and for the coordinator's
/// checks.
///
/// A token is `nt_<id>_<secret>`, with 256 random bits in the secret.
package struct TokenStore: Sendable {
  private let store: any NoteReader & NoteCommitter
  private static let prefix = "token:"

  package init(_ store: any NoteReader & NoteCommitter) { self.store = store }

  /// Creates a token.
  ///
  /// - Parameters:
  ///   - studies: The only studies it is good for, which need not exist yet; empty for all.
  ///   - lifetime: nil for one that never expires.
  /// - Returns: The token's text, which cannot be found out again, and what is stored of it.
  package func create(
    _ role: Role, studies: [String], lifetime: Duration?
  ) throws -> (text: String, token: AccessToken) {
    let id = String(Token.random().prefix(12))
    let text = "nt_\(id)_\(Token.random())\(Token.random())"
    let now = Timestamp.now()
    let token = AccessToken(
      id: id, role: role, studies: studies, createdAt: now,
      expiresAt: lifetime.map { now.advanced(by: $0) }, hash: try SecretHash.of(text))
    try store.setStoreNote(Self.prefix + id, to: token.note)
    return (text, token)
  }

  /// All tokens, expired ones included, by creation.
  package func all() throws -> [AccessToken] {
    try store.storeNotes(withPrefix: Self.prefix).compactMap { note in
      AccessToken(id: String(note.key.dropFirst(Self.prefix.count)), note: note.text)
    }.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
  }

  /// Removes a token.
  ///
  /// - Parameter id: The token's id; a whole token is accepted too.
  /// - Returns: The id.
  /// - Throws: ``ServingError/badToken(_:)`` when there is none.
  package func revoke(_ id: String) throws -> String {
    let id = Self.id(of: id) ?? id
    guard try all().contains(where: { $0.id == id }) else {
      throw ServingError.badToken(
        "there is no token with that id; needletail token list shows them")
    }
    try store.setStoreNote(Self.prefix + id, to: nil)
    return id
  }

  /// The id in a token's text; nil for what is no token.
  static func id(of text: String) -> String? {
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "nt", parts[1].utf8.count == 12, parts[2].utf8.count == 64
    else { return nil }
    return String(parts[1])
  }
}
