internal import Stores
internal import StudyModel

/// Steps that depend on each other, with what has to be known of them when the answer to a call is
/// lost.
struct StepSequence {
  /// A step as it is sent.
  enum Step {
    /// It can never be done.
    case failed(StoreError)
    case commit(Batch, under: [Lease])
    case close(Lease, as: AttemptOutcome, reason: String, retryAt: Timestamp)
    case take(PlannedTake)
  }

  /// What became of a step, before its transaction is committed.
  enum Answer {
    case failed(Failure)
    case committed
    case closed(wasLive: Bool)
    case taken(PlannedTake, Rows)
  }

  let steps: [Step]

  init(_ steps: [StoreStep], objectives: Int) {
    self.steps = steps.map { step in
      switch step {
      case .commit(let changes, let leases):
        do throws(StoreError) {
          return .commit(
            try Batch(changes, objectives: objectives),
            under: leases.sorted { $0.trial.id < $1.trial.id })
        } catch { return .failed(error) }
      case .close(let lease, let outcome, let reason, let retryAt):
        return .close(lease, as: outcome, reason: reason, retryAt: retryAt)
      case .take(let request, let limit): return .take(PlannedTake(request, limit: limit))
      }
    }
  }

  /// The parameters of all commits.
  var parameters: Set<String> {
    steps.reduce(into: []) {
      if case .commit(let batch, _) = $1 { $0.formUnion(batch.kinds.keys) }
    }
  }

  /// The ids of the trials that are changed, ascending.
  var trials: [Int] {
    var ids: Set<Int> = []
    for step in steps {
      switch step {
      case .commit(let batch, let leases):
        ids.formUnion(batch.trials.map(\.id))
        ids.formUnion(leases.map(\.trial.id))
      case .close(let lease, _, _, _): ids.insert(lease.trial.id)
      case .take, .failed: break
      }
    }
    return ids.sorted()
  }

  /// The tokens of the leases under which trials end.
  var endingLeases: Set<String> {
    steps.reduce(into: []) {
      guard case .commit(let batch, let leases) = $1, !batch.ends.ids.isEmpty else { return }
      $0.formUnion(leases.map(\.token))
    }
  }

  /// Whether a trial ends, which waits for the disk.
  var isDurable: Bool {
    steps.contains {
      if case .commit(let batch, _) = $0 { !batch.ends.ids.isEmpty } else { false }
    }
  }
}
