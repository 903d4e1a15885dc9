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
    /// The token that it was registered with; nil for none.
    var holder: String?
    /// The only studies that the token is good for; nil for all.
    var studies: Set<String>?
    /// In milliseconds of the server's clock.
    var heardAt: UInt64
    var heardAtDate: Timestamp
  }

  init(leaseDuration: Duration) { self.leaseDuration = leaseDuration }

  /// Takes a worker in, or anew. Its name belongs to the token that registered it first, until the
  /// worker leaves or is lost.
  ///
  /// - Throws: ``APIError`` 403 `not_yours` for a name that belongs to another token.
  func register(_ registration: WorkerRegistration, by grant: Grant) throws(APIError) {
    var entry = Entry(
      host: registration.host, version: registration.version, slots: registration.slots,
      holder: grant.holder, studies: grant.studies, heardAt: ServerTime.milliseconds,
      heardAtDate: .now())
    let refusal: APIError? = workers.withLock { workers in
      if let known = workers[registration.name], state(of: known) != .lost {
        guard grant.owns(workerOf: known.holder) else { return Self.notYours(registration.name) }
        (entry.holder, entry.studies) = (known.holder, known.studies)
      } else if workers.count >= Self.capacity, workers[registration.name] == nil {
        return APIError(
          503, "too_many_workers",
          "the coordinator has its \(Self.capacity) workers; use more slots "
            + "per worker", retryAfter: 60)
      }
      workers[registration.name] = entry
      return nil
    }
    if let refusal { throw refusal }
  }

  private static func notYours(_ name: String) -> APIError {
    APIError(
      403, "not_yours",
      "worker '\(name.prefix(200))' was registered with another token; choose another name")
  }

  /// Refuses one who speaks for a worker that another token has registered. A name that is not
  /// registered is free: what is sent about a trial is judged by its lease.
  func checkOwner(of name: String, is grant: Grant) throws(APIError) {
    let entry = workers.withLock { $0[name] }
    guard let entry, !grant.owns(workerOf: entry.holder) else { return }
    throw Self.notYours(name)
  }

  /// Notes that a worker lives.
  ///
  /// - Returns: How many slots it has.
  /// - Throws: ``APIError`` 404 `unknown_worker` for one that has to register first, and as
  ///   ``checkOwner(of:is:)``.
  @discardableResult
  func heard(from name: String, by grant: Grant, draining: Bool? = nil) throws(APIError) -> Int {
    try checkOwner(of: name, is: grant)
    let slots: Int? = workers.withLock { workers in
      guard var entry = workers[name] else { return nil }
      entry.heardAt = ServerTime.milliseconds
      entry.heardAtDate = .now()
      if let draining { entry.isDraining = draining }
      workers[name] = entry
      return entry.slots
    }
    guard let slots else {
      throw APIError(
        404, "unknown_worker", "worker '\(name.prefix(200))' is not registered; register it first")
    }
    return slots
  }

  /// How many slots a worker has; nil for one that is not registered.
  func slots(of name: String) -> Int? { workers.withLock { $0[name]?.slots } }

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
