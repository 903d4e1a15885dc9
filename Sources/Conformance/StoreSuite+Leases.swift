internal import StudyModel
internal import Synchronization
internal import Testing

extension StoreSuite {
  /// Twenty threads take a queue of trials: each trial is taken once, in order for each thread.
  package static func claimsEachTrialOnce(in bed: StoreBed) async throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let count = 100
    for index in 0..<count {
      _ = try store.createTrial(waitingTrial(x: Double(index)), in: study, lease: nil)
    }
    let claimed = try await withThrowingTaskGroup(of: [(Trial, Lease)].self) { group in
      for worker in 0..<20 {
        // Half of them share an object, the others have their own.
        let own = worker.isMultiple(of: 2) ? store : try bed.open()
        group.addTask {
          var mine: [(Trial, Lease)] = []
          while let claim = try own.claimTrial(in: study, lease: request("w\(worker)")) {
            mine.append(claim)
          }
          return mine
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(claimed.map(\.0.number).sorted() == Array(0..<count))
    #expect(Set(claimed.map(\.1.token)).count == count)
    for (trial, lease) in claimed {
      #expect(lease.trial == trial.reference)
      #expect(lease.attempt == 1)
      #expect(trial.state == .running)
      #expect(trial.startedAt == start)
      #expect(trial.systemAttributes.first?.value["x"]?.number == Double(trial.number))
    }
    #expect(try store.counts(in: study) == [.running: count])
    #expect(try store.claimTrial(in: study, lease: request("late")) == nil)
  }

  /// A lease that runs out frees its trial: the reports move to the attempt's record, the late
  /// result is refused, and the new attempt's is taken.
  package static func fencesLostAttempts(in bed: StoreBed) throws {
    let (store, other) = (try bed.open(), try bed.open())
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, first) = try store.createTrial(runningTrial(), in: study, lease: request("a"))
    let lost = try #require(first)
    #expect(lost.attempt == 1)
    let parameter = ParameterAssignment("x", range, internalValue: 2)
    let reports = [IntermediateValue(step: 1, value: .nan), IntermediateValue(step: 4, value: 2.5)]
    try store.commit(
      [TrialChange(trial, .parameterSet(parameter))]
        + reports.map { TrialChange(trial, .reported($0)) },
      to: study, under: [lost], durability: .process)
    #expect(try other.claimTrial(in: study, lease: request("b", at: 59)) == nil)
    let (again, lease) = try #require(try other.claimTrial(in: study, lease: request("b", at: 60)))
    #expect(again == Trial(trial, state: .running, parameters: [parameter], startedAt: start))
    #expect(lease.attempt == 2)
    #expect(lease.worker == "b")
    // The first worker is back, too late.
    let result = TrialChange(trial, .finished(.completed, values: [1], at: end))
    #expect(
      error { () throws(StoreError) in
        try store.commit([result], to: study, under: [lost], durability: .process)
      } == .leaseLost(trial: 0))
    #expect(try store.renewLeases(of: "a", in: study, until: later(900)).isEmpty)
    #expect(try store.close(lost, as: .failed, reason: "late", retryAt: later(0)) == false)
    #expect(try store.trials(in: study, numbers: [0]).first?.state == .running)
    try other.commit([result], to: study, under: [lease], durability: .process)
    let attempts = try store.attempts(of: 0, in: study)
    #expect(attempts.map(\.outcome) == [.lost, .completed])
    #expect(attempts.map(\.worker) == ["a", "b"])
    #expect(attempts[0].reports == reports)
    #expect(attempts[0].endedAt == later(60))
    #expect(!attempts[0].reason.isEmpty)
    #expect(attempts[1].startedAt == later(60))
    #expect(attempts[1].endedAt == end)
    #expect(try store.trials(in: study, numbers: [0]).first?.intermediateValues == [])
    #expect(try store.claimTrial(in: study, lease: request("c", at: 9_999)) == nil)
  }

