internal import System

/// What the coordinator counts since it was started.
final class ServerMetrics: Sendable {
  /// Upper bounds of the histogram of durations, in seconds.
  static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

  struct Counts: Sendable {
    /// By route and status.
    var requests: [Request: Int] = [:]
    var durations: [String: Histogram] = [:]
    var assignedTrials = 0
    /// By the answer: accepted, repeated, lost, refused.
    var results: [String: Int] = [:]
    /// By the attempt's outcome, of those accepted.
    var outcomes: [String: Int] = [:]
    var reports = 0
    /// By what was wrong with them.
    var refusedTokens = 0
  }

  struct Request: Hashable, Sendable {
    let route: String
    let status: Int
  }

  struct Histogram: Sendable {
    var counts = [Int](repeating: 0, count: ServerMetrics.bounds.count)
    var total = 0
    var sum = 0.0
  }

  private let counts = Lock(Counts())

  func count(_ body: (inout Counts) -> Void) { counts.withLock { body(&$0) } }

  /// Notes a request that was answered. Long polls count with their waiting.
  func answered(_ route: String, status: Int, seconds: Double) {
    counts.withLock { counts in
      counts.requests[Request(route: route, status: status), default: 0] += 1
      var histogram = counts.durations[route] ?? Histogram()
      if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) {
        histogram.counts[bucket] += 1
      }
      histogram.total += 1
      histogram.sum += seconds
      counts.durations[route] = histogram
    }
  }

  var snapshot: Counts { counts.withLock { $0 } }
}
