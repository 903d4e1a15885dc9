#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Threads for work that blocks, which neither Swift's pool nor Dispatch's is for.
enum BlockingThread {
  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on a new detached thread.
  static func start(_ body: @escaping @Sendable () -> Void) {
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
      pthread_detach(thread)
    #else
      var thread: pthread_t?
      let code = pthread_create(
        &thread, nil,
        { pointer in
          Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
      if let thread { pthread_detach(thread) }
    #endif
    precondition(code == 0, "the system has no more threads (error \(code))")
  }

  /// Lets the thread sleep.
  static func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1_000)
  }
}
