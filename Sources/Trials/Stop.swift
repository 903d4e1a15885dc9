/// Why a trial is to stop.
package enum Stop: Sendable, Hashable {
  /// The pruner says so, with its reason.
  case pruned(String)
  /// The study was cancelled, in a sentence.
  case cancelled(String)
  /// The worker does not hold the trial any more, with the reason.
  case lost(String)

  /// As cancelled, in the words that every trial of the study gets.
  package static let cancelledStudy = Stop.cancelled("the study was cancelled")

  /// As cancelled, in the words that a single trial gets.
  package static let stoppedByUser = Stop.cancelled("a user stopped this trial")

  /// The reason, in words.
  package var reason: String {
    switch self {
    case .pruned(let reason), .cancelled(let reason), .lost(let reason): reason
    }
  }

  /// Whether the trial is another worker's, or no worker's, by now.
  package var isLoss: Bool {
    if case .lost = self { true } else { false }
  }
}

/// That the trial under a lease is to stop. What a worker hears for its reports and heartbeats.
package struct StopOrder: Sendable, Hashable {
  /// The lease as it travels.
  package var lease: String
  /// Why it is to stop.
  package var stop: Stop

  /// Creates the order.
  package init(lease: String, _ stop: Stop) {
    self.lease = lease
    self.stop = stop
  }
}
