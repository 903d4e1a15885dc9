internal import Dispatch
internal import Stores
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
  private let made = Lock((count: 0, isPooled: false))
  private let free = DispatchSemaphore(value: limit)
  /// Prepares a new connection for its first use.
  private let prepare: @Sendable (Connection) throws(Failure) -> Void

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
    var wait = Patience(seconds: patience, location: address.location)
    var isInDoubt = false
    while true {
      do throws(Failure) {
        let connection: Connection
        if let known = idle.withLock({ $0.popLast() }) {
          connection = known
        } else {
          connection = try connect()
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
        switch error {
        // What lies idle came from the same server, and costs only another attempt each.
        case .lost: idle.withLock { $0 = [] }
        case .crowded: break
        case .refused("3D000", _, _):
          throw .store(.replaced(location: address.location, problem: "was dropped"))
        default: if !error.isCollision { throw error }
        }
        guard wait.waits(after: error) else { throw error }
      }
    }
  }

  /// How many connections were made so far; each may be to another server than the one before.
  var connectionCount: Int { made.withLock { $0.count } }

  /// Whether the last one goes through a pooler.
  var isPooled: Bool { made.withLock { $0.isPooled } }

  private func connect() throws(Failure) -> Connection {
    let connection = try Connection(address)
    try prepare(connection)
    made.withLock { $0 = ($0.count + 1, connection.peer == .pooler) }
    return connection
  }

  private func giveBack(_ connection: Connection) {
    guard !connection.isBroken else { return }
    idle.withLock { $0.append(connection) }
  }

  /// Opens the first connection, or says why not: at once, unless the server is only crowded.
  func open() throws(Failure) {
    var wait = Patience(seconds: patience, location: address.location)
    while true {
      do throws(Failure) {
        let connection = try connect()
        return idle.withLock { $0.append(connection) }
      } catch {
        guard case .crowded = error, wait.waits(after: error) else { throw error }
      }
    }
  }
}
