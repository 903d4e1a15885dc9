internal import StudyModel

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// The queue in which the processes that share a store wait for their turn to write.
///
/// SQLite's own waiting is a lottery in which a busy writer starves the others. The kernel hands a
/// `flock` on in the order of asking, and takes it back from a process that dies. Programs that
/// do not know of this lock are kept apart by SQLite's all the same.
///
/// `flock` cannot wait for a bounded time. So a lock that is not free at once is waited for by a
/// thread of its own, and the caller waits for that thread: until the time is up.
@safe final class QueueLock: @unchecked Sendable {
  // `state` is only touched under `monitor`; the rest never changes.
  private let descriptor: Int32
  private let location: String
  private let monitor = Monitor()
  private var state = State.free

  private enum State {
    case free
    case held
    /// The thread waits for the kernel.
    case waiting
    /// The thread got the lock, and nobody has taken it over yet.
    case granted
    case failed(Int32)
  }

  /// Opens the lock file, and creates it when it is missing.
  init(path: String, location: String) throws(StoreError) {
    descriptor = openFile(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    self.location = location
    guard descriptor >= 0 else {
      throw .io(
        location: location, problem: "its lock file cannot be opened (\(systemMessage(errno)))")
    }
  }

  deinit {
    close(descriptor)
  }

  /// Waits until it is this process's turn, for at most `seconds`.
  ///
  /// One thread of the process calls this at a time.
  ///
  /// - Throws: ``StoreError/busy(location:)`` when the time is up.
  func lock(seconds: Double) throws(StoreError) {
    monitor.lock()
    defer { monitor.unlock() }
    if case .free = state {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        state = .held
        return
      }
      try startWaiting()
    }
    let deadline = Monitor.now + seconds
    while true {
      switch state {
      case .granted:
        state = .held
        return
      case .failed(let number):
        state = .free
        throw .io(location: location, problem: "its lock file failed (\(systemMessage(number)))")
      case .waiting, .free, .held:
        let rest = deadline - Monitor.now
        // The thread goes on waiting; the next caller takes over what it gets.
        guard rest > 0 else { throw .busy(location: location) }
        monitor.wait(seconds: rest)
      }
    }
  }

  /// Lets the next process have its turn.
  func unlock() {
    monitor.lock()
    flock(descriptor, LOCK_UN)
    state = .free
    monitor.unlock()
  }

  private func startWaiting() throws(StoreError) {
    state = .waiting
    var thread = Self.noThread
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    let code = unsafe pthread_create(&thread, nil, Self.waitingThread, argument)
    guard code == 0 else {
      unsafe Unmanaged<QueueLock>.fromOpaque(argument).release()
      state = .free
      throw .io(location: location, problem: "no thread can be started (\(systemMessage(code)))")
    }
    pthread_detach(thread)
  }

  private func waitForKernel() {
    var code: Int32
    repeat { code = flock(descriptor, LOCK_EX) } while code != 0 && errno == EINTR
    let number = errno
    monitor.lock()
    state = code == 0 ? .granted : .failed(number)
    monitor.signalAll()
    monitor.unlock()
  }

  #if os(Linux)
    private static var noThread: pthread_t { 0 }
    private static let waitingThread:
      @convention(c) (UnsafeMutableRawPointer?) ->
        UnsafeMutableRawPointer? = { argument in
          if let argument = unsafe argument {
            unsafe Unmanaged<QueueLock>.fromOpaque(argument).takeRetainedValue().waitForKernel()
          }
          return nil
        }
  #else
    private static var noThread: pthread_t? { nil }
    private static let waitingThread:
      @convention(c) (UnsafeMutableRawPointer) ->
        UnsafeMutableRawPointer? = { argument in
          unsafe Unmanaged<QueueLock>.fromOpaque(argument).takeRetainedValue().waitForKernel()
          return nil
        }
  #endif
}

/// `open(2)` with a mode, again when a signal interrupts it.
func openFile(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
  var descriptor: Int32
  repeat { descriptor = unsafe open(path, flags, mode) } while descriptor < 0 && errno == EINTR
  return descriptor
}
