package import StudyModel

/// What a worker says and asks for at one go.
package struct DispatchRequest: Sendable {
  /// What the worker calls itself.
  package var worker: String
  /// Trials of its that ended.
  package var results: [AttemptResult]
  /// Values that running trials reported.
  package var reports: [LeaseReport]
  /// Attributes of the user that running trials set.
  package var attributes: [LeaseAttribute]
  /// How many trials it takes.
  package var claiming: Int

  package init(
    worker: String, results: [AttemptResult] = [], reports: [LeaseReport] = [],
    attributes: [LeaseAttribute] = [], claiming: Int = 0
  ) {
    self.worker = worker
    self.results = results
    self.reports = reports
    self.attributes = attributes
    self.claiming = claiming
  }
}

/// How an attempt at a trial ended, with what was not said before.
package struct AttemptResult: Sendable, Hashable {
  /// The lease's ticket, see ``LeaseTicket``.
  package var lease: String
  package var outcome: TrialOutcome
  package var reports: [IntermediateValue]
  /// Attributes of the user.
  package var attributes: [Attribute]

  package init(
    lease: String, outcome: TrialOutcome, reports: [IntermediateValue] = [],
    attributes: [Attribute] = []
  ) {
    self.lease = lease
    self.outcome = outcome
    self.reports = reports
    self.attributes = attributes
  }
}

/// A value that the trial under a lease reported.
package struct LeaseReport: Sendable, Hashable {
  package var lease: String
  package var report: IntermediateValue

  package init(lease: String, report: IntermediateValue) {
    self.lease = lease
    self.report = report
  }
}

/// An attribute that the trial under a lease set.
package struct LeaseAttribute: Sendable, Hashable {
  package var lease: String
  package var attribute: Attribute

  package init(lease: String, attribute: Attribute) {
    self.lease = lease
    self.attribute = attribute
  }
}

/// What a worker gets for a ``DispatchRequest``. All of it is in the store, and the ends of trials
/// survive a power cut.
package struct DispatchAnswer: Sendable {
  /// What became of the results, in their order.
  package var results: [ResultStatus] = []
  /// Trials that are the worker's now.
  package var trials: [ActiveTrial] = []
  /// What became of the leases that reports and attributes were for.
  package var review = LeaseReview()

  package init() {}
}

/// What became of a result.
package enum ResultStatus: Sendable, Hashable {
  /// It was taken now. The trial still runs when it is to be tried again.
  case accepted(Trial)
  /// It had been taken before; nothing changed.
  case repeated(Trial)
  /// The lease was not live; the result stands in the attempt log and counts for nothing. Why, in a
  /// sentence.
  case lost(String)
  /// It cannot be taken, now or later. Why, in a sentence.
  case refused(String)
}

/// What a worker must know of its leases, each with the reason.
package struct LeaseReview: Sendable, Hashable {
  package struct Item: Sendable, Hashable {
    /// The lease's ticket.
    package var lease: String
    package var reason: String

    package init(lease: String, reason: String) {
      self.lease = lease
      self.reason = reason
    }
  }

  /// It holds these no longer.
  package var lost: [Item] = []
  /// The pruner wants these to stop.
  package var pruned: [Item] = []
  /// These are to stop, since the study was cancelled.
  package var cancelled: [Item] = []

  package init() {}
}

/// Why a worker has no say about a trial.
package enum DispatchError: Error, Hashable {
  /// No lease of this study ever had that ticket.
  case unknownLease(String)
  /// Another worker holds it.
  case notYours(lease: String, worker: String)
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
