internal import CSQLite
internal import Stores
internal import System

/// The one connection of a store object that writes, and the turns of the threads that use it.
///
/// Writers queue: threads of this process in ``write(_:_:)``, where one of them commits for all
/// that wait; processes in a lock file beside the store, `<path>-lock`.
///
/// The write-ahead log is folded into the file by a thread of this object, beside the commits and
/// while there are none. Only a commit that finds the log long all the same does it in its own
/// turn, where it keeps all writers waiting: until the readers are through, but not for ever.
final class Writer: @unchecked Sendable {
  // `session`, `lock` and `hasWritten` are used by the thread that has taken the turn under
  // `monitor`; `queue`, `isTaken`, `isFinished` are only touched under `monitor`, `gauge`, `thread`
  // and `isEnding` under `logMonitor`.
  let files: StoreFiles
  private let session: Session
  private let diskSync: DiskSync
  private let folder: LogFolder
  private let monitor = Monitor()
  private var queue: [WriteJob] = []
  private var isTaken = false
  private var isFinished = false
  private var lock: QueueLock?
  private var hasWritten = false

  private let logMonitor = Monitor()
  private var gauge = LogGauge()
  private var thread: BlockingThread?
  private var isThreadOver = true
  private var isEnding = false

  /// Seconds that a commit waits for readers of a log that is too long: two of the longest reads of
  /// our own, one after the other.
  private static let readerPatience = 3.0
  /// Seconds that folding beside the commits waits for readers in its turn.
  private static let shortPatience = 0.02

  init(_ session: Session) {
    self.session = session
    let location = session.database.location
    files = StoreFiles(path: session.database.resolvedPath, location: location)
    diskSync = DiskSync(path: files.logPath, location: location)
    folder = LogFolder(files: files, diskSync: diskSync)
  }

  // MARK: Turns

