import Coordination
import Pruners
import Samplers
import Stores
import StudyModel
import Testing
import Trials

@Suite struct StudyStatusTests {
  private static func facts(
    _ waiting: Int = 0, _ running: Int = 0, _ completed: Int = 0, _ failed: Int = 0,
    of budget: Int?,
    _ control: StudyControl = .running, interrupted: Int = 0, workers: Int = 0, failures: Int = 0,
    exhausted: Bool = false
  ) -> StudyFacts {
    var facts = StudyFacts(
      counts: [.waiting: waiting, .running: running, .completed: completed, .failed: failed],
      budget: budget)
    facts.control = control
    facts.interrupted = Set(0..<interrupted)
    facts.waitingWorkers = workers
    facts.failuresInARow = failures
    facts.isExhausted = exhausted
    return facts
  }

  /// What a study is, and what may be done with it.
  @Test(
    arguments: [
      (facts(of: nil), .waitingForWorkers, ["pause", "stop"]),
      (facts(of: 10), .waitingForWorkers, ["pause", "stop"]),
      (facts(0, 1, of: 10), .running, ["pause", "stop", "cancel"]),
      (facts(of: 10, workers: 1), .running, ["pause", "stop"]),
      // It has its trials, but one of them is to be run again.
      (facts(0, 2, 8, of: 10, interrupted: 2), .waitingForWorkers, ["pause", "stop"]),
      (facts(0, 2, 8, of: 10, interrupted: 1), .running, ["pause", "stop", "cancel"]),
      (facts(1, 0, 10, of: 10), .waitingForWorkers, ["pause", "stop"]),
      (facts(0, 0, 10, of: 10), .complete, []), (facts(0, 0, 4, 8, of: 10), .complete, []),
      (facts(0, 0, 10, of: nil), .waitingForWorkers, ["pause", "stop"]),
      (facts(0, 0, 9, of: 10), .waitingForWorkers, ["pause", "stop"]),
      // What cannot change any more is said first.
      (facts(0, 0, 10, of: 10, .paused), .complete, []),
      (facts(0, 0, 10, of: 10, .stopped, failures: 10), .complete, []),
      (facts(0, 0, 0, 10, of: 10, failures: 10), .complete, []),
      (facts(0, 0, 6, of: nil, exhausted: true), .exhausted, []),
      (facts(0, 0, 6, of: 10, .paused, exhausted: true), .exhausted, []),
      (facts(0, 0, 10, of: 10, exhausted: true), .complete, []),
      (facts(0, 1, 6, of: 10, exhausted: true), .running, ["pause", "stop", "cancel"]),
      // Then what the user wants.
      (facts(0, 2, 3, of: 10, .paused), .paused, ["resume", "stop", "cancel"]),
      (facts(0, 0, 3, of: 10, .paused), .paused, ["resume", "stop"]),
      (facts(0, 2, 3, of: 10, .stopped), .stopped, ["resume", "cancel"]),
      (facts(0, 2, 3, of: 10, .cancelled), .stopped, ["resume"]),
      (facts(0, 0, 3, of: 10, .stopped, failures: 10), .stopped, ["resume"]),
      // Then what happens.
      (facts(0, 0, 0, 10, of: 99, failures: 10), .failing, ["pause", "stop"]),
      (facts(0, 3, 0, 10, of: 99, failures: 10), .failing, ["pause", "stop", "cancel"]),
      (facts(0, 3, 0, 10, of: 99, failures: 9), .running, ["pause", "stop", "cancel"]),
    ] as [(StudyFacts, StudyStatus, [String])])
  func cases(facts: StudyFacts, status: StudyStatus, actions: [String]) {
    #expect(facts.status == status)
    #expect(facts.actions == actions)
  }

