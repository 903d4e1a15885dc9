internal import Stores
internal import StudyModel

/// What a database holds.
struct Contents {
  /// Whether there are no tables of a study store.
  let isEmpty: Bool
  /// The version of our own tables; nil when there are none.
  let ownVersion: Int?
  /// Whether the server, the database or the role lets nothing be written.
  let isReadOnly: Bool
}

extension Connection {
  /// The settings of a connection, or, behind a pooler, of a transaction.
  ///
  /// A lock is waited for as long as a busy SQLite file. A transaction whose process stands still
  /// does not keep others from theirs for ever. Long tables are read from their beginning.
  static let settings = settings(lastsOneTransaction: true)

  private static func settings(lastsOneTransaction isLocal: Bool) -> Command {
    Command(
      """
      SELECT set_config('timezone', 'UTC', $1::boolean),
        set_config('lock_timeout', '60s', $1::boolean),
        set_config('statement_timeout', '0', $1::boolean),
        set_config('idle_in_transaction_session_timeout', '60s', $1::boolean),
        set_config('synchronize_seqscans', 'off', $1::boolean),
        set_config('jit', 'off', $1::boolean), set_config('extra_float_digits', '1', $1::boolean)
      """
    ) { $0.add(isLocal) }
  }

  /// Finds out who is at the other end, and makes the settings.
  func setUp() throws(Failure) {
    let process = try run(Command("SELECT pg_backend_pid()::int8")).int(0, 0)
    peer = process == serverProcess ? .server : .pooler
    guard peer == .server else { return }
    _ = try run([
      Self.settings(lastsOneTransaction: false),
      Command("SELECT set_config('default_transaction_isolation', 'read committed', false)"),
    ])
  }

  /// The casts to Optuna's enumerations, when another program made plain text columns instead; nil
  /// without tables.
  func castsToOmit() throws(Failure) -> [String]? {
    let rows = try run(
      Command(
        """
        SELECT a.atttypid::regtype::text FROM pg_attribute a
        WHERE a.attrelid = to_regclass('trials') AND a.attname = 'state'
        """))
    guard rows.count > 0 else { return nil }
    if rows.text(0, 0).hasSuffix("trialstate") { return [] }
    return [
      "::trialstate[]", "::trialstate", "::trialvaluetype[]", "::trialintermediatevaluetype[]",
      "::studydirection[]",
    ]
  }

  /// Finds out whether the database holds a study store that this version knows, by reading alone.
  func inspect() throws(Failure) -> Contents {
    let rows = try run([
      Command(
        """
        SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
          to_regclass('studies') IS NOT NULL, to_regclass('trials') IS NOT NULL,
          to_regclass('trial_params') IS NOT NULL, to_regclass('alembic_version') IS NOT NULL,
          to_regclass('version_info') IS NOT NULL,
          to_regclass('needletail_version') IS NOT NULL,
          (SELECT count(*) FROM pg_attribute
            WHERE attrelid = to_regclass('trials') AND NOT attisdropped AND attname IN
              ('trial_id', 'number', 'study_id', 'state', 'datetime_start', 'datetime_complete'))
        """)
    ])[0]
    let isReadOnly = rows.bool(0, 0)
    let (hasStudies, hasTrials, hasParameters) = (
      rows.bool(0, 1), rows.bool(0, 2), rows.bool(0, 3)
    )
    if !hasStudies && !hasTrials && !hasParameters {
      return Contents(isEmpty: true, ownVersion: nil, isReadOnly: isReadOnly)
    }
    guard hasStudies, hasTrials, hasParameters, rows.int(0, 7) == 6 else {
      throw .store(
        .notAStore(
          location: location,
          problem: "it has tables of something else under the names 'studies' and 'trials'; "
            + "choose another database or schema"))
    }
    try checkRevision(hasAlembic: rows.bool(0, 4), hasVersion: rows.bool(0, 5))
    guard rows.bool(0, 6) else {
      return Contents(isEmpty: false, ownVersion: nil, isReadOnly: isReadOnly)
    }
    let own = try run(Command("SELECT version::int8 FROM needletail_version"))
    guard own.count > 0 else {
      return Contents(isEmpty: false, ownVersion: nil, isReadOnly: isReadOnly)
    }
    guard own.int(0, 0) <= Schema.ownVersion else {
      throw .store(
        .unsupportedSchema(location: location, found: "needletail \(own.int(0, 0))"))
    }
    return Contents(isEmpty: false, ownVersion: own.int(0, 0), isReadOnly: isReadOnly)
  }

  private func checkRevision(hasAlembic: Bool, hasVersion: Bool) throws(Failure) {
    var revision: String?
    if hasAlembic {
      let rows = try run(Command("SELECT version_num::text FROM alembic_version"))
      if rows.count > 0 { revision = rows.text(0, 0) }
    }
    if let revision, revision != Schema.revision {
      throw .store(.unsupportedSchema(location: location, found: revision))
    }
    if revision == nil, hasVersion {
      let rows = try run(Command("SELECT schema_version::int8 FROM version_info"))
      if rows.count > 0, rows.int(0, 0) != Schema.version {
        throw .store(.unsupportedSchema(location: location, found: "\(rows.int(0, 0))"))
      }
    }
  }

  /// Creates the tables that are missing and brings ours up to date, each migration in a
  /// transaction of its own, unless another process is doing that: then waits for it.
  func createTables(_ migrations: [Migration] = Schema.migrations) throws(Failure) {
    while try migrate(migrations) {}
  }

  /// Runs the next migration; false when there was none to run.
  private func migrate(_ migrations: [Migration]) throws(Failure) -> Bool {
    try execute("BEGIN; SELECT pg_advisory_xact_lock(\(Schema.creationLock))")
    // Under the lock it is another database, perhaps.
    let version = try inspect().ownVersion ?? 0
    guard let migration = migrations.next(after: version) else {
      try execute("COMMIT")
      return false
    }
    let casts = try castsToOmit() ?? []
    var script = (version == 0 ? Schema.shared : "") + migration.script
    for cast in casts { script.replace(cast, with: "") }
    try execute(
      """
      \(script)
      INSERT INTO needletail_version VALUES (1, \(migration.version))
        ON CONFLICT (id) DO UPDATE SET version = excluded.version;
      COMMIT
      """)
    omittedCasts = casts
    return true
  }
}
