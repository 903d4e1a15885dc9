package import CoordinatorClient
internal import PostgresStores
internal import SQLiteStores
public import Stores
internal import StudyModel

/// Where a study is kept.
public enum StoreLocation: Sendable, ExpressibleByStringLiteral {
  /// In this process only, gone with it.
  case memory
  /// In a file: a path, or `sqlite:///` and a path (four slashes for an absolute one); or in a
  /// PostgreSQL database: `postgresql://USER@HOST:PORT/DATABASE` in any form that libpq knows.
  case url(String)
  /// At a coordinator, which `needletail serve` started; a URL with `http://` or `https://` is the
  /// same with what the environment says.
  case coordinator(CoordinatorAccess)
  /// In a store that is open already.
  case open(any StudyStore)

  /// A path or URL.
  public init(stringLiteral value: String) { self = .url(value) }

  /// A client of the coordinator; nil for a store.
  package func client() throws -> CoordinatorClient? {
    switch self {
    case .coordinator(let access): try access.client()
    case .url(let text) where CoordinatorAddress.isAddress(text):
      try CoordinatorAccess(text).client()
    default: nil
    }
  }

  /// Opens the store; a file, or the tables in a database, are created when there are none.
  ///
  /// - Throws: ``StoreError`` when it cannot be opened, with its location and what to do.
  public func opened() throws(StoreError) -> any StudyStore {
    switch self {
    case .memory: InMemoryStudyStore()
    case .url(let text) where PostgresStudyStore.isAddress(text):
      try PostgresStudyStore(address: text)
    case .url(let text): try SQLiteStudyStore(address: text)
    case .coordinator(let access): throw .unknownAddress(access.url)
    case .open(let store): store
    }
  }
}
