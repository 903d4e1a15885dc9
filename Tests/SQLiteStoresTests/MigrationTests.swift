import Stores
import StudyModel
import System
import Testing

@testable import SQLiteStores

/// The versions of our tables: what was released stays as it is, and every store comes to the
/// newest one.
@Suite struct MigrationTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// A migration that was released was run on stores that are in use. Never change a line here: add
  /// a migration, and its line.
  @Test func keepsWhatWasReleased() {
    let released: [UInt64] = [
      0x1FA1_210A_09C4_AED7,
      0xF81A_C29E_7FD7_9841,
    ]
    #expect(Schema.migrations.map(\.version) == Array(1...released.count))
    for (migration, hash) in zip(Schema.migrations, released) {
      #expect(
        StableHash.bits64(migration.script.utf8) == hash,
        "migration \(migration.version) was edited; put it back, and add another one")
    }
  }

  /// What stands in a file: its tables, indexes and triggers, and the version of ours.
  private func schema(_ path: String) throws -> String {
    try Shell.sqlite(
      path,
      """
      SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name;
      SELECT id, version FROM needletail_version
      """)
  }

  /// A store of every version is read as it is, brought up to date by the first write, and is then
  /// what a new store is, with all that stood in it.
  @Test(arguments: Schema.migrations.map(\.version))
  func bringsEveryVersionUpToDate(_ version: Int) throws {
    let new = folder.file("new.db")
    do { try SQLiteStudyStore(path: new).setStoreNote("a", to: "b") }
    let path = folder.file("old.db")
    let scripts = Schema.migrations.prefix { $0.version <= version }.map(\.script)
    _ = try Shell.sqlite(
      path,
      """
      BEGIN; \(Schema.shared) \(scripts.joined(separator: "\n"))
      INSERT INTO needletail_version VALUES (1, \(version));
      INSERT INTO studies VALUES (7, 's');
      INSERT INTO study_directions VALUES (1, 'MAXIMIZE', 7, 0);
      INSERT INTO trials VALUES (9, 0, 7, 'RUNNING', '2026-01-01 00:00:00', NULL);
      INSERT INTO needletail_studies VALUES (3, 7, 's', 'the-token');
      INSERT INTO needletail_notes VALUES (3, 'file', 'x');
      INSERT INTO needletail_attempts (study_key, trial_number, attempt, trial_id, worker,
        lease_token, started_at, deadline, claimable_at)
      VALUES (3, 0, 1, 9, 'w', 'lease', 1, 2, 2);
      COMMIT
      """)
    let before = try schema(path)
    do {
      let store = try SQLiteStudyStore(path: path)
      let study = try store.study(named: "s")
      #expect(study.token == "the-token" && study.directions == [.maximize])
      #expect(try store.storeNotes(withPrefix: "").isEmpty)
      #expect(try schema(path) == before)
      try store.setStoreNote("a", to: "b")
      #expect(try store.note("file", of: study) == "x")
      #expect(try store.openLeases(in: study).map(\.worker) == ["w"])
      #expect(try store.storeNotes(withPrefix: "").map(\.text) == ["b"])
    }
    #expect(try schema(path) == schema(new))
    #expect((before == (try schema(new))) == (version == Schema.ownVersion))
  }

  /// A migration that fails leaves the version before, whole.
  @Test func undoesAMigrationThatFails() throws {
    let path = folder.file("failing.db")
    do {
      let session = try Session(path: path, creatingIfMissing: true)
      let next = Migration(
        version: Schema.ownVersion + 1,
        "CREATE TABLE needletail_extra (a INTEGER); INSERT INTO needletail_missing VALUES (1);")
      #expect(throws: StoreError.self) { try session.createTables(Schema.migrations + [next]) }
    }
    let store = try SQLiteStudyStore(path: path)
    _ = try store.createStudy(named: "s", directions: [.minimize])
    #expect(
      try Shell.sqlite(path, "SELECT version FROM needletail_version") == "\(Schema.ownVersion)")
    #expect(
      try Shell.sqlite(path, "SELECT count(*) FROM sqlite_master WHERE name = 'needletail_extra'")
        == "0")
  }
}
