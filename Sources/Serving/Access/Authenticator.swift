internal import Dispatch
internal import Stores
internal import StudyModel
internal import System

/// Says what a request may do. Tokens are read from the store, at most 2 s ago: that is how long a
/// revoked one may still work. While the store does not answer, those that are known go on working.
///
/// No call here waits for the store but ``read(since:)``.
final class Authenticator: Sendable {
  private let tokens: TokenStore
  private let policy: Policy
  private let known = Lock(Known())
  /// Held by who reads, so that a flood of forged tokens reads the store once at a time.
  private let reading = Lock(())
  private let refreshing = DispatchQueue(label: "needletail.tokens.refresh")

  /// Who may do what without a token of the store.
  struct Policy: Sendable {
    /// Whether requests without a token are refused, also those that only read.
    var isTokenRequired = false
    /// Whether requests without a token may do everything.
    var isOpen = false
    /// What shows that a request comes from the user who started the server; nil where that does
    /// not count.
    var owner: OwnerToken?
  }

  private struct Known {
    var tokens: [String: AccessToken] = [:]
    /// In milliseconds; nil before the first time.
    var readAt: UInt64?
    /// Since when the store is being asked; nil while it is not.
    var askedAt: UInt64?
    /// Whether the store could not be asked the last time.
    var hasFailed = false
    /// When a token was last shown.
    var usedAt: UInt64 = 0

    /// Whether a revoked token is seen to be one, or cannot be since the store does not answer.
    func isCurrent(at now: UInt64) -> Bool {
      if let askedAt, ServerTime.elapsed(from: askedAt, to: now) > Authenticator.patience {
        return true
      }
      guard let readAt else { return false }
      return hasFailed || ServerTime.elapsed(from: readAt, to: now) < Authenticator.longestAge
    }
  }

  /// How old what is known may be, in milliseconds; how often an unknown token makes it read again;
  /// how long the store may take until what is known has to do.
  private static let (longestAge, shortestPause, patience): (UInt64, UInt64, UInt64) = (
    2_000, 200, 1_000
  )
  /// How long after the last token they are read ahead of time, so that no request waits for that.
  private static let readingAhead: UInt64 = 60_000

  init(_ tokens: TokenStore, _ policy: Policy) {
    self.tokens = tokens
    self.policy = policy
  }

  /// Whether ``grant(for:changing:)`` can judge the header by what is known.
  func canJudge(_ header: String?) -> Bool {
    guard let header, let text = Self.token(in: header), !isOwner(text),
      let id = TokenStore.id(of: text)
    else { return true }
    let now = ServerTime.milliseconds
    return known.withLock { known in
      known.usedAt = now
      return known.tokens[id] != nil && known.isCurrent(at: now)
    }
  }

  /// What the header `Authorization` allows; see ``canJudge(_:)``.
  ///
  /// - Parameter changing: Whether the request is to change something.
  /// - Throws: ``APIError`` with 401 for a missing, forged, revoked or expired token.
  func grant(for header: String?, changing: Bool) throws -> Grant {
    guard let header else {
      try checkOpen(changing: changing)
      return Grant(role: .admin, studies: nil, holder: nil)
    }
    guard let text = Self.token(in: header) else {
      throw APIError(
        401, "token_malformed", "the header Authorization must be 'Bearer' and a token")
    }
    if isOwner(text) { return Grant(role: .admin, studies: nil, holder: OwnerToken.holder) }
    guard let id = TokenStore.id(of: text), let token = known.withLock({ $0.tokens[id] }),
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
      role: token.role, studies: token.studies.isEmpty ? nil : Set(token.studies), holder: token.id)
  }

  private func checkOpen(changing: Bool) throws(APIError) {
    guard !policy.isTokenRequired else {
      throw APIError(
        401, "token_missing", "this coordinator needs a token; send Authorization: Bearer TOKEN")
    }
    guard changing, !policy.isOpen else { return }
    let place = policy.owner.map { "; its owner's is in \($0.path)" } ?? ""
    throw APIError(
      401, "token_missing",
      "what changes something needs a token; send Authorization: Bearer TOKEN\(place)")
  }

  private static func token(in header: String) -> String? {
    let words = header.split(separator: " ", omittingEmptySubsequences: true)
    guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
    return String(words[1])
  }

  private func isOwner(_ text: String) -> Bool { policy.owner?.isEqual(to: text) ?? false }

  // MARK: Reading

  /// Reads the tokens, unless a reading has begun since a moment. One that follows another closely
  /// waits, so that a flood of forged tokens shares few readings.
  ///
  /// - Parameter moment: When the token was shown, in milliseconds of the server's clock.
  /// - Throws: What the store throws; what is known then stays.
  func read(since moment: UInt64) throws {
    try reading.withLock { _ in
      if let readAt = known.withLock({ $0.readAt }) {
        // A token that was made before it was shown is among those.
        if readAt > moment { return }
        let age = ServerTime.elapsed(from: readAt, to: ServerTime.milliseconds)
        if age < Self.shortestPause {
          BlockingThread.pause(milliseconds: UInt32(Self.shortestPause - age))
        }
      }
      let now = ServerTime.milliseconds
      known.withLock { $0.askedAt = now }
      let found = Result { try tokens.all() }
      known.withLock { known in
        known.askedAt = nil
        switch found {
        case .success(let read):
          known.tokens = Dictionary(read.map { ($0.id, $0) }) { $1 }
          known.readAt = now
          known.hasFailed = false
        case .failure: known.hasFailed = true
        }
      }
      _ = try found.get()
    }
  }

  /// Reads the tokens ahead of time while they are in use, on a queue of its own. Called every
  /// second.
  func readAhead(_ log: @escaping @Sendable (String) -> Void) {
    let now = ServerTime.milliseconds
    let isDue = known.withLock { known in
      known.askedAt == nil && known.usedAt > 0
        && ServerTime.elapsed(from: known.usedAt, to: now) < Self.readingAhead
    }
    guard isDue else { return }
    refreshing.async { [self] in
      do {
        try read(since: now)
      } catch {
        log("the tokens could not be read: \(error)")
      }
    }
  }
}
