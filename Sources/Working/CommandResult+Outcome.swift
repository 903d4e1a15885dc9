package import Objectives
internal import StudyModel
package import Trials

extension CommandResult {
  /// Attempts at a trial whose command says each time that it was interrupted (exit code 130).
  package static let interruptionsAllowed = 5

  /// The outcome in the coordinator's words. The first line of its reason is a sentence; further
  /// ones are the last lines of the command's errors, where the cause may stand above what the
  /// sentence quotes.
  package func trialOutcome(attempt: Int) -> Outcome {
    switch outcome {
    case .completed(let values): return .completed(values)
    case .pruned, .prunedItself, .ended(.pruned, _): return .pruned
    case .requeued where attempt > Self.interruptionsAllowed:
      // Else a command that always says so would run for ever.
      return .ended(.failed, reason: "\(outcome.reason), at attempt \(attempt)")
    default:
      // A single line stands in the sentence already.
      let isQuoted = lastErrors.count == 1 && outcome.reason.hasSuffix(lastErrors[0])
      let lines = [outcome.reason] + (isQuoted ? [] : lastErrors)
      return .ended(outcome.attemptOutcome, reason: lines.joined(separator: "\n"))
    }
  }
}
