internal import SQLiteStores
public import StudyModel

/// Where a study is kept.
public enum StoreLocation: Sendable, ExpressibleByStringLiteral {
  /// In this process only, gone with it.
  case memory
  /// In a file: a path, or `sqlite:///` and a path (four slashes for an absolute one).
  case url(String)
  /// In a store that is open already.
  case open(any StudyStore)

  /// A path or URL.
  public init(stringLiteral value: String) { self = .url(value) }

  /// Opens the store; a file is created when there is none.
  ///
  /// - Throws: ``StoreError`` when it cannot be opened, with its location and what to do.
  public func opened() throws(StoreError) -> any StudyStore {
    switch self {
    case .memory: InMemoryStudyStore()
    case .url(let text): try SQLiteStudyStore(address: text)
    case .open(let store): store
    }
  }
}
