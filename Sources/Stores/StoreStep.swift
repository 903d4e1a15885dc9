public import StudyModel
internal import System

/// One of the things that ``StudyStore/perform(_:in:)`` does in one transaction.
public enum StoreStep: Sendable {
  /// As ``StudyStore/commit(_:to:under:durability:)``.
  case commit([TrialChange], under: [Lease])
  /// As ``StudyStore/close(_:as:reason:retryAt:)``.
  case close(Lease, as: AttemptOutcome, reason: String, retryAt: Timestamp)
  /// Takes a trial that waits to be run, as ``StudyStore/claimTrial(in:lease:)``; without one
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

extension StudyStore {
  public func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result] {
    steps.map { step in
      do throws(StoreError) {
        return try perform(step, in: study)
      } catch {
        return .failed(error)
      }
    }
  }

  private func perform(
    _ step: StoreStep, in study: StudyRecord
  ) throws(StoreError) -> StoreStep.Result {
    switch step {
    case .commit(let changes, let leases):
      try commit(changes, to: study, under: leases, durability: .process)
      return .committed
    case .close(let lease, let outcome, let reason, let retryAt):
      return .closed(
        wasLive: try close(lease, as: outcome, reason: reason, retryAt: retryAt))
    case .take(let request, let limit):
      if let (trial, lease) = try claimTrial(in: study, lease: request) {
        return .taken(trial, lease)
      }
      let template = Trial(
        TrialReference(id: 0, number: 0), state: .running, startedAt: request.startedAt)
      guard
        let (reference, lease) = try createTrial(
          template, in: study, lease: request, limit: limit), let lease
      else { return .nothing }
      return .taken(
        Trial(reference, state: .running, startedAt: request.startedAt), lease)
    }
  }

  public func synchronize() throws(StoreError) {}

  public func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    SteadyClock.timestamp
  }
}