  /// Every combination has one status, which is true of it, and offers only what changes something.
  @Test(arguments: StudyControl.allCases) func everyCombination(control: StudyControl) {
    for running in 0...2 {
      for interrupted in 0...running {
        for (waiting, completed, failed) in [(0, 0, 0), (1, 0, 0), (0, 3, 0), (0, 0, 3), (1, 2, 2)]
        {
          for budget in [nil, 1, 3, 5, 9] as [Int?] {
            for (failures, exhausted, workers) in [
              (0, false, 0), (10, false, 0), (0, true, 0), (10, true, 2), (0, false, 2),
            ] {
              let facts = Self.facts(
                waiting, running, completed, failed, of: budget, control, interrupted: interrupted,
                workers: workers, failures: failures, exhausted: exhausted)
              let isOver = waiting + running == 0
              let hasAll = budget.map { completed + failed + running + waiting >= $0 } ?? false
              switch facts.status {
              case .complete: #expect(isOver && hasAll)
              case .exhausted: #expect(isOver && exhausted && !hasAll)
              case .stopped: #expect(control == .stopped || control == .cancelled)
              case .paused: #expect(control == .paused)
              case .failing: #expect(control == .running && failures >= StudyFacts.failuresAllowed)
              case .running: #expect(control == .running && running - interrupted + workers > 0)
              case .waitingForWorkers:
                #expect(control == .running && running == interrupted && workers == 0)
              }
              #expect(!(isOver && hasAll) || facts.status == .complete)
              #expect(
                facts.actions.contains("resume") == [.paused, .stopped].contains(facts.status))
              #expect(!facts.actions.contains("cancel") || running > interrupted)
              #expect(Set(facts.actions).count == facts.actions.count)
              let left = facts.remaining(rate: 2, duration: nil)
              #expect(left == nil || facts.status == .running && left! > .zero)
            }
          }
        }
      }
    }
  }

  @Test func tellsTheTimeLeft() {
    let facts = Self.facts(0, 4, 10, of: 30)
    #expect(facts.remaining(rate: 2, duration: nil) == .seconds(10))
    #expect(facts.remaining(rate: nil, duration: .seconds(8)) == .seconds(40))
    #expect(facts.remaining(rate: nil, duration: nil) == nil)
    // The last ones take as long as one takes.
    #expect(Self.facts(0, 4, 28, of: 30).remaining(rate: nil, duration: .seconds(8)) == .seconds(8))
    #expect(Self.facts(0, 4, 10, of: nil).remaining(rate: 2, duration: nil) == nil)
    #expect(Self.facts(0, 4, 10, of: 30, .paused).remaining(rate: 2, duration: nil) == nil)
  }

  // MARK: Reading

  @Test func readsAStore() throws {
    let store = InMemoryStudyStore()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    func facts(of budget: Int? = 20, isExhausted: Bool = false) throws -> StudyFacts {
      try StudyFacts(study, in: store, budget: budget) { isExhausted }
    }
    func ask(lasting: Duration) throws -> Lease? {
      let now = try store.leaseTime(in: study)
      let request = LeaseRequest(worker: "w", now: now, deadline: now.advanced(by: lasting))
      let running = Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: now)
      return try store.createTrial(running, in: study, lease: request).1
    }
    #expect(try facts().status == .waitingForWorkers)
    // Another program's, a live one, one that was given back, and one whose lease ran out.
    _ = try ask(lasting: .seconds(60))
    #expect(try facts().status == .running)
    let second = try #require(try ask(lasting: .seconds(60)))
    _ = try ask(lasting: .zero)
    #expect(
      try store.close(
        second, as: .interrupted, reason: "Ctrl-C", retryAt: try store.leaseTime(in: study)))
    let mixed = try facts()
    #expect(mixed.interrupted == [1, 2])
    #expect(mixed.live == 1)
    try store.setControl(.paused, of: study)
    #expect(try facts().status == .paused)
    try store.setControl(.running, of: study)
    for _ in 0..<10 {
      let failed = Trial(TrialReference(id: 0, number: 0), state: .failed)
      _ = try store.createTrial(failed, in: study, lease: nil)
    }
    #expect(try facts().failuresInARow == 10)
    #expect(try facts().status == .failing)
    // A success ends the row; what was read before is taken while no trial has changed.
    let before = try facts()
    let good = Trial(TrialReference(id: 0, number: 0), state: .completed, values: [1])
    _ = try store.createTrial(good, in: study, lease: nil)
    let after = try StudyFacts(study, in: store, budget: 20, after: before) { false }
    #expect(after.failuresInARow == 0)
    #expect(try StudyFacts(study, in: store, budget: 20, after: after) { true } == after)
  }

  /// Only a study without anything to run is asked whether all was tried.
  @Test func asksForTheEndWhereItMatters() throws {
    let store = InMemoryStudyStore()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let unasked = { () throws -> Bool in
      Issue.record("it was asked")
      return true
    }
    #expect(
      try StudyFacts(study, in: store, budget: nil, isExhausted: unasked).status
        == .waitingForWorkers)
    let good = Trial(TrialReference(id: 0, number: 0), state: .completed, values: [1])
    _ = try store.createTrial(good, in: study, lease: nil)
    #expect(try StudyFacts(study, in: store, budget: 1, isExhausted: unasked).status == .complete)
    #expect(try StudyFacts(study, in: store, budget: 2) { true }.status == .exhausted)
    #expect(try StudyFacts(study, in: store, budget: nil) { true }.status == .exhausted)
  }
}
