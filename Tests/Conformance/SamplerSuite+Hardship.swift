internal import Probability
internal import Samplers
internal import StudyModel
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

  /// One point with many different values is no reason to fail, nor is one with the same value always.
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

  /// A space with a single point, and one with a single parameter of two values, can be sampled for ever.
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

  /// A study goes the same way, bit for bit, whatever is changed around the sampler before it starts.
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
