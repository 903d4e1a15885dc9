internal import JSON
internal import Probability
internal import Samplers
package import StudyModel
internal import Testing

/// Studies that tell a sampler little or nothing, and surroundings that must not matter to it.
extension SamplerSuite {
  /// That no trial keeps the constraints is no reason to fail.
  package static func survivesInfeasibility(_ maker: Maker, seed: UInt64) throws {
    let sampler = maker.make()
    var study = SamplerStudy(
      in: try space(), seed: seed, workers: 2, isFeasible: false, outcome: outcome)
    try study.run(40) { _ in sampler }
    #expect(study.answers.count == 40)
  }

  /// One point with many different values is no reason to fail, nor is one with the same value
  /// always.
  package static func survivesRepeatedPoints(_ maker: Maker, seed: UInt64) throws {
    let space = try plainSpace()
    for count in [7, 1] {
      let sampler = maker.make()
      var history = TrialHistory(directions: [.minimize])
      for number in 0..<30 {
        let reference = TrialReference(id: number, number: number)
        history.apply(TrialChange(reference, .created(.running, at: nil)))
        for parameter in space {
          history.apply(
            TrialChange(
              reference,
              .parameterSet(
                ParameterAssignment(parameter.name, parameter.distribution, internalValue: 1))))
        }
        history.apply(
          TrialChange(
            reference,
            .finished(.completed, values: [Double(number % count)], at: Timestamp(microseconds: 0))
          ))
      }
      var generator = TrialGenerator(seed: seed, trial: 30)
      let joint = try sampler.sampleJointly(for: 30, given: history, using: &generator)
      for assignment in joint {
        #expect(assignment.distribution.contains(assignment.internalValue), "\(assignment)")
      }
      for parameter in space {
        let value = try sampler.sample(parameter, for: 30, given: history, using: &generator)
        #expect(parameter.distribution.contains(value), "\(parameter.name): \(value)")
      }
    }
  }

  /// A space with a single point, and one with a single parameter of two values, can be sampled for
  /// ever.
  package static func survivesTinySpaces(_ maker: Maker, seed: UInt64) throws {
    for high in [3, 4] {
      var space = SearchSpace()
      try space.append(Parameter("n", .int(try IntDistribution(low: 3, high: high))))
      try space.append(Parameter("only", .float(try FloatDistribution(low: 2, high: 2))))
      try space.append(Parameter("choice", .categorical(try CategoricalDistribution(["a"]))))
      let sampler = maker.make()
      var study = SamplerStudy(in: space, seed: seed) { number, _ in
        (.completed, [Double(number % 3)])
      }
      try study.run(25) { _ in sampler }
      #expect(study.answers.joined().allSatisfy { $0.distribution.contains($0.internalValue) })
    }
  }

  /// Ranges at the ends of what doubles and integers hold: of two neighbouring numbers, wider than
  /// the largest number, in steps that do not divide them or are larger than they are.
  package static func extremes() throws -> [Distribution] {
    let tiny = Double.leastNonzeroMagnitude
    let largest = Double.greatestFiniteMagnitude
    let limit = IntDistribution.largestMagnitude
    return [
      .float(try FloatDistribution(low: 0, high: tiny)),
      .float(try FloatDistribution(low: -tiny, high: tiny * 2, step: tiny)),
      .float(try FloatDistribution(low: -largest, high: largest)),
      .float(try FloatDistribution(low: -largest, high: largest, step: 1e300)),
      .float(try FloatDistribution(low: -1e308, high: 1e308, step: 1.5e308)),
      .float(try FloatDistribution(low: tiny, high: largest, log: true)),
      .float(try FloatDistribution(low: 1e300, high: 1e300.nextUp, log: true)),
      .float(try FloatDistribution(low: largest.nextDown, high: largest)),
      .float(try FloatDistribution(low: 0, high: 0x1p53, step: 1)),
      .float(try FloatDistribution(low: 1e16, high: 1e16 + 8, step: 3)),
      .float(try FloatDistribution(low: 0.1, high: 0.2, step: 5)),
      .float(try FloatDistribution(low: 0.1234567890123456, high: 5, step: 0.3)),
      .int(try IntDistribution(low: -1, high: -1, step: .max)),
      .int(try IntDistribution(low: -limit, high: limit, step: limit)),
      .int(try IntDistribution(low: -limit, high: limit, step: 3)),
      .int(try IntDistribution(low: limit - 1, high: limit, log: true)),
      try .drawn(NumberTraits(.normal(mean: 1e300, deviation: 1e290))),
      try .drawn(NumberTraits(.normal(mean: 0, deviation: 1e-3), low: -1e9, high: 1e9)),
      try .drawn(NumberTraits(.logNormal(mean: 0, deviation: 100))),
      try .drawn(NumberTraits(.beta(a: 1e-3, b: 1e3))),
      try .drawn(
        NumberTraits(.uniform, low: 0, high: 0x1p52, rounding: .init(to: 1)), isWhole: true),
      try .drawn(NumberTraits(.logUniform, low: 1e-12, high: 1, rounding: .init(to: 0.5))),
      try .drawn(NumberTraits(.uniform, low: 0.9, high: 1.2, rounding: .init(to: 1))),
      try .drawn(NumberTraits(.reverseLogUniform(pivot: 1), low: 0, high: 1.0.nextDown)),
      .categorical(
        try CategoricalDistribution([
          .opaque(OpaqueValue([64, 32])), .opaque(OpaqueValue(["a": []])), nil, .float(.nan), 1,
        ])),
    ]
  }

