internal import JSON
internal import Stores
public import StudyModel
internal import Synchronization
public import Trials

extension Coordinator {
  /// Ends a trial.
  ///
  /// - Returns: The trial as it is stored now; still running when it is to be tried again.
  /// - Throws: ``TrialError/notRunning(number:)``, and ``StoreError``: the trial stays active
  ///   unless its lease is lost, so telling may be tried again.
  public func tell(_ active: ActiveTrial, _ outcome: Outcome) throws -> Trial {
    try exchange([TrialEnd(active, outcome)], []).told[0].get()
  }

  /// What the store is to do to end a trial, and what the trial is then.
  func plan(_ end: TrialEnd) throws -> PlannedEnd {
    let (trial, unwritten) = try end.active.beginEnding()
    do {
      return try plan(end, trial, unwritten)
    } catch {
      end.active.keptActive()
      throw error
    }
  }

  private func plan(
    _ end: TrialEnd, _ trial: Trial, _ unwritten: [TrialChange]
  ) throws(StoreError) -> PlannedEnd {
    let active = end.active
    func finished(
      _ state: TrialState, _ values: [Double], _ outcome: AttemptOutcome? = nil,
      _ reason: String = ""
    ) -> PlannedEnd {
      let changes = Self.endChanges(
        of: trial.reference, state, values: values, outcome: outcome, reason: reason)
      return PlannedEnd(
        active: active, steps: [.commit(unwritten + changes, under: active.leases)],
        news: changes, trial: changes.reduce(into: trial) { $0.apply($1.event) })
    }
    switch end.outcome.checked(objectives: study.directions.count) {
    case .completed(let values):
      return finished(.completed, values)
    case .pruned:
      let last = trial.intermediateValues.last?.value
      return finished(.pruned, last.flatMap { $0.isNaN ? nil : [$0] } ?? [])
    case .ended(let outcome, let reason):
      guard let lease = active.lease, try isRetried(outcome, of: lease) else {
        return finished(.failed, [], outcome, reason)
      }
      // A user who interrupts a trial may want it back at once; the delay is for what failed.
      let isWaiting = outcome != .interrupted && outcome != .preempted
      let now = try leaseTime()
      let retryAt = isWaiting ? now.advanced(by: retries.delay) : now
      let restart = TrialChange(trial.reference, .restarted(at: .now()))
      var kept = trial
      kept.apply(restart.event)
      return PlannedEnd(
        active: active,
        steps: (unwritten.isEmpty ? [] : [.commit(unwritten, under: [lease])])
          + [.close(lease, as: outcome, reason: reason, retryAt: retryAt)],
        news: [restart], trial: kept)
    }
  }

  private func isRetried(
    _ outcome: AttemptOutcome, of lease: Lease
  ) throws(StoreError) -> Bool {
    guard lease.attempt > 1 else { return retries.retries(outcome, after: []) }
    let earlier = try store.attempts(of: lease.trial.number, in: study)
    return retries.retries(
      outcome, after: earlier.filter { $0.number < lease.attempt }.compactMap(\.outcome))
  }

  /// What ends a trial for good.
  ///
  /// - Parameters:
  ///   - outcome: How a failed one ended; nil for the others.
  ///   - reason: Why, in a sentence.
  package static func endChanges(
    of trial: TrialReference, _ state: TrialState, values: [Double], outcome: AttemptOutcome?,
    reason: String
  ) -> [TrialChange] {
    var changes: [TrialChange] = []
    if let outcome {
      let kind = Attribute("needletail:outcome", .string(outcome.rawValue))
      changes.append(TrialChange(trial, .systemAttributeSet(kind)))
      let why = Attribute("needletail:reason", .string(reason))
      changes.append(TrialChange(trial, .systemAttributeSet(why)))
    }
    changes.append(TrialChange(trial, .finished(state, values: values, at: .now())))
    return changes
  }
}

/// A trial that ends, and how.
package struct TrialEnd: Sendable {
  /// The trial as the coordinator holds it until then.
  package let active: ActiveTrial
  /// How it ended, with its values or the reason.
  package let outcome: Outcome

  package init(_ active: ActiveTrial, _ outcome: Outcome) {
    self.active = active
    self.outcome = outcome
  }
}

/// The end of a trial before it is written. The trial is kept from ending twice meanwhile.
struct PlannedEnd {
  let active: ActiveTrial
  let steps: [StoreStep]
  /// What the history learns when the steps are done.
  let news: [TrialChange]
  /// The trial's form then.
  let trial: Trial
}
