import JSON
import LinearAlgebra
import Probability
import StudyModel
import Testing

@testable import Samplers

/// The sampler as a whole: what it must find, and what must not break it.
@Suite struct GPSamplerTests {
  /// A study in memory, one trial after the other.
  struct Study {
    var history: TrialHistory
    let space: [Parameter]
    let seed: UInt64
    var sampler = GPSampler()
    /// What the sampler is told of the space.
    var declared: SearchSpace?

    init(_ space: [Parameter], directions: [Direction] = [.minimize], seed: UInt64 = 1) {
      self.space = space
      self.seed = seed
      history = TrialHistory(directions: directions)
    }

    /// Asks for a trial; every value is checked to be possible.
    mutating func ask() throws -> (number: Int, values: [Double], decision: JSONValue?) {
      let number = history.count
      let reference = TrialReference(id: number, number: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      var generator = TrialGenerator(seed: seed, trial: number)
      let plan = try sampler.plan(
        for: number, in: declared, given: history, using: &generator)
      var values: [Double] = []
      for parameter in space {
        let joint = plan.assignments.first {
          $0.name == parameter.name && parameter.distribution.contains($0.internalValue)
        }
        let value: Double =
          if let joint { joint.internalValue } else {
            try sampler.sample(parameter, for: number, given: history, using: &generator)
          }
        #expect(parameter.distribution.contains(value), "\(parameter.name): \(value)")
        values.append(value)
        history.apply(
          TrialChange(
            reference,
            .parameterSet(
              ParameterAssignment(parameter.name, parameter.distribution, internalValue: value))))
      }
      return (number, values, plan.attributes.first { $0.key == "needletail:sampler" }?.value)
    }

    mutating func tell(_ number: Int, _ state: TrialState, _ values: [Double]) {
      history.apply(
        TrialChange(
          TrialReference(id: number, number: number),
          .finished(state, values: values, at: Timestamp(microseconds: 0))))
    }

    /// Runs trials; the outcome is a state and values.
    mutating func run(
      _ count: Int, _ outcome: (Int, [Double]) -> (TrialState, [Double])
    ) throws {
      for _ in 0..<count {
        let (number, values, _) = try ask()
        let (state, results) = outcome(number, values)
        tell(number, state, results)
      }
    }

    var best: Double { history.values.filter { !$0.isNaN }.min() ?? .infinity }
  }

  static func floats(_ count: Int) throws -> [Parameter] {
    let distribution = Distribution.float(try FloatDistribution(low: -5, high: 5))
    return (0..<count).map { Parameter("x\($0)", distribution) }
  }

  @Test func findsAMinimumSoon() throws {
    // Random search leaves about 1.4 after 30 trials in two dimensions; 4 of 4 seeds must be far
    // below.
    for seed in 0..<4 as Range<UInt64> {
      var study = Study(try Self.floats(2), seed: seed)
      try study.run(30) { _, x in
        (.completed, [(x[0] - 1.7) * (x[0] - 1.7) + 2 * (x[1] + 0.3) * (x[1] + 0.3)])
      }
      #expect(study.best < 0.01, "seed \(seed): \(study.best)")
    }
  }

  @Test func accountsForItsSuggestion() throws {
    var study = Study(try Self.floats(2))
    let (first, _, startup) = try study.ask()
    #expect(startup?["phase"]?.string == "startup")
    study.tell(first, .completed, [1])
    try study.run(12) { number, x in (.completed, [x[0] * x[0] + Double(number % 3)]) }
    let (_, _, decision) = try study.ask()
    #expect(decision?["phase"]?.string == "model")
    #expect(decision?["observations"]?.number == 13)
    #expect((decision?["length_scales"]?["x1"]?.number ?? -1) > 0)
    #expect((decision?["noise"]?.number ?? 0) >= 1e-6)
    #expect(decision?["acquisition"]?.number?.isFinite == true)
    #expect((decision?["milliseconds"]?.number ?? -1) >= 0)
  }

