internal import Dispatch
internal import StudyModel
internal import System

/// The connections of one store: as many as threads use it at once, up to a limit, each used by one
/// thread at a time.
final class ConnectionPool: Sendable {
  let address: ServerAddress
  /// The most connections at a time.
  static let limit = 8
  /// Seconds for which a call tries to get a server back.
  let patience: Double

  private let idle = Lock<[Connection]>([])
  private let free = DispatchSemaphore(value: limit)
  /// Prepares a new connection for its first use.
  private let prepare: @Sendable (Connection) throws(Failure) -> Void

  /// The longest pause between two attempts, in seconds.
  private static let longestPause = 1.0

  init(
    _ address: ServerAddress, patience: Double,
    prepare: @escaping @Sendable (Connection) throws(Failure) -> Void
  ) {
    self.address = address
    self.patience = patience
    self.prepare = prepare
  }

  /// Runs `body` with a connection, and again with another one when that was lost or its
  /// transaction was undone for another one's sake.
  ///
  /// - Parameter body: Its second argument says whether an earlier run may have been committed.
  func perform<Value>(
    _ body: (Connection, _ isInDoubt: Bool) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    free.wait()
    defer { free.signal() }
    let deadline = Moment.now + patience
    var pause = 0.02
    var isInDoubt = false
    while true {
      do throws(Failure) {
        let connection: Connection
        if let known = idle.withLock({ $0.popLast() }) {
          connection = known
        } else {
          connection = try Connection(address)
          try prepare(connection)
        }
        let wasInDoubt = isInDoubt
        isInDoubt = true
        let value: Value
        do throws(Failure) {
          value = try body(connection, wasInDoubt)
        } catch {
          giveBack(connection)
          if case .lost = error {} else { isInDoubt = wasInDoubt }
          throw error
        }
        giveBack(connection)
        return value
      } catch {
        if case .lost = error {
          // What lies idle came from the same server, and costs only another attempt each.
          idle.withLock { $0 = [] }
        } else if !error.isCollision {
          throw error
        }
        guard Moment.now + pause < deadline else { throw error }
        Moment.pass(seconds: pause * Double.random(in: 0.5...1))
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  private func giveBack(_ connection: Connection) {
    guard !connection.isBroken else { return }
    idle.withLock { $0.append(connection) }
  }

  /// Opens a connection at once or says why not; for the first one.
  func open() throws(Failure) {
    let connection = try Connection(address)
    try prepare(connection)
    idle.withLock { $0.append(connection) }
  }
}
