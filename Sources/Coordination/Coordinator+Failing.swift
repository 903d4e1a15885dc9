internal import Stores
internal import StudyModel
internal import System
package import Trials

extension Coordinator {
  /// Counts failures from now on, see ``FailureRule``.
  ///
  /// - Parameters:
  ///   - left: How many trials the study may get yet; nil for no limit.
  ///   - succeeded: How many trials of the study completed or were pruned so far, in whatever
  ///     process.
  package func watchFailures(left: Int?, succeeded: Int) {
    state.withLock { state in
      state.failures = FailureRule(left: left)
      state.succeededBefore = succeeded
      state.failure = nil
    }
  }

  /// Why the attempts that this coordinator handed out only fail, or that more of the study's
  /// trials failed than its file allows, in a sentence; nil while it is not so.
  package var ownFailure: String? {
    state.withLock { state in
      if let failure = state.failure { return failure }
      guard let verdict = state.ending?.verdict, !verdict.isSuccess else { return nil }
      return verdict.sentence
    }
  }

  /// Why the study is failing, in a sentence, as this coordinator found or as another one has left
  /// in the store; nil while it is not.
  package func failure() throws -> String? {
    if let ownFailure { return ownFailure }
    return try control() == .stopped ? store.failure(of: study) : nil
  }

  /// Follows a wish of the user that was read from the store just now.
  package func follow(_ control: StudyControl) {
    noteControl(control, readAt: steadyTime)
  }

  /// Takes note of how attempts ended here: stops a study that only fails, and lets one go on that
  /// was stopped for that when a trial of it completes after all.
  ///
  /// - Parameter told: What became of the ends; only those that were stored count.
  func followFailures(_ ends: [TrialEnd], _ told: [Result<Trial, any Error>]) {
    var reason: String?
    var hasSucceeded = false
    for (end, result) in zip(ends, told) where result.isSuccess {
      var ended: (outcome: AttemptOutcome, reason: String)?
      if case .ended(let outcome, let why) = end.outcome.checked(objectives: study.directions.count)
      {
        ended = (outcome, why)
      }
      if ended == nil { hasSucceeded = true }
      reason = state.withLock {
        $0.failures.note(ended?.outcome, of: end.active.number, because: ended?.reason ?? "")
          ?? reason
      }
    }
    // What the store refuses now is tried again at the next end; these ends are stored.
    _ = Result {
      if let reason { try stop(because: reason) }
      if hasSucceeded { try resumeAfterFailures() }
    }
  }

  /// Hands out no more trials, and has no other coordinator do so unless the study succeeds
  /// elsewhere: then it is this machine that has a fault.
  private func stop(because reason: String) throws {
    let counts = try store.counts(in: study)
    let succeeded = (counts[.completed] ?? 0) + (counts[.pruned] ?? 0)
    if succeeded == state.withLock({ $0.succeededBefore }), try control().handsOut {
      try store.setFailure(reason, of: study)
      noteControl(.stopped, readAt: steadyTime)
    }
    state.withLock { $0.failure = reason }
  }

  private func resumeAfterFailures() throws {
    let isStopped = leases.withLock { $0.control?.0 == .stopped }
    let hasFailed = state.withLock { state in
      defer { state.failure = nil }
      return state.failure != nil
    }
    guard isStopped || hasFailed, try store.failure(of: study) != nil else { return }
    try store.setControl(.running, of: study)
    noteControl(.running, readAt: steadyTime)
  }
}
