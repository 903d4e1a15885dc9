internal import JSON
internal import Stores
internal import StudyModel
internal import Testing

extension StoreSuite {
  /// What several steps do is seen whole or not at all, also where they depend on each other and
  /// one of them fails.
  package static func showsStepsTogether(in bed: StoreBed) async throws {
    let (store, reader) = (try bed.open(), try bed.open())
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var leases: [Lease] = []
    for _ in 0..<2 {
      leases.append(
        try #require(
          try store.createTrial(runningTrial(), in: study, lease: request("w")).1))
    }
    let (ended, _) = try store.createTrial(runningTrial(), in: study, lease: nil)
    try store.commit(
      [TrialChange(ended, .finished(.failed, values: [], at: end))], to: study, under: [],
      durability: .process)
    let turns = 60
    func note(_ turn: Int, _ key: String, of lease: Lease) -> StoreStep {
      .commit(
        [TrialChange(lease.trial, .userAttributeSet(Attribute(key, .integer(turn))))],
        under: [lease])
    }
    let (first, second) = (leases[0], leases[1])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for turn in 1...turns {
          let results = try store.perform(
            [
              note(turn, "a", of: first), note(turn, "a", of: second),
              .commit([TrialChange(ended, .userAttributeSet(Attribute("a", 0)))], under: []),
              note(turn, "b", of: first),
            ], in: study)
          guard results.count == 4, case .committed = results[0], case .committed = results[1],
            case .failed(.trialFinished(number: 2)) = results[2], case .committed = results[3]
          else {
            Issue.record("\(results)")
            throw CancellationError()
          }
        }
      }
      group.addTask {
        var seen: [JSONValue] = []
        repeat {
          try Task.checkCancellation()
          seen = try reader.trials(in: study, numbers: [0, 1]).flatMap {
            $0.userAttributes.map(\.value)
          }
          #expect(Set(seen).count <= 1 && (seen.isEmpty || seen.count == 3), "\(seen)")
        } while seen.last != .integer(turns)
      }
      try await group.waitForAll()
    }
  }

  /// A read-only view says of everything what the store behind it says, and changes nothing.
  package static func showsWithoutWriting(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    try store.set(Attribute("k", 1), .user, of: study)
    try store.setNote("n", to: "text", of: study)
    try store.setStoreNote("m", to: "text")
    let (trial, open) = try store.createTrial(runningTrial(), in: study, lease: request("w"))
    let lease = try #require(open)
    let (closed, next) = try store.createTrial(runningTrial(), in: study, lease: request("v"))
    _ = try store.close(
      try #require(next), as: .tryAgain, reason: "again", retryAt: later(30))
    let (best, _) = try store.createTrial(
      Trial(
        TrialReference(id: 0, number: 0), state: .completed, values: [2], startedAt: start,
        completedAt: end), in: study, lease: nil)
    _ = try store.createTrial(waitingTrial(x: 1), in: study, lease: nil)
    let shown = ReadOnlyStore(store)

    #expect(shown.location == store.location)
    #expect(shown.mayForget == store.mayForget)
    #expect((shown.watch { _ in } == nil) == (store.watch { _ in } == nil))
    let here = try store.leaseTime(in: study)
    for time in [try shown.leaseTime(in: study), try shown.observedLeaseTime(in: study)] {
      #expect(time >= here && time.since(here) < .seconds(60))
    }
    #expect(try shown.study(named: "s") == study)
    #expect(try shown.studies() == [study])
    #expect(try shown.damagedStudies() == store.damagedStudies())
    #expect(try shown.attributes(.user, of: study) == [Attribute("k", 1)])
    #expect(try shown.note("n", of: study) == "text")
    #expect(
      try shown.notes(of: study).map(\.key) == store.notes(of: study).map(\.key))
    #expect(try shown.storeNotes(withPrefix: "").map(\.key) == ["m"])
    #expect(try shown.glance(at: ["n"]) == store.glance(at: ["n"]))
    #expect(try shown.trials(in: study, numbers: nil).count == 4)
    #expect(try shown.numbers(of: .waiting, in: study, from: 0..<9, atMost: 9) == [3])
    #expect(try shown.counts(in: study) == [.running: 2, .completed: 1, .waiting: 1])
    #expect(try shown.bestTrial(in: study)?.reference == best)
    #expect(try shown.hasClaimable(in: study, at: later(0)))
    #expect(try shown.openLeases(in: study) == [lease])
    #expect(try shown.latestAttempts(in: study).map(\.trialNumber) == [0, 1])
    #expect(try shown.attempts(of: 1, in: study) == store.attempts(of: 1, in: study))
    #expect(try shown.attempts(in: study) == store.attempts(in: study))
    #expect(try shown.workers(in: study) == [0: "w", 1: "v"])
    var cursors = [StoreCursor(), StoreCursor()]
    #expect(
      try shown.changes(in: study, since: &cursors[0])
        == store.changes(in: study, since: &cursors[1]))
    var history = TrialHistory(directions: [.minimize])
    cursors[0] = StoreCursor()
    try shown.read(in: study, since: &cursors[0], into: &history)
    #expect(history.count == 4)

    let changes: [TrialChange] = [TrialChange(trial, .userAttributeSet(Attribute("k", 1)))]
    let before = try store.contents(of: study)
    let refusal = StoreError.readOnly(location: store.location)
    #expect(throws: refusal) { try shown.createStudy(named: "t", directions: [.minimize]) }
    #expect(throws: refusal) { try shown.delete(study) }
    #expect(throws: refusal) { try shown.set(Attribute("k", 2), .user, of: study) }
    #expect(throws: refusal) {
      try shown.add(StudyContents(name: "t", directions: [.minimize]))
    }
    #expect(throws: refusal) { try shown.setNote("n", to: "other", of: study) }
    #expect(throws: refusal) { try shown.setStoreNote("m", to: nil) }
    #expect(throws: refusal) { try shown.claim("p", for: 0, from: nil, of: study) }
    #expect(throws: refusal) {
      try shown.createTrial(waitingTrial(x: 1), in: study, lease: nil, limit: nil) != nil
    }
    #expect(throws: refusal) {
      try shown.commit(changes, to: study, under: [], durability: .process)
    }
    #expect(throws: refusal) { try shown.perform([.commit(changes, under: [])], in: study) }
    #expect(throws: refusal) {
      try shown.claimTrial(in: study, lease: request("x")) != nil
    }
    #expect(throws: refusal) {
      try shown.renew([LeaseRenewal(lease, until: later(90))], in: study)
    }
    #expect(throws: refusal) {
      try shown.close(lease, as: .failed, reason: "", retryAt: start)
    }
    #expect(throws: refusal) { try shown.addLateResult("late", reports: [], to: lease) }
    let after = try store.contents(of: study)
    #expect(after.trials == before.trials && after.attempts.count == before.attempts.count)
    #expect(after.notes.map(\.text) == before.notes.map(\.text))
    #expect(try store.storeNotes(withPrefix: "").map(\.text) == ["text"])
    #expect(try store.openLeases(in: study) == [lease])
    #expect(closed.number == 1)
    // What was written before is on the disk for a reader that asks, too.
    try shown.synchronize()
  }
}
