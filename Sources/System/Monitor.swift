/// A lock with one condition that threads can wait for.
///
/// What it protects lives beside it, in the class that owns it.
@safe package final class Monitor: @unchecked Sendable {
  // The pointers never change; POSIX allows any thread to use what they point to.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    var code = unsafe pthread_mutex_init(mutex, nil)
    precondition(code == 0, "pthread_mutex_init failed with \(code)")
    code = unsafe pthread_cond_init(condition, nil)
    precondition(code == 0, "pthread_cond_init failed with \(code)")
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Takes the lock; waits for the thread that has it.
  package func lock() {
    let code = unsafe pthread_mutex_lock(mutex)
    precondition(code == 0, "pthread_mutex_lock failed with \(code)")
  }

  /// Gives the lock up, which this thread has.
  package func unlock() {
    unsafe pthread_mutex_unlock(mutex)
  }

  /// Gives the lock up until a thread calls ``signalAll()``; may return without that.
  package func wait() {
    unsafe pthread_cond_wait(condition, mutex)
  }

  /// ``wait()`` for at most `seconds`.
  package func wait(seconds: Double) {
    let whole = seconds.rounded(.down)
    var time = timespec()
    #if os(Linux)
      unsafe clock_gettime(CLOCK_MONOTONIC, &time)
      time.tv_sec += Int(clamped: whole, to: 0...1_000_000_000)
      time.tv_nsec += Int(clamped: (seconds - whole) * 1e9)
      if time.tv_nsec >= 1_000_000_000 {
        time.tv_sec += 1
        time.tv_nsec -= 1_000_000_000
      }
      unsafe pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &time)
    #else
      time.tv_sec = Int(clamped: whole, to: 0...1_000_000_000)
      time.tv_nsec = Int(clamped: (seconds - whole) * 1e9)
      unsafe pthread_cond_timedwait_relative_np(condition, mutex, &time)
    #endif
  }

  /// Wakes all that wait.
  package func signalAll() {
    unsafe pthread_cond_broadcast(condition)
  }

  /// Seconds of a clock that only runs forward.
  package static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
