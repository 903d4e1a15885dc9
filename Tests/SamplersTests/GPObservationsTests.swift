import JSON
import Probability
import StudyModel
import Testing

@testable import Samplers

/// What the sampler keeps of a study is what it would read of all of it.
@Suite struct GPObservationsTests {
  /// A study in which everything happens: conditional parameters, ranges that change, constraints,
  /// reports, ends of all kinds, trials that run long.
  private struct Scenario {
    var history: TrialHistory
    private var generator: TrialGenerator
    private var open: [Int] = []
    private let ranges: [Distribution]
    private let kind: Distribution
    private let layers: Distribution

    init(seed: UInt64, directions: [Direction]) throws {
      history = TrialHistory(directions: directions)
      generator = TrialGenerator(seed: seed, trial: 0)
      ranges = [
        .float(try FloatDistribution(low: 0, high: 1)),
        .float(try FloatDistribution(low: -1, high: 2)),
      ]
      kind = .categorical(try CategoricalDistribution(["a", "b", "c"]))
      layers = .int(try IntDistribution(low: 1, high: 4))
    }

    private mutating func apply(_ event: TrialChange.Event, to number: Int) {
      history.apply(TrialChange(TrialReference(id: number + 1, number: number), event))
    }

    private mutating func set(
      _ name: String, _ distribution: Distribution, of number: Int
    ) -> Double {
      let value = distribution.sample(using: &generator)
      apply(
        .parameterSet(ParameterAssignment(name, distribution, internalValue: value)), to: number)
      return value
    }

    private mutating func begin() {
      let number = history.count
      apply(.created(.running, at: nil), to: number)
      open.append(number)
      if generator.integer(below: 20) == 0 { return }  // fails before it has any parameter
      let kind = set("kind", kind, of: number)
      if kind == 1, set("layers", layers, of: number) > 2 {
        _ = set("deep", ranges[0], of: number)
      }
      // Now and then a trial that no rule explains.
      if generator.integer(below: 30) == 0 { _ = set("odd", ranges[0], of: number) }
      let isWide = number > 40 && generator.integer(below: 4) == 0
      _ = set("x", ranges[isWide ? 1 : 0], of: number)
    }

    private mutating func value() -> Double {
      let special: [Double] = [.nan, .infinity, -.infinity, 0]
      let place = generator.integer(below: 40)
      return place < special.count ? special[place] : Double(generator.integer(below: 40)) / 8
    }

    /// Begins a trial and perhaps ends one.
    mutating func step(completing: Bool) {
      begin()
      guard open.count > 3 else { return }
      let number = open.remove(at: generator.integer(below: open.count))
      for name in ["constraints:c", "constraints:b"] where generator.integer(below: 3) == 0 {
        let value = value()
        apply(.systemAttributeSet(Attribute(name, .float(value))), to: number)
      }
      if history.directions.count == 1 {
        for step in 0..<generator.integer(below: 5) {
          let value = value()
          apply(.reported(IntermediateValue(step: step, value: value)), to: number)
        }
      }
      let states: [TrialState] = [.completed, .completed, .completed, .pruned, .pruned, .failed]
      var state = states[generator.integer(below: states.count)]
      if state == .completed, !completing { state = .pruned }
      var values: [Double] = []
      if state == .completed { for _ in history.directions { values.append(value()) } }
      if state == .pruned, let last = history.reports[number].last { values = [last.value] }
      apply(.finished(state, values: values, at: Timestamp(microseconds: 1)), to: number)
    }
  }

  private func expect(_ kept: GPObservations, agreesWith history: TrialHistory) {
    let evidence = Evidence(history)
    #expect(kept.evidence.observed == evidence.observed)
    #expect(kept.evidence.finishedUpTo == evidence.finishedUpTo)
    #expect(kept.evidence.losses == evidence.losses)
    #expect(kept.evidence.poor == evidence.poor)
    #expect(kept.evidence.isFeasible == evidence.isFeasible)
    #expect(kept.evidence.sinceProgress == evidence.sinceProgress)
    #expect(kept.evidence.constraints.map(\.name) == evidence.constraints.map(\.name))
    for (one, other) in zip(kept.evidence.constraints, evidence.constraints) {
      #expect(one.values.map(\.bitPattern) == other.values.map(\.bitPattern))
    }
    let whole = history.finishedOrder.filter { history.states[$0] != .failed }
    let space = GPSpace(of: whole, in: history)
    #expect(kept.space.parameters == space.parameters)
    #expect(kept.space.kinds == space.kinds)
    let points = evidence.observed.map { space.point(of: $0, in: history) }
    #expect(kept.points.map { $0.map(\.bitPattern) } == points.map { $0.map(\.bitPattern) })
    // The rules by which parameters are active.
    var generator = TrialGenerator(seed: 1, trial: history.count)
    for _ in 0..<20 {
      let point = space.kinds.indices.map {
        space.coordinate(ofUniform: generator.uniform(), $0)
      }
      let (one, other) = (kept.space.activated(point), space.activated(point))
      #expect(one.map(\.bitPattern) == other.map(\.bitPattern))
    }
    // The unit is that of the definition.
    for (k, losses) in evidence.losses.enumerated() where !losses.isEmpty {
      let best = losses.min() ?? 0
      let distances = losses.map { $0 - best }.sorted()
      let positive = distances.filter { $0 > 0 }
      let median = distances[distances.count / 2]
      let unit = median > 0 ? median : positive.isEmpty ? 1 : positive[positive.count / 2]
      #expect(kept.evidence.unit(ofObjective: k) == unit)
      #expect(OutputTransform.unit(ofLosses: losses) == unit)
    }
  }

