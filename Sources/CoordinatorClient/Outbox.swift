internal import Messages
internal import StudyModel

/// What a worker has to send and was not acknowledged. Pure: no clock, no I/O.
///
/// Of one trial, everything is sent in the order in which it came, its result last.
struct Outbox: Sendable {
  /// Something about a running trial.
  enum Item: Sendable, Hashable {
    case report(lease: String, IntermediateValue)
    case attribute(lease: String, Attribute)

    var lease: String {
      switch self {
      case .report(let lease, _), .attribute(let lease, _): lease
      }
    }
  }

  /// What one round of delivery sends.
  struct Batch: Sendable {
    var items: [Item] = []
    var results: [TrialResultMessage] = []
  }

  private(set) var items: [Item] = []
  private(set) var results: [TrialResultMessage] = []
  /// What is being sent.
  private(set) var underWay = Batch()
  /// Whether somebody waits for the answer to a report.
  var isUrgent = false

  /// The largest number of items and results in one request.
  static let batchSize = (items: 2_000, results: 64)

  var isEmpty: Bool {
    items.isEmpty && results.isEmpty && underWay.items.isEmpty && underWay.results.isEmpty
  }

  /// How many results are not acknowledged.
  var undelivered: Int { results.count + underWay.results.count }

  /// The leases of the results that are not acknowledged.
  var resultLeases: [String] { (underWay.results + results).map(\.lease) }

  mutating func add(_ item: Item) { items.append(item) }

  /// A trial's result with all of the trial that is not acknowledged: what is being sent may not
  /// arrive, and this process may not live to send it again. The coordinator takes no harm from
  /// hearing it twice.
  func completed(_ result: TrialResultMessage) -> TrialResultMessage {
    var result = result
    for item in underWay.items + items where item.lease == result.lease {
      switch item {
      case .report(_, let report): result.reports.append(report)
      case .attribute(_, let attribute): result.attributes.append(attribute)
      }
    }
    return result
  }

  /// Adds a trial's result, which is ``completed(_:)``: what else is there of the trial is not sent.
  mutating func finish(_ result: TrialResultMessage) {
    items.removeAll { $0.lease == result.lease }
    results.append(result)
  }

  /// Whether everything about a running trial is acknowledged.
  func hasDelivered(_ lease: String) -> Bool {
    !items.contains { $0.lease == lease } && !underWay.items.contains { $0.lease == lease }
  }

  /// Takes what the next round sends; ends with ``acknowledge()`` or ``putBack()``.
  mutating func takeBatch() -> Batch {
    precondition(underWay.items.isEmpty && underWay.results.isEmpty, "two rounds at once")
    underWay = Batch(
      items: Array(items.prefix(Self.batchSize.items)),
      results: Array(results.prefix(Self.batchSize.results)))
    items.removeFirst(underWay.items.count)
    results.removeFirst(underWay.results.count)
    isUrgent = isUrgent && !items.isEmpty
    return underWay
  }

  /// The items of the round have arrived.
  mutating func acknowledgeItems() { underWay.items = [] }

  /// The round is over.
  mutating func acknowledge() { underWay = Batch() }

  /// The round failed: what was not acknowledged is sent again, before everything else.
  mutating func putBack() {
    let failed = underWay
    underWay = Batch()
    results = failed.results + results
    let ended = Set(results.map(\.lease))
    let left = failed.items.filter { !ended.contains($0.lease) }
    items = left + items
  }

  /// Forgets all that is not sent of a lease.
  mutating func drop(_ lease: String) {
    items.removeAll { $0.lease == lease }
    results.removeAll { $0.lease == lease }
  }
}
