import Coordination
import Dispatch
import Foundation
import JSON
import Probability
import Pruners
import SQLiteStores
import Samplers
import Stores
import StudyModel
import System
import Testing
import Trials

/// A time that a test moves by hand.
final class ManualTime: Sendable {
  private let ahead = Lock(Duration.zero)

  var value: Duration { ahead.withLock { $0 } }

  func advance(by seconds: Double) {
    ahead.withLock { $0 += .seconds(seconds) }
  }
}

/// A study in a store, and the dispatchers that follow each other on it.
struct DispatchBed {
  let store: any StudyStore
  let time = ManualTime()
  let space: SearchSpace
  let retries: RetryPolicy

  init(_ store: any StudyStore = InMemoryStudyStore(), retries: RetryPolicy = RetryPolicy()) throws
  {
    self.store = store
    self.retries = retries
    var space = SearchSpace()
    try space.append(Parameter("x", .float(FloatDistribution(low: -5, high: 5))))
    self.space = space
    _ = try store.createStudy(named: "s", directions: [.minimize])
  }

  var study: StudyRecord { get throws { try store.study(named: "s") } }

  func dispatcher(limit: Int? = nil, pruner: any Pruner = NopPruner()) throws -> Dispatcher {
    try Dispatcher(
      Coordinator(
        store: store, study: try study, sampler: RandomSampler(), pruner: pruner, seed: 1,
        retries: retries, worker: "coordinator", leaseDuration: .seconds(1_000),
        timeAhead: { [time] in time.value }),
      limit: limit, space: space, keepsTime: false)
  }
}

extension ActiveTrial {
  var ticket: String { lease?.ticket ?? "" }

  func result(_ value: Double = 1) -> TrialResult {
    TrialResult(lease: ticket, outcome: .completed([value]))
  }
}

@Suite struct DispatcherTests {
  @Test func handsOutUpToTheLimitAndTakesResults() throws {
    let bed = try DispatchBed()
    let dispatcher = try bed.dispatcher(limit: 3)
    let first = try dispatcher.claim(2, for: "a")
    #expect(first.map(\.number) == [0, 1])
    #expect(first.allSatisfy { $0.snapshot.parameters.count == 1 })
    let answer = try dispatcher.exchange(
      DispatchRequest(worker: "a", results: first.map { $0.result() }, claiming: 2))
    #expect(answer.results.map(\.name) == ["accepted", "accepted"])
    #expect(answer.trials.map(\.number) == [2])
    #expect(try !dispatcher.isExhausted)
    #expect(try dispatcher.finish([answer.trials[0].result()], of: "a").map(\.name) == ["accepted"])
    #expect(try dispatcher.claim(1, for: "b").isEmpty)
    #expect(try dispatcher.isExhausted)
    #expect(try bed.store.counts(in: bed.study) == [.completed: 3])
  }

  @Test func aResultCountsOnceAcrossRestarts() throws {
    let bed = try DispatchBed()
    let trial = try #require(try bed.dispatcher().claim(1, for: "a").first)
    let dispatcher = try bed.dispatcher()
    #expect(dispatcher.held(by: "a").map(\.ticket) == [trial.ticket])
    let twice = try dispatcher.finish([trial.result(), trial.result()], of: "a")
    #expect(twice.map(\.name) == ["accepted", "repeated"])
    #expect(try bed.dispatcher().finish([trial.result()], of: "a").map(\.name) == ["repeated"])
    #expect(try dispatcher.finish([trial.result()], of: "b").map(\.name) == ["refused"])
    #expect(try bed.store.counts(in: bed.study) == [.completed: 1])
  }