  @Test(
    arguments: 0..<12 as Range<UInt64>,
    [[Direction.minimize], [.maximize], [.minimize, .maximize]])
  func keepsWhatItWouldRead(seed: UInt64, directions: [Direction]) throws {
    var scenario = try Scenario(seed: seed, directions: directions)
    var kept = GPObservations()
    for turn in 0..<120 {
      // Pruned trials stand in for what is missing at first, in half of the studies.
      scenario.step(completing: turn > 20 || seed % 2 == 0)
      // Several trials at a time, too.
      guard turn % (1 + Int(seed % 3)) == 0 else { continue }
      kept.advance(to: scenario.history)
      expect(kept, agreesWith: scenario.history)
    }
    #expect(kept.evidence.observed.count > 15)
  }

  /// A history that is not the one before, or an older copy of it, is read anew.
  @Test func tellsHistoriesApart() throws {
    var scenarios = [
      try Scenario(seed: 1, directions: [.minimize]),
      try Scenario(seed: 2, directions: [.minimize]),
      try Scenario(seed: 3, directions: [.minimize, .minimize]),
    ]
    var copies: [TrialHistory] = []
    var kept = GPObservations()
    for turn in 0..<90 {
      scenarios[turn % 3].step(completing: true)
      if turn % 7 == 0 { copies.append(scenarios[turn % 3].history) }
    }
    for history in copies + scenarios.map(\.history) + copies.reversed() {
      kept.advance(to: history)
      expect(kept, agreesWith: history)
    }
  }

  /// Each finished trial is read once, whatever the number of suggestions; trials that failed are
  /// not placed, nor does what is not observed enter the model.
  @Test(arguments: [100, 1_000])
  func readsEachTrialOnce(failures: Int) throws {
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1))
    var history = TrialHistory(directions: [.minimize])
    let sampler = GPSampler()
    func add(_ number: Int, _ x: Double, _ state: TrialState) {
      let trial = TrialReference(id: number + 1, number: number)
      for event: TrialChange.Event in [
        .created(.running, at: nil),
        .parameterSet(ParameterAssignment("x", range, internalValue: x)),
        .finished(
          state, values: state == .completed ? [(x - 0.3) * (x - 0.3)] : [],
          at: Timestamp(microseconds: 1)),
      ] { history.apply(TrialChange(trial, event)) }
    }
    var generator = TrialGenerator(seed: 3, trial: 0)
    for number in 0..<failures + 20 {
      add(number, generator.uniform(), number % (failures / 20 + 1) == 0 ? .completed : .failed)
    }
    for _ in 0..<12 {
      let number = history.count
      var generator = TrialGenerator(seed: 1, trial: number)
      let plan = try sampler.plan(for: number, in: nil, given: history, using: &generator)
      add(number, try #require(plan.assignments.first).internalValue, .completed)
      let reading = sampler.reading
      #expect(reading.trials == history.finishedOrder.count - 1)
      #expect(reading.points == (history.counts[.completed] ?? 0) - 1)
    }
  }

  /// A sampler that follows suggests what one that begins now does.
  @Test(arguments: 0..<2 as Range<UInt64>)
  func suggestsAsANewcomer(seed: UInt64) throws {
    var scenario = try Scenario(seed: seed, directions: [.minimize])
    let follower = GPSampler()
    for turn in 0..<40 {
      scenario.step(completing: true)
      guard turn % 4 == 0 else { continue }
      let number = scenario.history.count
      let plans = try [follower, GPSampler()].map { sampler in
        var generator = TrialGenerator(seed: seed, trial: number)
        return try sampler.plan(
          for: number, in: nil, given: scenario.history, using: &generator)
      }
      #expect(plans[0].assignments == plans[1].assignments)
    }
  }

  @Test func findsTheSmallest() {
    var generator = TrialGenerator(seed: 4, trial: 0)
    for size in [0, 1, 2, 7, 100, 1_000] {
      for _ in 0..<20 {
        let keys = (0..<size).map { _ in generator.integer(below: 12) }
        func isBefore(_ a: Int, _ b: Int) -> Bool { (keys[a], a) < (keys[b], b) }
        let wanted = generator.integer(below: size + 3)
        let found = Array(0..<size).smallest(wanted, by: isBefore)
        #expect(found.sorted() == (0..<size).sorted(by: isBefore).prefix(wanted).sorted())
      }
    }
  }
}
