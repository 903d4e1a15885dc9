internal import StudyModel
internal import System

/// Says what a request may do. Tokens are read from the store, at most 2 s ago: that is how long a
/// revoked one may still work.
final class Authenticator: Sendable {
  private let tokens: TokenStore
  /// Whether requests without a token are refused.
  private let isTokenRequired: Bool
  private let known = Lock(Known())

  private struct Known {
    var tokens: [String: AccessToken] = [:]
    /// In milliseconds; nil before the first time.
    var readAt: UInt64?
  }

  /// How old what is known may be, in milliseconds; and how often an unknown token makes it read
  /// again, so that a flood of forged ones does not read the store all the time.
  private static let (longestAge, shortestPause): (UInt64, UInt64) = (2_000, 200)

  init(_ tokens: TokenStore, isTokenRequired: Bool) {
    self.tokens = tokens
    self.isTokenRequired = isTokenRequired
  }

  /// What the header `Authorization` allows.
  ///
  /// - Throws: ``APIError`` with 401 for a missing, forged, revoked or expired token; what the store
  ///   throws.
  func grant(for header: String?) throws -> Grant {
    guard let header else {
      guard !isTokenRequired else {
        throw APIError(
          401, "token_missing", "this coordinator needs a token; send Authorization: Bearer TOKEN")
      }
      return Grant(role: .admin, studies: nil, hasToken: false)
    }
    let words = header.split(separator: " ", omittingEmptySubsequences: true)
    guard words.count == 2, words[0].lowercased() == "bearer" else {
      throw APIError(
        401, "token_malformed", "the header Authorization must be 'Bearer' and a token")
    }
    let text = String(words[1])
    guard let id = TokenStore.id(of: text), let token = try find(id),
      try SecretHash.areEqual(try SecretHash.of(text), token.hash)
    else {
      throw APIError(
        401, "token_unknown",
        "the token is unknown or was revoked; get another one from "
          + "needletail token create")
    }
    guard !token.hasExpired() else {
      throw APIError(
        401, "token_expired", "the token has expired; get another one from needletail token create")
    }
    return Grant(
      role: token.role, studies: token.studies.isEmpty ? nil : Set(token.studies), hasToken: true)
  }

  private func find(_ id: String) throws -> AccessToken? {
    let now = ServerTime.milliseconds
    let (token, age) = known.withLock { known in
      (known.tokens[id], known.readAt.map { ServerTime.elapsed(from: $0, to: now) })
    }
    let limit = token == nil ? Self.shortestPause : Self.longestAge
    if let age, age < limit { return token }
    let read = try tokens.all()
    let tokens = Dictionary(read.map { ($0.id, $0) }) { $1 }
    known.withLock { known in
      known.tokens = tokens
      known.readAt = now
    }
    return tokens[id]
  }
}
