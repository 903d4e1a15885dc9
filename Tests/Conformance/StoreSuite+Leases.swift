import JSON
internal import Stores
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
    #expect(try store.renew([LeaseRenewal(lost, until: later(900))], in: study) == [lost])
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
    #expect(try bed.open().latestAttempts(in: study).map(\.trialNumber) == [0, 1, 2])
    #expect(try store.close(leases[1], as: .lost, reason: "gone", retryAt: later(0)))
    try store.commit(
      [TrialChange(leases[2].trial, .finished(.failed, values: [], at: end))], to: study,
      under: [leases[2]], durability: .process)
    #expect(try store.openLeases(in: study) == [leases[0]])
    // Those that are to be run again are among the latest attempts.
    let latest = try bed.open().latestAttempts(in: study)
    #expect(latest.map(\.trialNumber) == [0, 1])
    #expect(latest.map(\.outcome) == [nil, .lost])
    #expect(latest.map(\.worker) == ["b", "a"])
    let other = try store.createStudy(named: "t", directions: [.minimize])
    #expect(try store.openLeases(in: other).isEmpty)
    #expect(try store.latestAttempts(in: other).isEmpty)
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

  /// Renewing moves deadlines forward, never backward, and says which leases are live no more.
  package static func renewsLeases(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var leases: [Lease] = []
    for worker in ["a", "b", "a"] {
      let (_, lease) = try store.createTrial(runningTrial(), in: study, lease: request(worker))
      leases.append(try #require(lease))
    }
    let renewals = [
      LeaseRenewal(leases[0], until: later(300)), LeaseRenewal(leases[2], until: later(200)),
    ]
    #expect(try bed.open().renew(renewals, in: study).isEmpty)
    #expect(try store.renew([], in: study).isEmpty)
    #expect(try store.renew([LeaseRenewal(leases[2], until: later(90))], in: study).isEmpty)
    #expect(
      try attempts(in: study, of: store).map(\.deadline) == [later(300), later(60), later(200)])
    let forged = Lease(
      study: study, trial: leases[1].trial, attempt: 1, worker: "b", token: leases[0].token)
    #expect(try store.renew([LeaseRenewal(forged, until: later(900))], in: study) == [forged])
    let (again, other) = try #require(
      try store.claimTrial(in: study, lease: request("c", at: 100)))
    #expect(again.number == 1)
    #expect(try store.claimTrial(in: study, lease: request("c", at: 100)) == nil)
    try store.commit(
      [TrialChange(leases[0].trial, .finished(.failed, values: [], at: end))], to: study,
      under: [leases[0]], durability: .process)
    let all = (leases + [other]).map { LeaseRenewal($0, until: later(400)) }
    #expect(try store.renew(all, in: study) == [leases[0], leases[1]])
  }

  /// Lease time runs, is the same for all who use the store, and an attempt keeps both its times.
  package static func countsLeaseTime(in bed: StoreBed) throws {
    let (store, other) = (try bed.open(), try bed.open())
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let first = try store.leaseTime(in: study)
    let second = try other.leaseTime(in: study)
    let third = try store.leaseTime(in: study)
    #expect(first <= third)
    // Objects that each ask another machine for its clock differ by a fraction of a second.
    #expect(second.since(first) > .milliseconds(-500) && second.since(third) < .milliseconds(500))
    #expect(third.since(first) < .seconds(30))
    let request = LeaseRequest(
      worker: "a", now: first, deadline: first.advanced(by: .seconds(60)), startedAt: later(7))
    _ = try store.createTrial(waitingTrial(x: 1), in: study, lease: nil)
    let (trial, lease) = try #require(try store.claimTrial(in: study, lease: request))
    #expect(trial.startedAt == later(7))
    let attempt = try #require(try other.attempts(of: 0, in: study).first)
    #expect(attempt.startedAt == later(7))
    #expect(attempt.deadline == request.deadline)
    #expect(attempt.token == lease.token)
  }

  /// What comes too late is added to the record of its attempt, once; open attempts take nothing.
  package static func keepsLateResults(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, open) = try store.createTrial(runningTrial(), in: study, lease: request("a"))
    let lost = try #require(open)
    let early = IntermediateValue(step: 1, value: 0.5)
    try store.commit(
      [TrialChange(trial, .reported(early))], to: study, under: [lost], durability: .process)
    try store.addLateResult("not late", reports: [], to: lost)
    let (_, lease) = try #require(try store.claimTrial(in: study, lease: request("b", at: 60)))
    let late = [IntermediateValue(step: 0, value: .infinity), IntermediateValue(step: 1, value: 9)]
    for _ in 0..<2 {
      try bed.open().addLateResult("came late: completed [3.0]", reports: late, to: lost)
    }
    try store.addLateResult("not late", reports: late, to: lease)
    let attempts = try store.attempts(of: 0, in: study)
    #expect(attempts.map(\.reason) == ["its lease ran out; came late: completed [3.0]", ""])
    #expect(attempts[0].outcome == .lost)
    #expect(attempts[0].reports == [late[0], early])
    #expect(attempts[1].reports.isEmpty)
    #expect(try store.trials(in: study, numbers: [0]).first?.intermediateValues == [])
  }

  /// Of late results that come at once, by several objects of the store, none is lost.
  package static func keepsAllLateResults(in bed: StoreBed) async throws {
    let stores = [try bed.open(), try bed.open()]
    let study = try stores[0].createStudy(named: "s", directions: [.minimize])
    let (_, open) = try stores[0].createTrial(runningTrial(), in: study, lease: request("a"))
    let lost = try #require(open)
    _ = try #require(try stores[0].claimTrial(in: study, lease: request("b", at: 60)))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<16 {
        let store = stores[number % 2]
        group.addTask {
          try store.addLateResult(
            "result \(number) came",
            reports: [IntermediateValue(step: number, value: Double(number))], to: lost)
        }
      }
      try await group.waitForAll()
    }
    let attempt = try #require(try stores[0].attempts(of: 0, in: study).first)
    for number in 0..<16 { #expect(attempt.reason.contains("result \(number) came")) }
    #expect(attempt.reports.map(\.step).sorted() == Array(0..<16))
  }

  /// Many steps are one transaction: each has its own result, a failing one leaves no trace, and a
  /// later one sees what the earlier did.
  package static func performsSteps(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    _ = try store.createTrial(waitingTrial(x: 1), in: study, lease: nil)
    let ask = StoreStep.take(request("a"), limit: 3)
    #expect(try store.perform([], in: study).isEmpty)
    let taken = try store.perform([ask, ask, ask, ask], in: study).map { result in
      if case .taken(let trial, let lease) = result {
        return (trial, lease) as (trial: Trial, lease: Lease)?
      }
      return nil
    }
    #expect(taken.map { $0?.trial.number } == [0, 1, 2, nil])
    #expect(taken[0]?.trial.systemAttributes.count == 1)
    let second = try #require(taken[1])
    #expect(second.trial == Trial(second.lease.trial, state: .running, startedAt: start))
    let leases = taken.compactMap { $0?.lease }
    let report = IntermediateValue(step: 0, value: 7)
    func finish(_ lease: Lease, _ value: Double) -> StoreStep {
      let events: [TrialChange.Event] = [
        .reported(report), .finished(.completed, values: [value], at: end),
      ]
      return .commit(events.map { TrialChange(lease.trial, $0) }, under: [lease])
    }
    let steps: [StoreStep] = [
      finish(leases[0], 1), finish(leases[1], .nan),
      .close(leases[2], as: .tryAgain, reason: "busy", retryAt: start), ask, finish(leases[0], 2),
      .close(leases[2], as: .lost, reason: "", retryAt: start),
    ]
    let results = try bed.open().perform(steps, in: study)
    try store.synchronize()
    #expect(results.count == 6)
    guard results.count == 6, case .committed = results[0],
      case .failed(.badValues(trial: 1, problem: _)) = results[1],
      case .closed(wasLive: true) = results[2], case .taken(let trial, let lease) = results[3],
      case .failed(.leaseLost(trial: 0)) = results[4], case .closed(wasLive: false) = results[5]
    else {
      Issue.record("\(results)")
      return
    }
    #expect(trial.number == 2)
    #expect(lease.attempt == 2)
    let trials = try store.trials(in: study, numbers: nil)
    #expect(trials.map(\.state) == [.completed, .running, .running])
    #expect(trials[0].values == [1])
    #expect(trials.map(\.intermediateValues) == [[report], [], []])
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
    #expect(try !store.hasClaimable(in: study, at: later(29)))
    #expect(try bed.open().hasClaimable(in: study, at: later(30)))
    _ = try store.createTrial(waitingTrial(x: 1), in: study, lease: nil)
    #expect(try store.claimTrial(in: study, lease: request("b", at: 30))?.0.number == 1)
    let (again, next) = try #require(try store.claimTrial(in: study, lease: request("b", at: 30)))
    #expect(again.number == 0)
    #expect(try !store.hasClaimable(in: study, at: later(30)))
    #expect(try store.hasClaimable(in: study, at: .distantFuture))
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
