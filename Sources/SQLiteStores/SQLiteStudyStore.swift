internal import CSQLite
public import Stores
internal import StudyModel
internal import System

/// A study store in an SQLite file with the tables of Optuna 5, so that both can use it at once.
///
/// One object serves all threads of a process, any number of processes share the file. Writers
/// queue: threads of one process in ``SQLiteStudyStore/write(_:_:)``, where one of them commits for
/// all that wait; processes in a lock file beside the store, `<path>-lock`. Readers see the last
/// commit and wait for no other process.
///
/// The file is written to by the first call that writes, never by opening one that exists.
public final class SQLiteStudyStore: StudyStore, @unchecked Sendable {
  // `session` is used by the thread that has taken it under `monitor`; `queue`, `isLeading`,
  // `isTaken` and `lock` are only touched under `monitor` or by that thread.
  public let location: String
  private let session: Session
  /// Whether studies that other programs made get rows in our tables when they are first seen.
  let adoptsStudies: Bool
  /// The path that all who use the file agree on, whatever links they came by.
  private let resolvedPath: String
  let diskSync: DiskSync
  /// How far lease time is ahead of the steady clock, by study token.
  let leaseOffsets = Lock<[String: Duration]>([:])
  private let monitor = Monitor()
  private var queue: [WriteJob] = []
  private var isTaken = false
  private var lock: QueueLock?

  /// Seconds that a call waits for other processes before it gives up.
  static let patience = 60.0
  /// Pages of the write-ahead log after which it is moved into the file: 6 MB in files of ours, 12 MB
  /// in Optuna's, whose pages are larger.
  static let checkpointPages: Int32 = 3_000

  /// Opens the store.
  ///
  /// - Parameters:
  ///   - path: The file's.
  ///   - creatingIfMissing: Whether a file that is not there is created; otherwise it is an error.
  /// - Throws: ``StoreError`` for a path that cannot be a store: a directory, another kind of file, a
  ///   damaged, newer or older database, a network file system. Nothing is written then.
  public convenience init(path: String, creatingIfMissing: Bool = true) throws(StoreError) {
    self.init(
      try Session(path: path, creatingIfMissing: creatingIfMissing), location: path)
  }

  /// Opens a store that exists, for one who only looks: nothing is written to it by calls that read, not
  /// even our own tables, which others would add to a database of another program.
  ///
  /// - Throws: As the other initializer.
  package convenience init(showing path: String) throws(StoreError) {
    self.init(
      try Session(path: path, creatingIfMissing: false), location: path, adoptsStudies: false)
  }

  /// Creates the store of a session that is open.
  init(_ session: Session, location: String, adoptsStudies: Bool = true) {
    self.session = session
    self.adoptsStudies = adoptsStudies
    self.location = location
    resolvedPath = session.database.resolvedPath
    diskSync = DiskSync(path: resolvedPath + "-wal", location: location)
  }

  /// Whether nobody may write to the file.
  public var isReadOnly: Bool { session.isReadOnly }

  // MARK: Turns

  /// Runs `body` in a transaction that writes, and returns when it is committed.
  ///
  /// Threads that come while another one commits are committed together by whoever is next.
  /// A body that throws is undone alone.
  ///
  /// - Parameter durability: Whether to wait for the disk.
  func write<Value>(
    _ durability: Durability, _ body: @escaping (Session) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    var value: Value?
    let job = WriteJob { session throws(StoreError) in value = try body(session) }
    monitor.lock()
    queue.append(job)
    while isTaken && job.isWaiting { monitor.wait() }
    if job.isWaiting {
      isTaken = true
      let batch = queue
      queue = []
      monitor.unlock()
      let outcomes = commit(batch)
      monitor.lock()
      for (job, outcome) in zip(batch, outcomes) { job.outcome = outcome }
      isTaken = false
      monitor.signalAll()
    }
    monitor.unlock()
    if case .failed(let error) = job.outcome { throw error }
    if durability == .powerCut { try diskSync.sync() }
    guard let value else { preconditionFailure("a job that is done has its value") }
    return value
  }

  /// Runs `body` in a transaction that reads one state of the store.
  func read<Value>(
    _ body: (Session) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    monitor.lock()
    while isTaken { monitor.wait() }
    isTaken = true
    monitor.unlock()
    defer {
      monitor.lock()
      isTaken = false
      monitor.signalAll()
      monitor.unlock()
    }
    return try session.reading { () throws(StoreError) in try body(session) }
  }

  /// Commits the jobs in one transaction and returns their outcomes. The jobs themselves are left alone:
  /// the threads that wait for them may look at any time.
  private func commit(_ batch: [WriteJob]) -> [WriteJob.Outcome] {
    var failures = [StoreError?](repeating: nil, count: batch.count)
    do throws(StoreError) {
      let lock = try openLock()
      try lock.lock(seconds: Self.patience)
      defer { lock.unlock() }
      try session.beginWriting()
      do {
        for (place, job) in batch.enumerated() {
          failures[place] = try run(job, alone: batch.count == 1)
        }
        try session.database.run("COMMIT")
      } catch {
        session.rollBack()
        throw error
      }
      session.checkpointIfLong()
      return failures.map { $0.map(WriteJob.Outcome.failed) ?? .done }
    } catch {
      return failures.map { .failed($0 ?? error) }
    }
  }

  /// Runs one job inside the transaction; one of several is undone alone when it fails.
  ///
  /// - Returns: Why it failed and was undone; nil when it did not fail.
  private func run(_ job: WriteJob, alone: Bool) throws(StoreError) -> StoreError? {
    if alone {
      try job.body(session)
      return nil
    }
    try session.database.run("SAVEPOINT job")
    do {
      try job.body(session)
    } catch {
      session.forget()
      // A failure that ended the whole transaction is everybody's.
      guard !session.database.isIdle else { throw error }
      try session.database.run("ROLLBACK TO job")
      try session.database.run("RELEASE job")
      return error
    }
    try session.database.run("RELEASE job")
    return nil
  }

  private func openLock() throws(StoreError) -> QueueLock {
    if let lock { return lock }
    let opened = try QueueLock(path: resolvedPath + "-lock", location: location)
    lock = opened
    return opened
  }
}

/// What one call of ``SQLiteStudyStore/write(_:_:)`` wants done; its outcome is only touched under the
/// store's monitor.
private final class WriteJob {
  enum Outcome {
    case waiting
    case done
    case failed(StoreError)
  }

  let body: (Session) throws(StoreError) -> Void
  var outcome = Outcome.waiting

  init(_ body: @escaping (Session) throws(StoreError) -> Void) {
    self.body = body
  }

  var isWaiting: Bool {
    if case .waiting = outcome { true } else { false }
  }
}
