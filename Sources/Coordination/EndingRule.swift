package import StudyModel

/// Follows a study's finished trials for what ends it before its trials are used up.
///
/// What counts is all that the study has, in whatever process it ran; so every coordinator of a
/// study comes to the same verdict, also one that is made later. The order is that in which the
/// history learned of ends: that of time for those that came while it followed, and by number for
/// those that were there before.
package struct EndingRule: Sendable {
  /// Why a study ends.
  package struct Verdict: Sendable, Hashable {
    /// In a clause such as `the target 0.95 is reached with 0.96`.
    package let sentence: String
    /// Whether that is what was wanted.
    package let isSuccess: Bool
  }

  private let ending: StudyEnding
  private let direction: Direction
  private var best: Double?
  private var finished = 0
  private var finishedAtBest = 0
  private var failed = 0
  /// How many of the history's ends were taken in.
  private var taken = 0

  /// A share of failures says nothing before so many trials have finished.
  private static let leastForShare = 4

  /// - Parameter direction: Of the only objective, or the first one.
  package init(_ ending: StudyEnding, _ direction: Direction) {
    self.ending = ending
    self.direction = direction
  }

  /// Takes in what has finished since the last time.
  package mutating func follow(_ history: TrialHistory) {
    for number in history.finishedOrder[taken...] {
      add(
        history.states[number], history.values[number], violation: history.violation(of: number))
    }
    taken = history.finishedOrder.count
  }

  /// Takes in a trial that has finished.
  ///
  /// - Parameters:
  ///   - value: Of the first objective; NaN without one.
  ///   - violation: 0 where the trial is feasible.
  package mutating func add(_ state: TrialState, _ value: Double, violation: Double) {
    finished += 1
    if state == .failed { failed += 1 }
    guard state == .completed, !value.isNaN, violation <= 0 else { return }
    if best.map({ direction.isBetter(value, than: $0) }) ?? true {
      best = value
      finishedAtBest = finished
    }
  }

  /// Why the study ends now; nil while it goes on.
  package var verdict: Verdict? {
    if let target = ending.target, let best,
      best == target || direction.isBetter(best, than: target)
    {
      return Verdict(sentence: "the target \(target) is reached with \(best)", isSuccess: true)
    }
    if let limit = ending.noProgress, best != nil, finished - finishedAtBest >= limit {
      return Verdict(
        sentence: "the last \(limit) trials brought no better value", isSuccess: true)
    }
    if let limit = ending.failures, failed > limit {
      return Verdict(
        sentence: "\(failed) trials have failed, more than \(limit)", isSuccess: false)
    }
    if let share = ending.failedShare, finished >= Self.leastForShare,
      Double(failed) > share * Double(finished)
    {
      return Verdict(
        sentence: "\(failed) of \(finished) trials have failed, more than \(share * 100) %",
        isSuccess: false)
    }
    return nil
  }
}
