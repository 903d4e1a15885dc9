package import Trials

/// What a worker says and asks for at one go.
package struct DispatchRequest: Sendable {
  /// What the worker calls itself.
  package var worker: String
  /// Trials of its that ended.
  package var results: [TrialResult]
  /// What its running trials say.
  package var reports: [Report]
  /// How many trials it takes.
  package var claiming: Int

  /// Creates the request; by default it says and asks nothing.
  package init(
    worker: String, results: [TrialResult] = [], reports: [Report] = [], claiming: Int = 0
  ) {
    self.worker = worker
    self.results = results
    self.reports = reports
    self.claiming = claiming
  }
}

/// What a worker gets for a ``DispatchRequest``. All of it is in the store, and the ends of trials
/// survive a power cut.
package struct DispatchAnswer: Sendable {
  /// What became of the results, in their order.
  package var results: [Verdict] = []
  /// Trials that are the worker's now.
  package var trials: [ActiveTrial] = []
  /// Which of the trials that reported are to stop.
  package var orders: [StopOrder] = []

  /// Creates an answer that says nothing.
  package init() {}
}

/// Why a worker has no say about a trial.
package enum DispatchError: Error, Hashable {
  /// No lease of this study ever had that ticket.
  case unknownLease(String)
  /// Another worker holds it.
  case notYours(lease: String, worker: String)
  /// The lease ended before; why.
  case leaseLost(trial: Int, reason: String)
  /// A result under the lease was taken already.
  case trialEnded(trial: Int)
}

extension DispatchError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknownLease(let lease):
      "there is no lease '\(lease.prefix(80))' in this study; claim a trial to get one"
    case .notYours(let lease, let worker):
      "lease '\(lease.prefix(80))' is not held by worker '\(worker)'; send it as its holder"
    case .leaseLost(let trial, let reason):
      "trial \(trial) is not held under this lease any more (\(reason)); stop running it"
    case .trialEnded(let trial):
      "trial \(trial) has its result; nothing can be added to it"
    }
  }
}
