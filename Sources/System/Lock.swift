#if THREAD_SANITIZER
  /// A value that one thread at a time may touch: `Synchronization.Mutex` on a POSIX lock, whose
  /// locking ThreadSanitizer sees.
  @safe public struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // The pointers never change; `mutex` guards `value`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Makes the lock, free, around a value that it takes over.
    public init(_ initialValue: consuming sending Value) {
      unsafe mutex = .allocate(capacity: 1)
      unsafe value = .allocate(capacity: 1)
      unsafe value.initialize(to: initialValue)
      let code = unsafe pthread_mutex_init(mutex, nil)
      precondition(code == 0, "pthread_mutex_init failed with \(code)")
    }

    deinit {
      unsafe pthread_mutex_destroy(mutex)
      unsafe mutex.deallocate()
      unsafe value.deinitialize(count: 1)
      unsafe value.deallocate()
    }

    /// Runs `body` with the value while no other thread has it; waits until that is so. Not to be
    /// called from within `body`.
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      unsafe pthread_mutex_lock(mutex)
      defer { unsafe pthread_mutex_unlock(mutex) }
      return try unsafe body(&value.pointee)
    }
  }
#else
  public import Synchronization

  /// A value that one thread at a time may touch.
  ///
  /// Public, though nothing outside this package has it: the compiler specializes a public function
  /// that is inlinable for its callers, and never a package's.
  public struct Lock<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Mutex<Value>

    /// Makes the lock, free, around a value that it takes over.
    @inlinable public init(_ initialValue: consuming sending Value) {
      mutex = Mutex(initialValue)
    }

    /// Runs `body` with the value while no other thread has it; waits until that is so. Not to be
    /// called from within `body`.
    @inlinable public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try mutex.withLock(body)
    }
  }
#endif
