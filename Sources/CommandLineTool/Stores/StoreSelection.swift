internal import SQLiteStores
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
  /// - Throws: ``StoreError/unknownAddress(_:)``.
  package init(
    option: String?, environment: (String) -> String?
  ) throws(StoreError) {
    let address =
      option ?? environment("NEEDLETAIL_STORE").flatMap { $0.isEmpty ? nil : $0 } ?? "needletail.db"
    guard let path = SQLiteStudyStore.path(of: address) else { throw .unknownAddress(address) }
    self.path = path
  }

  /// Opens a store that exists.
  ///
  /// - Throws: ``CommandError/noStore(location:)``, and what opening throws.
  package func openExisting() throws -> any StudyStore {
    guard FileFacts(path).exists else { throw CommandError.noStore(location: path) }
    return try SQLiteStudyStore(path: path, creatingIfMissing: false)
  }

  /// Opens the store, and creates it where there is none.
  package func openOrCreate() throws -> any StudyStore {
    try SQLiteStudyStore(path: path)
  }

  /// Where the files of the store's trials are: `needletail-trials` beside it.
  package var trialFolder: String {
    guard let slash = path.lastIndex(of: "/") else { return "needletail-trials" }
    return path[...slash] + "needletail-trials"
  }
}
