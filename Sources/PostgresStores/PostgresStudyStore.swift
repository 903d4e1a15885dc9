internal import JSON
public import Stores
internal import StudyModel
internal import System

/// A study store in a PostgreSQL database with the tables of Optuna 5, so that both can use it at
/// once.
///
/// One object serves all threads of a process, each with a connection of its own; any number of
/// processes on any number of machines share the database. Deadlines of leases count by the
/// server's clock, which each object asks from time to time. When the server goes away, or has no
/// connection free, calls wait for it, up to a minute, and find out whether what they had sent was
/// committed. A pooler such as pgbouncer may stand between, in whatever mode.
///
/// A database with the tables of a store is written to by the first call that writes, never by
/// opening it.
public final class PostgresStudyStore: StudyStore {
  public let location: String
  public let mayForget = true
  let pool: ConnectionPool
  let memory: Lock<Memory>
  let listener: ChangeListener
  let grace: Double

  /// What the object knows of the database.
  struct Memory {
    /// The version of our own tables that were last seen; nil without any.
    var ownVersion: Int?
    /// Whether nothing may be written through this address.
    var isReadOnly = false
    /// The distribution that each parameter was first stored with, by the token of the study.
    var kinds: [String: [String: Distribution]] = [:]
    /// What is stored for a distribution.
    var distributionTexts: [Distribution: String] = [:]
    /// How far the server's clock is ahead of this machine's.
    var clock = LeaseClock()
    /// Tokens of leases under which a commit was sent whose fate is not known.
    var doubtful: Set<String> = []
  }

  /// Opens the store.
  ///
  /// - Parameters:
  ///   - address: `postgresql://USER@HOST:PORT/DATABASE` in any form that libpq knows; what it
  ///     leaves out comes from libpq's environment variables and files.
  ///   - creatingIfMissing: Whether tables are created in a database that has none; otherwise that
  ///     is an error.
  /// - Throws: ``StoreError`` for an address that cannot be read, a server that is not there or
  ///   refuses, and a database with other or newer tables. Nothing is written then.
  public convenience init(
    address: String, creatingIfMissing: Bool = true
  ) throws(StoreError) {
    try self.init(address: address, creatingIfMissing: creatingIfMissing, grace: 5)
  }

  /// Opens a store that exists, for a reader: calls that write are refused, and those
  /// that read add no tables of ours to a database of another program.
  ///
  /// - Throws: As the other initializer.
  package convenience init(showing address: String) throws(StoreError) {
    try self.init(address: address, creatingIfMissing: false, grace: 5)
    memory.withLock { $0.isReadOnly = true }
  }

  /// Opens the store.
  ///
  /// - Parameters:
  ///   - grace: Seconds after the server's start for which leases that ran out stay with their
  ///     workers, who could not renew them before.
  ///   - patience: Seconds for which calls try to get the server back when it goes away.
  package init(
    address: String, creatingIfMissing: Bool = true, grace: Double, patience: Double = 60
  ) throws(StoreError) {
    let server = try ServerAddress(address)
    location = server.location
    self.grace = grace
    memory = Lock(Memory())
    let omittedCasts = Lock<[String]?>(nil)
    pool = ConnectionPool(server, patience: patience) { (connection) throws(Failure) in
      try connection.setUp()
      if let known = omittedCasts.withLock({ $0 }) {
        connection.omittedCasts = known
      } else if let found = try connection.castsToOmit() {
        omittedCasts.withLock { $0 = found }
        connection.omittedCasts = found
      }
    }
    listener = ChangeListener(server)
    do throws(Failure) {
      try pool.open()
      let contents = try pool.perform { (connection, _) throws(Failure) in
        try connection.inspect()
      }
      memory.withLock {
        $0.ownVersion = contents.ownVersion
        $0.isReadOnly = contents.isReadOnly
      }
      guard contents.isEmpty else { return }
      guard creatingIfMissing else {
        throw Failure.store(
          .notAStore(location: location, problem: "it has no tables of a study store yet"))
      }
      if contents.isReadOnly { throw Failure.store(.readOnly(location: location)) }
    } catch {
      throw error.storeError(at: server.location)
    }
    try createTables()
  }

  public func watch(_ body: @escaping @Sendable (_ study: String?) -> Void) -> StoreWatch? {
    // A pooler brings no notifications.
    pool.isPooled ? nil : listener.watch(body)
  }

  /// Whether an address names a store of this kind.
  public static func isAddress(_ text: String) -> Bool { ServerAddress.isAddress(text) }

