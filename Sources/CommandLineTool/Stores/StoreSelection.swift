internal import PostgresStores
internal import SQLiteStores
package import Stores
internal import StudyModel

/// Which study store a command uses: `--store`, else the environment variable `NEEDLETAIL_STORE`,
/// else `needletail.db` in the current folder.
///
/// The same for every verb, `run` included, so that what `run` wrote is what the others show.
package struct StoreSelection: Sendable, Hashable {
  private enum Place: Hashable {
    /// The path of an SQLite file.
    case file(String)
    /// A PostgreSQL address, perhaps with a password.
    case server(String)
  }

  private let place: Place

  /// Chooses the store; touches nothing.
  ///
  /// - Throws: ``StoreError/unknownAddress(_:)``, ``StoreError/badAddress(_:problem:)``.
  package init(
    option: String?, environment: (String) -> String?
  ) throws(StoreError) {
    let address =
      option ?? environment("NEEDLETAIL_STORE").flatMap { $0.isEmpty ? nil : $0 } ?? "needletail.db"
    if PostgresStudyStore.isAddress(address) {
      place = .server(address)
    } else if let file = try SQLiteAddress(address) {
      place = .file(file.path)
    } else {
      throw .unknownAddress(address)
    }
  }

  /// The path of the store's file; nil for a server.
  package var path: String? {
    if case .file(let path) = place { path } else { nil }
  }

  /// The store's address for people and for other processes of this machine, without a password.
  package var location: String {
    switch place {
    case .file(let path): path
    case .server(let address): StoreError.withoutPassword(address)
    }
  }

  /// Whether there is anything to open; a server counts as there.
  package var exists: Bool {
    if case .file(let path) = place { FileFacts(path).exists } else { true }
  }

  /// Opens a store that exists, or reads a journal of Optuna.
  ///
  /// - Throws: ``CommandError/noStore(location:)``, and what opening throws.
  package func openExisting() throws -> any StudyStore {
    switch place {
    case .file(let path):
      guard FileFacts(path).exists else { throw CommandError.noStore(location: path) }
      return try journal()?.store ?? SQLiteStudyStore(path: path, creatingIfMissing: false)
    case .server(let address):
      return try PostgresStudyStore(address: address, creatingIfMissing: false)
    }
  }

  /// Opens a store that exists, for a reader: whatever it is asked, nothing is written to
  /// it.
  ///
  /// - Throws: As ``openExisting()``.
  package func openToShow() throws -> any StudyStore {
    switch place {
    case .file(let path):
      guard FileFacts(path).exists else { throw CommandError.noStore(location: path) }
      return try journal()?.store ?? SQLiteStudyStore(showing: path)
    case .server(let address): return try PostgresStudyStore(showing: address)
    }
  }

  /// Opens the store, and creates it where there is none.
  package func openOrCreate() throws -> any StudyStore {
    switch place {
    case .file(let path):
      if JournalFile(path) != nil { throw StoreError.onlyRead(journal: path) }
      return try SQLiteStudyStore(path: path)
    case .server(let address): return try PostgresStudyStore(address: address)
    }
  }

  /// What is in the journal of Optuna that was chosen, read as it is now; nil for another store.
  ///
  /// - Throws: As ``JournalFile/contents()``.
  package func journal() throws(StoreError) -> JournalFile.Contents? {
    guard case .file(let path) = place else { return nil }
    return try JournalFile(path)?.contents()
  }

  /// Where the files of the store's trials are: `needletail-trials` beside the store's file, or in
  /// the current folder when the store is a server.
  package var trialFolder: String {
    guard let path, let slash = path.lastIndex(of: "/") else { return "needletail-trials" }
    return path[...slash] + "needletail-trials"
  }
}
