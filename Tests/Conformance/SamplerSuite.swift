internal import JSON
internal import Probability
package import Samplers
internal import StudyModel
internal import Testing

/// What every sampler must do, and the list of all samplers that must do it.
package enum SamplerSuite {
  /// A sampler to be made anew where a test needs one that has seen nothing.
  package struct Maker: Sendable, CustomStringConvertible {
    package let description: String
    package let make: @Sendable () -> any Sampler
  }

  /// Every sampler with its defaults, and with its other settings.
  package static let all: [Maker] = [
    Maker(description: "random") { RandomSampler() },
    Maker(description: "qmc") { QMCSampler() },
    cmaes("plain") { _ in },
    cmaes("small") {
      $0.populationSize = 4
      $0.startupTrials = 5
      $0.restarts = .ipop
    },
    nsga2("small") { $0.populationSize = 6 },
    nsga2("uniform") {
      $0.populationSize = 4
      $0.crossover = .uniform
      $0.mutationProbability = 0.5
    },
    Maker(description: "tpe") { TPESampler() },
    Maker(description: "auto, soon tpe") {
      var sampler = AutoSampler()
      sampler.modelledTrials = 14
      return sampler
    },
    Maker(description: "gp, eager") {
      var sampler = GPSampler()
      sampler.startupTrials = 1
      sampler.candidateCount = 16
      return sampler
    },
    tpe("multivariate") { $0.isMultivariate = true },
    tpe("univariate") { $0.isMultivariate = false },
    tpe("ungrouped") { $0.isGrouped = false },
    tpe("without liar") { $0.usesConstantLiar = false },
    tpe("eager") {
      $0.startupTrials = 0
      $0.candidateCount = 3
    },
  ]

  private static func cmaes(
    _ name: String, _ change: @escaping @Sendable (inout CMAESSampler) -> Void
  ) -> Maker {
    Maker(description: "cmaes, \(name)") {
      var sampler = CMAESSampler()
      change(&sampler)
      return sampler
    }
  }

  private static func nsga2(
    _ name: String, _ change: @escaping @Sendable (inout NSGA2Sampler) -> Void
  ) -> Maker {
    Maker(description: "nsga2, \(name)") {
      var sampler = NSGA2Sampler()
      change(&sampler)
      return sampler
    }
  }

  private static func tpe(
    _ name: String, _ change: @escaping @Sendable (inout TPESampler) -> Void
  ) -> Maker {
    Maker(description: "tpe, \(name)") {
      var sampler = TPESampler()
      change(&sampler)
      return sampler
    }
  }

  /// One parameter of every kind, some of them conditional.
  static func space() throws -> SearchSpace {
    var space = SearchSpace()
    for parameter in [
      Parameter("plain", .float(try FloatDistribution(low: -5, high: 5))),
      Parameter("log", .float(try FloatDistribution(low: 1e-300, high: 1e300, log: true))),
      Parameter("step", .float(try FloatDistribution(low: -0.3, high: 1.1, step: 0.1))),
      Parameter("wide", .float(try FloatDistribution(low: -1.7e308, high: 1.7e308))),
      Parameter("narrow", .float(try FloatDistribution(low: 1, high: 1.0.nextUp.nextUp))),
      Parameter(
        "tiny", .float(try FloatDistribution(low: 0, high: .leastNonzeroMagnitude * 2_000))),
      Parameter("single", .float(try FloatDistribution(low: 2, high: 2))),
      Parameter("int", .int(try IntDistribution(low: -3, high: 40))),
      Parameter("stepped", .int(try IntDistribution(low: 1, high: 21, step: 4))),
      Parameter("loglike", .int(try IntDistribution(low: 1, high: 1 << 53, log: true))),
      Parameter(
        "large",
        .int(
          try IntDistribution(
            low: -IntDistribution.largestMagnitude, high: IntDistribution.largestMagnitude))),
      Parameter(
        "choice", .categorical(try CategoricalDistribution(["a", .float(.nan), nil, 1, 2.5]))),
      Parameter("lonely", .categorical(try CategoricalDistribution([.float(.infinity)]))),
    ] + (try kindsWithTraits()) { try space.append(parameter) }
    try space.append(
      Parameter("deep", .float(try FloatDistribution(low: 0, high: 1))),
      when: [.init(parent: "int", .greater, 20)])
    try space.append(
      Parameter("either", .int(try IntDistribution(low: 0, high: 3))),
      when: [.init(try ParameterConstraint("choice == 'a' or stepped >= 13"))])
    try space.append(
      Parameter("branch", .float(try FloatDistribution(low: 0, high: 1))),
      when: [.init(parent: "choice", values: ["a", 1])])
    try space.append(
      Parameter("leaf", .int(try IntDistribution(low: 0, high: 7))),
      when: [
        .init(parent: "choice", values: ["a", 1]), .init(parent: "int", values: [5, 6, 7, 8]),
      ])
    return space
  }

  /// One parameter of every kind that has priors, weights, an order or a rounding.
  static func kindsWithTraits() throws -> [Parameter] {
    func drawn(
      _ shape: NumberTraits.Shape, _ low: Double? = nil, _ high: Double? = nil,
      _ rounding: NumberTraits.Rounding? = nil, isWhole: Bool = false
    ) throws -> Distribution {
      try .drawn(NumberTraits(shape, low: low, high: high, rounding: rounding), isWhole: isWhole)
    }
    func choices(_ list: [ParameterValue], _ traits: ChoiceTraits) throws -> Distribution {
      .categorical(try CategoricalDistribution(list, traits: traits))
    }
    return [
      Parameter("normal", try drawn(.normal(mean: 3, deviation: 0.5))),
      Parameter("cut", try drawn(.normal(mean: 0, deviation: 1), 0, 2)),
      Parameter("log-normal", try drawn(.logNormal(mean: -3, deviation: 2))),
      Parameter("beta", try drawn(.beta(a: 0.5, b: 3), -1, 4)),
      Parameter("whole normal", try drawn(.normal(mean: 20, deviation: 6), isWhole: true)),
      Parameter("rounded", try drawn(.uniform, 0.05, 1, .init(to: 0.1))),
      Parameter("rounded log", try drawn(.logUniform, 0.001, 2, .init(to: 0.1))),
      Parameter(
        "floored",
        try drawn(
          .logNormal(mean: 4, deviation: 1), nil, nil,
          .init(to: 8, rule: .floor), isWhole: true)),
      Parameter("clipped", try drawn(.logUniform, 3, 100, .init(to: 8, isClipped: true))),
      Parameter(
        "whole clipped",
        try drawn(.uniform, 2, 33, .init(to: 5, isClipped: true), isWhole: true)),
      Parameter(
        "log step", try drawn(.logUniform, 64, 1_024, .init(to: 64, from: 64), isWhole: true)),
      Parameter("reversed", try drawn(.reverseLogUniform(pivot: 1), 0.5, 0.999)),
      Parameter("ordered", try choices([16, 32, 64, 128, 256], ChoiceTraits(isOrdered: true))),
      Parameter(
        "weighted",
        try choices(["a", "b", "c"], ChoiceTraits(weights: [0.7, 0, 0.3]))),
      Parameter(
        "ordered weights",
        try choices([0, 1, 2, 3], ChoiceTraits(isOrdered: true, weights: [0.1, 0.4, 0.4, 0.1]))),
      Parameter(
        "spelled[0]",
        try choices(
          [0.0001, true, .opaque(OpaqueValue([1, 2]))],
          ChoiceTraits(spellings: ["1e-4", "True", nil]))),
    ]
  }

  /// A value that depends on the parameters, and now and then a bad end.
  static func outcome(
    _ number: Int, _ values: [ParameterAssignment]
  ) -> (TrialState, [Double]) {
    let value = values.reduce(0) { sum, assignment in
      let part: Double =
        switch assignment.name {
        case "plain", "int", "branch": abs(assignment.internalValue - 1)
        case "choice": assignment.internalValue
        default: 0
        }
      return sum + part.rounded()
    }
    return switch number % 11 {
    case 3: (.failed, [])
    case 5: (.pruned, [value])
    case 7: (.pruned, [])
    case 9: (.completed, [number.isMultiple(of: 2) ? .infinity : -.infinity])
    default: (.completed, [value])
    }
  }

  /// Every suggestion is within its distribution and on its grid, and trials differ.
  package static func staysWithin(_ maker: Maker, seed: UInt64, workers: Int) throws {
    for isDeclared in [true, false] {
      try staysWithin(maker, seed: seed, workers: workers, isDeclared: isDeclared)
    }
  }

  private static func staysWithin(
    _ maker: Maker, seed: UInt64, workers: Int, isDeclared: Bool
  ) throws {
    let sampler = maker.make()
    var study = SamplerStudy(
      in: try space(), seed: seed, workers: workers, isDeclared: isDeclared, outcome: outcome)
    try study.run(60) { _ in sampler }
    for assignment in study.answers.joined() {
      let value = assignment.internalValue
      let isPossible: Bool =
        switch assignment.distribution {
        case .float(let d): d.low <= value && value <= d.high && d.nearest(to: value) == value
        case .int(let d):
          Double(d.low) <= value && value <= Double(d.high) && value == value.rounded()
            && (Int(value) - d.low).isMultiple(of: d.step)
        case .categorical(let d): value == value.rounded() && d.choices.indices ~= Int(value)
        case .opaque: false
        }
      #expect(isPossible, "\(assignment.name) \(assignment.distribution.summary): \(value)")
    }
    #expect(Set(study.answers).count == study.answers.count)
  }

  /// Parameters of one trial are drawn from different random numbers: equal distributions get
  /// different values, and over the trials their values do not go together.
  package static func drawsParametersApart(_ maker: Maker, seed: UInt64) throws {
    let sampler = maker.make()
    var space = SearchSpace()
    for name in ["x", "y"] {
      try space.append(Parameter(name, .float(try FloatDistribution(low: 0, high: 1))))
    }
    var study = SamplerStudy(in: space, seed: seed) { number, _ in
      // What goes with neither the values nor the halves that evenly spread points take in turn.
      (.completed, [Double(number * 41 % 101)])
    }
    try study.run(60) { _ in sampler }
    let pairs = study.answers.map { ($0[0].internalValue - 0.5, $0[1].internalValue - 0.5) }
    // A model may well suggest a corner.
    #expect(pairs.allSatisfy { $0 != $1 || (abs($0) == 0.5 && abs($1) == 0.5) })
    // Shared numbers would make it 1. What a model has from noise, such as a mean that wanders, is
    // less.
    let (xx, yy, xy) = pairs.reduce((0.0, 0.0, 0.0)) {
      ($0.0 + $1.0 * $1.0, $0.1 + $1.1 * $1.1, $0.2 + $1.0 * $1.1)
    }
    #expect(abs(xy) < 0.9 * (xx * yy).squareRoot())
  }

  /// A sampler that saw the whole study answers bit for bit like one that has seen nothing; so
  /// equal seeds give equal studies, in any process.
  package static func isReproducible(_ maker: Maker, seed: UInt64, workers: Int) throws {
    let used = maker.make()
    var study = SamplerStudy(in: try space(), seed: seed, workers: workers, outcome: outcome)
    try study.run(60) { _ in used }
    var fresh = SamplerStudy(in: try space(), seed: seed, workers: workers, outcome: outcome)
    try fresh.run(60) { _ in maker.make() }
    expectEqual(study, fresh)
    // The same sampler again, whose state belongs to the end of the first study.
    var again = SamplerStudy(in: try space(), seed: seed, workers: workers, outcome: outcome)
    try again.run(60) { _ in used }
    expectEqual(study, again)
  }

  /// A sampler that is used for two studies in turn answers each as if it were alone.
  package static func keepsStudiesApart(_ maker: Maker, seed: UInt64) throws {
    let shared = maker.make()
    var first = SearchSpace()
    var second = SearchSpace()
    try first.append(Parameter("x", .float(try FloatDistribution(low: 0, high: 1))))
    try first.append(Parameter("y", .float(try FloatDistribution(low: 0, high: 1))))
    // The same numbers under another name, and in another range.
    try second.append(Parameter("x", .float(try FloatDistribution(low: 0, high: 1))))
    try second.append(Parameter("z", .float(try FloatDistribution(low: 0, high: 1.5))))
    for length in [15, 25] {
      for space in [first, second] {
        var study = SamplerStudy(in: space, seed: seed) { number, _ in
          (.completed, [Double(number % 6)])
        }
        try study.run(length) { _ in shared }
        var alone = SamplerStudy(in: space, seed: seed) { number, _ in
          (.completed, [Double(number % 6)])
        }
        try alone.run(length) { _ in maker.make() }
        expectEqual(study, alone)
      }
    }
  }

  /// Histories without a usable value are no reason to fail.
  package static func survivesBadValues(_ maker: Maker) throws {
    let outcomes: [(TrialState, [Double])] = [
      (.failed, []), (.completed, [.nan]), (.completed, [.infinity]), (.completed, [-.infinity]),
      (.pruned, []), (.pruned, [.nan]), (.completed, [1e308]), (.completed, [0]),
    ]
    for (place, one) in outcomes.enumerated() {
      let sampler = maker.make()
      var study = SamplerStudy(in: try space(), seed: UInt64(place)) { _, _ in one }
      try study.run(25) { _ in sampler }
      #expect(study.answers.count == 25)
    }
    let sampler = maker.make()
    var mixed = SamplerStudy(in: try space(), seed: 77) { number, _ in
      outcomes[number % outcomes.count]
    }
    try mixed.run(40) { _ in sampler }
    var generator = TrialGenerator(seed: 0, trial: 0)
    let empty = TrialHistory(directions: [.maximize])
    #expect(try sampler.sampleJointly(for: 0, given: empty, using: &generator).isEmpty)
  }

  /// Studies with several objectives, infinite and missing values among them, are sampled as well.
  package static func handlesSeveralObjectives(_ maker: Maker, seed: UInt64) throws {
    for directions in [[Direction.minimize, .maximize], [.minimize, .minimize, .maximize]] {
      func study(_ make: (Int) -> any Sampler) throws -> SamplerStudy {
        var study = SamplerStudy(in: try space(), directions: directions, seed: seed, workers: 2) {
          let (state, values) = outcome($0, $1)
          guard state == .completed else { return (state, values) }
          let number = $0
          let extra = (1..<directions.count).map { Double(number * $0 % 5) }
          return (state, values + extra)
        }
        try study.run(40, with: make)
        return study
      }
      let used = maker.make()
      expectEqual(try study { _ in used }, try study { _ in maker.make() })
    }
  }

  /// A study may change the range, the scale and the kind of a parameter on the way.
  package static func followsChangedDistributions(_ maker: Maker, seed: UInt64) throws {
    let sampler = maker.make()
    let distributions: [Distribution] = [
      .float(try FloatDistribution(low: -10, high: 10)),
      .float(try FloatDistribution(low: 0, high: 1)),
      .float(try FloatDistribution(low: 5, high: 500, log: true)),
      .int(try IntDistribution(low: 3, high: 9)),
      .categorical(try CategoricalDistribution(["a", "b"])),
      .categorical(try CategoricalDistribution(["a", "b", "c", "d"])),
    ]
    var history = TrialHistory(directions: [.minimize])
    for number in 0..<72 {
      let reference = TrialReference(id: number, number: number)
      let distribution = distributions[number / 12]
      var generator = TrialGenerator(seed: seed, trial: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      _ = try sampler.sampleJointly(for: number, given: history, using: &generator)
      let value = try sampler.sample(
        Parameter("x", distribution), for: number, given: history, using: &generator)
      #expect(distribution.contains(value), "\(distribution.summary): \(value)")
      let assignment = ParameterAssignment("x", distribution, internalValue: value)
      history.apply(TrialChange(reference, .parameterSet(assignment)))
      history.apply(
        TrialChange(
          reference, .finished(.completed, values: [value], at: Timestamp(microseconds: 0))))
    }
  }

  /// Shifting the objective, or flipping it together with its direction, changes no suggestion.
  package static func ignoresShiftAndFlip(_ maker: Maker, seed: UInt64) throws {
    func study(_ direction: Direction, _ change: @escaping (Double) -> Double) throws
      -> SamplerStudy
    {
      let sampler = maker.make()
      var study = SamplerStudy(in: try space(), directions: [direction], seed: seed, workers: 2) {
        let (state, values) = outcome($0, $1)
        return (state, values.map(change))
      }
      try study.run(50) { _ in sampler }
      return study
    }
    let plain = try study(.minimize) { $0 }
    expectEqual(plain, try study(.maximize) { -$0 })
    // Outcomes are small whole numbers, so the sum is exact.
    expectEqual(plain, try study(.minimize) { $0 + 1_048_576 })
  }

  /// Scaling the objective changes no suggestion: by a power of two, so that every product is
  /// exact.
  package static func ignoresScale(_ maker: Maker, seed: UInt64) throws {
    func study(_ factor: Double) throws -> SamplerStudy {
      let sampler = maker.make()
      var study = SamplerStudy(in: try space(), seed: seed) {
        let (state, values) = outcome($0, $1)
        return (state, values.map { $0 * factor })
      }
      try study.run(40) { _ in sampler }
      return study
    }
    let plain = try study(1)
    expectEqual(plain, try study(1_024))
    expectEqual(plain, try study(0x1p-30))
  }

  /// Two hundred parameters, a choice among a thousand, and parameters with a single value are no
  /// reason to fail.
  package static func handlesWideSpaces(_ maker: Maker, seed: UInt64) throws {
    var space = SearchSpace()
    for number in 0..<200 {
      let distribution = try FloatDistribution(low: -1, high: number == 7 ? -1 : 1)
      try space.append(Parameter("x\(number)", .float(distribution)))
    }
    let choices = (0..<1_000).map { ParameterValue.int($0) }
    try space.append(Parameter("choice", .categorical(try CategoricalDistribution(choices))))
    let sampler = maker.make()
    var study = SamplerStudy(in: space, seed: seed) { number, values in
      (.completed, [values.reduce(0) { $0 + $1.internalValue }])
    }
    try study.run(14) { _ in sampler }
    for answer in study.answers {
      #expect(answer.count == 201)
      #expect(answer.allSatisfy { $0.distribution.contains($0.internalValue) })
    }
  }

  static func expectEqual(_ left: SamplerStudy, _ right: SamplerStudy) {
    #expect(left.answers.count == right.answers.count)
    for (number, (a, b)) in zip(left.answers, right.answers).enumerated() {
      #expect(
        a.map(\.name) == b.map(\.name)
          && a.map(\.internalValue.bitPattern) == b.map(\.internalValue.bitPattern),
        "trial \(number): \(a.map(\.internalValue)) and \(b.map(\.internalValue))")
    }
  }
}
