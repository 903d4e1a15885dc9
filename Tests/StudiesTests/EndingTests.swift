import Coordination
import Stores
import Studies
import StudyFiles
import StudyModel
import Testing
import Trials

/// What ends a study before its trials are used up, in whatever process its trials ran.
@Suite struct EndingTests {
  /// How a trial of a made-up study ended.
  private enum End: CaseIterable {
    case good, same, bad, infeasible, pruned, failed, notANumber
  }

  /// The rule as its description says it, from all ends at once.
  private static func expectation(
    _ ends: [(End, Double)], _ ending: StudyEnding, _ direction: Direction
  ) -> Bool? {
    var best: Double?
    var place = 0
    for (number, (end, value)) in ends.enumerated()
    where [.good, .same, .bad].contains(end) {
      if best.map({ direction.isBetter(value, than: $0) }) ?? true {
        (best, place) = (value, number)
      }
    }
    let failed = ends.count { $0.0 == .failed }
    if let target = ending.target, let best,
      direction == .minimize ? best <= target : best >= target
    {
      return true
    }
    if let limit = ending.noProgress, best != nil, ends.count - 1 - place >= limit { return true }
    if let limit = ending.failures, failed > limit { return false }
    if let share = ending.failedShare, ends.count >= 4, Double(failed) > share * Double(ends.count)
    {
      return false
    }
    return nil
  }

  @Test(arguments: 0..<200) func keepsToItsDescription(_ seed: UInt64) {
    var bits = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func below(_ bound: Int) -> Int {
      // Knuth's linear congruential generator, of which the high bits are good enough here.
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(bits >> 33) % bound
    }
    var ending = StudyEnding()
    if below(2) == 0 { ending.target = Double(below(9)) }
    if below(2) == 0 { ending.noProgress = 1 + below(6) }
    if below(2) == 0 { ending.failures = below(5) }
    if below(2) == 0 { ending.failedShare = Double(below(10)) / 10 }
    let direction: Direction = below(2) == 0 ? .minimize : .maximize
    var rule = EndingRule(ending, direction)
    var ends: [(End, Double)] = []
    for _ in 0..<20 {
      let end = End.allCases[below(End.allCases.count)]
      let value = end == .notANumber ? .nan : Double(below(20))
      let state: TrialState =
        switch end {
        case .failed: .failed
        case .pruned: .pruned
        default: .completed
        }
      rule.add(state, value, violation: end == .infeasible ? 1 : 0)
      ends.append((end, value))
      #expect(rule.verdict?.isSuccess == Self.expectation(ends, ending, direction))
    }
  }

  /// Submits a study, and makes two coordinators of it, as two processes have them.
  private static func bed(
    _ until: String, in store: any StudyStore = InMemoryStudyStore()
  ) throws -> (study: StoredStudy, first: Coordinator, second: Coordinator) {
    let file = try StoredStudyTests.file(trials: 50, more: "until: \(until)\nsampler: random")
    let study = try StoredStudy.submit(file, resuming: .always, in: store).study
    return (
      study, try study.coordinator(file, budget: 50),
      try study.coordinator(file, budget: 50, worker: "another")
    )
  }

  /// Both know the trials of both, though their sampler reads none.
  @Test func endsForAllThatShareTheStudy() throws {
    let (study, first, second) = try Self.bed("{no_progress: 3}")
    let trials = try (0..<5).map { place in
      try #require(try (place % 2 == 0 ? first : second).ask(limit: 50))
    }
    for (place, trial) in trials.prefix(4).enumerated() {
      #expect(try study.ending() == nil)
      _ = try (place % 2 == 0 ? first : second).tell(trial, .completed([1]))
    }
    let reason = "the last 3 trials brought no better value"
    #expect(try study.ending() == reason)
    #expect(try study.control() == .stopped)
    #expect(try first.ask(limit: 50) == nil)
    #expect(try second.ask(limit: 50) == nil)
    // What runs is finished.
    #expect(try first.tell(trials[4], .completed([2])).state == .completed)
    #expect(try study.ending() == reason)
    #expect(try study.trialCount() == 5)
  }

  /// The end that reaches the target and a request for another trial come in one exchange.
  @Test func handsOutNothingBesideTheEnd() throws {
    let (study, first, _) = try Self.bed("{target: 0.5}")
    let trial = try #require(try first.ask(limit: 50))
    let result = try first.exchange(
      [TrialEnd(trial, .completed([0.25]))], [TrialRequest(worker: "w", count: 3)], limit: 50)
    #expect(try result.told[0].get().state == .completed)
    #expect(result.taken.joined().isEmpty)
    #expect(try study.trialCount() == 1)
    #expect(try study.ending() == "the target 0.5 is reached with 0.25")
  }

  /// Another coordinator, later, comes to the same verdict before it hands anything out; with a
  /// greater target the study goes on.
  @Test func goesOnWhenTheFileSaysMore() throws {
    let (study, first, _) = try Self.bed("{target: 0.5}")
    _ = try first.tell(try #require(try first.ask(limit: 50)), .completed([0.25]))
    let again = try Self.bed("{target: 0.5}", in: study.store)
    #expect(try again.study.ending() != nil)
    #expect(try again.first.ask(limit: 50) == nil)
    let more = try Self.bed("{target: 0.1}", in: study.store)
    #expect(try more.study.ending() == nil)
    #expect(try more.study.control() == .running)
    #expect(try more.first.ask(limit: 50) != nil)
  }

  /// A user who has stopped it is not overruled, and what the user resumes ends for the same
  /// reason.
  @Test func leavesTheUsersWord() throws {
    let (study, first, _) = try Self.bed("{failures: 1}")
    let trials = try (0..<2).map { _ in try #require(try first.ask(limit: 50)) }
    try study.setControl(.stopped)
    first.follow(.stopped)
    for trial in trials { _ = try first.tell(trial, .ended(.failed, reason: "no luck")) }
    #expect(try study.control() == .stopped)
    #expect(try study.failure() == nil)
    try study.setControl(.running)
    first.follow(.running)
    #expect(try first.ask(limit: 50) == nil)
    #expect(try study.failure() == "2 trials have failed, more than 1")
    #expect(first.ownFailure == "2 trials have failed, more than 1")
  }

  @Test func aStudyThatHasEndedIsComplete() throws {
    let (study, first, _) = try Self.bed("{target: 0.5}")
    let trials = try (0..<2).map { _ in try #require(try first.ask(limit: 50)) }
    func status() throws -> StudyStatus {
      try StudyFacts(study.record, in: study.store, budget: 50) { false }.status
    }
    _ = try first.tell(trials[0], .completed([0.25]))
    #expect(try status() == .stopped)
    _ = try first.tell(trials[1], .completed([0.75]))
    #expect(try status() == .complete)
  }
}