  /// Runs `body` in a transaction that writes, and returns when it is committed.
  ///
  /// Threads that come while another one commits are committed together by the next of them.
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
    if durability == .powerCut { try synchronize(mayBeGone: false) }
    guard let value else { preconditionFailure("a job that is done has its value") }
    return value
  }

  /// Runs `body` on the connection that writes, in a transaction that only reads: what this object
  /// has committed itself counts as known there.
  func read<Value>(
    _ body: (Session) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try inTurn { () throws(StoreError) in
      try session.reading { () throws(StoreError) in try body(session) }
    }
  }

  /// Returns when all that was committed before the call survives a power cut.
  ///
  /// - Parameter mayBeGone: Whether there may be no log, because nothing was written.
  func synchronize(mayBeGone: Bool) throws(StoreError) {
    try diskSync.sync(mayBeGone: mayBeGone)
    // What is safe in a file that no path leads to any more is not stored.
    try files.check()
  }

  /// Writes nothing more, since the disk refused to confirm what was written.
  func distrustDisk(_ error: StoreError) { diskSync.fail(with: error) }

  private func inTurn<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    monitor.lock()
    while isTaken { monitor.wait() }
    isTaken = true
    monitor.unlock()
    defer { giveTurnUp() }
    return try body()
  }

  private func giveTurnUp() {
    monitor.lock()
    isTaken = false
    monitor.signalAll()
    monitor.unlock()
  }

  /// Commits the jobs in one transaction and returns their outcomes. The jobs themselves are left
  /// alone: the threads that wait for them may look at any time.
  private func commit(_ batch: [WriteJob]) -> [WriteJob.Outcome] {
    var failures = [StoreError?](repeating: nil, count: batch.count)
    do throws(StoreError) {
      if let failure = diskSync.failure { throw failure }
      try openLock().withTurn(seconds: SQLiteStudyStore.patience) { () throws(StoreError) in
        try files.check()
        try session.beginWriting()
        do throws(StoreError) {
          files.noteLog()
          for (place, job) in batch.enumerated() {
            failures[place] = try run(job, alone: batch.count == 1)
          }
          try session.database.run("COMMIT")
        } catch {
          session.rollBack()
          if session.database.isUnconfirmed { distrustDisk(error) }
          throw error
        }
        hasWritten = true
        tendLog()
      }
      return failures.map { $0.map(WriteJob.Outcome.failed) ?? .done }
    } catch {
      if case .replaced = error { session.database.setCheckpointsOnClose(false) }
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
      // A failure that ended the whole transaction concerns all of its jobs.
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
    let opened = try QueueLock(path: files.path + "-lock", location: files.location)
    lock = opened
    return opened
  }

  // MARK: The log

  /// Follows the length of the log behind a commit, in its turn.
  private func tendLog() {
    let now = Monitor.now
    let bytes = session.logBytes
    logMonitor.lock()
    gauge.committed(bytes: bytes, at: now)
    let isOverfull = gauge.isOverfull(at: now)
    let patience = gauge.isBlocked ? 0 : Self.readerPatience
    if thread == nil, !isEnding {
      thread = BlockingThread { [self] in keepLog() }
      isThreadOver = thread == nil
    }
    logMonitor.signalAll()
    logMonitor.unlock()
    if isOverfull {
      fold(.cut, patience: patience, isInCommit: true)
    } else if session.hasMarked {
      // The mark is of use once it stands in the file itself.
      fold(.tidy, patience: 0)
    }
    session.hasMarked = false
  }

  /// Folds the log and notes how that went.
  private func fold(
    _ action: LogGauge.Action, patience: Double, isInCommit: Bool = false
  ) {
    let kind: Connection.Checkpoint =
      switch action {
      case .cut: .truncate
      case .restart: .restart
      case .tidy, .wait: .passive
      }
    var isComplete = false
    do throws(StoreError) {
      isComplete = try folder.fold(kind, patience: patience)
    } catch {
      // What was committed stands in the log, whose length is no fault of any caller; the next
      // commit meets a disk that is full or fails by itself. It is tried again in a moment.
    }
    let isBlocked = isInCommit && !isComplete && !LockTable.readers(of: files.path).isEmpty
    logMonitor.lock()
    gauge.did(
      action, isComplete: isComplete, isInCommit: isInCommit, isBlocked: isBlocked, at: Monitor.now)
    logMonitor.unlock()
  }

  /// The thread that folds the log beside the commits; ends with ``finish()``.
  private func keepLog() {
    logMonitor.lock()
    while !isEnding {
      let action = gauge.action(at: Monitor.now)
      if case .wait(let seconds) = action {
        if let seconds { logMonitor.wait(seconds: seconds) } else { logMonitor.wait() }
        continue
      }
      logMonitor.unlock()
      if action == .tidy {
        fold(.tidy, patience: 0)
      } else {
        foldBesideCommits(action)
      }
      logMonitor.lock()
    }
    isThreadOver = true
    logMonitor.signalAll()
    logMonitor.unlock()
  }

  /// Moves most of a long log while others commit, and the rest of it in a turn, where it is
  /// complete.
  private func foldBesideCommits(_ action: LogGauge.Action) {
    do throws(StoreError) {
      _ = try folder.fold(.passive)
      try inTurn { () throws(StoreError) in
        try openLock().withTurn(seconds: SQLiteStudyStore.patience) {
          fold(action, patience: Self.shortPatience)
        }
      }
    } catch {
      // As in `fold`: the log holds everything until it can be moved.
      logMonitor.lock()
      gauge.did(action, isComplete: false, at: Monitor.now)
      logMonitor.unlock()
    }
  }

  // MARK: The end

  /// Leaves one complete file where this is the last process that uses it, and gives up the
  /// connection. Afterwards each call waits for ever: only the end of the process, or of the store,
  /// comes behind.
  ///
  /// - Parameter seconds: How long to wait for calls that go on.
  /// - Returns: Whether the connection is closed; not when a call did not end in time.
  @discardableResult
  func finish(within seconds: Double) -> Bool {
    let deadline = Monitor.now + seconds
    endThread(until: deadline)
    monitor.lock()
    while isTaken, !isFinished, Monitor.now < deadline {
      monitor.wait(seconds: deadline - Monitor.now)
    }
    let isOurs = !isTaken && !isFinished
    if isOurs { (isTaken, isFinished) = (true, true) }
    let wasFinished = isFinished
    monitor.unlock()
    guard isOurs else { return wasFinished }
    if diskSync.failure != nil {
      session.database.setCheckpointsOnClose(false)
    } else {
      do throws(StoreError) {
        try files.check()
        if hasWritten || session.foundLog { try markComplete() }
      } catch {
        // Everything stands in the log, which is kept; the next to open the store reads it.
        session.database.setCheckpointsOnClose(false)
      }
    }
    folder.close()
    session.database.close()
    return true
  }

  /// Ends the thread; one that waits for its turn is left to the end of the process.
  private func endThread(until deadline: Double) {
    logMonitor.lock()
    isEnding = true
    logMonitor.signalAll()
    while !isThreadOver, Monitor.now < deadline {
      logMonitor.wait(seconds: deadline - Monitor.now)
    }
    let (thread, isOver) = (thread, isThreadOver)
    self.thread = nil
    logMonitor.unlock()
    if isOver { thread?.join() } else { thread?.detach() }
  }

  /// Folds the log and says in the file that nothing is missing, unless others use it still.
  private func markComplete() throws(StoreError) {
    guard !session.isReadOnly, !ExitClosing.isOpen(files.path),
      LockTable.users(of: files.path).isEmpty
    else { return }
    try openLock().withTurn(seconds: 1) { () throws(StoreError) in
      guard try folder.fold(.truncate, patience: Self.shortPatience) else { return }
      if try session.markComplete() { _ = try folder.fold(.passive) }
    }
  }
}

/// What one call of ``Writer/write(_:_:)`` wants done; its outcome is only touched under the
/// writer's monitor.
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
