/// Threads for work that blocks, which neither Swift's pool nor Dispatch's is for.
///
/// Dropping the value does not end the thread.
@safe package struct BlockingThread: @unchecked Sendable {
  // The number of a thread, which any thread may join; it is joined once.
  private let thread: pthread_t

  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on a new thread, which must be joined or detached; nil when the system has no more
  /// threads.
  package init?(_ body: @escaping @Sendable () -> Void) {
    let work = unsafe Unmanaged.passRetained(Work(body))
    #if canImport(Glibc)
      var thread: pthread_t = 0
      let code = unsafe pthread_create(
        &thread, nil,
        { pointer in
          guard let pointer = unsafe pointer else { return nil }
          unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
    #else
      var thread: pthread_t?
      let code = unsafe pthread_create(
        &thread, nil,
        { pointer in
          unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
    #endif
    guard code == 0 else {
      unsafe work.release()
      return nil
    }
    #if canImport(Glibc)
      self.thread = thread
    #else
      guard let thread else { return nil }
      self.thread = thread
    #endif
  }

  /// Waits until the thread has ended and has let go of all it held.
  package func join() {
    pthread_join(thread, nil)
  }

  /// Lets go of the thread, which ends by itself and need not be waited for.
  package func detach() {
    pthread_detach(thread)
  }

  /// Lets the thread sleep.
  package static func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1_000)
  }
}
