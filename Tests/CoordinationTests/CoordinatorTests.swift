import Coordination
import JSON
import Probability
import Pruners
import Samplers
import Stores
import StudyModel
import Testing
import Trials

/// A small space with a conditional parameter.
private func makeSpace() throws -> SearchSpace {
  var space = SearchSpace()
  try space.append(Parameter("x", .float(FloatDistribution(low: -5, high: 5))))
  try space.append(Parameter("n", .int(IntDistribution(low: 1, high: 64, log: true))))
  try space.append(Parameter("kind", .categorical(CategoricalDistribution(["a", "b"]))))
  try space.append(
    Parameter("depth", .int(IntDistribution(low: 1, high: 9))),
    when: [SearchSpace.Condition(parent: "kind", values: ["b"])])
  return space
}

private func makeCoordinator(
  _ store: any StudyStore = InMemoryStudyStore(), name: String = "study",
  directions: [Direction] = [.minimize], sampler: any Sampler = TPESampler(),
  pruner: any Pruner = NopPruner(), seed: UInt64 = 7, retries: RetryPolicy = RetryPolicy(),
  worker: String = WorkerIdentity.current().name
) throws -> Coordinator {
  let known = try store.studies().first { $0.name == name }
  let study = try known ?? store.createStudy(named: name, directions: directions)
  return Coordinator(
    store: store, study: study, sampler: sampler, pruner: pruner, seed: seed, retries: retries,
    worker: worker)
}

/// Runs trials until the study has fifty, and returns the numbers of those run here.
private func runAll(_ coordinator: Coordinator) throws -> [Int] {
  var numbers: [Int] = []
  while let trial = try coordinator.ask(limit: 50) {
    _ = try coordinator.tell(trial, .completed([1]))
    numbers.append(trial.number)
  }
  return numbers
}

extension Coordinator {
  /// The next trial, which the test knows to exist.
  fileprivate func next(assigning space: SearchSpace? = nil) throws -> ActiveTrial {
    try #require(try ask(assigning: space))
  }
}

@Suite struct CoordinatorTests {
  @Test func numbersCountUpAndTheLimitHolds() throws {
    let coordinator = try makeCoordinator()
    for number in 0..<3 {
      let trial = try #require(try coordinator.ask(limit: 3))
      #expect(trial.number == number)
      _ = try coordinator.tell(trial, .completed([Double(number)]))
    }
    #expect(try coordinator.ask(limit: 3) == nil)
  }

