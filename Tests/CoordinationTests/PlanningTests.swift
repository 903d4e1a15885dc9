import Coordination
import Foundation
import Pruners
import SQLiteStores
import Samplers
import Stores
import StudyModel
import Testing
import Trials

/// How coordinators keep trials apart and within constraints.
@Suite struct PlanningTests {
  private func makeCoordinator(
    _ store: any StudyStore, _ sampler: any Sampler, seed: UInt64 = 7, allowsRepeats: Bool = false
  ) throws -> Coordinator {
    let known = try store.studies().first { $0.name == "study" }
    return Coordinator(
      store: store,
      study: try known ?? store.createStudy(named: "study", directions: [.minimize]),
      sampler: sampler, pruner: NopPruner(), seed: seed, allowsRepeats: allowsRepeats)
  }

  /// 6 · 2 + 6 · 3 points.
  private func smallSpace() throws -> SearchSpace {
    var space = try SearchSpace([
      Parameter("n", .int(IntDistribution(low: 1, high: 6))),
      Parameter("kind", .categorical(CategoricalDistribution(["a", "b", "c"]))),
    ])
    try space.append(
      Parameter("x", .float(FloatDistribution(low: 0, high: 1, step: 0.5))),
      when: [.init(parent: "kind", values: ["b"])])
    return space
  }

  private func point(_ trial: Trial) -> [String] {
    trial.parameters.map { "\($0.name)=\($0.value)" }
  }

  @Test("an exhaustive sampler takes each point once and then ends the study", arguments: [0, 1])
  func exhausts(kind: Int) throws {
    let sampler: any Sampler = kind == 0 ? try GridSampler() : BruteForceSampler()
    let coordinator = try makeCoordinator(InMemoryStudyStore(), sampler)
    let space = try smallSpace()
    var points: [[String]] = []
    while let trial = try coordinator.ask(assigning: space) {
      points.append(point(trial.snapshot))
      let outcome: Outcome =
        points.count.isMultiple(of: 5) ? .ended(.failed, reason: "it is") : .completed([1])
      _ = try coordinator.tell(trial, outcome)
    }
    #expect(points.count == 30)
    #expect(Set(points).count == 30)
    #expect(try coordinator.trialLimit(atMost: nil, in: space) == 30)
    #expect(points != points.sorted { $0.joined() < $1.joined() })
  }

  @Test("queued trials take their points away, and others do not")
  func queuedTrialsCount() throws {
    let coordinator = try makeCoordinator(InMemoryStudyStore(), try GridSampler())
    let space = try smallSpace()
    _ = try coordinator.enqueue([("n", 3), ("kind", "a")])
    _ = try coordinator.enqueue([("n", 3), ("kind", "impossible")])
    _ = try coordinator.enqueue([("kind", "c")])
    var points: [[String]] = []
    while let trial = try coordinator.ask(assigning: space) {
      points.append(point(trial.snapshot))
      _ = try coordinator.tell(trial, .completed([1]))
    }
    #expect(Set(points).count == 30)
    #expect(points[0] == ["n=3", "kind=a"])
  }

