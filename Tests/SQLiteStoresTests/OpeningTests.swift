import Foundation
import Stores
import StudyModel
import System
import Testing

@testable import SQLiteStores

/// Paths that are no store: each is refused with one sentence, and left as it was.
@Suite struct OpeningTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func refusal(
    _ path: String, creatingIfMissing: Bool = true
  ) -> StoreError? {
    do {
      _ = try SQLiteStudyStore(path: path, creatingIfMissing: creatingIfMissing)
      return nil
    } catch {
      #expect(!error.description.contains("\n"))
      #expect(error.description.contains(path.isEmpty || path.contains("\0") ? "path" : path))
      return error
    }
  }

  private var entries: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
  }

  private func makeStore(_ path: String) throws {
    let store = try SQLiteStudyStore(path: path)
    _ = try store.createStudy(named: "s", directions: [.minimize])
  }

  @Test func refusesPathsThatAreNoFiles() throws {
    guard case .notAStore = refusal(folder.path) else {
      Issue.record("a directory")
      return
    }
    for path in [
      "", "a\0b", folder.file("missing/study.db"), folder.file("a/b/c.db"), "/proc/study.db",
    ] {
      guard case .io = refusal(path) else {
        Issue.record("\(path)")
        continue
      }
    }
    guard case .notAStore = refusal("/dev/null") else {
      Issue.record("a device")
      return
    }
    guard case .io = refusal(folder.file("missing.db"), creatingIfMissing: false) else {
      Issue.record("a missing file")
      return
    }
    #expect(try entries.isEmpty)
  }

  @Test(arguments: [
    "hello", "SQLite format 3", String(repeating: "text ", count: 2_000), "\u{1}\u{2}\u{3}",
  ])
  func refusesOtherFiles(_ content: String) throws {
    let path = folder.file("other.db")
    try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    guard case .notAStore = refusal(path) else {
      Issue.record("'\(content.prefix(20))' was opened")
      return
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(content.utf8))
    #expect(try entries == ["other.db"])
  }

  @Test func refusesDatabasesOfOthers() throws {
    let path = folder.file("other.db")
    _ = try Shell.sqlite(path, "CREATE TABLE customers (a); INSERT INTO customers VALUES (1)")
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let error = try #require(refusal(path))
    #expect(error.description.contains("customers"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try entries == ["other.db"])
  }

  @Test(arguments: [
    "UPDATE alembic_version SET version_num = 'v4.0.0.a'",
    "DELETE FROM alembic_version; UPDATE version_info SET schema_version = 13",
    "UPDATE needletail_version SET version = 3",
  ])
  func refusesNewerSchemas(_ sql: String) throws {
    let path = folder.file("new.db")
    try makeStore(path)
    _ = try Shell.sqlite(path, sql)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    guard case .unsupportedSchema = refusal(path) else {
      Issue.record("\(sql) was opened")
      return
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try entries == ["new.db", "new.db-lock"])
  }

  /// A damaged file is reported as such, when it is opened or when the damage is met, and what is
  /// still whole is not touched.
  @Test func reportsDamage() throws {
    let path = folder.file("damaged.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    for index in 0..<200 {
      let template = Trial(
        TrialReference(id: 0, number: 0), state: .completed, values: [Double(index)],
        parameters: [
          ParameterAssignment(
            "x", .float(try FloatDistribution(low: 0, high: 1)), internalValue: 0.5)
        ], startedAt: .now(), completedAt: .now())
      _ = try store.createTrial(template, in: study, lease: nil)
    }
    let whole = folder.file("copy.db")
    _ = try Shell.sqlite(path, "VACUUM INTO '\(whole)'")
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: whole)))
    var reported = 0
    for page in stride(from: 4_096, to: bytes.count, by: 4_096) {
      var damaged = bytes
      for index in page..<min(page + 4_096, bytes.count) { damaged[index] = 0xAB }
      let file = folder.file("page\(page).db")
      try Data(damaged).write(to: URL(fileURLWithPath: file))
      do {
        let store = try SQLiteStudyStore(path: file)
        let study = try store.study(named: "s")
        _ = try store.trials(in: study, numbers: nil)
      } catch {
        reported += 1
        switch error {
        case .damaged, .notAStore: break
        case .unknownStudy: break  // the index says there is none
        default: Issue.record("page \(page / 4_096): \(error)")
        }
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count == bytes.count)
    }
    #expect(reported > 10)
    // A file that was cut off.
    let cut = folder.file("cut.db")
    try Data(bytes.prefix(bytes.count / 2)).write(to: URL(fileURLWithPath: cut))
    var error: StoreError?
    do {
      let store = try SQLiteStudyStore(path: cut)
      _ = try store.trials(in: try store.study(named: "s"), numbers: nil)
    } catch let thrown {
      error = thrown
    }
    guard case .damaged = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// An empty file becomes a store, unless it is only to be read.
  @Test func fillsEmptyFiles() throws {
    let path = folder.file("empty.db")
    try Data().write(to: URL(fileURLWithPath: path))
    #expect(refusal(path, creatingIfMissing: false) != nil)
    #expect(try entries == ["empty.db"])
    try makeStore(path)
    #expect(try Shell.sqlite(path, "SELECT study_name FROM studies") == "s")
  }

  /// What we create is, table for table, what Optuna creates, with the version rows.
  @Test func createsOptunasTables() throws {
    let (ours, theirs) = (folder.file("ours.db"), folder.file("theirs.db"))
    try makeStore(ours)
    _ = try Python.run(
      ["-c", "import optuna; optuna.storages.RDBStorage('sqlite:///\(theirs)')"], in: folder)
    let list = """
      SELECT type, name, tbl_name, replace(replace(replace(sql, char(10), ''), char(9), ''), ' ', '')
      FROM sqlite_master WHERE name NOT LIKE 'needletail%' AND name NOT LIKE 'sqlite_sequence'
        AND tbl_name NOT LIKE 'needletail%' ORDER BY name
      """
    #expect(try Shell.sqlite(ours, list) == Shell.sqlite(theirs, list))
    #expect(try Shell.sqlite(theirs, list).split(separator: "\n").count == 25)
    let versions = "SELECT version_info_id, schema_version FROM version_info"
    #expect(try Shell.sqlite(ours, versions) == "1|12")
    #expect(try Shell.sqlite(ours, "SELECT * FROM alembic_version") == "v3.2.0.a")
    #expect(try Shell.sqlite(ours, "PRAGMA journal_mode") == "wal")
    let strict = "SELECT count(*) FROM pragma_table_list WHERE name LIKE 'needletail%' AND strict"
    #expect(try Shell.sqlite(ours, strict) == "5")
  }

  /// A store of the first version, which had no notes of the whole store, is read as it is, and
  /// brought up to date by the first write, also under the eyes of one that reads it.
  @Test func upgradesTheFirstVersion() throws {
    let path = folder.file("first.db")
    try makeStore(path)
    _ = try Shell.sqlite(
      path, "DROP TABLE needletail_store_notes; UPDATE needletail_version SET version = 1")
    let reader = try SQLiteStudyStore(path: path)
    let study = try reader.study(named: "s")
    #expect(try reader.storeNotes(withPrefix: "").isEmpty)
    #expect(try Shell.sqlite(path, "SELECT version FROM needletail_version") == "1")
    let writer = try SQLiteStudyStore(path: path)
    #expect(try writer.study(named: "s") == study)
    try writer.setStoreNote("a", to: "b")
    #expect(try Shell.sqlite(path, "SELECT version FROM needletail_version") == "2")
    #expect(try reader.storeNotes(withPrefix: "").map(\.text) == ["b"])
    try reader.setNote("file", to: "x", of: study)
    #expect(try writer.note("file", of: study) == "x")
  }

  /// Opening and reading a file of Optuna's changes nothing; the first write adds our tables.
  @Test func addsOurTablesOnWriting() throws {
    let path = folder.file("theirs.db")
    _ = try Python.run(
      [
        "-c",
        "import optuna; optuna.create_study(storage='sqlite:///\(path)', study_name='s')",
      ], in: folder)
    let tables = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'needletail%'"
    do {
      let store = try SQLiteStudyStore(path: path)
      _ = store.location
    }
    #expect(try Shell.sqlite(path, tables) == "0")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.study(named: "s")
    #expect(try store.studies() == [study])
    #expect(try SQLiteStudyStore(path: path).study(named: "s") == study)
    #expect(try Shell.sqlite(path, tables) != "0")
  }

  /// The guard: nobody changes the state of a finished trial or takes a running one again, and
  /// what we keep of a study goes with it, whoever deletes it.
  @Test func guardsStates() throws {
    let path = folder.file("guarded.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    try store.setNote("file", to: "x", of: study)
    let now = Timestamp.now()
    let request = LeaseRequest(worker: "w", now: now, deadline: now.advanced(by: .seconds(60)))
    for state in [TrialState.running, .completed, .waiting] {
      _ = try store.createTrial(
        Trial(
          TrialReference(id: 0, number: 0), state: state,
          values: state == .completed ? [1] : [], startedAt: now), in: study,
        lease: state == .running ? request : nil)
    }
    for (number, state) in [(0, "RUNNING"), (0, "WAITING"), (1, "RUNNING"), (1, "FAIL")] {
      let sql = "UPDATE trials SET state = '\(state)' WHERE number = \(number)"
      #expect(try Shell.run(path, sql).status != 0, "\(sql)")
    }
    _ = try Shell.sqlite(path, "UPDATE trials SET state = 'RUNNING' WHERE number = 2")
    _ = try Shell.sqlite(path, "UPDATE trials SET state = 'FAIL' WHERE number IN (0, 2)")
    #expect(try store.counts(in: study) == [.failed: 2, .completed: 1])
    // Somebody else ended the trial that is held here.
    #expect(
      try store.claimTrial(
        in: study,
        lease: LeaseRequest(worker: "v", now: now.advanced(by: .seconds(61)), deadline: now)) == nil
    )
    #expect(try store.attempts(of: 0, in: study).map(\.outcome) == [.lost])
    _ = try Shell.sqlite(path, "DELETE FROM studies")
    for table in ["studies", "notes", "attempts"] {
      #expect(try Shell.sqlite(path, "SELECT count(*) FROM needletail_\(table)") == "0")
    }
    #expect(throws: StoreError.unknownStudy(name: "s", known: [])) {
      try store.counts(in: study)
    }
  }

  /// Many that create the same store at once all get it, however far another one has come with it.
  @Test func createsOnceForAll() async throws {
    for round in 0..<30 {
      let path = folder.file("together\(round).db")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<8 {
          group.addTask {
            let store = try SQLiteStudyStore(path: path)
            _ = try store.createStudy(named: "s\(index)", directions: [.minimize])
          }
        }
        try await group.waitForAll()
      }
      #expect(try SQLiteStudyStore(path: path).studies().count == 8)
      #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
    }
  }

  /// A store that may only be read is read, beside a log or without one, and never written to.
  @Test func readsWhatIsReadOnly() throws {
    let path = folder.file("it's 100%? #1 🪁.db")
    do {
      let store = try SQLiteStudyStore(path: path)
      let study = try store.createStudy(named: "s", directions: [.minimize])
      _ = try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
      let reader = SQLiteStudyStore(
        try Session(path: path, creatingIfMissing: false, isReadOnly: true), location: path)
      #expect(try reader.study(named: "s") == study)
      #expect(try reader.trials(in: study, numbers: nil).count == 1)
    }
    let before = (try entries, try Data(contentsOf: URL(fileURLWithPath: path)))
    do {
      let store = SQLiteStudyStore(
        try Session(path: path, creatingIfMissing: false, isReadOnly: true), location: path)
      #expect(store.isReadOnly)
      let study = try store.study(named: "s")
      #expect(try store.counts(in: study) == [.waiting: 1])
      #expect(try store.bestTrial(in: study) == nil)
      #expect(throws: StoreError.readOnly(location: path)) {
        try store.createStudy(named: "t", directions: [.minimize])
      }
      #expect(throws: StoreError.readOnly(location: path)) { try store.delete(study) }
    }
    #expect(try entries == before.0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before.1)
  }

  /// A writer that is stopped while it has its turn keeps others from theirs for a bounded time,
  /// and one that gave up does not hold the turn that it gets later.
  @Test func waitsForABoundedTime() throws {
    let (first, second) = (
      try QueueLock(path: folder.file("lock"), location: "x"),
      try QueueLock(path: folder.file("lock"), location: "x")
    )
    try first.lock(seconds: 1)
    #expect(throws: StoreError.busy(location: "x")) { try second.lock(seconds: 0.05) }
    #expect(throws: StoreError.busy(location: "x")) { try second.lock(seconds: 0) }
    first.unlock()
    // If the second held it, this would time out.
    try first.lock(seconds: 60)
    first.unlock()
    try second.lock(seconds: 60)
    #expect(throws: StoreError.busy(location: "x")) { try first.lock(seconds: 0.05) }
    second.unlock()
  }

  /// A file that several links lead to is one store with one log and one queue.
  @Test func followsLinks() throws {
    let (path, link) = (folder.file("real.db"), folder.file("link.db"))
    let store = try SQLiteStudyStore(path: path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    let linked = try SQLiteStudyStore(path: link)
    let study = try linked.createStudy(named: "s", directions: [.minimize])
    #expect(try store.studies() == [study])
    #expect(try !entries.contains("link.db-wal") && !entries.contains("link.db-lock"))
  }

  /// In a study whose numbers others have left with gaps or out of order, no number comes twice.
  @Test func numbersAfterGaps() throws {
    let path = folder.file("gaps.db")
    let study: StudyRecord
    do {
      let store = try SQLiteStudyStore(path: path)
      study = try store.createStudy(named: "s", directions: [.minimize])
      for _ in 0..<3 {
        _ = try store.createTrial(
          Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
      }
    }
    _ = try Shell.sqlite(path, "UPDATE trials SET number = 7 WHERE number = 1")
    let store = try SQLiteStudyStore(path: path)
    for expected in [8, 9] {
      let (trial, _) = try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
      #expect(trial.number == expected)
    }
  }

  /// A copy without a write-ahead log is read as it is, and gets one by the first write.
  @Test func turnsTheLogOn() throws {
    let (path, copy) = (folder.file("study.db"), folder.file("copy.db"))
    try makeStore(path)
    _ = try Shell.sqlite(path, "VACUUM INTO '\(copy)'")
    #expect(try Shell.sqlite(copy, "PRAGMA journal_mode") == "delete")
    do {
      let store = try SQLiteStudyStore(path: copy)
      let study = try store.study(named: "s")
      #expect(try store.counts(in: study).isEmpty)
      #expect(try Shell.sqlite(copy, "PRAGMA journal_mode") == "delete")
      try store.setNote("file", to: "x", of: study)
      #expect(try Shell.sqlite(copy, "PRAGMA journal_mode") == "wal")
    }
    #expect(try SQLiteStudyStore(path: copy).study(named: "s").name == "s")
  }

  @Test func refusesNetworkFileSystems() throws {
    for path in [folder.file("new.db"), "study.db"] {
      var error: StoreError?
      do {
        _ = try Session(path: path, creatingIfMissing: true, networkName: { _ in "NFS" })
      } catch let thrown {
        error = thrown
      }
      #expect(error?.description.contains("NFS") == true)
      #expect(error?.description.contains("PostgreSQL") == true)
    }
    #expect(try entries.isEmpty)
  }

  /// A second object of this process comes and goes while another process closes the file: the
  /// first one still has its locks, so the log stays.
  @Test func keepsItsLocks() throws {
    let path = folder.file("locks.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    do {
      let second = try SQLiteStudyStore(path: path)
      #expect(try second.studies() == [study])
    }
    #expect(try Shell.sqlite(path, "SELECT count(*) FROM studies") == "1")
    #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    _ = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
    #expect(try Shell.sqlite(path, "SELECT count(*) FROM trials") == "1")
  }

  /// The magic numbers are those of linux/magic.h and of the file systems' own headers.
  @Test func knowsNetworkFileSystems() throws {
    let network: [(UInt32, String)] = [
      (0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2"), (0x517B, "SMB"),
      (0x6573_5546, "FUSE"), (0x0102_1997, "9P"),
    ]
    for (magic, name) in network { #expect(Host.networkFileSystem(magic: magic) == name) }
    // ext4, tmpfs, xfs, btrfs, overlayfs
    for magic in [0xEF53, 0x0102_1994, 0x5846_5342, 0x9123_683E, 0x794C_7630] as [UInt32] {
      #expect(Host.networkFileSystem(magic: magic) == nil)
    }
    #expect(Host.networkFileSystem(of: folder.path) == nil)
  }
}
