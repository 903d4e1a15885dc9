#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// State that threads share and for whose changes they can wait.
///
/// Every change wakes all who wait, so a waiting thread looks again whether what it waits for is there.
@safe package final class Watched<State: Sendable>: @unchecked Sendable {
  // `mutex` guards `state`; the pointers never change.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    var code = unsafe pthread_mutex_init(mutex, nil)
    precondition(code == 0, "pthread_mutex_init failed with \(code)")
    #if os(Linux)
      var attributes = pthread_condattr_t()
      unsafe pthread_condattr_init(&attributes)
      unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      code = unsafe pthread_cond_init(condition, &attributes)
      unsafe pthread_condattr_destroy(&attributes)
    #else
      code = unsafe pthread_cond_init(condition, nil)
    #endif
    precondition(code == 0, "pthread_cond_init failed with \(code)")
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Reads the state, or changes it in a way that nobody waits for.
  package func read<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Changes the state and wakes all who wait.
  package func change<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer {
      unsafe pthread_cond_broadcast(condition)
      unsafe pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Waits until `body` returns something, and returns that; nil when it did not do so in time.
  ///
  /// - Parameters:
  ///   - limit: nil to wait for ever.
  ///   - body: Called under the lock, at once and after each change; what it changes itself wakes
  ///     nobody.
  package func wait<Result>(
    atMost limit: Duration? = nil, _ body: (inout State) -> Result?
  ) -> Result? {
    let deadline = limit.map { Self.now + $0 }
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        unsafe pthread_cond_wait(condition, mutex)
        continue
      }
      let left = deadline - Self.now
      guard left > .zero else { return nil }
      wait(left)
    }
  }

  private func wait(_ time: Duration) {
    #if os(Linux)
      let end = (Self.now + time).components
      var moment = timespec(
        tv_sec: Int(end.seconds), tv_nsec: Int(end.attoseconds / 1_000_000_000))
      unsafe pthread_cond_timedwait(condition, mutex, &moment)
    #else
      let part = time.components
      var moment = timespec(
        tv_sec: Int(part.seconds), tv_nsec: Int(part.attoseconds / 1_000_000_000))
      unsafe pthread_cond_timedwait_relative_np(condition, mutex, &moment)
    #endif
  }

  /// The time of a clock that only runs forward.
  private static var now: Duration {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