  @Test("20 workers over one SQLite file never take a point twice", arguments: [0, 1, 2, 3])
  func workersKeepApart(kind: Int) async throws {
    let folder = NSTemporaryDirectory() + "needletail-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
    let path = folder + "/study.db"
    let space = try smallSpace()
    _ = try makeCoordinator(SQLiteStudyStore(path: path), RandomSampler())
    let points = try await withThrowingTaskGroup(of: [[String]].self) { group in
      for worker in 0..<20 {
        let samplers: [any Sampler] = [
          try GridSampler(), BruteForceSampler(), TPESampler(), RandomSampler(),
        ]
        // Each with a store and a coordinator of its own, like a process.
        let coordinator = try makeCoordinator(
          SQLiteStudyStore(path: path), samplers[kind])
        group.addTask {
          var points: [[String]] = []
          let limit = kind < 2 ? nil : 30
          while let trial = try coordinator.ask(limit: limit, assigning: space) {
            points.append(point(trial.snapshot))
            _ = try coordinator.tell(trial, .completed([Double(worker)]))
          }
          return points
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(points.count == 30)
    #expect(Set(points).count == 30)
  }

  @Test("points are repeated when that is asked for, and when none is left")
  func repeats() throws {
    let space = try SearchSpace([Parameter("n", .int(IntDistribution(low: 1, high: 8)))])
    func distinct(_ count: Int, allowsRepeats: Bool) throws -> Int {
      let coordinator = try makeCoordinator(
        InMemoryStudyStore(), TPESampler(), allowsRepeats: allowsRepeats)
      var points: Set<[String]> = []
      for _ in 0..<count {
        let trial = try #require(try coordinator.ask(assigning: space))
        points.insert(point(trial.snapshot))
        let n = try #require(trial.snapshot[parameter: "n"]?.number)
        _ = try coordinator.tell(trial, .completed([n]))
      }
      return points.count
    }
    #expect(try distinct(8, allowsRepeats: false) == 8)
    #expect(try distinct(20, allowsRepeats: false) == 8)
    #expect(try distinct(8, allowsRepeats: true) < 8)
  }

  @Test("what the objective suggests itself is exhausted, too")
  func learnedTree() throws {
    let coordinator = try makeCoordinator(InMemoryStudyStore(), BruteForceSampler())
    var seen: [[String]] = []
    while let trial = try coordinator.ask() {
      let kind = try trial.suggest(
        Parameter("kind", .categorical(CategoricalDistribution(["float", "int"]))))
      if kind == "float" {
        _ = try trial.suggest(
          Parameter("x", .float(FloatDistribution(low: 1, high: 3, step: 0.5))))
      } else {
        let a = try trial.suggest(Parameter("a", .int(IntDistribution(low: 1, high: 3))))
        let low = try #require(a.number.map { Int($0) })
        _ = try trial.suggest(Parameter("b\(low)", .int(IntDistribution(low: low, high: 3))))
      }
      seen.append(point(trial.snapshot))
      _ = try coordinator.tell(trial, .completed([0]))
    }
    #expect(seen.count == 5 + 3 + 2 + 1)
    #expect(Set(seen).count == seen.count)
  }

  @Test("a grid of given values serves objectives that suggest")
  func givenValues() throws {
    let sampler = try GridSampler(values: ["y": [1, 2, 3], "x": ["a", "b"]])
    let coordinator = try makeCoordinator(InMemoryStudyStore(), sampler)
    var seen: Set<[String]> = []
    for _ in 0..<6 {
      let trial = try #require(try coordinator.ask())
      _ = try trial.suggest(Parameter("y", .float(FloatDistribution(low: 0, high: 4))))
      _ = try trial.suggest(Parameter("x", .categorical(CategoricalDistribution(["b", "a", "c"]))))
      seen.insert(point(trial.snapshot))
      #expect(throws: SamplerError.notInGrid(name: "z")) {
        try trial.suggest(Parameter("z", .int(IntDistribution(low: 0, high: 4))))
      }
      _ = try coordinator.tell(trial, .completed([0]))
    }
    #expect(seen.count == 6)
    #expect(try coordinator.ask() == nil)
  }

  @Test("every sampler keeps the constraints", arguments: [0, 1, 2, 3])
  func constraintsHold(kind: Int) throws {
    var space = try SearchSpace([
      Parameter("layers", .int(IntDistribution(low: 1, high: 12))),
      Parameter("width", .int(IntDistribution(low: 8, high: 1_024, log: true))),
      Parameter("x", .float(FloatDistribution(low: 0, high: 1, step: kind < 2 ? 0.25 : nil))),
    ])
    try space.append(ParameterConstraint("layers * width <= 500"))
    try space.append(ParameterConstraint("x >= 0.5"))
    let samplers: [any Sampler] = [
      try GridSampler(), BruteForceSampler(), TPESampler(), RandomSampler(),
    ]
    let coordinator = try makeCoordinator(InMemoryStudyStore(), samplers[kind])
    for _ in 0..<40 {
      let trial = try #require(try coordinator.ask(assigning: space))
      #expect(space.allows(trial.snapshot.parameters))
      // Better the more the constraint is strained, so that a model presses against it.
      let product = trial.snapshot.parameters.prefix(2).reduce(1) { $0 * $1.internalValue }
      _ = try coordinator.tell(trial, .completed([-product]))
    }
  }

  @Test("a narrow part of the space is found, and an empty one refused with one sentence")
  func narrowAndEmpty() throws {
    var narrow = try SearchSpace([
      Parameter("a", .float(FloatDistribution(low: 0, high: 1))),
      Parameter("b", .float(FloatDistribution(low: 0, high: 1))),
    ])
    var empty = narrow
    try narrow.append(ParameterConstraint("abs(a - b) <= 0.002"))
    let coordinator = try makeCoordinator(InMemoryStudyStore(), TPESampler())
    for _ in 0..<15 {
      let trial = try #require(try coordinator.ask(assigning: narrow))
      #expect(narrow.allows(trial.snapshot.parameters))
      _ = try coordinator.tell(trial, .completed([0]))
    }
    try empty.append(ParameterConstraint("a + b > 3"))
    let error = #expect(throws: TrialError.self) { try coordinator.ask(assigning: empty) }
    #expect(
      error?.description
        == "no values were found that fulfil 'a + b > 3'; loosen the constraints or widen the ranges"
    )
    // A queued trial that cannot fulfil them fails alone, one that can gets the rest of its values.
    let queued = try coordinator.enqueue([("a", 7)])
    _ = try coordinator.enqueue([("a", 0.25)])
    let trial = try #require(try coordinator.ask(assigning: narrow))
    #expect(abs((trial.snapshot[parameter: "b"]?.number ?? 0) - 0.25) <= 0.002)
    let failed = try coordinator.store.trials(in: coordinator.study, numbers: [queued.number])
    #expect(failed.first?.state == .failed)
  }

  @Test func samplersRefuseSpacesWithoutEnd() throws {
    let space = try SearchSpace([Parameter("x", .float(FloatDistribution(low: 0, high: 1)))])
    let coordinator = try makeCoordinator(InMemoryStudyStore(), BruteForceSampler())
    let error = #expect(throws: SamplerError.self) { try coordinator.ask(assigning: space) }
    #expect(
      error?.description
        == "the sampler 'brute_force' needs finitely many values of 'x'; give it a step or choices")
    // Nothing was created.
    #expect(try coordinator.store.counts(in: coordinator.study).isEmpty)
  }
}
