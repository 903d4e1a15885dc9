import Coordination
import Probability
import Pruners
import Samplers
import Stores
import StudyModel
import System
import Testing
import Trials

/// Samples the number of results it knows, and notes for which trials it was asked.
private final class CountingSampler: Sampler {
  let name = "counting"
  let readsHistory = true
  let sharingPrefix: String? = nil
  let asked = Lock<[Int]>([])

  func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    asked.withLock { $0.append(trial) }
    return [
      ParameterAssignment(
        "known", LookAheadTests.distribution, internalValue: Double(history.finishedOrder.count))
    ]
  }

  func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double { 0 }
}

@Suite struct LookAheadTests {
  static let distribution = Distribution.float(
    {
      do { return try FloatDistribution(low: 0, high: 1_000) } catch {
        preconditionFailure("\(error)")
      }
    }())

  private func coordinator(
    _ sampler: any Sampler, lookAheadTime: Duration = .zero
  ) throws -> Coordinator {
    let store = InMemoryStudyStore()
    return Coordinator(
      store: store, study: try store.createStudy(named: "s", directions: [.minimize]),
      sampler: sampler, pruner: NopPruner(), seed: 1, allowsRepeats: true, retries: RetryPolicy(),
      worker: "w",
      leaseDuration: .seconds(60), lookAheadTime: lookAheadTime, timeAhead: { .zero })
  }

  private var space: SearchSpace {
    get throws {
      var space = SearchSpace()
      try space.append(Parameter("known", Self.distribution))
      return space
    }
  }

  /// Asks for a trial and returns it with the number of results that its suggestion knew.
  private func ask(_ coordinator: Coordinator) throws -> (ActiveTrial, known: Int) {
    let trial = try #require(try coordinator.ask(assigning: try space))
    let known = try #require(trial.snapshot[parameter: "known"]?.number)
    return (trial, Int(known))
  }

  private func waitUntilPrepared(_ trial: Int, by coordinator: Coordinator) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while coordinator.preparedTrial != trial {
      try #require(ContinuousClock.now < deadline, "nothing was prepared for trial \(trial)")
      await Task.yield()
    }
  }

  @Test func aStudyWithOneTrialAtATimeMissesNothing() throws {
    let sampler = CountingSampler()
    let coordinator = try coordinator(sampler)
    for number in 0..<20 {
      let (trial, known) = try ask(coordinator)
      #expect(known == number)
      _ = try coordinator.tell(trial, .completed([1]))
    }
    #expect(sampler.asked.withLock { $0 } == Array(0..<20))
    #expect(coordinator.preparedTrial == nil)
  }

  @Test func theNextSuggestionIsReadyWhileOthersRun() async throws {
    let sampler = CountingSampler()
    let coordinator = try coordinator(sampler)
    let (first, _) = try ask(coordinator)
    let (second, _) = try ask(coordinator)
    try await waitUntilPrepared(2, by: coordinator)
    #expect(sampler.asked.withLock { $0 } == [0, 1, 2])
    #expect(try coordinator.store.counts(in: coordinator.study) == [.running: 2])
    // Its sample misses this result, as it misses that of the trial that still runs.
    _ = try coordinator.tell(first, .completed([1]))
    let (third, known) = try ask(coordinator)
    #expect(third.number == 2)
    #expect(known == 0)
    #expect(sampler.asked.withLock { $0.filter { $0 == 2 }.count } == 1)
    // Two results are more than one trial that runs.
    try await waitUntilPrepared(3, by: coordinator)
    _ = try coordinator.tell(second, .completed([1]))
    _ = try coordinator.tell(third, .completed([1]))
    #expect(try ask(coordinator).known == 3)
  }

  @Test("look-ahead changes no answer of a sequential study", arguments: [3, 4] as [UInt64])
  func keepsSequentialAnswers(seed: UInt64) throws {
    func run(_ lookAheadTime: Duration) throws -> [[ParameterAssignment]] {
      let coordinator = try coordinator(TPESampler(), lookAheadTime: lookAheadTime)
      var space = SearchSpace()
      try space.append(Parameter("x", .float(FloatDistribution(low: -5, high: 5))))
      try space.append(Parameter("y", .float(FloatDistribution(low: -5, high: 5))))
      return try (0..<30).map { _ in
        let trial = try #require(try coordinator.ask(assigning: space))
        let x = try #require(trial.snapshot[parameter: "x"]?.number)
        _ = try coordinator.tell(trial, .completed([x * x + Double(seed)]))
        return trial.snapshot.parameters
      }
    }
    #expect(try run(.zero) == run(.seconds(3_600)))
  }
}
