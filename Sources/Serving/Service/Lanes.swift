/// The threads that answer calls, apart by who waits for them: viewers who read much keep no worker
/// waiting, and nothing that waits for the store keeps a heartbeat.
struct Lanes: Sendable {
  /// Where a call is answered.
  enum Kind: Sendable, Hashable, CaseIterable {
    /// On the connections' own thread: what waits for nothing.
    case immediate
    /// What keeps leases.
    case heartbeats
    /// What workers send, and what admins change.
    case workers
    /// What is only read.
    case viewers
  }

  let heartbeats: JobQueue
  let workers: JobQueue
  let viewers: JobQueue
  /// Reads tokens that are not known yet, for all lanes.
  let tokens: JobQueue

  /// - Parameter capacity: How many calls may wait in each lane.
  init(capacity: Int) {
    heartbeats = JobQueue("heartbeats", threads: 2, capacity: capacity)
    // Those that write wait for the disk, and writes of several share transactions.
    workers = JobQueue("workers", threads: 8, capacity: capacity)
    viewers = JobQueue("viewers", threads: 2, capacity: capacity)
    tokens = JobQueue("tokens", threads: 1, capacity: capacity)
  }

  /// The queue of a lane; nil for what needs none.
  func queue(_ kind: Kind) -> JobQueue? {
    switch kind {
    case .immediate: nil
    case .heartbeats: heartbeats
    case .workers: workers
    case .viewers: viewers
    }
  }

  /// Takes no further call.
  func close() {
    for queue in [heartbeats, workers, viewers, tokens] { queue.close() }
  }
}