  /// Every suggestion of an extreme range is one of its values, alone and beside the others.
  package static func survivesExtremeSpaces(_ maker: Maker, seed: UInt64) throws {
    let parameters = try extremes().enumerated().map { Parameter("p\($0)", $1) }
    let spaces =
      try [SearchSpace(parameters)]
      + parameters.map { try SearchSpace([$0, Parameter("q", $0.distribution)]) }
    for isDeclared in [true, false] {
      for space in spaces {
        let sampler = maker.make()
        var study = SamplerStudy(in: space, seed: seed, isDeclared: isDeclared) { number, _ in
          (.completed, [Double(number * 7 % 11)])
        }
        try study.run(16) { _ in sampler }
        for answer in study.answers {
          #expect(answer.count == space.parameters.count)
          for assignment in answer {
            #expect(
              assignment.distribution.contains(assignment.internalValue),
              "\(assignment.distribution.summary): \(assignment.internalValue)")
          }
        }
      }
    }
  }

  /// A parameter of another program from which nothing is drawn does not matter to the others, and
  /// is not suggested; neither do values out of bounds, which other programs store.
  package static func leavesOpaqueParametersOut(_ maker: Maker, seed: UInt64) throws {
    let odd = try Distribution(stored: [
      "name": "IntDistribution",
      "attributes": ["log": false, "step": 1, "low": 0, "high": .integer(1 << 60)],
    ])
    let endless = try Distribution(stored: [
      "name": "FloatDistribution",
      "attributes": ["step": nil, "low": 0, "high": .float(.infinity), "log": false],
    ])
    let space = try plainSpace()
    let sampler = maker.make()
    var history = TrialHistory(directions: [.minimize])
    for number in 0..<30 {
      let reference = TrialReference(id: number, number: number)
      var generator = TrialGenerator(seed: seed, trial: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      let values: [(String, Distribution, Double)] = [
        ("odd", odd, Double(generator.next() >> 4)),
        ("endless", endless, number % 5 == 0 ? .infinity : generator.uniform()),
        ("x", space[0].distribution, number % 7 == 0 ? 1e308 : generator.uniform(-5, 5)),
        ("y", space[1].distribution, generator.uniform(-5, 5)),
        ("kind", space[2].distribution, Double(generator.integer(below: 3))),
      ]
      for (name, distribution, value) in values {
        history.apply(
          TrialChange(
            reference,
            .parameterSet(ParameterAssignment(name, distribution, internalValue: value))))
      }
      history.apply(
        TrialChange(
          reference,
          .finished(.completed, values: [Double(number % 9)], at: Timestamp(microseconds: 0))))
    }
    for number in 30..<36 {
      var generator = TrialGenerator(seed: seed, trial: number)
      let plan = try sampler.plan(for: number, in: nil, given: history, using: &generator)
      for assignment in plan.assignments {
        #expect(["x", "y", "kind"].contains(assignment.name))
        #expect(assignment.distribution.contains(assignment.internalValue), "\(assignment)")
      }
      for parameter in space {
        let value = try sampler.sample(parameter, for: number, given: history, using: &generator)
        #expect(parameter.distribution.contains(value), "\(parameter.name): \(value)")
      }
    }
  }

  /// What is suggested for a history does not depend on the order in which its trials got their
  /// parameters.
  package static func ignoresOrderOfParameters(_ maker: Maker, seed: UInt64) throws {
    let space = try plainSpace()
    func suggestion(_ order: [Int]) throws -> [String: UInt64] {
      var history = TrialHistory(directions: [.minimize])
      for number in 0..<24 {
        let reference = TrialReference(id: number, number: number)
        var generator = TrialGenerator(seed: seed, trial: number)
        let values = [
          generator.uniform(-5, 5), generator.uniform(-5, 5), Double(generator.integer(below: 3)),
        ]
        history.apply(TrialChange(reference, .created(.running, at: nil)))
        for j in order {
          history.apply(
            TrialChange(
              reference,
              .parameterSet(
                ParameterAssignment(
                  space[j].name, space[j].distribution, internalValue: values[j]))))
        }
        let loss = values[0] * values[0] + abs(values[1] - 1) + values[2]
        history.apply(
          TrialChange(
            reference, .finished(.completed, values: [loss], at: Timestamp(microseconds: 0))))
      }
      var generator = TrialGenerator(seed: seed, trial: 24)
      let found = try maker.make().sampleJointly(for: 24, given: history, using: &generator)
      return Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.internalValue.bitPattern) })
    }
    let plain = try suggestion([0, 1, 2])
    for order in [[2, 0, 1], [1, 0, 2], [2, 1, 0]] {
      let other = try suggestion(order)
      #expect(other == plain, "declared in the order \(order)")
    }
  }

  /// Values of a grid and spellings, which say nothing of what is likely, change no suggestion.
  package static func ignoresTraitsThatSayNothing(_ maker: Maker, seed: UInt64) throws {
    func study(_ hasTraits: Bool) throws -> SamplerStudy {
      func traits(_ shape: NumberTraits.Shape, _ low: Double, _ high: Double) throws
        -> NumberTraits?
      { hasTraits ? try NumberTraits(shape, low: low, high: high, gridValues: [low, high]) : nil }
      let space = try SearchSpace([
        Parameter(
          "x", .float(FloatDistribution(low: -5, high: 5, traits: traits(.uniform, -5, 5)))),
        Parameter(
          "rate",
          .float(
            FloatDistribution(low: 1e-5, high: 1, log: true, traits: traits(.logUniform, 1e-5, 1)))),
        Parameter(
          "n", .int(IntDistribution(low: 1, high: 9, step: 2, traits: traits(.uniform, 1, 9)))),
        Parameter(
          "kind",
          .categorical(
            CategoricalDistribution(
              [0.5, true, "c"],
              traits: hasTraits ? ChoiceTraits(spellings: ["5e-1", "True", nil]) : nil))),
      ])
      var study = SamplerStudy(in: space, seed: seed, workers: 2) { number, values in
        (.completed, [values.reduce(0) { $0 + abs($1.internalValue - 1) } + Double(number % 3)])
      }
      try study.run(40) { _ in maker.make() }
      return study
    }
    expectEqual(try study(false), try study(true))
  }

  /// A study goes the same way, bit for bit, whatever is changed around the sampler before it
  /// starts.
  package static func ignoresSurroundings(
    _ maker: Maker, seed: UInt64, _ changes: [() -> Void]
  ) throws {
    var first: SamplerStudy?
    for change in changes {
      change()
      var study = SamplerStudy(in: try space(), seed: seed, outcome: outcome)
      try study.run(30) { _ in maker.make() }
      if let first { expectEqual(first, study) }
      first = first ?? study
    }
  }

  /// Two numbers and a choice of three; each can be 1.
  private static func plainSpace() throws -> [Parameter] {
    let range = Distribution.float(try FloatDistribution(low: -5, high: 5))
    return [
      Parameter("x", range), Parameter("y", range),
      Parameter("kind", .categorical(try CategoricalDistribution(["a", "b", "c"]))),
    ]
  }
}