  @Test("a model large enough to be worth several threads does not depend on their number")
  func doesNotDependOnThreads() throws {
    let usual = BLAS.threads
    defer { BLAS.setThreads(usual) }
    var history = TrialHistory(directions: [.minimize])
    for number in 0..<160 {
      let reference = TrialReference(id: number, number: number)
      var generator = TrialGenerator(seed: 11, trial: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      var loss = 0.0
      for parameter in try Self.floats(3) {
        let value = generator.uniform(-5, 5)
        loss += value * value
        history.apply(
          TrialChange(
            reference,
            .parameterSet(
              ParameterAssignment(parameter.name, parameter.distribution, internalValue: value))))
      }
      history.apply(
        TrialChange(
          reference, .finished(.completed, values: [loss], at: Timestamp(microseconds: 0))))
    }
    let suggestions = try [1, 2, 4].map { threads in
      BLAS.setThreads(threads)
      var generator = TrialGenerator(seed: 4, trial: 160)
      return try GPSampler().sampleJointly(for: 160, given: history, using: &generator)
        .map(\.internalValue.bitPattern)
    }
    #expect(suggestions[0].count == 3)
    #expect(suggestions[1] == suggestions[0] && suggestions[2] == suggestions[0])
  }

  @Test("without progress every other suggestion comes from a model with shorter length scales")
  func doubtsItselfWithoutProgress() throws {
    var study = Study(try Self.floats(2), seed: 6)
    // The best of all trials is the first one, whatever follows.
    try study.run(26) { number, x in
      (.completed, [number == 0 ? -100 : 10 + x[0].rounded() + x[1].rounded()])
    }
    var doubts: [Bool] = []
    for _ in 0..<4 {
      let (number, _, decision) = try study.ask()
      doubts.append(decision?["length_scales_halved"] == .bool(true))
      study.tell(number, .completed, [12])
    }
    #expect(doubts == [false, true, false, true])
  }

  @Test("a pruned trial counts with the result that its last report lets expect")
  func forecastsPrunedTrials() throws {
    var history = TrialHistory(directions: [.maximize])
    func add(_ number: Int, _ reports: [Double], _ state: TrialState) {
      let reference = TrialReference(id: number, number: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      for (step, value) in reports.enumerated() {
        history.apply(
          TrialChange(reference, .reported(IntermediateValue(step: step, value: value))))
      }
      let values = state == .completed ? [reports.last ?? .nan] : []
      history.apply(
        TrialChange(reference, .finished(state, values: values, at: Timestamp(microseconds: 0))))
    }
    add(0, [0.1, 0.3], .pruned)
    for number in 1...4 { add(number, [0.1, 0.2, 0.3].map { $0 * Double(number) }, .completed) }
    add(5, [0.25, 0.1], .pruned)
    add(6, [9, 9], .pruned)
    let evidence = Evidence(history)
    // Nothing had completed when trial 0 was pruned; trial 6 is no better than the best.
    #expect(evidence.poor == [0])
    #expect(evidence.observed == [1, 2, 3, 4, 5, 6])
    let losses = evidence.losses[0]
    // On the line through (0.2, 0.3), …, (0.8, 1.2).
    #expect(abs(losses[4] - -0.15) < 1e-12)
    #expect(losses[5] == losses[3])
  }

  @Test func keepsConstraints() throws {
    var study = Study(try Self.floats(2), seed: 3)
    for number in 0..<35 {
      let (_, x, _) = try study.ask()
      // The minimum of x₀ + x₁ with x₀ + x₁ ≥ 2 is on the border.
      let slack = 2 - x[0] - x[1]
      study.history.apply(
        TrialChange(
          TrialReference(id: number, number: number),
          .systemAttributeSet(Attribute("constraints", [.float(slack)]))))
      study.tell(number, .completed, [x[0] + x[1]])
    }
    let best = (0..<35).filter { study.history.violation(of: $0) == 0 }
      .map { study.history.values[$0] }.min()
    #expect((best ?? 10) < 2.02)
  }

  @Test func suggestsWhatTheParametersConstraintsAllow() throws {
    var study = Study(try Self.floats(2), seed: 5)
    var declared = try SearchSpace(study.space)
    try declared.append(try ParameterConstraint("x0 + x1 <= 1"))
    // The objective falls towards what is not allowed.
    try study.run(14) { _, x in (.completed, [-x[0] - 2 * x[1]]) }
    for trial in 14..<18 {
      var generator = TrialGenerator(seed: 5, trial: trial)
      let plan = try study.sampler.plan(
        for: trial, in: declared, given: study.history, using: &generator)
      #expect(plan.assignments.count == 2)
      #expect(declared.allows(plan.assignments), "\(plan.assignments.map(\.internalValue))")
    }
  }

  @Test func spreadsPendingTrials() throws {
    var study = Study(try Self.floats(2))
    try study.run(15) { _, x in (.completed, [x[0] * x[0] + x[1] * x[1]]) }
    let asked = try (0..<6).map { _ in try study.ask().values }
    for (i, a) in asked.enumerated() {
      for b in asked[..<i] { #expect(max(abs(a[0] - b[0]), abs(a[1] - b[1])) > 1e-3) }
    }
  }

  @Test func coversAFrontOfTwoObjectives() throws {
    var study = Study(try Self.floats(2), directions: [.minimize, .minimize], seed: 2)
    try study.run(40) { _, x in
      (
        .completed,
        [(x[0] - 1) * (x[0] - 1) + x[1] * x[1], (x[0] + 1) * (x[0] + 1) + x[1] * x[1]]
      )
    }
    let values = study.history.objectiveValues.values.map { $0 }
    // The front is x₁ = 0, −1 ≤ x₀ ≤ 1, with the volume 22.67 below (5, 5); random search reaches
    // about 19.
    #expect(Hypervolume.volume(values, below: [5, 5]) > 21.5)
  }

  // MARK: Bad inputs

  static let outcomes:
    [(name: String, outcome: @Sendable (Int, [Double]) -> (TrialState, [Double]))] =
      [
        ("constant", { _, _ in (.completed, [3]) }),
        (
          "a tenth not a number or infinite",
          { number, x in
            let bad = [Double.nan, .infinity, -.infinity][number / 10 % 3]
            return (.completed, [number % 10 == 4 ? bad : x[0]])
          }
        ),
        ("huge", { number, x in (.completed, [number % 2 == 0 ? 1e300 * x[0] : x[0]]) }),
        ("all failed", { _, _ in (.failed, []) }),
        ("all pruned", { _, x in (.pruned, [x[0]]) }),
        ("all not a number", { _, _ in (.completed, [.nan]) }),
        ("noise", { number, _ in (.completed, [Double(number * 7919 % 101)]) }),
        ("tiny", { _, x in (.completed, [1e-308 * x[0]]) }),
      ]

  @Test(arguments: outcomes.indices)
  func survives(place: Int) throws {
    let (name, outcome) = Self.outcomes[place]
    var space = try Self.floats(2)
    space.append(Parameter("n", .int(try IntDistribution(low: 1, high: 30))))
    space.append(
      Parameter("c", .categorical(try CategoricalDistribution(["a", "b", "c"]))))
    var study = Study(space)
    try study.run(22, outcome)
    #expect(study.history.count == 22, "\(name)")
  }

  @Test func survivesEqualPointsWithDifferentValues() throws {
    var study = Study(try Self.floats(2))
    for number in 0..<30 {
      let reference = TrialReference(id: number, number: number)
      study.history.apply(TrialChange(reference, .created(.running, at: nil)))
      for parameter in study.space {
        study.history.apply(
          TrialChange(
            reference,
            .parameterSet(
              ParameterAssignment(
                parameter.name, parameter.distribution, internalValue: Double(number % 2)))))
      }
      study.tell(number, .completed, [Double(number % 7)])
    }
    let (_, values, decision) = try study.ask()
    for value in values { #expect(value.isFinite) }
    #expect(decision?["phase"]?.string == "model")
  }

  @Test func survivesOneTrialAndOnePoint() throws {
    var study = Study(try Self.floats(1))
    study.sampler.startupTrials = 1
    try study.run(4) { _, x in (.completed, [x[0]]) }
    var point = Study([Parameter("x", .int(try IntDistribution(low: 3, high: 3)))])
    try point.run(13) { _, _ in (.completed, [1]) }
    var all = Study([Parameter("x", .int(try IntDistribution(low: 1, high: 12)))])
    all.sampler.startupTrials = 3
    try all.run(12) { _, x in (.completed, [x[0]]) }
    // Nothing is suggested twice while there is something else.
    #expect(Set(all.history.parameters[0].values).count == 12)
    let (_, value, decision) = try all.ask()
    #expect((1...12).contains(value[0]) && decision?["repeats"] == true)
  }

  @Test func survivesManyParametersAndManyChoices() throws {
    var wide = Study(try Self.floats(200))
    try wide.run(13) { _, x in (.completed, [x.reduce(0, +)]) }
    let choices = (0..<1_000).map { ParameterValue.int($0) }
    var long = Study([
      Parameter("c", .categorical(try CategoricalDistribution(choices))),
      Parameter("x", .float(try FloatDistribution(low: 0, high: 1))),
    ])
    try long.run(20) { _, x in (.completed, [abs(x[0] - 400) + x[1]]) }
    let (_, _, decision) = try long.ask()
    #expect(decision?["phase"]?.string == "model")
  }

  @Test func survivesBrokenConstraints() throws {
    for attribute in [JSONValue.array([.float(.nan)]), .array([1, 2]), .array([])] {
      var study = Study(try Self.floats(2))
      for number in 0..<14 {
        let (_, x, _) = try study.ask()
        study.history.apply(
          TrialChange(
            TrialReference(id: number, number: number),
            .systemAttributeSet(Attribute("constraints", attribute))))
        study.tell(number, .completed, [x[0]])
      }
      #expect(study.history.count == 14)
    }
  }

  @Test func refusesSettingsThatMakeNoSense() {
    var sampler = GPSampler()
    sampler.candidateCount = 0
    var generator = TrialGenerator(seed: 0, trial: 0)
    let history = TrialHistory(directions: [.minimize])
    #expect(throws: SamplerError.self) {
      try sampler.sampleJointly(for: 0, given: history, using: &generator)
    }
    sampler.candidateCount = 64
    sampler.startupTrials = -1
    #expect(throws: SamplerError.self) {
      try sampler.sampleJointly(for: 0, given: history, using: &generator)
    }
  }

  /// A kernel matrix that is not positive definite gets more noise until it is.
  @Test func addsNoiseWhereTheKernelIsSingular() {
    let points = FeaturePoints(
      features: Matrix(rows: 1, columns: 40, elements: (0..<40).map { 1e-9 * Double($0) }),
      parameterOf: [0])
    let model = Surrogate(
      points, scores: (0..<40).map { Double($0 % 2) }, poorCount: 0, ceiling: 0,
      draws: Matrix(zeros: 0, 1),
      parameters: KernelParameters(inverseSquaredScales: [1], signal: 1, noise: 1e-18))
    #expect(model.parameters.noise > 1e-18)
    for mean in model.predict(points).means.elements { #expect(mean.isFinite) }
  }
}
