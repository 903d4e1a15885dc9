internal import Stores
internal import StudyModel

/// Steps that can be done at once, sorted by what they do: no trial is in two of them, and trials
/// are taken last, so that their order makes no difference.
struct StepPlan {
  /// What became of a step in the plan.
  enum Kind {
    /// It can never be done.
    case failed(StoreError)
    case commit
    /// Its place among ``closes``.
    case close(Int)
    /// Its place among ``takes``.
    case take(Int)
  }

  struct Close {
    let lease: Lease
    let outcome: AttemptOutcome
    let reason: String
    let retryAt: Timestamp
  }

  /// By step.
  private(set) var kinds: [Kind] = []
  /// The changes of all commits.
  let batch: Batch
  /// The leases that the commits are made under, by ascending id of their trials.
  let leases: [Lease]
  private(set) var closes: [Close] = []
  private(set) var takes: [PlannedTake] = []

  /// Sorts the steps; nil when they depend on each other.
  init?(_ steps: [StoreStep], objectives: Int) {
    var met: Set<Int> = []
    var changes: [TrialChange] = []
    var leases: [Lease] = []
    for step in steps {
      switch step {
      case .commit(let new, let own):
        guard takes.isEmpty else { return nil }
        do throws(StoreError) {
          _ = try Batch(new, objectives: objectives)
        } catch {
          kinds.append(.failed(error))
          continue
        }
        for id in Set(new.map(\.trial.id)).union(own.map(\.trial.id)) {
          guard met.insert(id).inserted else { return nil }
        }
        changes += new
        leases += own
        kinds.append(.commit)
      case .close(let lease, let outcome, let reason, let retryAt):
        guard takes.isEmpty, met.insert(lease.trial.id).inserted else { return nil }
        kinds.append(.close(closes.count))
        closes.append(
          Close(lease: lease, outcome: outcome, reason: reason, retryAt: retryAt))
      case .take(let request, let limit):
        kinds.append(.take(takes.count))
        takes.append(PlannedTake(request, limit: limit))
      }
    }
    do throws(StoreError) {
      batch = try Batch(changes, objectives: objectives)
    } catch {
      // Two steps give a new parameter different kinds.
      return nil
    }
    self.leases = leases.sorted { $0.trial.id < $1.trial.id }
  }
}
