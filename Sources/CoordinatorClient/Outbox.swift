internal import StudyModel
internal import Trials

/// What a worker has to send and was not acknowledged. Pure: no clock, no I/O.
///
/// Of one trial, everything is sent in the order in which it came, its result last.
struct Outbox: Sendable {
  /// What one round of delivery sends.
  struct Batch: Sendable {
    var reports: [Report] = []
    var results: [TrialResult] = []
  }

  private(set) var reports: [Report] = []
  private(set) var results: [TrialResult] = []
  /// What is being sent.
  private(set) var underWay = Batch()
  /// Whether a trial waits for the answer to a report.
  var isUrgent = false

  /// The largest number of reports and results in one request.
  static let batchSize = (reports: 2_000, results: 64)

  var isEmpty: Bool {
    reports.isEmpty && results.isEmpty && underWay.reports.isEmpty && underWay.results.isEmpty
  }

  /// How many results are not acknowledged.
  var undelivered: Int { results.count + underWay.results.count }

  /// The leases of the results that are not acknowledged.
  var resultLeases: [String] { (underWay.results + results).map(\.lease) }

  mutating func add(_ report: Report) { reports.append(report) }

  /// A trial's result with all of the trial that is not acknowledged: what is being sent may not
  /// arrive, and this process may not live to send it again. The coordinator takes no harm from
  /// hearing it twice.
  func completed(_ result: TrialResult) -> TrialResult {
    var result = result
    for report in underWay.reports + reports where report.lease == result.lease {
      switch report.content {
      case .value(let value): result.reports.append(value)
      case .attribute(let attribute): result.attributes.append(attribute)
      }
    }
    return result
  }

  /// Adds a trial's result, which is ``completed(_:)``: what else is there of the trial is not
  /// sent.
  mutating func finish(_ result: TrialResult) {
    reports.removeAll { $0.lease == result.lease }
    results.append(result)
  }

  /// Whether everything about a running trial is acknowledged.
  func hasDelivered(_ lease: String) -> Bool {
    !reports.contains { $0.lease == lease } && !underWay.reports.contains { $0.lease == lease }
  }

  /// Takes what the next round sends; ends with ``acknowledge()`` or ``putBack()``.
  mutating func takeBatch() -> Batch {
    precondition(underWay.reports.isEmpty && underWay.results.isEmpty, "two rounds at once")
    underWay = Batch(
      reports: Array(reports.prefix(Self.batchSize.reports)),
      results: Array(results.prefix(Self.batchSize.results)))
    reports.removeFirst(underWay.reports.count)
    results.removeFirst(underWay.results.count)
    isUrgent = isUrgent && !reports.isEmpty
    return underWay
  }

  /// The reports of the round have arrived.
  mutating func acknowledgeReports() { underWay.reports = [] }

  /// The round is over.
  mutating func acknowledge() { underWay = Batch() }

  /// The round failed: what was not acknowledged is sent again, before everything else.
  mutating func putBack() {
    let failed = underWay
    underWay = Batch()
    results = failed.results + results
    let ended = Set(results.map(\.lease))
    let left = failed.reports.filter { !ended.contains($0.lease) }
    reports = left + reports
  }

  /// Forgets all that is not sent of a lease.
  mutating func drop(_ lease: String) {
    reports.removeAll { $0.lease == lease }
    results.removeAll { $0.lease == lease }
  }
}
