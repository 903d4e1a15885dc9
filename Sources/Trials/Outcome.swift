public import StudyModel

/// How an attempt at a trial ended, as the worker that ran it says.
public enum Outcome: Sendable, Hashable {
  /// The objective returned one value per direction. NaN or a wrong count make it a failure.
  case completed([Double])
  /// It was stopped early; its last report becomes its value.
  case pruned
  /// It ended otherwise; whether it is tried again is the retry policy's business.
  case ended(AttemptOutcome, reason: String)

  /// The outcome after checking the values against the number of objectives: Optuna's rules for
  /// `tell`.
  package func checked(objectives: Int) -> Outcome {
    guard case .completed(let values) = self else { return self }
    if values.count != objectives {
      return .ended(
        .failed, reason: "the objective returned \(values.count) values instead of \(objectives)")
    }
    if values.contains(where: \.isNaN) {
      return .ended(.failed, reason: "the objective returned NaN")
    }
    return self
  }

  /// The class in which the study keeps it, unless it fails the check.
  package var kind: AttemptOutcome {
    switch self {
    case .completed: .completed
    case .pruned: .pruned
    case .ended(let kind, _): kind
    }
  }
}
