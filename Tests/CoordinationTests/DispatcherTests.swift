import Coordination
import Pruners
import SQLiteStores
import Samplers
import StudyModel
import Synchronization
import Testing

/// A time that a test moves by hand.
final class ManualTime: Sendable {
  private let ahead = Mutex(Duration.zero)

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
        retries: retries, worker: "coordinator", leaseDuration: .seconds(10),
        timeAhead: { [time] in time.value }),
      limit: limit, space: space, keepsTime: false)
  }
}

extension ActiveTrial {
  var ticket: String { lease?.ticket ?? "" }

  func result(_ value: Double = 1) -> AttemptResult {
    AttemptResult(lease: ticket, outcome: .completed([value]))
  }
}

extension ResultStatus {
  var name: String {
    switch self {
    case .accepted: "accepted"
    case .repeated: "repeated"
    case .lost: "lost"
    case .refused: "refused"
    }
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
    bed.time.advance(by: 5)
    #expect(try dispatcher.heartbeat("a", holding: [trial.ticket]) == LeaseReview())
    dispatcher.tick()
    bed.time.advance(by: 6)
    dispatcher.tick()
    #expect(try dispatcher.claim(1, for: "b").isEmpty)
    let woken = Mutex(0)
    dispatcher.onAvailable { woken.withLock { $0 += 1 } }
    bed.time.advance(by: 5)
    dispatcher.tick()
    #expect(woken.withLock { $0 } == 1)
    let again = try #require(try dispatcher.claim(1, for: "b").first)
    #expect(again.number == 0)
    #expect(again.attempt == 2)
    #expect(again.snapshot.parameters == trial.snapshot.parameters)
    let late = try dispatcher.finish([trial.result(7)], of: "a")
    #expect(late.map(\.name) == ["lost"])
    #expect(try dispatcher.heartbeat("a", holding: [trial.ticket]).lost.count == 1)
    #expect(try dispatcher.finish([again.result(2)], of: "b").map(\.name) == ["accepted"])
    let attempts = try bed.store.attempts(of: 0, in: bed.study)
    #expect(attempts.map(\.outcome) == [.lost, .completed])
    #expect(attempts[0].reason.contains("came too late: completed with 7.0"))
    #expect(try bed.store.trials(in: bed.study, numbers: [0]).first?.values == [2])
  }
}
