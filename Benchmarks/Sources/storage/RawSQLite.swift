import BenchmarkSupport
import CSQLite
import JSON
import StudyModel

/// What SQLite itself allows: the same rows in the tables of the peers' `limits.py`, one durable
/// transaction a trial, nothing checked and nothing read.
enum RawSQLite {
  static func measure(_ path: String, trials: Int, run: Int) throws {
    removeStore(path)
    var handle: OpaquePointer?
    try check(sqlite3_open(path, &handle))
    guard let handle else { return }
    defer { sqlite3_close(handle) }
    try check(
      sqlite3_exec(
        handle,
        """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE trials (
          id INTEGER PRIMARY KEY, study INT, number INT, state INT, start TEXT, stop TEXT);
        CREATE TABLE params (trial INT, name TEXT, value REAL, dist TEXT, UNIQUE (trial, name));
        CREATE TABLE inter (trial INT, step INT, value REAL, UNIQUE (trial, step));
        CREATE TABLE vals (trial INT, objective INT, value REAL, UNIQUE (trial, objective));
        """, nil, nil, nil))
    func prepare(_ sql: String) throws -> OpaquePointer? {
      var statement: OpaquePointer?
      try check(
        sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
      return statement
    }
    let statements = try [
      "BEGIN IMMEDIATE", "INSERT INTO trials VALUES (?1, 1, ?1, 0, '2026-01-01T00:00:00', NULL)",
      "INSERT INTO params VALUES (?1, ?2, 0.5, '{\"name\": \"FloatDistribution\"}')",
      "INSERT INTO inter VALUES (?1, ?2, 0.5)", "INSERT INTO vals VALUES (?1, 0, 0.5)",
      "UPDATE trials SET state = 1, stop = '2026-01-01T00:00:01' WHERE id = ?1", "COMMIT",
    ].map(prepare)
    defer { for statement in statements { sqlite3_finalize(statement) } }
    func step(_ index: Int) throws {
      let code = sqlite3_step(statements[index])
      guard code == SQLITE_DONE else { throw SQLiteFailure(code: code) }
      sqlite3_reset(statements[index])
    }
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    let clock = ContinuousClock()
    let begin = clock.now
    for trial in 0..<Int32(trials) {
      try step(0)
      for index in 1..<6 { sqlite3_bind_int(statements[index], 1, trial) }
      try step(1)
      for name in OneTrial.names {
        sqlite3_bind_text(statements[2], 2, name, -1, transient)
        try step(2)
      }
      for number in 0..<Int32(OneTrial.size) {
        sqlite3_bind_int(statements[3], 2, number)
        try step(3)
      }
      try step(4)
      try step(5)
      try step(6)
    }
    let seconds = begin.seconds(to: clock.now)
    var line = BenchmarkLine(
      bench: "limit_sqlite",
      params: [
        .init("journal", "wal"), .init("synchronous", "FULL"),
        .init("transactions_per_trial", 1), .init("run", .integer(run)),
      ], seconds: seconds, n: trials, perTrialMilliseconds: 1e3 * seconds / Double(trials),
      more: [.init("trials_per_s", .rounded(Double(trials) / seconds))])
    line.peer = "sqlite3 raw"
    line.version = SQLITE_VERSION
    line.emit()
  }

  private static func check(_ code: Int32) throws {
    guard code == SQLITE_OK else { throw SQLiteFailure(code: code) }
  }

  struct SQLiteFailure: Error { let code: Int32 }
}
