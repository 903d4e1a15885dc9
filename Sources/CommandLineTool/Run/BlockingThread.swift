#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Threads for work that blocks, which neither Swift's pool nor Dispatch's is for.
struct BlockingThread {
  private let thread: pthread_t

  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on a new thread, which must be joined; nil when the system has no more threads.
  init?(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body))
    #if canImport(Glibc)
      var thread: pthread_t = 0
      let code = pthread_create(
        &thread, nil,
        { pointer in
          guard let pointer else { return nil }
          Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
    #else
      var thread: pthread_t?
      let code = pthread_create(
        &thread, nil,
        { pointer in
          Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
    #endif
    guard code == 0 else {
      work.release()
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
  func join() {
    pthread_join(thread, nil)
  }

  /// Lets the thread sleep.
  static func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1_000)
  }
}
