/// A request about a trial that makes no sense.
public enum TrialError: Error, Hashable {
  /// The trial was told, given back or lost.
  case notRunning(number: Int)
  /// The same parameter with another kind of distribution in one trial.
  case suggestedDifferently(parameter: String, first: String, second: String)
  /// A queued value that the parameter cannot take.
  case unusableFixedValue(parameter: String, value: String, distribution: String)
  case negativeStep(Int)
  /// Reports and pruning know only one objective.
  case reportWithSeveralObjectives
  /// No point was found at which the search space's constraints hold; `isQueued` when values were
  /// given.
  case noPossiblePoint(constraints: [String], isQueued: Bool)
  /// A constraint whose value is NaN.
  case constraintNotANumber(String)
  /// A seed or another note of the store that cannot be read.
  case unreadableNote(key: String, value: String)
}

extension TrialError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notRunning(let number): "trial \(number) is not running any more; ask for another one"
    case .suggestedDifferently(let name, let first, let second):
      "parameter '\(name)' was \(first) in this trial and is now \(second); rename one of them"
    case .unusableFixedValue(let name, let value, let distribution):
      "the queued value \(value) of parameter '\(name)' is not possible: \(distribution)"
    case .negativeStep(let step): "a value was reported at step \(step); steps count from 0"
    case .reportWithSeveralObjectives:
      "intermediate values need a single objective; leave out report and shouldPrune"
    case .noPossiblePoint(let constraints, let isQueued):
      "no values were found that fulfil \(constraints.map { "'\($0)'" }.joined(separator: " and "))"
        + (isQueued
          ? " with the queued ones; enqueue others"
          : "; loosen the constraints or widen the ranges")
    case .constraintNotANumber(let name):
      "the constraint '\(name)' is NaN; give a number, above 0 where it is violated"
    case .unreadableNote(let key, let value):
      "the store's note '\(key)' is '\(value)', which is not a number; delete the study"
    }
  }
}