  /// The leases of open attempts are listed until their attempts end, whoever holds them.
  package static func listsOpenLeases(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    #expect(try store.openLeases(in: study).isEmpty)
    var leases: [Lease] = []
    for worker in ["b", "a", "b"] {
      let (_, lease) = try store.createTrial(runningTrial(), in: study, lease: request(worker))
      leases.append(try #require(lease))
    }
    _ = try store.createTrial(runningTrial(), in: study, lease: nil)
    _ = try store.createTrial(waitingTrial(x: 1), in: study, lease: nil)
    #expect(try bed.open().openLeases(in: study) == leases)
    #expect(try store.close(leases[1], as: .lost, reason: "gone", retryAt: later(0)))
    try store.commit(
      [TrialChange(leases[2].trial, .finished(.failed, values: [], at: end))], to: study,
      under: [leases[2]], durability: .process)
    #expect(try store.openLeases(in: study) == [leases[0]])
    let other = try store.createStudy(named: "t", directions: [.minimize])
    #expect(try store.openLeases(in: other).isEmpty)
  }

  /// Threads that all add trials up to a limit reach it and never exceed it.
  package static func keepsTheLimit(in bed: StoreBed) async throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    #expect(try store.createTrial(waitingTrial(x: 0), in: study, lease: nil, limit: 0) == nil)
    let created = try await withThrowingTaskGroup(of: [Int].self) { group in
      for worker in 0..<8 {
        let own = worker.isMultiple(of: 2) ? store : try bed.open()
        group.addTask {
          var mine: [Int] = []
          while let (trial, lease) = try own.createTrial(
            runningTrial(), in: study, lease: request("w\(worker)"), limit: 37)
          {
            #expect(lease?.trial == trial)
            mine.append(trial.number)
          }
          return mine
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(created.sorted() == Array(0..<37))
    #expect(try store.counts(in: study) == [.running: 37])
    #expect(try store.createTrial(waitingTrial(x: 0), in: study, lease: nil, limit: 38) != nil)
  }

  /// Renewing moves the deadlines of one worker's open attempts alone.
  package static func renewsLeases(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var leases: [Lease] = []
    for worker in ["a", "b", "a"] {
      let (_, lease) = try store.createTrial(runningTrial(), in: study, lease: request(worker))
      leases.append(try #require(lease))
    }
    #expect(
      try bed.open().renewLeases(of: "a", in: study, until: later(300)) == [leases[0], leases[2]])
    #expect(try store.renewLeases(of: "nobody", in: study, until: later(300)).isEmpty)
    #expect(
      try attempts(in: study, of: store).map(\.deadline) == [later(300), later(60), later(300)])
    #expect(try store.claimTrial(in: study, lease: request("c", at: 100))?.0.number == 1)
    #expect(try store.claimTrial(in: study, lease: request("c", at: 100)) == nil)
    try store.commit(
      [TrialChange(leases[0].trial, .finished(.failed, values: [], at: end))], to: study,
      under: [leases[0]], durability: .process)
    #expect(try store.renewLeases(of: "a", in: study, until: later(400)) == [leases[2]])
  }

  /// A closed attempt's trial goes on running, and is taken again when its time has come, after
  /// those in the queue.
  package static func retriesClosedAttempts(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, open) = try store.createTrial(runningTrial(), in: study, lease: request("a"))
    let lease = try #require(open)
    try store.commit(
      [TrialChange(trial, .reported(IntermediateValue(step: 0, value: 1)))], to: study,
      under: [lease], durability: .process)
    #expect(try store.close(lease, as: .tryAgain, reason: "exit code 75", retryAt: later(30)))
    #expect(try store.close(lease, as: .failed, reason: "", retryAt: later(30)) == false)
    #expect(
      error { () throws(StoreError) in
        try store.commit([], to: study, under: [lease], durability: .process)
      } == .leaseLost(trial: 0))
    #expect(try store.counts(in: study) == [.running: 1])
    let record = try #require(try store.attempts(of: 0, in: study).first)
    #expect(record.outcome == .tryAgain)
    #expect(record.reason == "exit code 75")
    #expect(record.reports == [IntermediateValue(step: 0, value: 1)])
    #expect(try store.claimTrial(in: study, lease: request("b", at: 29)) == nil)
    _ = try store.createTrial(waitingTrial(x: 1), in: study, lease: nil)
    #expect(try store.claimTrial(in: study, lease: request("b", at: 30))?.0.number == 1)
    let (again, next) = try #require(try store.claimTrial(in: study, lease: request("b", at: 30)))
    #expect(again.number == 0)
    #expect(again.intermediateValues.isEmpty)
    #expect(next.attempt == 2)
    #expect(try attempts(in: study, of: store).map(\.number) == [1, 2, 1])
  }

  /// A running trial that was never held under a lease is nobody's to take.
  package static func leavesStrangersAlone(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, lease) = try store.createTrial(runningTrial(), in: study, lease: nil)
    #expect(lease == nil)
    #expect(try store.claimTrial(in: study, lease: request("a", at: 1_000_000)) == nil)
    #expect(try attempts(in: study, of: store).isEmpty)
    #expect(try store.renewLeases(of: "", in: study, until: later(1)).isEmpty)
    try store.commit(
      [TrialChange(trial, .finished(.completed, values: [1], at: end))], to: study, under: [],
      durability: .process)
    #expect(try store.counts(in: study) == [.completed: 1])
  }

  /// The end of a trial can be explained: its attempt's outcome and reason are kept.
  package static func explainsTheEnd(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, open) = try store.createTrial(runningTrial(), in: study, lease: request("a"))
    let lease = try #require(open)
    try store.commit(
      [
        TrialChange(trial, .reported(IntermediateValue(step: 0, value: 1))),
        TrialChange(trial, .finished(.failed, values: [], at: end)),
      ], to: study, under: [lease], durability: .process)
    #expect(try store.close(lease, as: .timedOut, reason: "after 5 s", retryAt: later(0)) == false)
    let record = try #require(try store.attempts(of: 0, in: study).first)
    #expect(record.outcome == .timedOut)
    #expect(record.reason == "after 5 s")
    #expect(record.endedAt == end)
    #expect(record.reports.isEmpty)
    #expect(try store.trials(in: study, numbers: [0]).first?.intermediateValues.count == 1)
    #expect(try store.claimTrial(in: study, lease: request("b", at: 1_000)) == nil)
  }
}
