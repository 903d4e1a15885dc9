internal import System

/// How many trials the workers of one call may still start.
final class TrialBudget: Sendable {
  private let left: Lock<Int>
  private let deadline: ContinuousClock.Instant?

  /// - Parameters:
  ///   - trials: nil for no limit.
  ///   - deadline: After it no trial starts; nil for no limit.
  init(trials: Int?, until deadline: ContinuousClock.Instant?) {
    left = Lock(trials ?? .max)
    self.deadline = deadline
  }

  /// Takes one trial from the budget; false when it is used up.
  func takeOne() -> Bool {
    if let deadline, ContinuousClock.now >= deadline { return false }
    return left.withLock { left in
      guard left > 0 else { return false }
      left -= 1
      return true
    }
  }
}
