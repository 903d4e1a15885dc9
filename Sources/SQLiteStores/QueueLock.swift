internal import Stores
internal import StudyModel
internal import System

/// The queue in which the processes that share a store wait for their turn to write.
///
/// SQLite's own waiting is a lottery in which a busy writer starves the others. The kernel hands a
/// `flock` on in the order of asking, and takes it back from a process that dies. Programs that
/// do not know of this lock are kept apart by SQLite's all the same.
///
/// `flock` cannot wait for a bounded time. So a lock that is not free at once is waited for by a
/// thread of its own, and the caller waits for that thread: until the time is up.
final class QueueLock: Sendable {
  private let waiter: LockWaiter

  /// Opens the lock file, and creates it when it is missing.
  init(path: String, location: String) throws(StoreError) {
    let descriptor = openFile(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let number = errno
      if number == EMFILE || number == ENFILE {
        throw .io(location: location, problem: FileSystem.descriptorProblem(number))
      }
      if number == EROFS || number == EACCES { throw .readOnly(location: location) }
      if number == ENOSPC || number == EDQUOT { throw .full(location: location) }
      throw .io(
        location: location, problem: "its lock file cannot be opened (\(systemMessage(number)))")
    }
    waiter = LockWaiter(descriptor, path: path, location: location)
  }

  deinit {
    waiter.end()
  }

  /// Runs `body` when it is this process's turn; waits for that for at most `seconds`, not counting
  /// the time that the process is stopped whose turn it is. Ctrl-Z stops this process after its
  /// turn.
  ///
  /// One thread of the process calls this at a time.
  ///
  /// - Throws: ``StoreError/busy(location:)`` when the time is up, and what `body` throws.
  func withTurn<Value>(
    seconds: Double, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try lock(seconds: seconds)
    defer { unlock() }
    return try body()
  }

  /// Waits until it is this process's turn, for at most `seconds`.
  func lock(seconds: Double) throws(StoreError) {
    try waiter.lock(seconds: seconds)
  }

  /// Lets the next process have its turn.
  func unlock() {
    waiter.unlock()
  }
}

/// The lock and the thread that waits for it; both end when the lock is given up.
private final class LockWaiter: @unchecked Sendable {
  // The variables are only touched under `monitor`; the rest never changes.
  private let descriptor: Int32
  private let path: String
  private let location: String
  private let monitor = Monitor()
  private var state = State.free
  private var hasThread = false
  /// Whether a caller waits for what the thread waits for.
  private var isWanted = false
  private var isEnded = false

  private enum State {
    case free
    case held
    /// The thread is to wait for the kernel, or does.
    case waiting
    /// The thread got the lock, and no caller has taken it over yet.
    case granted
    case failed(Int32)
  }

  init(_ descriptor: Int32, path: String, location: String) {
    self.descriptor = descriptor
    self.path = path
    self.location = location
  }

  deinit {
    close(descriptor)
  }

  func lock(seconds: Double) throws(StoreError) {
    monitor.lock()
    defer { monitor.unlock() }
    if case .free = state {
      // A process that is about to stop lets another one have the turn meanwhile.
      if TerminalStops.begin() {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
          state = .held
          return
        }
        TerminalStops.end()
      }
      if !hasThread { try startThread() }
      state = .waiting
      monitor.signalAll()
    }
    isWanted = true
    defer { isWanted = false }
    var patience = LockPatience(seconds: seconds, location: location)
    while true {
      switch state {
      case .granted:
        state = .held
        return
      case .failed(let number):
        state = .free
        throw .io(location: location, problem: "its lock file failed (\(systemMessage(number)))")
      case .waiting, .free, .held:
        // The thread goes on waiting, and lets go of what it gets unless a caller wants it then.
        let now = Monitor.now
        guard patience.goesOn(at: now, { LockTable.queueHolders(of: path) }) else {
          throw .busy(location: location)
        }
        monitor.wait(seconds: patience.pause(at: now))
      }
    }
  }

  func unlock() {
    monitor.lock()
    flock(descriptor, LOCK_UN)
    state = .free
    monitor.unlock()
    TerminalStops.end()
  }

  /// Ends the thread, which may wait for the kernel once more before.
  func end() {
    monitor.lock()
    isEnded = true
    monitor.signalAll()
    monitor.unlock()
  }

  private func waitForKernel() {
    monitor.lock()
    while !isEnded {
      guard case .waiting = state else {
        monitor.wait()
        continue
      }
      monitor.unlock()
      let number = waitForTurn()
      monitor.lock()
      let isTaken = number == 0 && isWanted
      state = isTaken ? .granted : number == 0 ? .free : .failed(number)
      if number == 0, !isTaken {
        flock(descriptor, LOCK_UN)
        monitor.unlock()
        TerminalStops.end()
        monitor.lock()
      }
      monitor.signalAll()
    }
    monitor.unlock()
  }

  /// Takes the lock and begins the turn, at once, so that Ctrl-Z does not stop the process between
  /// the two.
  ///
  /// - Returns: 0, or the error number.
  private func waitForTurn() -> Int32 {
    while true {
      var number: Int32
      repeat { number = flock(descriptor, LOCK_EX) == 0 ? 0 : errno } while number == EINTR
      if number != 0 || TerminalStops.begin() { return number }
      flock(descriptor, LOCK_UN)
      BlockingThread.pause(milliseconds: 1)
    }
  }

  private func startThread() throws(StoreError) {
    guard let thread = BlockingThread({ [self] in waitForKernel() }) else {
      throw .io(
        location: location, problem: "the system starts no more threads; end other programs")
    }
    thread.detach()
    hasThread = true
  }
}

/// `open(2)` with a mode, again when a signal interrupts it.
func openFile(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
  var descriptor: Int32
  repeat { descriptor = unsafe open(path, flags, mode) } while descriptor < 0 && errno == EINTR
  return descriptor
}
