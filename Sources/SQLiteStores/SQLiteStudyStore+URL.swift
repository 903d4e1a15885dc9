public import Stores
internal import StudyModel

extension SQLiteStudyStore {
  /// The file that a store's address names: a bare path, `sqlite:///relative.db` or
  /// `sqlite:////absolute.db` as in SQLAlchemy's URLs; nil for an address of another kind.
  public static func path(of address: String) -> String? {
    guard let range = address.firstRange(of: "://") else { return address }
    let rest = address[range.upperBound...]
    guard address[..<range.lowerBound] == "sqlite", rest.first == "/", rest.count > 1 else {
      return nil
    }
    return String(rest.dropFirst())
  }

  /// Opens the store at an address; see ``path(of:)``.
  ///
  /// - Throws: ``StoreError/unknownAddress(_:)``, and as ``init(path:creatingIfMissing:)``.
  public convenience init(
    address: String, creatingIfMissing: Bool = true
  ) throws(StoreError) {
    guard let path = Self.path(of: address) else { throw .unknownAddress(address) }
    try self.init(path: path, creatingIfMissing: creatingIfMissing)
  }
}