  @Test func aSilentWorkerLosesItsTrial() throws {
    let bed = try DispatchBed()
    let dispatcher = try bed.dispatcher(limit: 1)
    let trial = try #require(try dispatcher.claim(1, for: "a").first)
    let first = try bed.store.attempts(of: 0, in: bed.study)[0].deadline
    bed.time.advance(by: 500)
    #expect(try dispatcher.heartbeat("a", holding: [trial.ticket]).isEmpty)
    dispatcher.tick()
    // The store may be told a little later, while this test's time goes in leaps.
    let patience = ContinuousClock.now + .seconds(60)
    while try bed.store.attempts(of: 0, in: bed.study)[0].deadline == first,
      ContinuousClock.now < patience
    {
      sched_yield()
    }
    bed.time.advance(by: 600)
    dispatcher.tick()
    #expect(try dispatcher.claim(1, for: "b").isEmpty)
    let woken = Lock(0)
    dispatcher.onAvailable { woken.withLock { $0 += 1 } }
    bed.time.advance(by: 500)
    dispatcher.tick()
    #expect(woken.withLock { $0 } == 1)
    let again = try #require(try dispatcher.claim(1, for: "b").first)
    #expect(again.number == 0)
    #expect(again.attempt == 2)
    #expect(again.snapshot.parameters == trial.snapshot.parameters)
    let late = try dispatcher.finish([trial.result(7)], of: "a")
    #expect(late.map(\.name) == ["lost"])
    #expect(try dispatcher.heartbeat("a", holding: [trial.ticket]).map(\.stop.isLoss) == [true])
    #expect(try dispatcher.finish([again.result(2)], of: "b").map(\.name) == ["accepted"])
    let attempts = try bed.store.attempts(of: 0, in: bed.study)
    #expect(attempts.map(\.outcome) == [.lost, .completed])
    #expect(attempts[0].reason.contains("came too late: completed with 7.0"))
    #expect(try bed.store.trials(in: bed.study, numbers: [0]).first?.values == [2])
  }

  @Test func aWorkerThatLeavesGivesBackWhatItHolds() throws {
    let bed = try DispatchBed()
    let dispatcher = try bed.dispatcher(limit: 2)
    let trials = try dispatcher.claim(2, for: "a")
    #expect(try dispatcher.claim(1, for: "b").isEmpty)
    let woken = Lock(0)
    dispatcher.onAvailable { woken.withLock { $0 += 1 } }
    try dispatcher.workerLeft("a")
    #expect(woken.withLock { $0 } == 1)
    #expect(try dispatcher.claim(9, for: "b").map(\.number) == [0, 1])
    #expect(try dispatcher.finish([trials[0].result()], of: "a").map(\.name) == ["lost"])
    let attempts = try bed.store.attempts(of: 0, in: bed.study)
    #expect(attempts.map(\.outcome) == [.preempted, nil])
  }

  @Test func aFailedAttemptIsRepeatedWhenItsTimeHasCome() throws {
    let bed = try DispatchBed(retries: RetryPolicy(count: 1, delay: .seconds(500)))
    let dispatcher = try bed.dispatcher(limit: 1)
    let failed = Outcome.ended(.failed, reason: "no luck")
    let trial = try #require(try dispatcher.claim(1, for: "a").first)
    let results = [TrialResult(lease: trial.ticket, outcome: failed)]
    #expect(try dispatcher.finish(results, of: "a").map(\.name) == ["accepted"])
    #expect(try dispatcher.finish(results, of: "a").map(\.name) == ["repeated"])
    #expect(try dispatcher.claim(1, for: "a").isEmpty)
    #expect(try !dispatcher.isExhausted)
    let woken = Lock(0)
    dispatcher.onAvailable { woken.withLock { $0 += 1 } }
    bed.time.advance(by: 600)
    dispatcher.tick()
    #expect(woken.withLock { $0 } == 1)
    let again = try #require(try dispatcher.claim(1, for: "a").first)
    #expect(again.attempt == 2)
    let last = [TrialResult(lease: again.ticket, outcome: failed)]
    #expect(try dispatcher.finish(last, of: "a").map(\.name) == ["accepted"])
    #expect(try dispatcher.claim(1, for: "a").isEmpty)
    #expect(try dispatcher.isExhausted)
    #expect(try bed.store.counts(in: bed.study) == [.failed: 1])
  }

