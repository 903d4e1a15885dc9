/// State that threads share and for whose changes they can wait.
///
/// Every change wakes all who wait, so a waiting thread looks again whether what it waits for is
/// there.
package final class Watched<State: Sendable>: @unchecked Sendable {
  // `monitor` guards `state`.
  private let monitor = Monitor()
  private var state: State

  package init(_ state: State) {
    self.state = state
  }

  /// Reads the state, or changes it in a way that no thread waits for.
  package func read<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    monitor.lock()
    defer { monitor.unlock() }
    return try body(&state)
  }

  /// Changes the state and wakes all who wait.
  package func change<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    monitor.lock()
    defer {
      monitor.signalAll()
      monitor.unlock()
    }
    return try body(&state)
  }

  /// Waits until `body` returns something, and returns that; nil when it did not do so in time.
  ///
  /// - Parameters:
  ///   - limit: nil to wait for ever.
  ///   - body: Called under the lock, at once and after each change; what it changes itself wakes
  ///     no thread.
  package func wait<Result>(
    atMost limit: Duration? = nil, _ body: (inout State) -> Result?
  ) -> Result? {
    let deadline = limit.map { Monitor.now + $0 / .seconds(1) }
    monitor.lock()
    defer { monitor.unlock() }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        monitor.wait()
        continue
      }
      let left = deadline - Monitor.now
      guard left > 0 else { return nil }
      monitor.wait(seconds: left)
    }
  }
}
