internal import Stores
internal import StudyModel
internal import System

/// Makes what was committed to the write-ahead log survive a power cut.
///
/// The connection commits with `synchronous=NORMAL`: the log is written, not waited for, and the
/// database file is only changed after the log was synchronized. A commit that must be durable
/// waits here for one synchronization of the log that began after it. That is what
/// `synchronous=FULL` does, but with no lock held: other processes write meanwhile, and threads
/// that wait together share one call.
final class DiskSync: @unchecked Sendable {
  // The variables are only touched under `monitor`.
  private let monitor = Monitor()
  private let path: String
  private let location: String
  private var descriptor: Int32 = -1
  private var isRunning = false
  private var requested = 0
  private var covered = 0
  private var refusal: StoreError?

  /// - Parameter path: The log's; it must exist when ``sync()`` is called.
  init(path: String, location: String) {
    self.path = path
    self.location = location
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Why nothing may be written any more; nil while the disk has confirmed all it was asked to.
  ///
  /// The kernel reports a failure once and then takes what it could not write for written: the next
  /// synchronization would succeed without the data. So the first failure is the last.
  var failure: StoreError? {
    monitor.lock()
    defer { monitor.unlock() }
    return refusal
  }

  /// Notes that the disk refused to confirm what was written.
  func fail(with error: StoreError) {
    monitor.lock()
    if refusal == nil { refusal = error }
    monitor.signalAll()
    monitor.unlock()
  }

  /// Returns when all that was written to the log before the call is on the disk, by whatever
  /// process.
  ///
  /// - Parameter mayBeGone: Whether the log may have been moved into the file, which was
  ///   synchronized then.
  func sync(mayBeGone: Bool = false) throws(StoreError) {
    monitor.lock()
    defer { monitor.unlock() }
    requested += 1
    let ticket = requested
    while covered < ticket {
      if let refusal { throw refusal }
      guard !isRunning else {
        monitor.wait()
        continue
      }
      let through = requested
      if descriptor < 0 { descriptor = openFile(path, O_RDONLY | O_CLOEXEC) }
      var number: Int32 = descriptor < 0 ? errno : 0
      if number == ENOENT, mayBeGone { return }
      if number == 0 {
        isRunning = true
        monitor.unlock()
        repeat { number = Descriptors.flush(descriptor) == 0 ? 0 : errno } while number == EINTR
        monitor.lock()
        isRunning = false
      }
      monitor.signalAll()
      guard number == 0 else {
        if descriptor < 0 {
          // Nothing was asked of the disk.
          throw .io(
            location: location,
            problem: number == EMFILE || number == ENFILE
              ? FileSystem.descriptorProblem(number)
              : "its write-ahead log cannot be opened (\(systemMessage(number)))")
        }
        let error = StoreError.io(
          location: location,
          problem:
            "the disk did not confirm what was written (\(systemMessage(number))), and nothing "
            + "more is written until the store is opened again; look after the disk, and start again"
        )
        if refusal == nil { refusal = error }
        throw error
      }
      covered = max(covered, through)
    }
  }
}
