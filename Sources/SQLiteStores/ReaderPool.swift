internal import Stores
internal import System

/// The connections of a store object that only read, made when they are needed.
///
/// In a write-ahead log a reader waits for no writer and no writer for a reader, so that a long
/// read of this process keeps none of its commits back.
final class ReaderPool: @unchecked Sendable {
  // `monitor` guards the variables; a session is used by the thread that took it.
  private let monitor = Monitor()
  private let open: () throws(StoreError) -> Session
  private var idle: [Session] = []
  private var count = 0
  private var isFinished = false

  /// The most connections at once; a reader that comes when all are taken waits.
  static let limit = 4

  /// - Parameter open: Makes a session that only reads.
  init(_ open: @escaping () throws(StoreError) -> Session) {
    self.open = open
  }

  /// Runs `body` in a transaction that reads one state of the store.
  func read<Value>(
    _ body: (Session) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let session = try take()
    defer { giveBack(session) }
    return try session.reading { () throws(StoreError) in try body(session) }
  }

  private func take() throws(StoreError) -> Session {
    monitor.lock()
    while isFinished || (idle.isEmpty && count == Self.limit) { monitor.wait() }
    if let session = idle.popLast() {
      monitor.unlock()
      return session
    }
    count += 1
    monitor.unlock()
    do {
      return try open()
    } catch {
      monitor.lock()
      count -= 1
      monitor.signalAll()
      monitor.unlock()
      throw error
    }
  }

  private func giveBack(_ session: Session) {
    monitor.lock()
    idle.append(session)
    monitor.signalAll()
    monitor.unlock()
  }

  /// Closes the connections; afterwards each reader waits for ever.
  ///
  /// - Parameter seconds: How long to wait for reads that go on.
  func finish(within seconds: Double) {
    let deadline = Monitor.now + seconds
    monitor.lock()
    isFinished = true
    while idle.count < count, Monitor.now < deadline {
      monitor.wait(seconds: deadline - Monitor.now)
    }
    // Those that are still read from close with the process, without moving the log.
    for session in idle { session.database.close() }
    count -= idle.count
    idle = []
    monitor.unlock()
  }
}
