public import StudyModel
internal import Synchronization

extension Coordinator {
  /// Ends a trial.
  ///
  /// - Returns: The trial as it is stored now; still running when it is to be tried again.
  /// - Throws: ``TrialError/notRunning(number:)``, and ``StoreError``: the trial stays active unless
  ///   its lease is lost, so telling may be tried again.
  public func tell(_ active: ActiveTrial, _ outcome: TrialOutcome) throws -> Trial {
    let outcome = outcome.checked(objectives: study.directions.count)
    let told = try active.end { (trial, unwritten) throws(StoreError) in
      switch outcome {
      case .completed(let values):
        return try finish(trial, unwritten, active.leases, as: .completed, values: values)
      case .pruned:
        let last = trial.intermediateValues.last?.value
        let values = last.flatMap { $0.isNaN ? nil : [$0] } ?? []
        return try finish(trial, unwritten, active.leases, as: .pruned, values: values)
      case .ended(let kind, let reason):
        let earlier = try store.attempts(of: trial.number, in: study).filter { $0.endedAt != nil }
        guard let lease = active.lease,
          retries.retries(kind, after: earlier.compactMap(\.outcome))
        else {
          return try finish(
            trial, unwritten, active.leases, as: .failed, values: [], outcome: kind,
            reason: reason)
        }
        return try giveBack(trial, unwritten, lease, kind, reason)
      }
    }
    state.withLock { _ = $0.active.removeValue(forKey: active.number) }
    return told
  }

  private func finish(
    _ trial: Trial, _ unwritten: [TrialChange], _ leases: [Lease], as state: TrialState,
    values: [Double], outcome: AttemptOutcome? = nil, reason: String = ""
  ) throws(StoreError) -> Trial {
    let end = endChanges(
      of: trial.reference, state, values: values, outcome: outcome, reason: reason)
    try store.commit(unwritten + end, to: study, under: leases, durability: .powerCut)
    note(end)
    return end.reduce(into: trial) { $0.apply($1.event) }
  }

  private func giveBack(
    _ trial: Trial, _ unwritten: [TrialChange], _ lease: Lease, _ outcome: AttemptOutcome,
    _ reason: String
  ) throws(StoreError) -> Trial {
    if !unwritten.isEmpty {
      try store.commit(unwritten, to: study, under: [lease], durability: .process)
    }
    // Whoever interrupts a trial may want it back at once; the delay is for what failed.
    let isWaiting = outcome != .interrupted && outcome != .preempted
    let now = Timestamp.now()
    let retryAt = isWaiting ? now.advanced(by: retries.delay) : now
    guard try store.close(lease, as: outcome, reason: reason, retryAt: retryAt) else {
      throw .leaseLost(trial: trial.number)
    }
    note([TrialChange(trial.reference, .restarted(at: now))])
    var kept = trial
    kept.intermediateValues = []
    return kept
  }

  func endChanges(
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

extension Trial {
  /// Takes in what ended the trial.
  fileprivate mutating func apply(_ event: TrialChange.Event) {
    switch event {
    case .systemAttributeSet(let attribute):
      systemAttributes.removeAll { $0.key == attribute.key }
      systemAttributes.append(attribute)
    case .finished(let state, let values, let moment):
      self.state = state
      self.values = values
      completedAt = moment
    default: break
    }
  }
}
