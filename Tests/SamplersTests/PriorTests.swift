import Probability
import Samplers
import StudyModel
import Testing

/// Priors lead the first trials and fade as results come in.
@Suite struct PriorTests {
  static let makers: [@Sendable () -> any Sampler] = [
    { TPESampler() }, { GPSampler() },
  ]

  /// The values of the parameters in a study of that many trials.
  private func study(
    _ sampler: any Sampler, _ space: SearchSpace, seed: UInt64, trials: Int,
    loss: ([Double]) -> Double
  ) throws -> [[Double]] {
    var history = TrialHistory(directions: [.minimize])
    var rows: [[Double]] = []
    for number in 0..<trials {
      let reference = TrialReference(id: number + 1, number: number)
      var generator = TrialGenerator(seed: seed, trial: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      let plan = try sampler.plan(for: number, in: space, given: history, using: &generator)
      for attribute in plan.attributes {
        history.apply(TrialChange(reference, .systemAttributeSet(attribute)))
      }
      var row: [Double] = []
      for parameter in space.parameters {
        let value =
          try plan.assignments.first { $0.name == parameter.name }?.internalValue
          ?? sampler.sample(parameter, for: number, given: history, using: &generator)
        row.append(value)
        history.apply(
          TrialChange(
            reference,
            .parameterSet(
              ParameterAssignment(parameter.name, parameter.distribution, internalValue: value))))
      }
      rows.append(row)
      history.apply(
        TrialChange(
          reference,
          .finished(.completed, values: [loss(row)], at: Timestamp(microseconds: 0))))
    }
    return rows
  }

  /// The best is four deviations away from where the user expects it, and is found.
  @Test(arguments: makers.indices) func wrongPriorsFade(place: Int) throws {
    let space = try SearchSpace([
      Parameter(
        "x",
        try .drawn(NumberTraits(.normal(mean: 0.3, deviation: 0.1), low: 0, high: 1))),
      Parameter(
        "kind",
        .categorical(
          try CategoricalDistribution(["a", "b"], traits: ChoiceTraits(weights: [0.8, 0.2])))),
    ])
    let rows = try study(Self.makers[place](), space, seed: 2, trials: 120) { row in
      abs(row[0] - 0.7) + (row[1] == 1 ? 0 : 0.2)
    }
    // The first ten are draws of the prior, spread evenly.
    let first = rows.prefix(10)
    #expect(first.allSatisfy { $0[0] < 0.7 })
    #expect(abs(first.reduce(0) { $0 + $1[0] } / 10 - 0.3) < 0.1)
    let late = rows.suffix(20)
    #expect(late.count { abs($0[0] - 0.7) < 0.12 } >= 12, "\(late.map { $0[0] })")
    #expect(late.count { $0[1] == 1 } >= 12)
  }

  /// A right prior helps a model: its first suggestions are nearer to the best.
  @Test(arguments: 0..<2) func rightPriorsHelp(place: Int) throws {
    func error(_ distribution: Distribution) throws -> Double {
      let space = try SearchSpace([Parameter("x", distribution), Parameter("y", distribution)])
      var sum = 0.0
      for seed in 0..<4 as Range<UInt64> {
        let rows = try study(Self.makers[place](), space, seed: seed, trials: 20) { row in
          abs(row[0] - 0.31) + abs(row[1] - 0.29)
        }
        sum += rows.reduce(0) { $0 + abs($1[0] - 0.31) + abs($1[1] - 0.29) }
      }
      return sum
    }
    let believed = try error(
      .drawn(NumberTraits(.normal(mean: 0.3, deviation: 0.1), low: 0, high: 1)))
    let plain = try error(.float(FloatDistribution(low: 0, high: 1)))
    #expect(believed < 0.85 * plain, "\(believed) and \(plain)")
  }
}