  /// Whether nothing may be written through this address: the server is a standby, or the role or
  /// database is set to read only.
  public var isReadOnly: Bool { memory.withLock { $0.isReadOnly } }

  // MARK: Turns

  /// Runs `body` with a connection; see ``ConnectionPool/perform(_:)``.
  func read<Value>(
    _ body: (Connection) throws(Failure) -> Value
  ) throws(StoreError) -> Value {
    do throws(Failure) {
      return try pool.perform { (connection, _) throws(Failure) in try body(connection) }
    } catch {
      throw self.error(for: error)
    }
  }

  /// Runs `body` with a connection when our tables are there.
  func write<Value>(
    _ body: (Connection, _ isInDoubt: Bool) throws(Failure) -> Value
  ) throws(StoreError) -> Value {
    do throws(Failure) {
      return try perform(body)
    } catch {
      throw self.error(for: error)
    }
  }

  /// ``write(_:)`` whose errors of ours are put into words with the study's name.
  func write<Value>(
    to study: StudyRecord, _ body: (Connection, _ isInDoubt: Bool) throws(Failure) -> Value
  ) throws(StoreError) -> Value {
    do throws(Failure) {
      return try perform(body)
    } catch {
      throw try self.error(for: error, in: study)
    }
  }

  private func perform<Value>(
    _ body: (Connection, _ isInDoubt: Bool) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    do throws(StoreError) {
      let isReady = memory.withLock { $0.ownVersion ?? 0 >= Schema.ownVersion }
      if !isReady { try createTables() }
    } catch { throw .store(error) }
    return try pool.perform(body)
  }

  /// The error for a failure of a store that was open, whose tables may have gone since.
  private func error(for failure: Failure) -> StoreError {
    let error = failure.storeError(at: location)
    guard case .notAStore = error else { return error }
    let hadOwn = memory.withLock { $0.ownVersion != nil }
    let isGone = Result { () throws(Failure) in
      try pool.perform { (connection, _) throws(Failure) in
        try connection.run(
          Command(
            """
            SELECT to_regclass('studies') IS NULL OR to_regclass('trials') IS NULL
              OR ($1::boolean AND to_regclass('needletail_attempts') IS NULL)
            """
          ) { $0.add(hadOwn) }
        ).bool(0, 0)
      }
    }
    guard case .success(true) = isGone else { return error }
    return .replaced(location: location, problem: "lost its tables")
  }

  /// The error for a failure of something that was done to a study.
  func error(for failure: Failure, in study: StudyRecord) throws(StoreError) -> StoreError {
    guard case .refused(let state, _, let detail) = failure else { return error(for: failure) }
    switch state {
    case "NT001": return try unknown(study.name)
    case "NT002": return .unknownTrial(number: Int(detail) ?? -1, study: study.name)
    case "NT003": return .trialFinished(number: Int(detail) ?? -1)
    case "NT004": return .leaseLost(trial: Int(detail) ?? -1)
    default: return error(for: failure)
    }
  }

  /// The error for a study that is not there.
  func unknown(_ name: String) throws(StoreError) -> StoreError {
    let rows = try read { connection throws(Failure) in
      try connection.run(Command("SELECT study_name FROM studies ORDER BY study_id LIMIT 9"))
    }
    return .unknownStudy(name: name, known: (0..<rows.count).map { rows.text($0, 0) })
  }

  /// Creates the tables that are missing and brings ours up to date.
  private func createTables() throws(StoreError) {
    if isReadOnly { throw .readOnly(location: location) }
    do throws(Failure) {
      try pool.perform { (connection, _) throws(Failure) in try connection.createTables() }
    } catch {
      throw error.storeError(at: location)
    }
    memory.withLock { $0.ownVersion = Schema.ownVersion }
  }

  // MARK: Spellings

  /// The text that is stored for a distribution.
  func text(of distribution: Distribution) -> String {
    if let known = memory.withLock({ $0.distributionTexts[distribution] }) { return known }
    let text = distribution.json.text()
    memory.withLock {
      if $0.distributionTexts.count > 10_000 { $0.distributionTexts = [:] }
      $0.distributionTexts[distribution] = text
    }
    return text
  }

  /// The error for a row that makes no sense.
  func damaged(_ problem: String) -> StoreError {
    .damaged(location: location, problem: problem)
  }

  /// An attribute from its stored text.
  func attribute(
    _ key: String, _ text: String, of owner: String
  ) throws(StoreError) -> Attribute {
    do {
      return Attribute(key, try JSONValue(parsing: text))
    } catch {
      throw damaged("the attribute '\(key)' of \(owner) is \(error)")
    }
  }
}
