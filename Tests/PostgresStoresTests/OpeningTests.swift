import Foundation
import JSON
import PostgresTesting
import Stores
import StudyModel
import Testing

@testable import PostgresStores

/// Addresses and databases that are no store, or that cannot be reached: each is refused with one
/// sentence without a password, and left as it was.
@Suite struct OpeningTests {
  private func refusal(
    _ address: String, creatingIfMissing: Bool = true
  ) throws -> StoreError {
    let error = #expect(throws: StoreError.self) {
      _ = try PostgresStudyStore(address: address, creatingIfMissing: creatingIfMissing)
    }
    let refusal = try #require(error)
    #expect(!refusal.description.contains("\n"))
    #expect(!refusal.description.contains("geheim"))
    return refusal
  }

  @Test func readsAddresses() throws {
    for (text, location) in [
      (
        "postgresql://user:geheim@db.example:5433/studies",
        "postgresql://user@db.example:5433/studies"
      ),
      ("postgres://db.example/studies", "postgresql://db.example/studies"),
      ("postgresql+psycopg2://user:geheim@db/s?sslmode=require", "postgresql://user@db/s"),
      ("postgresql://u@/s?host=/run/pg&password=geheim", "postgresql://u@/s?host=/run/pg"),
      ("postgresql://[::1]/s", "postgresql://::1/s"),
    ] {
      let address = try ServerAddress(text)
      #expect(address.location == location)
    }
    #expect(try ServerAddress("postgresql://u:ge%20heim@h/s")["password"] == "ge heim")
    for text in [
      "postgresql.db", "sqlite:///postgresql.db", "/postgresql://x", "mysql://u:geheim@h/s",
    ] {
      #expect(!PostgresStudyStore.isAddress(text))
    }
    for text in [
      "postgresql://u:geheim@h/s?nonsense=1",
      "postgresql://u:geheim@[h/s", "postgresql://u:%zz@h/s", "postgresql://u:geheim@h/s\0t",
    ] {
      guard case .io = try refusal(text) else {
        Issue.record("\(text) was read")
        continue
      }
    }
    #expect(
      StoreError.unknownAddress("mysql://u:gehe@im@h/s?password=x").description
        .hasPrefix("'mysql://u@h/s' is no store"))
  }

  @Test func refusesServersThatAreNotThere() throws {
    let folder = FileManager.default.temporaryDirectory.path
    for address in [
      "postgresql://u:geheim@127.0.0.1:1/s", "postgresql:///s?host=\(folder)/nobody",
      "postgresql://u:geheim@host.invalid/s",
    ] {
      guard case .unavailable = try refusal(address) else {
        Issue.record("\(address)")
        continue
      }
    }
  }

  @Test func refusesWhomTheServerRefuses() throws {
    let server = try PostgresServer.shared()
    let address = try server.newDatabase()
    try server.command("guarded someone")
    let guarded = address.replacing("needletail@", with: "someone:geheim@")
    #expect("\(try refusal(guarded))".contains("password authentication failed"))
    let silent = address.replacing("needletail@", with: "someone@")
    #expect("\(try refusal(silent))".contains("PGPASSWORD"))
    let unknown = address.replacing("needletail@/", with: "needletail@/no")
    #expect("\(try refusal(unknown))".contains("does not exist"))
    // With the password, but without any right to the schema.
    let right = address.replacing("needletail@", with: "someone:someone@")
    guard case .readOnly = try refusal(right) else {
      Issue.record("a user without rights")
      return
    }
  }

  @Test func refusesOtherTables() throws {
    let address = try PostgresServer.shared().newDatabase()
    guard case .notAStore = try refusal(address, creatingIfMissing: false) else {
      Issue.record("an empty database")
      return
    }
    #expect(try tables(address) == "")
    _ = try PostgresServer.psql(address, "CREATE TABLE studies (topic text)")
    guard case .notAStore = try refusal(address) else {
      Issue.record("tables of something else")
      return
    }
    #expect(try tables(address) == "studies")
    // In another schema of the same database there is room.
    _ = try PostgresServer.psql(address, "CREATE SCHEMA lab; CREATE TABLE customers (a int)")
    let store = try PostgresStudyStore(
      address: address + "&options=-csearch_path%3Dlab")
    _ = try store.createStudy(named: "s", directions: [.minimize])
    #expect(try PostgresServer.psql(address, "SELECT study_name FROM lab.studies") == "s")
    #expect(try tables(address) == "customers studies")
  }

  private func tables(_ address: String) throws -> String {
    try PostgresServer.psql(
      address,
      "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"
    )
  }

  @Test(arguments: [
    "UPDATE alembic_version SET version_num = 'v4.0.0.a'",
    "DELETE FROM alembic_version; UPDATE version_info SET schema_version = 13",
    "UPDATE needletail_version SET version = 4",
  ])
  func refusesNewerSchemas(_ sql: String) throws {
    let address = try PostgresServer.shared().newDatabase()
    _ = try PostgresStudyStore(address: address)
    _ = try PostgresServer.psql(address, sql)
    guard case .unsupportedSchema = try refusal(address) else {
      Issue.record("\(sql) was opened")
      return
    }
  }

  /// A database, a role or a session that may only read is read, and never written to.
  @Test func readsWhatIsReadOnly() throws {
    let server = try PostgresServer.shared()
    let address = try server.newDatabase()
    let study: StudyRecord
    do {
      let store = try PostgresStudyStore(address: address)
      study = try store.createStudy(named: "s", directions: [.minimize])
      _ = try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
    }
    let readOnly = address + "&options=-cdefault_transaction_read_only%3Don"
    try server.command("guarded reader")
    _ = try PostgresServer.psql(address, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    let reader = address.replacing("needletail@", with: "reader:reader@")
    for address in [readOnly, reader] {
      let store = try PostgresStudyStore(address: address)
      #expect(store.isReadOnly == (address == readOnly))
      #expect(try store.study(named: "s") == study)
      #expect(try store.counts(in: study) == [.waiting: 1])
      #expect(try store.trials(in: study, numbers: nil).count == 1)
      #expect(throws: StoreError.readOnly(location: store.location)) {
        try store.createStudy(named: "t", directions: [.minimize])
      }
      #expect(throws: StoreError.readOnly(location: store.location)) {
        try store.setNote("file", to: "x", of: study)
      }
    }
  }

  /// What we create is, column for column, what Optuna creates.
  @Test func createsOptunasTables() throws {
    let server = try PostgresServer.shared()
    let (ours, theirs) = (try server.newDatabase(), try server.newDatabase())
    _ = try PostgresStudyStore(address: ours)
    let url = theirs.replacing("postgresql:", with: "postgresql+psycopg2:")
    try Python.run(["-c", "import optuna; optuna.storages.RDBStorage('\(url)')"])
    for query in [
      """
      SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
        character_maximum_length, udt_name FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name NOT LIKE 'needletail%' ORDER BY 1, 3
      """,
      """
      SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
        AND conrelid::regclass::text NOT LIKE 'needletail%' ORDER BY 1, 2
      """,
      """
      SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        AND indexname NOT LIKE 'needletail%' ORDER BY 1
      """,
      """
      SELECT t.typname, e.enumlabel, e.enumsortorder FROM pg_enum e
      JOIN pg_type t ON t.oid = e.enumtypid ORDER BY 1, 3
      """,
      "SELECT version_num FROM alembic_version",
      "SELECT version_info_id, schema_version FROM version_info",
    ] {
      let expected = try PostgresServer.psql(theirs, query)
      #expect(try PostgresServer.psql(ours, query) == expected)
      #expect(!expected.isEmpty)
    }
  }

  /// Opening and reading a database of Optuna changes nothing; the first use of a study adds our
  /// tables.
  @Test func addsOurTablesOnWriting() throws {
    let address = try PostgresServer.shared().newDatabase()
    let url = address.replacing("postgresql:", with: "postgresql+psycopg2:")
    try Python.run(
      ["-c", "import optuna; optuna.create_study(storage='\(url)', study_name='s')"])
    let ours = "SELECT count(*) FROM pg_class WHERE relname LIKE 'needletail%'"
    do {
      let store = try PostgresStudyStore(address: address)
      #expect(try store.storeNotes(withPrefix: "").isEmpty)
    }
    #expect(try PostgresServer.psql(address, ours) == "0")
    let store = try PostgresStudyStore(address: address)
    let study = try store.study(named: "s")
    #expect(try store.studies() == [study])
    #expect(try PostgresStudyStore(address: address).study(named: "s") == study)
    #expect(try PostgresServer.psql(address, ours) != "0")
  }

  /// The guard: nobody changes the state of a finished trial or takes a running one again, and what
  /// we keep of a study goes with it, whoever deletes it.
  @Test func guardsStates() throws {
    let address = try PostgresServer.shared().newDatabase()
    let store = try PostgresStudyStore(address: address)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    try store.setNote("file", to: "x", of: study)
    let now = Timestamp.now()
    for state in [TrialState.running, .completed, .waiting] {
      _ = try store.createTrial(
        Trial(
          TrialReference(id: 0, number: 0), state: state,
          values: state == .completed ? [1] : [], startedAt: now), in: study,
        lease: state == .running
          ? LeaseRequest(worker: "w", now: now, deadline: now.advanced(by: .seconds(60))) : nil)
    }
    for (number, state) in [(0, "RUNNING"), (0, "WAITING"), (1, "RUNNING"), (1, "FAIL")] {
      #expect(throws: PostgresServer.Failure.self) {
        try PostgresServer.psql(
          address, "UPDATE trials SET state = '\(state)' WHERE number = \(number)")
      }
    }
    _ = try PostgresServer.psql(address, "UPDATE trials SET state = 'FAIL' WHERE number = 0")
    #expect(try store.counts(in: study) == [.failed: 1, .completed: 1, .waiting: 1])
    _ = try PostgresServer.psql(
      address,
      """
      DELETE FROM trial_values; DELETE FROM trials; DELETE FROM study_directions;
      DELETE FROM studies
      """)
    for table in ["studies", "notes", "attempts"] {
      #expect(
        try PostgresServer.psql(address, "SELECT count(*) FROM needletail_\(table)") == "0")
    }
    #expect(throws: StoreError.unknownStudy(name: "s", known: [])) {
      try store.counts(in: study)
    }
  }

  /// Many that create the tables at once all get them, Optuna among them.
  @Test func createsOnceForAll() async throws {
    let address = try PostgresServer.shared().newDatabase()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask {
          let store = try PostgresStudyStore(address: address)
          _ = try store.createStudy(named: "s\(index)", directions: [.minimize])
        }
      }
      try await group.waitForAll()
    }
    #expect(try PostgresStudyStore(address: address).studies().count == 8)
  }

  /// A store of an earlier version gets today's functions when it is opened.
  @Test(arguments: [1, 2]) func bringsEarlierVersionsUpToDate(version: Int) throws {
    let address = try PostgresServer.shared().newDatabase()
    _ = try PostgresStudyStore(address: address)
    _ = try PostgresServer.psql(
      address,
      """
      UPDATE needletail_version SET version = \(version);
      CREATE OR REPLACE FUNCTION needletail_end(
        a_key bigint, a_trial bigint, a_number bigint, an_attempt bigint, an_outcome text,
        a_reason text, a_moment bigint, a_time bigint, keeps_reports boolean
      ) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'old'; END $$
      """)
    let store = try PostgresStudyStore(address: address)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let now = try store.leaseTime(in: study)
    let (trial, lease) = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .running), in: study,
      lease: LeaseRequest(worker: "w", now: now, deadline: now.advanced(by: .seconds(60))))
    try store.commit(
      [TrialChange(trial, .systemAttributeSet(Attribute("completed_rung_0", 1)))], to: study,
      under: [], durability: .process)
    let isOpen = try store.close(
      #require(lease), as: .interrupted, reason: "r", retryAt: .now())
    #expect(isOpen)
    #expect(try store.trials(in: study, numbers: [0]).first?.systemAttributes.isEmpty == true)
    #expect(
      try PostgresServer.psql(address, "SELECT version FROM needletail_version") == "3")
  }

  /// Columns of plain text in place of enumerations, and of 64 bits, are as good.
  @Test func takesPlainColumns() throws {
    let address = try PostgresServer.shared().newDatabase()
    _ = try PostgresStudyStore(address: address)
    _ = try PostgresServer.psql(
      address,
      """
      DROP TRIGGER needletail_guard ON trials; DROP INDEX needletail_waiting;
      DELETE FROM needletail_version;
      ALTER TABLE trials ALTER state TYPE varchar(8), ALTER trial_id TYPE bigint;
      ALTER TABLE study_directions ALTER direction TYPE varchar(8);
      ALTER TABLE trial_values ALTER value_type TYPE varchar(7);
      ALTER TABLE trial_intermediate_values ALTER intermediate_value_type TYPE varchar(7);
      DROP TYPE trialstate, studydirection, trialvaluetype, trialintermediatevaluetype
      """)
    let store = try PostgresStudyStore(address: address)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let template = Trial(
      TrialReference(id: 0, number: 0), state: .completed, values: [.infinity],
      intermediateValues: [IntermediateValue(step: 1, value: .nan)], completedAt: .now())
    _ = try store.createTrial(template, in: study, lease: nil)
    let trial = try #require(try store.trials(in: study, numbers: [0]).first)
    #expect(trial.values == [.infinity])
    #expect(trial.intermediateValues == template.intermediateValues)
  }

  /// What PostgreSQL cannot keep is refused in a sentence, and nothing of it is written.
  @Test func refusesWhatItCannotKeep() throws {
    let store = try PostgresStudyStore(address: try PostgresServer.shared().newDatabase())
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, _) = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .running), in: study, lease: nil)
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1))
    let long = String(repeating: "é", count: 513)
    let events: [TrialChange.Event] = [
      .reported(IntermediateValue(step: 1 << 31, value: 1)),
      .parameterSet(ParameterAssignment("a\0b", range, internalValue: 0)),
      .parameterSet(ParameterAssignment(long, range, internalValue: 0)),
      .userAttributeSet(Attribute("a\0b", 1)), .userAttributeSet(Attribute(long, 1)),
    ]
    for event in events {
      let error = #expect(throws: StoreError.self) {
        try store.commit(
          [
            TrialChange(trial, .systemAttributeSet(Attribute("k", 1))), TrialChange(trial, event),
          ], to: study, under: [], durability: .process)
      }
      #expect(error.map { "\($0)".contains("\n") } == false)
    }
    #expect(throws: StoreError.self) { try store.setNote("file", to: "\0", of: study) }
    #expect(throws: StoreError.self) { try store.setStoreNote("a\0", to: "b") }
    // A NUL within a JSON text is spelled out, and kept.
    try store.commit(
      [TrialChange(trial, .userAttributeSet(Attribute("k", "a\0b")))], to: study, under: [],
      durability: .process)
    let read = try #require(try store.trials(in: study, numbers: [0]).first)
    #expect(read.userAttributes == [Attribute("k", "a\0b")])
    #expect(read.systemAttributes.isEmpty && read.parameters.isEmpty)
  }
}

/// Runs the Python that has Optuna.
enum Python {
  static func run(_ arguments: [String]) throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let process = Process()
    process.executableURL = URL(
      fileURLWithPath: ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
        ?? tests.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/venv/bin/python").path)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(arguments)")
  }
}
