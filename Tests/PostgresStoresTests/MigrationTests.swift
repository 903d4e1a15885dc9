import PostgresTesting
import Stores
import StudyModel
import System
import Testing

@testable import PostgresStores

/// The versions of our tables and functions: what was released stays as it is, and every store
/// comes to the newest one.
@Suite struct MigrationTests {
  /// A migration that was released was run on databases that are in use. Never change a line here:
  /// add a migration, and its line.
  @Test func keepsWhatWasReleased() {
    let released: [Int: UInt64] = [
      2: 0x92DC_C1BC_F16E_0FCE, 3: 0xA047_55F8_E752_C9E1,
    ]
    #expect(Schema.migrations.map(\.version) == Array(2..<2 + released.count))
    for migration in Schema.migrations {
      #expect(
        StableHash.bits64(migration.script.utf8) == released[migration.version],
        "migration \(migration.version) was edited; put it back, and add another one")
    }
  }

  /// What stands in a database of ours: columns, constraints, indexes, triggers, functions, and
  /// their version.
  private func schema(_ address: String) throws -> String {
    try PostgresServer.psql(
      address,
      """
      SELECT table_name, column_name, column_default, is_nullable, data_type, is_identity
      FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2;
      SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 ORDER BY 1, 2;
      SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1;
      SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1;
      SELECT proname, pg_get_functiondef(oid) FROM pg_proc
      WHERE pronamespace = 'public'::regnamespace ORDER BY 1;
      SELECT id, version FROM needletail_version
      """)
  }

  /// A database of every version is read as it is, brought up to date by the first write, and is
  /// then what a new one is, with all that stood in it.
  @Test(arguments: Schema.migrations.map(\.version))
  func bringsEveryVersionUpToDate(_ version: Int) throws {
    let server = try PostgresServer.shared()
    let (new, old) = (try server.newDatabase(), try server.newDatabase())
    _ = try PostgresStudyStore(address: new)
    let scripts = Schema.migrations.prefix { $0.version <= version }.map(\.script)
    _ = try PostgresServer.psql(
      old,
      """
      BEGIN; \(Schema.shared) \(scripts.joined(separator: "\n"))
      INSERT INTO needletail_version VALUES (1, \(version));
      INSERT INTO studies VALUES (7, 's');
      INSERT INTO study_directions VALUES (1, 'MAXIMIZE', 7, 0);
      INSERT INTO trials VALUES (9, 0, 7, 'RUNNING', '2026-01-01 00:00:00', NULL);
      INSERT INTO needletail_studies OVERRIDING SYSTEM VALUE VALUES (3, 7, 's', 'the-token');
      INSERT INTO needletail_notes VALUES (3, 'file', 'x');
      INSERT INTO needletail_attempts (study_key, trial_number, attempt, trial_id, worker,
        lease_token, started_at, deadline, claimable_at)
      VALUES (3, 0, 1, 9, 'w', 'lease', 1, 2, 2);
      COMMIT
      """)
    let before = try schema(old)
    let store = try PostgresStudyStore(address: old)
    let study = try store.study(named: "s")
    #expect(study.token == "the-token" && study.directions == [.maximize])
    #expect(try schema(old) == before)
    try store.setStoreNote("a", to: "b")
    #expect(try store.note("file", of: study) == "x")
    #expect(try store.openLeases(in: study).map(\.worker) == ["w"])
    #expect(try schema(old) == schema(new))
    #expect((before == (try schema(new))) == (version == Schema.ownVersion))
  }

  /// A migration that fails leaves the version before, whole.
  @Test func undoesAMigrationThatFails() throws {
    let address = try PostgresServer.shared().newDatabase()
    _ = try PostgresStudyStore(address: address)
    let connection = try Connection(try ServerAddress(address))
    let next = Migration(
      version: Schema.ownVersion + 1,
      "CREATE TABLE needletail_extra (a int); INSERT INTO needletail_missing VALUES (1);")
    #expect(throws: Failure.self) { try connection.createTables(Schema.migrations + [next]) }
    let store = try PostgresStudyStore(address: address)
    _ = try store.createStudy(named: "s", directions: [.minimize])
    #expect(
      try PostgresServer.psql(
        address, "SELECT version, to_regclass('needletail_extra') IS NULL FROM needletail_version")
        == "\(Schema.ownVersion)|t")
  }
}
