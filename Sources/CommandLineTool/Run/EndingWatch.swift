internal import StudyFiles
internal import StudyModel

/// Follows a study's finished trials for what ends it before its trials are used up.
struct EndingWatch {
  private let ending: StudyEnding
  private let direction: Direction
  private var best: Double?
  /// The number of the trial with the best value.
  private var finished = 0
  private var finishedAtBest = 0
  private var failed = 0
  private var seen: Set<Int> = []

  /// A share of failures says nothing before so many trials have finished.
  private static let leastForShare = 4

  init(_ ending: StudyEnding, _ direction: Direction) {
    self.ending = ending
    self.direction = direction
  }

  /// Takes a trial that has finished; each counts once.
  mutating func add(_ trial: Trial) {
    guard trial.state.isFinished, seen.insert(trial.number).inserted else { return }
    finished += 1
    if trial.state == .failed { failed += 1 }
    guard trial.state == .completed, let value = trial.values.first, !value.isNaN,
      Trial.violation(of: trial.systemAttributes) <= 0
    else { return }
    if best.map({ direction.isBetter(value, than: $0) }) ?? true {
      best = value
      finishedAtBest = finished
    }
  }

  /// Why the study ends now, in a sentence, and whether that is what was wanted; nil while it goes
  /// on.
  var reason: (sentence: String, isSuccess: Bool)? {
    if let target = ending.target, let best,
      best == target || direction.isBetter(best, than: target)
    {
      return ("the target \(target) is reached with \(best)", true)
    }
    if let limit = ending.noProgress, best != nil, finished - finishedAtBest >= limit {
      return ("the last \(limit) trials brought no better value", true)
    }
    if let limit = ending.failures, failed > limit {
      return ("\(failed) trials have failed, more than \(limit)", false)
    }
    if let share = ending.failedShare, finished >= Self.leastForShare,
      Double(failed) > share * Double(finished)
    {
      return (
        "\(failed) of \(finished) trials have failed, more than \(share * 100) %", false
      )
    }
    return nil
  }
}
