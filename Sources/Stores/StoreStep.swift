public import StudyModel

/// One of the things that ``StudyStore/perform(_:in:)`` does in one transaction.
public enum StoreStep: Sendable {
  /// As ``TrialCommitter/commit(_:to:under:durability:)``.
  case commit([TrialChange], under: [Lease])
  /// As ``LeaseCommitter/close(_:as:reason:retryAt:)``.
  case close(Lease, as: AttemptOutcome, reason: String, retryAt: Timestamp)
  /// Takes a trial that waits to be run, as ``LeaseCommitter/claimTrial(in:lease:)``; without one
  /// creates a running trial, unless the study has `limit` trials.
  case take(LeaseRequest, limit: Int?)

  /// What became of a step.
  public enum Result: Sendable {
    /// The changes are committed.
    case committed
    /// The attempt is closed, or its lease was not live.
    case closed(wasLive: Bool)
    /// A trial that is the asker's now; a new one has no parameters.
    case taken(Trial, Lease)
    /// There was no trial to take.
    case nothing
    /// The step failed and left no trace; the others are not concerned.
    case failed(StoreError)
  }
}