  @Test func reportsAndParametersAreInTheStoreWhenTheyAreAnswered() throws {
    let bed = try DispatchBed()
    let dispatcher = try bed.dispatcher(pruner: ThresholdPruner(upper: 10))
    let trial = try #require(try dispatcher.claim(1, for: "a").first)
    let y = Parameter("y", try .int(IntDistribution(low: 1, high: 3)))
    let value = try dispatcher.suggest([y], under: trial.ticket, of: "a")
    let answer = try dispatcher.exchange(
      DispatchRequest(
        worker: "a",
        reports: [3, 11].enumerated().map {
          Report(lease: trial.ticket, .value(IntermediateValue(step: $0, value: $1)))
        } + [Report(lease: trial.ticket, .attribute(Attribute("k", 1)))]))
    let order = try #require(answer.orders.first)
    #expect(answer.orders.count == 1 && order.lease == trial.ticket)
    if case .pruned = order.stop {} else { Issue.record("\(order)") }
    // A dispatcher that knows nothing finds it all, and goes on under the same lease.
    let stored = try bed.dispatcher().trial(under: trial.ticket, of: "a").snapshot
    #expect(stored.parameters.map(\.internalValue).last == value.first)
    #expect(stored.intermediateValues.map(\.value) == [3, 11])
    #expect(stored.userAttributes == [Attribute("k", 1)])
    #expect(throws: DispatchError.self) { try dispatcher.trial(under: trial.ticket, of: "b") }
    #expect(throws: DispatchError.self) { try dispatcher.trial(under: "1.0.1.forged", of: "a") }
    #expect(throws: DispatchError.self) { try dispatcher.trial(under: "nonsense", of: "a") }
    let pruned = TrialResult(lease: trial.ticket, outcome: .pruned)
    #expect(try dispatcher.finish([pruned], of: "a").map(\.name) == ["accepted"])
    #expect(try bed.store.trials(in: bed.study, numbers: [0]).first?.values == [11])
    let after = try dispatcher.exchange(
      DispatchRequest(
        worker: "a",
        reports: [
          Report(lease: trial.ticket, .value(IntermediateValue(step: 9, value: 1)))
        ]))
    #expect(after.orders.map(\.lease) == [trial.ticket])
    #expect(after.orders.map(\.stop.isLoss) == [true])
    #expect(throws: DispatchError.trialEnded(trial: 0)) {
      try dispatcher.trial(under: trial.ticket, of: "a")
    }
  }

  /// A sampler that takes its time, as one does that waits for a database.
  private final class SlowSampler: Sampler {
    let name = "slow"
    let readsHistory = true
    let sharingPrefix: String? = nil
    let asked = DispatchSemaphore(value: 0)
    let answers = DispatchSemaphore(value: 0)

    func sampleJointly(
      for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
    ) throws(SamplerError) -> [ParameterAssignment] {
      if trial > 0 {
        asked.signal()
        answers.wait()
      }
      return []
    }

    func sample(
      _ parameter: Parameter, for trial: Int, given history: TrialHistory,
      using generator: inout TrialGenerator
    ) throws(SamplerError) -> Double { 0 }
  }

  /// Leases are kept while a trial is handed out, however long the store or the sampler takes.
  @Test func heartbeatsWaitForNothing() throws {
    let bed = try DispatchBed()
    let sampler = SlowSampler()
    let dispatcher = try Dispatcher(
      Coordinator(
        store: bed.store, study: try bed.study, sampler: sampler, pruner: NopPruner(), seed: 1,
        retries: RetryPolicy(), worker: "coordinator", leaseDuration: .seconds(1_000),
        timeAhead: { .zero }),
      limit: 10, space: bed.space, keepsTime: false)
    let trial = try #require(try dispatcher.claim(1, for: "a").first)
    let thread = BlockingThread { _ = Result { try dispatcher.claim(1, for: "b") } }
    #expect(sampler.asked.wait(timeout: .now() + 60) == .success)
    // The coordinator is in the middle of a claim now, and goes on when it is told to.
    let isHeard = DispatchSemaphore(value: 0)
    let heart = BlockingThread {
      let review = Result { try dispatcher.heartbeat("a", holding: [trial.ticket]) }
      #expect((try? review.get()) == [], "\(review)")
      #expect(dispatcher.held(by: "a").count == 1)
      isHeard.signal()
    }
    #expect(isHeard.wait(timeout: .now() + 60) == .success)
    sampler.answers.signal()
    thread?.join()
    heart?.join()
  }

  @Test func theUsersWishIsFollowed() throws {
    let bed = try DispatchBed()
    let dispatcher = try bed.dispatcher(limit: 10)
    let trial = try #require(try dispatcher.claim(1, for: "a").first)
    func wish(_ control: StudyControl) throws {
      try bed.store.setControl(control, of: bed.study)
      bed.time.advance(by: 1.5)
      dispatcher.tick()
    }
    try wish(.paused)
    #expect(try dispatcher.claim(1, for: "b").isEmpty)
    #expect(try !dispatcher.isExhausted)
    let woken = Lock(0)
    dispatcher.onAvailable { woken.withLock { $0 += 1 } }
    try wish(.running)
    #expect(woken.withLock { $0 } == 1)
    let other = try #require(try dispatcher.claim(1, for: "b").first)
    try wish(.stopped)
    #expect(try dispatcher.claim(1, for: "b").isEmpty)
    #expect(try !dispatcher.isExhausted)
    #expect(try dispatcher.heartbeat("b", holding: [other.ticket]).isEmpty)
    try wish(.cancelled)
    #expect(
      try dispatcher.heartbeat("b", holding: [other.ticket])
        == [StopOrder(lease: other.ticket, .cancelledStudy)])
    let stopped = Outcome.ended(.cancelled, reason: "the study was cancelled")
    for (trial, worker) in [(trial, "a"), (other, "b")] {
      let result = TrialResult(lease: trial.ticket, outcome: stopped)
      #expect(try dispatcher.finish([result], of: worker).map(\.name) == ["accepted"])
    }
    #expect(try dispatcher.isExhausted)
    #expect(try bed.store.counts(in: bed.study) == [.failed: 2])
    try bed.store.setNote("control", to: "dancing", of: bed.study)
    bed.time.advance(by: 2)
    #expect(throws: TrialError.self) { try dispatcher.claim(1, for: "a") }
  }

  @Test func severalDispatchersShareAStudy() async throws {
    let bed = try DispatchBed()
    let numbers = try await withThrowingTaskGroup(of: [Int].self) { group in
      for place in 0..<4 {
        let dispatcher = try bed.dispatcher(limit: 200)
        for slot in 0..<4 {
          group.addTask {
            var mine: [Int] = []
            let worker = "w\(place)-\(slot)"
            var trials = try dispatcher.claim(3, for: worker)
            while !trials.isEmpty {
              mine += trials.map(\.number)
              let answer = try dispatcher.exchange(
                DispatchRequest(worker: worker, results: trials.map { $0.result() }, claiming: 3))
              for status in answer.results { #expect(status.name == "accepted") }
              trials = answer.trials
            }
            return mine
          }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(numbers.sorted() == Array(0..<200))
    #expect(try bed.store.counts(in: bed.study) == [.completed: 200])
  }

  @Test func reportsOfManyThreadsAreWrittenOnce() async throws {
    let bed = try DispatchBed()
    let dispatcher = try bed.dispatcher()
    let trial = try #require(try dispatcher.claim(1, for: "a").first)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for thread in 0..<8 {
        group.addTask {
          for turn in 0..<50 {
            let step = thread * 50 + turn
            if thread.isMultiple(of: 2) {
              try trial.report(Double(step), step: step)
              dispatcher.coordinator.maintain()
            } else {
              let report = IntermediateValue(step: step, value: Double(step))
              let request = DispatchRequest(
                worker: "a", reports: [Report(lease: trial.ticket, .value(report))])
              // The first two are likely to be in one batch.
              dispatcher.exchange(request) { _ in }
              dispatcher.exchange(request) { _ in }
              _ = try dispatcher.exchange(request)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    dispatcher.coordinator.maintain()
    let stored = try #require(try bed.store.trials(in: bed.study, numbers: [0]).first)
    #expect(stored.intermediateValues.map(\.step) == Array(0..<400))
  }

  /// In real time, with the shortest lease: the trial of a worker that falls silent, and that of a
  /// coordinator that dies, run elsewhere less than a second after the lease.
  @Test(arguments: [false, true]) func aDeadWorkersTrialRunsElsewhereInTime(
    coordinatorDies: Bool
  ) async throws {
    let bed = try DispatchBed()
    func dispatcher() throws -> Dispatcher {
      try Dispatcher(
        Coordinator(
          store: bed.store, study: try bed.study, sampler: RandomSampler(), pruner: NopPruner(),
          seed: 1, leaseDuration: .seconds(2)), limit: 1, space: bed.space)
    }
    let first = try dispatcher()
    let second = coordinatorDies ? try dispatcher() : first
    #expect(try first.claim(1, for: "a").map(\.number) == [0])
    let begin = ContinuousClock.now
    if coordinatorDies { first.close() }
    let (claims, feed) = AsyncStream.makeStream(of: (ActiveTrial, Duration).self)
    @Sendable func claim() {
      second.exchange(DispatchRequest(worker: "b", claiming: 1)) { answer in
        switch answer {
        case .success(let answer):
          // Measured here: a test that waits may be resumed only when others have ended.
          for trial in answer.trials { feed.yield((trial, ContinuousClock.now - begin)) }
        case .failure(let error): Issue.record("\(error)")
        }
      }
    }
    second.onAvailable { claim() }
    claim()
    let (trial, elapsed) = try #require(await claims.first { _ in true })
    #expect(trial.attempt == 2)
    #expect(elapsed >= .milliseconds(1_900) && elapsed < .seconds(3), "\(elapsed)")
    second.close()
  }
}
