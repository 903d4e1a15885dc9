import Coordination
import Stores
import Studies
import StudyFiles
import StudyModel
import Testing
import Trials

/// A study whose first attempts all fail is stopped, in whatever process they failed, and goes on
/// when it is set going again.
@Suite struct FailingTests {
  /// What is saved is worth saving, and a few failures are no proof.
  @Test func someOfTheBudgetIsLeft() {
    for left in 0...1_000 {
      guard let failures = FailureRule.attempts(left: left) else {
        #expect(left <= FailureRule.fewest)
        continue
      }
      #expect(failures < left)
      #expect((FailureRule.fewest...FailureRule.most).contains(failures))
    }
    #expect(FailureRule.attempts(left: 10) == 5)
    #expect(FailureRule.attempts(left: 20) == 10)
    #expect(FailureRule.attempts(left: nil) == 10)
    #expect(FailureRule.attempts(left: -3) == nil)
  }

  @Test(arguments: AttemptOutcome.allCases)
  func onlyFaultsCount(outcome: AttemptOutcome) {
    var rule = FailureRule(left: nil)
    let reasons = (0..<10).map { rule.note(outcome, of: $0, because: "why") }
    let isFault = [.failed, .timedOut, .outOfMemory, .metricMissing].contains(outcome)
    #expect(reasons.compactMap(\.self).count == (isFault ? 1 : 0))
  }

  @Test func aSuccessEndsTheCount() {
    var rule = FailureRule(left: 100)
    for number in 0..<9 { #expect(rule.note(.failed, of: number, because: "why") == nil) }
    #expect(rule.note(nil, of: 9, because: "") == nil)
    for number in 10..<99 { #expect(rule.note(.failed, of: number, because: "why") == nil) }
  }

  /// Submits a study of ten trials, and makes two coordinators of it, as two processes have them.
  private static func bed(
    trials: Int = 10
  ) throws -> (study: StoredStudy, first: Coordinator, second: Coordinator) {
    let file = try StoredStudyTests.file(trials: trials)
    let study = try StoredStudy.submit(
      file, resuming: .always, in: InMemoryStudyStore()
    ).study
    return (
      study, try study.coordinator(file, budget: trials),
      try study.coordinator(file, budget: trials, worker: "another")
    )
  }

  private static func fail(_ coordinator: Coordinator, limit: Int? = 10) throws -> Bool {
    guard let trial = try coordinator.ask(limit: limit) else { return false }
    _ = try coordinator.tell(trial, .ended(.failed, reason: "no luck"))
    return true
  }

  @Test func theStudyIsStoppedForAllWithTheReason() throws {
    let (study, first, second) = try Self.bed()
    var failed = 0
    while try Self.fail(first) { failed += 1 }
    #expect(failed == 5)
    let reason = "the first 5 attempts failed, the last (trial 4) because no luck"
    #expect(try first.failure() == reason)
    #expect(try study.control() == .stopped)
    #expect(try study.failure() == reason)
    #expect(try second.ask(limit: 10) == nil)
    #expect(try second.failure() == reason)
    #expect(try study.trialCount() == 5)
  }

  /// The user's word: the reason is gone, and the count begins anew with what is left.
  @Test func itGoesOnWhenItIsResumed() throws {
    let (study, first, _) = try Self.bed()
    while try Self.fail(first) {}
    try study.setControl(.running)
    first.follow(try study.control())
    #expect(try study.failure() == nil)
    #expect(try first.failure() == nil)
    var failed = 0
    while try Self.fail(first) { failed += 1 }
    #expect(failed == 3)
    #expect(
      try study.failure() == "the first 3 attempts failed, the last (trial 7) because no luck")
  }

  @Test(arguments: [true, false])
  func itGoesOnWhenItIsSubmitted(again isSubmitted: Bool) throws {
    let (study, first, _) = try Self.bed()
    while try Self.fail(first) {}
    _ = try StoredStudy.submit(
      StoredStudyTests.file(trials: 10), resuming: isSubmitted ? .always : .ifStoppedByItself,
      in: study.store)
    #expect(try study.control() == .running)
    #expect(try study.failure() == nil)
  }

  /// A run goes on with a failing study, and not with one that the user has stopped.
  @Test func whatTheUserStoppedStaysStopped() throws {
    let (study, first, _) = try Self.bed()
    while try Self.fail(first) {}
    try study.setControl(.stopped)
    #expect(try study.failure() == nil)
    _ = try StoredStudy.submit(
      StoredStudyTests.file(trials: 10), resuming: .ifStoppedByItself, in: study.store)
    #expect(try study.control() == .stopped)
  }

  @Test func aTrialThatCompletesAfterAllSetsItGoing() throws {
    let (study, first, second) = try Self.bed()
    let slow = try #require(try second.ask(limit: 10))
    while try Self.fail(first) {}
    #expect(try study.control() == .stopped)
    second.follow(.stopped)
    _ = try second.tell(slow, .completed([1]))
    #expect(try study.control() == .running)
    #expect(try study.failure() == nil)
    first.follow(.running)
    #expect(try first.ask(limit: 10) != nil)
  }

  /// Where trials complete elsewhere, only this machine hands out none any more.
  @Test func aMachineOfItsOwnFaultStopsAlone() throws {
    let (study, first, second) = try Self.bed(trials: 40)
    let good = try #require(try second.ask(limit: 40))
    _ = try second.tell(good, .completed([1]))
    var failed = 0
    while try Self.fail(first, limit: 40) { failed += 1 }
    #expect(failed == 10)
    #expect(first.ownFailure != nil)
    #expect(try study.control() == .running)
    #expect(try second.ask(limit: 40) != nil)
  }
}
