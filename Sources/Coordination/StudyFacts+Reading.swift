package import Stores
package import StudyModel
package import Trials

extension StudyFacts {
  /// Reads how a study stands. Writes nothing.
  ///
  /// - Parameters:
  ///   - counts: The trials by state, when they are known already.
  ///   - budget: How many trials it is to have; nil for no end.
  ///   - known: What was read before; what only finished trials change is taken from there while
  ///     none has.
  ///   - isExhausted: Whether the sampler has nothing left to try; asked only where it matters.
  package init(
    _ study: StudyRecord, in store: any StoreReader, counts: [TrialState: Int]? = nil, budget: Int?,
    after known: StudyFacts? = nil, isExhausted: () throws -> Bool
  ) throws {
    self.init(counts: try counts ?? store.counts(in: study), budget: budget)
    control = try store.control(of: study)
    isStoppedAsFailing = try store.failure(of: study) != nil
    hasComeToItsEnd = try store.ending(of: study) != nil
    if self.counts[.running] ?? 0 > 0 {
      interrupted = try store.interruptedTrials(in: study)
    }
    if let known, known.counts == self.counts, known.budget == budget {
      failuresInARow = known.failuresInARow
      self.isExhausted = known.isExhausted
      return
    }
    failuresInARow = try Self.failures(study, store, self.counts)
    if total > 0, finished == total, budget.map({ total < $0 }) ?? true {
      self.isExhausted = try isExhausted()
    }
  }

  /// How many of the latest trials failed one after the other, by number.
  private static func failures(
    _ study: StudyRecord, _ store: any StoreReader, _ counts: [TrialState: Int]
  ) throws(StoreError) -> Int {
    guard counts[.failed] ?? 0 >= failuresAllowed else { return 0 }
    var failures = 0
    var end = counts.values.reduce(0, +)
    while end > 0 {
      let start = max(0, end - 32)
      for trial in try store.trials(in: study, numbers: Array(start..<end)).reversed() {
        switch trial.state {
        case .failed: failures += 1
        case .completed, .pruned: return failures
        case .waiting, .running: break
        }
        if failures == failuresAllowed { return failures }
      }
      end = start
    }
    return failures
  }
}

extension StoreReader {
  /// The running trials of the study that no worker runs: those that were given back, and those
  /// whose lease ran out or whose process is gone. A trial that never had a lease of ours is
  /// another program's.
  package func interruptedTrials(in study: StudyRecord) throws(StoreError) -> Set<Int> {
    let attempts = try latestAttempts(in: study)
    guard !attempts.isEmpty else { return [] }
    let now = try observedLeaseTime(in: study)
    return Set(attempts.filter { $0.isOver(at: now) }.map(\.trialNumber))
  }
}

extension Attempt {
  /// Whether no worker is on the attempt: it is closed, its lease has run out, or its process is
  /// gone.
  package func isOver(at now: Timestamp) -> Bool {
    outcome != nil || endedAt != nil || deadline <= now
      || WorkerIdentity(name: worker)?.isDead ?? false
  }
}