  @Test func severalCoordinatorsTogetherKeepTheLimit() async throws {
    let store = InMemoryStudyStore()
    _ = try makeCoordinator(store)
    let numbers = try await withThrowingTaskGroup(of: [Int].self) { group in
      for _ in 0..<4 {
        group.addTask { try runAll(makeCoordinator(store, sampler: RandomSampler())) }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(numbers.sorted() == Array(0..<50))
  }

  @Test("a sequential study replays bit for bit", arguments: [1, 99] as [UInt64])
  func replays(seed: UInt64) throws {
    func run() throws -> [[ParameterAssignment]] {
      let coordinator = try makeCoordinator(seed: seed)
      let space = try makeSpace()
      return try (0..<40).map { _ in
        let trial = try coordinator.next(assigning: space)
        let x = try #require(trial.snapshot[parameter: "x"]?.number)
        _ = try coordinator.tell(trial, .completed([x * x]))
        return trial.snapshot.parameters
      }
    }
    let first = try run()
    #expect(try run() == first)
    #expect(Set(first).count == 40)
  }

  @Test func conditionalParametersAreAssignedOnlyWhenActive() throws {
    let coordinator = try makeCoordinator()
    let space = try makeSpace()
    var seen: Set<Bool> = []
    for _ in 0..<30 {
      let trial = try coordinator.next(assigning: space)
      let isDeep = trial.snapshot[parameter: "kind"] == "b"
      #expect((trial.snapshot[parameter: "depth"] != nil) == isDeep)
      seen.insert(isDeep)
      _ = try coordinator.tell(trial, .completed([1]))
    }
    #expect(seen.count == 2)
  }

  @Test func aParameterKeepsItsValueAndItsKind() throws {
    let coordinator = try makeCoordinator()
    let trial = try coordinator.next()
    let distribution = try Distribution.float(FloatDistribution(low: 0, high: 1))
    let first = try trial.suggest(Parameter("x", distribution))
    #expect(try trial.suggest(Parameter("x", distribution)) == first)
    let other = try Distribution.int(IntDistribution(low: 0, high: 1))
    #expect(throws: TrialError.self) { try trial.suggest(Parameter("x", other)) }
    _ = try coordinator.tell(trial, .completed([1]))
    let next = try coordinator.next()
    #expect(throws: StoreError.self) { try next.suggest(Parameter("x", other)) }
  }

  @Test func queuedValuesAreUsedFirst() throws {
    let coordinator = try makeCoordinator()
    let space = try makeSpace()
    let queued = try coordinator.enqueue([("x", 1.25), ("kind", "b")])
    let trial = try coordinator.next(assigning: space)
    #expect(trial.number == queued.number)
    #expect(trial.snapshot[parameter: "x"] == 1.25)
    #expect(trial.snapshot[parameter: "kind"] == "b")
    #expect(trial.snapshot[parameter: "n"] != nil)
  }

  @Test func anImpossibleQueuedValueFailsItsTrialAlone() throws {
    let coordinator = try makeCoordinator()
    let queued = try coordinator.enqueue([("kind", "neither")])
    let trial = try coordinator.next(assigning: try makeSpace())
    #expect(trial.number != queued.number)
    let failed = try #require(
      try coordinator.store.trials(in: coordinator.study, numbers: [queued.number]).first)
    #expect(failed.state == .failed)
    #expect(
      failed.systemAttributes.contains {
        $0.key == "needletail:reason" && $0.value.string?.contains("neither") == true
      })
  }

  @Test(arguments: [[Double.nan], [1, 2], []])
  func valuesThatAreNoneFailTheTrial(values: [Double]) throws {
    let coordinator = try makeCoordinator()
    let told = try coordinator.tell(try coordinator.next(), .completed(values))
    #expect(told.state == .failed)
    #expect(told.values.isEmpty)
  }

  @Test func aPrunedTrialIsWorthItsLastReport() throws {
    let coordinator = try makeCoordinator()
    let trial = try coordinator.next()
    try trial.report(3, step: 7)
    try trial.report(9, step: 2)
    try trial.report(5, step: 7)
    let told = try coordinator.tell(trial, .pruned)
    #expect(told.state == .pruned)
    #expect(told.values == [3])
    #expect(
      told.intermediateValues == [
        IntermediateValue(step: 2, value: 9), IntermediateValue(step: 7, value: 3),
      ])
  }

  @Test func theMedianPrunerStopsTheWorst() throws {
    let coordinator = try makeCoordinator(pruner: MedianPruner())
    for value in 0..<6 {
      let trial = try coordinator.next()
      try trial.report(Double(value), step: 0)
      #expect(try trial.shouldStop() == nil || value == 5)
      _ = try coordinator.tell(trial, .completed([Double(value)]))
    }
    let trial = try coordinator.next()
    try trial.report(100, step: 0)
    #expect(try trial.shouldStop() != nil)
  }

  @Test func rungsAreRecordedForOtherPrograms() throws {
    let pruner = try SuccessiveHalvingPruner(minResource: .steps(1), reductionFactor: 2)
    let coordinator = try makeCoordinator(pruner: pruner)
    let trial = try coordinator.next()
    try trial.report(0.5, step: 1)
    _ = try trial.shouldStop()
    let told = try coordinator.tell(trial, .completed([0.5]))
    #expect(told.systemAttributes.contains(Attribute("completed_rung_0", 0.5)))
  }

  @Test func reportsAreRefusedWhereTheyMeanNothing() throws {
    let coordinator = try makeCoordinator(directions: [.minimize, .maximize])
    let trial = try coordinator.next()
    #expect(throws: TrialError.reportWithSeveralObjectives) { try trial.report(1, step: 0) }
    #expect(throws: TrialError.negativeStep(-1)) { try trial.report(1, step: -1) }
  }

  @Test func aToldTrialTakesNothingMore() throws {
    let coordinator = try makeCoordinator()
    let trial = try coordinator.next()
    _ = try coordinator.tell(trial, .completed([1]))
    #expect(throws: TrialError.notRunning(number: 0)) { try trial.report(1, step: 0) }
    #expect(throws: TrialError.notRunning(number: 0)) {
      _ = try coordinator.tell(trial, .completed([2]))
    }
  }

  @Test func aWrittenReportIsSeenByOthersBeforeTheEnd() throws {
    let coordinator = try makeCoordinator()
    let trial = try coordinator.next()
    try trial.report(4, step: 1)
    let deadline = ContinuousClock.now + .seconds(60)
    var seen: [IntermediateValue] = []
    // Without a pause: a suspended test may be resumed only when other tests have ended.
    while seen.isEmpty, ContinuousClock.now < deadline {
      seen =
        try coordinator.store.trials(in: coordinator.study, numbers: [0]).first?
        .intermediateValues ?? []
    }
    #expect(seen == [IntermediateValue(step: 1, value: 4)])
  }
}

