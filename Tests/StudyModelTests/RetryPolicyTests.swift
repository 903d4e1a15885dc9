import StudyModel
import Testing

/// Which attempts are followed by another one, up to the last that may be.
@Suite struct RetryPolicyTests {
  /// How many attempts a trial gets in all when every one ends as `outcome`; at most 1000.
  private func attempts(_ policy: RetryPolicy, ending outcome: AttemptOutcome) -> Int {
    var earlier: [AttemptOutcome] = []
    while earlier.count < 999, policy.retries(outcome, after: earlier) { earlier.append(outcome) }
    return earlier.count + 1
  }

  /// By default only what is not the objective's fault is repeated, and never for ever.
  @Test(arguments: AttemptOutcome.allCases)
  func theDefaultRepeatsWhatIsNotTheObjectivesFault(outcome: AttemptOutcome) {
    let expected =
      switch outcome {
      case .preempted, .interrupted: 101
      case .lost: 6
      case .tryAgain: 4
      default: 1
      }
    #expect(attempts(RetryPolicy(), ending: outcome) == expected)
  }

  @Test(arguments: AttemptOutcome.allCases, [1, 2, 7])
  func givesEachKindOfFailureItsRetries(outcome: AttemptOutcome, count: Int) {
    let expected =
      switch outcome {
      case .preempted, .interrupted: 101
      case .lost: 6
      case .tryAgain: max(count, 3) + 1
      case .failed, .timedOut, .outOfMemory: count + 1
      default: 1
      }
    #expect(attempts(RetryPolicy(count: count), ending: outcome) == expected)
  }

  /// Failures of several kinds use up one budget; what is no failure uses up none of it.
  @Test func countsFailuresTogetherAndOthersApart() {
    let policy = RetryPolicy(count: 2)
    #expect(policy.retries(.failed, after: [.timedOut]))
    #expect(!policy.retries(.failed, after: [.timedOut, .outOfMemory]))
    let others: [AttemptOutcome] = [.lost, .preempted, .interrupted, .tryAgain]
    #expect(policy.retries(.failed, after: others + [.failed]))
    #expect(policy.retries(.lost, after: Array(repeating: .preempted, count: 50)))
    #expect(policy.retries(.preempted, after: Array(repeating: .interrupted, count: 100)))
  }

  @Test func repeatsOnlyTheOutcomesThatItNames() {
    let policy = RetryPolicy(count: 5, outcomes: [.timedOut])
    #expect(attempts(policy, ending: .timedOut) == 6)
    #expect(attempts(policy, ending: .failed) == 1)
    #expect(policy.retries(.timedOut, after: Array(repeating: .failed, count: 9)))
    #expect(attempts(RetryPolicy(count: 5, outcomes: []), ending: .failed) == 1)
  }
}
