package import Objectives
internal import StudyModel
package import Trials

extension CommandOutcome {
  /// Attempts at a trial whose command says each time that it was interrupted (exit code 130).
  package static let interruptionsAllowed = 5

  /// The outcome in the coordinator's words.
  package func trialOutcome(attempt: Int) -> Outcome {
    switch self {
    case .completed(let values): return .completed(values)
    case .pruned, .prunedItself: return .pruned
    case .requeued where attempt > Self.interruptionsAllowed:
      // Else a command that always says so would run for ever.
      return .ended(.failed, reason: "\(reason), at attempt \(attempt)")
    default: return .ended(attemptOutcome, reason: reason)
    }
  }
}
