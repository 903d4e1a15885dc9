internal import Messages
internal import StudyModel
internal import System

/// The workers that registered, and when they were last heard of.
final class WorkerRegistry: Sendable {
  private let workers = Lock<[String: Entry]>([:])
  /// How long a lease lasts: a worker silent for that long is lost.
  private let leaseDuration: Duration
  /// How many workers may be registered.
  static let capacity = 16_384

  struct Entry: Sendable {
    var host: String
    var version: String
    var slots: Int
    var isDraining = false
    /// In milliseconds of the server's clock.
    var heardAt: UInt64
    var heardAtDate: Timestamp
  }

  init(leaseDuration: Duration) { self.leaseDuration = leaseDuration }

  /// Takes a worker in, or anew.
  func register(_ registration: WorkerRegistration) throws(APIError) {
    let entry = Entry(
      host: registration.host, version: registration.version, slots: registration.slots,
      heardAt: ServerTime.milliseconds, heardAtDate: .now())
    let isTaken = workers.withLock { workers in
      guard workers.count < Self.capacity || workers[registration.name] != nil else { return false }
      workers[registration.name] = entry
      return true
    }
    guard isTaken else {
      throw APIError(
        503, "too_many_workers",
        "the coordinator has its \(Self.capacity) workers; use more slots "
          + "per worker", retryAfter: 60)
    }
  }

  /// Notes that a worker lives.
  ///
  /// - Throws: ``APIError`` 404 `unknown_worker` for one that has to register first.
  func heard(from name: String, draining: Bool? = nil) throws(APIError) {
    let isKnown = workers.withLock { workers in
      guard var entry = workers[name] else { return false }
      entry.heardAt = ServerTime.milliseconds
      entry.heardAtDate = .now()
      if let draining { entry.isDraining = draining }
      workers[name] = entry
      return true
    }
    guard isKnown else {
      throw APIError(
        404, "unknown_worker", "worker '\(name.prefix(200))' is not registered; register it first")
    }
  }

  func remove(_ name: String) -> Bool {
    workers.withLock { $0.removeValue(forKey: name) } != nil
  }

  /// Forgets workers that hold nothing and were not heard of for ten leases.
  func forgetLost(holding: Set<String>) {
    let limit = (leaseDuration * 10).wholeMilliseconds
    let now = ServerTime.milliseconds
    workers.withLock { workers in
      workers = workers.filter {
        holding.contains($0.key) || ServerTime.elapsed(from: $0.value.heardAt, to: now) < limit
      }
    }
  }

  func state(of entry: Entry) -> WorkerSummary.State {
    let silence = ServerTime.elapsed(from: entry.heardAt, to: ServerTime.milliseconds)
    if silence > leaseDuration.wholeMilliseconds { return .lost }
    return entry.isDraining ? .draining : .active
  }

  /// All workers, by name.
  var all: [(name: String, entry: Entry)] {
    workers.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.name < $1.name }
  }
}