@Suite struct AttemptTests {
  @Test func anObjectiveThatAsksIsTriedAgainUnderItsNumber() throws {
    let coordinator = try makeCoordinator()
    let space = try makeSpace()
    let first = try coordinator.next(assigning: space)
    try first.report(1, step: 0)
    let told = try coordinator.tell(first, .ended(.tryAgain, reason: "busy"))
    #expect(told.state == .running)
    let second = try coordinator.next(assigning: space)
    #expect(second.number == first.number)
    #expect(second.attempt == 2)
    #expect(second.snapshot.parameters == first.snapshot.parameters)
    #expect(second.snapshot.intermediateValues.isEmpty)
    _ = try coordinator.tell(second, .completed([1]))
    let attempts = try coordinator.store.attempts(of: first.number, in: coordinator.study)
    #expect(attempts.map(\.outcome) == [.tryAgain, .completed])
    #expect(attempts[0].reports == [IntermediateValue(step: 0, value: 1)])
  }

  /// The store closes the attempt, but what the trial said last is refused: the attempt is over
  /// here, too.
  @Test func aClosedAttemptIsOverThoughItsLastWordsAreRefused() throws {
    let store = InMemoryStudyStore()
    let coordinator = try makeCoordinator(store, sampler: RandomSampler(), worker: "a")
    let trial = try coordinator.next()
    let other = try makeCoordinator(store, sampler: RandomSampler(), worker: "b")
    let first = try other.next()
    _ = try first.suggest(Parameter("x", .categorical(CategoricalDistribution(["a", "b"]))))
    _ = try other.tell(first, .completed([1]))
    _ = try trial.suggest(Parameter("x", .float(FloatDistribution(low: 0, high: 1))))
    #expect(throws: StoreError.self) {
      try coordinator.tell(trial, .ended(.tryAgain, reason: "busy"))
    }
    #expect(try store.attempts(of: 0, in: coordinator.study).map(\.outcome) == [.tryAgain])
    #expect(throws: TrialError.notRunning(number: 0)) { try trial.report(1, step: 0) }
    let again = try coordinator.next()
    #expect(again.number == 0)
    #expect(again.attempt == 2)
    _ = try coordinator.tell(again, .completed([1]))
  }

  @Test func retriesEndWithTheirCount() throws {
    let coordinator = try makeCoordinator(retries: RetryPolicy(count: 2))
    for attempt in 1...3 {
      let trial = try coordinator.next()
      #expect(trial.number == 0)
      #expect(trial.attempt == attempt)
      let told = try coordinator.tell(trial, .ended(.failed, reason: "exit code 1"))
      #expect(told.state == (attempt == 3 ? .failed : .running))
    }
  }

  @Test func anInterruptedTrialIsQueuedAgainButNotForEver() throws {
    let coordinator = try makeCoordinator()
    for attempt in 1...RetryPolicy.interruptionsAllowed + 1 {
      let trial = try coordinator.next()
      #expect(trial.number == 0)
      #expect(trial.attempt == attempt)
      let told = try coordinator.tell(trial, .ended(.interrupted, reason: "Ctrl-C"))
      #expect(told.state == (attempt <= RetryPolicy.interruptionsAllowed ? .running : .failed))
    }
    #expect(try coordinator.next().number == 1)
  }

  @Test func theTrialOfADeadProcessIsHandedOutAtOnce() throws {
    let store = InMemoryStudyStore()
    let own = WorkerIdentity.current()
    // No process has this number: Linux counts to 2^22.
    let dead = "\(own.host)/\(own.boot)/\(Int32.max)/1/gone"
    let victim = try makeCoordinator(store, worker: dead).next()
    let heir = try makeCoordinator(store)
    #expect(try heir.recoverFromDeadWorkers() == [victim.number])
    let trial = try heir.next()
    #expect(trial.number == victim.number)
    #expect(trial.attempt == 2)
    #expect(throws: (any Error).self) {
      _ = try victimTells(store, dead, victim)
    }
  }

  private func victimTells(
    _ store: any StudyStore, _ worker: String, _ trial: ActiveTrial
  ) throws -> Trial {
    try makeCoordinator(store, worker: worker).tell(trial, .completed([1]))
  }

  @Test func theTrialOfALivingProcessIsLeftAlone() throws {
    let store = InMemoryStudyStore()
    _ = try makeCoordinator(store).next()
    let other = try makeCoordinator(store)
    #expect(try other.recoverFromDeadWorkers().isEmpty)
    #expect(try other.next().number == 1)
  }

  @Test func aTrialThatIsLostTooOftenFails() throws {
    let store = InMemoryStudyStore()
    let own = WorkerIdentity.current()
    for _ in 0...RetryPolicy.lossesAllowed {
      let dead = "\(own.host)/\(own.boot)/\(Int32.max)/1/gone"
      let coordinator = try makeCoordinator(store, worker: dead)
      #expect(try coordinator.next().number == 0)
      _ = try makeCoordinator(store).recoverFromDeadWorkers()
    }
    let coordinator = try makeCoordinator(store)
    #expect(try coordinator.next().number == 1)
    let lost = try #require(try store.trials(in: coordinator.study, numbers: [0]).first)
    #expect(lost.state == .failed)
    #expect(lost.systemAttributes.contains(Attribute("needletail:outcome", "lost")))
  }

  @Test func aTrialHandedOutElsewhereCanBeTakenUp() throws {
    let store = InMemoryStudyStore()
    let asked = try makeCoordinator(store, worker: "command line").next()
    let coordinator = try makeCoordinator(store)
    let trial = try coordinator.resume(asked.number)
    try trial.report(1, step: 0)
    let told = try coordinator.tell(trial, .completed([2]))
    #expect(told.values == [2])
    #expect(throws: StoreError.trialFinished(number: 0)) { try coordinator.resume(0) }
    #expect(throws: StoreError.self) { try coordinator.resume(5) }
  }
}

@Suite struct WorkerIdentityTests {
  @Test func thisProcessLives() throws {
    let identity = WorkerIdentity.current()
    #expect(!identity.isDead)
    #expect(WorkerIdentity(name: identity.name) == identity)
  }

  @Test func anotherStartTimeMeansAnotherProcess() throws {
    let own = WorkerIdentity.current()
    let name = "\(own.host)/\(own.boot)/\(own.process)/1\(own.start)/x"
    #expect(try #require(WorkerIdentity(name: name)).isDead)
  }

  @Test func anotherMachineIsNotJudged() throws {
    let own = WorkerIdentity.current()
    let name = "not-\(own.host)/\(own.boot)/\(Int32.max)/1/x"
    #expect(try #require(WorkerIdentity(name: name)).isDead == false)
  }

  @Test(arguments: ["", "a/b", "h/b/0/1/x", "h/b/x/1/x", "command line"])
  func otherNamesAreNone(name: String) {
    #expect(WorkerIdentity(name: name) == nil)
  }
}
