package import StudyModel

/// Which study store a command uses: `--store`, else the environment variable `NEEDLETAIL_STORE`,
/// else `needletail.db` in the current folder.
///
/// The same for every verb, `run` included, so that what `run` wrote is what the others show.
package struct StoreSelection: Sendable, Hashable {
  /// The path of the SQLite file.
  package let path: String

  /// Chooses the store; touches nothing.
  ///
  /// - Throws: ``CommandError/unknownStoreKind(_:)``.
  package init(
    option: String?, environment: (String) -> String?
  ) throws(CommandError) {
    let address =
      option ?? environment("NEEDLETAIL_STORE").flatMap { $0.isEmpty ? nil : $0 } ?? "needletail.db"
    path = try Self.path(of: address)
  }

  /// Opens a store that exists.
  package func openExisting() throws -> any StudyStore {
    guard FileFacts(path).exists else { throw CommandError.noStore(location: path) }
    throw CommandError.noStore(location: path)
  }

  /// Opens the store, and creates it where there is none.
  package func openOrCreate() throws -> any StudyStore {
    throw CommandError.noStore(location: path)
  }

  /// `sqlite:///relative.db`, `sqlite:////absolute.db` as in SQLAlchemy's URLs, or a bare path.
  private static func path(of address: String) throws(CommandError) -> String {
    guard let range = address.firstRange(of: "://") else {
      guard !address.isEmpty, !address.utf8.contains(0) else {
        throw .unknownStoreKind(address)
      }
      return address
    }
    let path = String(address[range.upperBound...].dropFirst())
    guard address[..<range.lowerBound] == "sqlite", address[range.upperBound...].first == "/",
      !path.isEmpty
    else { throw .unknownStoreKind(address) }
    return path
  }
}
