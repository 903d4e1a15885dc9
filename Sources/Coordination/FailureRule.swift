package import StudyModel

/// When a study counts as failing: the first attempts that are made after it was set going all
/// failed, so that a typing error does not use up its budget.
///
/// A study is set going when it is created, submitted, run or resumed, and in the library by a call
/// of `optimize`. The attempts that count are those of one coordinator: a run, a serve, a worker on
/// a store, a library process. A failing study is stopped (``StudyControl/stopped``) with its
/// reason beside it, in the store, so that every coordinator of it stops handing out trials. What
/// runs is finished; when that completes, the study goes on by itself, and else when it is set
/// going again.
package struct FailureRule: Sendable, Hashable {
  /// How many trials the study may get yet; nil for no limit.
  private var left: Int?
  /// After how many failures; nil for never.
  private var allowed: Int?
  private var failures = 0
  private var hasSucceeded = false

  /// The most attempts that may fail.
  package static let most = 10
  /// The fewest: less may be chance. A budget that is not larger has nothing to save.
  package static let fewest = 3

  /// After how many attempts that all failed a study is failing: half of the trials that it has
  /// left, from 3 to 10 of them; nil when it has no more than 3 left.
  ///
  /// - Parameter left: How many trials it may get yet; nil for no limit.
  package static func attempts(left: Int?) -> Int? {
    guard let left else { return most }
    return left > fewest ? min(most, max(fewest, (left + 1) / 2)) : nil
  }

  /// A rule by which no study is ever failing.
  package init() {}

  /// - Parameter left: How many trials the study may get yet; nil for no limit.
  package init(left: Int?) {
    self.left = left
    allowed = Self.attempts(left: left)
  }

  /// Takes note of how an attempt ended.
  ///
  /// - Parameter outcome: nil when the trial completed or was pruned.
  /// - Returns: Why the study is failing, in a sentence; nil while it is not.
  package mutating func note(
    _ outcome: AttemptOutcome?, of trial: Int, because reason: String
  ) -> String? {
    guard let outcome else {
      hasSucceeded = true
      return nil
    }
    guard outcome.isFault, !hasSucceeded, let allowed else { return nil }
    failures += 1
    guard failures >= allowed else { return nil }
    // The last lines of what the program said stand with the trial.
    let because = reason.prefix { !$0.isNewline }
    return "the first \(failures) attempts failed, the last (trial \(trial)) because \(because)"
  }

  /// Begins to count anew, with what the failures have left of the budget.
  package mutating func startOver() {
    guard allowed != nil, failures > 0 else { return }
    left = left.map { $0 - failures }
    failures = 0
    allowed = Self.attempts(left: left)
  }
}

extension AttemptOutcome {
  /// Whether the objective or its surroundings are to blame, and not a user's wish.
  package var isFault: Bool {
    switch self {
    case .failed, .timedOut, .outOfMemory, .metricMissing: true
    default: false
    }
  }
}
