internal import System

/// Calls that one thread hands to another.
final class CallQueue: @unchecked Sendable {
  // `monitor` guards all that changes.
  private let monitor = Monitor()
  private var calls: [StorageCall] = []
  /// Whether no call is taken any more; those that wait are still handed out.
  private var isClosed = false

  /// Takes no further call.
  func end() {
    locked {
      isClosed = true
      monitor.signalAll()
    }
  }

  /// Hands calls on; in vain once the queue has ended.
  func put(_ new: [StorageCall]) {
    locked {
      if isClosed { return }
      calls += new
      monitor.signalAll()
    }
  }

  /// All calls that wait, at least one; nil when the queue has ended and none is left.
  func take() -> [StorageCall]? {
    locked {
      while calls.isEmpty, !isClosed { monitor.wait() }
      if calls.isEmpty { return nil }
      defer { calls = [] }
      return calls
    }
  }

  private func locked<Value>(_ body: () -> Value) -> Value {
    monitor.lock()
    defer { monitor.unlock() }
    return body()
  }
}
