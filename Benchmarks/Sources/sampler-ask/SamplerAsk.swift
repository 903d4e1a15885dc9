import BenchmarkSupport
import JSON
import Probability
import Samplers
import StudyModel
import System

/// Times one ask + tell after n finished trials in memory, as the peers' `sampler_ask.py` does.
@main struct SamplerAsk {
  static func main() throws {
    var arguments = Arguments(
      usage: """
        usage: sampler-ask [--space f10|f30|mix20|f<d>] [--n 100,1000,…] [--asks 30] [--seed 1]
                           [--sampler tpe|tpe-uni|gp|random]
        """)
    let name = arguments.option("--space") ?? "f10"
    guard let space = BenchmarkSpace(named: name) else {
      arguments.fail("unknown space '\(name)'; known: f<d> and mix20")
    }
    let sizes = (arguments.option("--n") ?? "100,1000").split(separator: ",").map { Int($0) ?? 0 }
    let asks = arguments.integer("--asks", default: 30)
    let seed = UInt64(arguments.integer("--seed", default: 1))
    let sampler: any Sampler
    switch arguments.option("--sampler") ?? "tpe" {
    case "tpe": sampler = TPESampler()
    case "tpe-uni":
      var univariate = TPESampler()
      univariate.isMultivariate = false
      sampler = univariate
    case "gp": sampler = GPSampler()
    case "random": sampler = RandomSampler()
    case let other: arguments.fail("unknown sampler '\(other)'; known: tpe, tpe-uni, gp, random")
    }
    arguments.finish()
    if sampler.name == "gp" {
      for size in sizes where size > 0 { likelihood(after: size, space.parameters.count) }
    }
    for size in sizes {
      try measure(sampler, in: space, named: name, after: size, asks: asks, seed: seed)
    }
  }

  /// What one evaluation of the Gaussian process's likelihood costs beside one factorization.
  static func likelihood(after size: Int, _ dimension: Int) {
    let cost = GPSampler.fittingCost(observations: size, parameters: dimension)
    BenchmarkLine(
      bench: "gp_likelihood",
      params: [.init("n", .integer(size)), .init("d", .integer(dimension))],
      seconds: cost.evaluation.inSeconds, n: 1,
      perTrialMilliseconds: 1e3 * cost.evaluation.inSeconds,
      more: [
        .init("dpotrf_ms", .rounded(1e3 * cost.factorization.inSeconds)),
        .init(
          "multiple", .rounded(cost.evaluation.inSeconds / cost.factorization.inSeconds)),
      ]
    ).emit()
  }

  static func measure(
    _ sampler: any Sampler, in space: BenchmarkSpace, named name: String, after size: Int,
    asks: Int, seed: UInt64
  ) throws {
    var history = TrialHistory(directions: [.minimize])
    var generator = TrialGenerator(seed: seed, trial: 0, stream: 1)
    for number in 0..<size {
      let values = space.draw(using: &generator)
      tell(values, as: number, in: space, to: &history)
    }
    let places = Dictionary(
      uniqueKeysWithValues: space.parameters.enumerated().map { ($0.element.name, $0.offset) })
    var whole: [Double] = []
    var asking: [Double] = []
    var processor: [Double] = []
    let begin = ContinuousClock.now
    for number in size..<(size + asks) {
      let processorBegin = clock()
      let start = ContinuousClock.now
      var random = TrialGenerator(seed: seed, trial: number)
      var values = Array(repeating: Double.nan, count: space.parameters.count)
      let reference = TrialReference(id: number, number: number)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      for assignment in try sampler.sampleJointly(for: number, given: history, using: &random) {
        guard let place = places[assignment.name] else { continue }
        values[place] = assignment.internalValue
        history.apply(TrialChange(reference, .parameterSet(assignment)))
      }
      for (place, parameter) in space.parameters.enumerated() where values[place].isNaN {
        values[place] = try sampler.sample(parameter, for: number, given: history, using: &random)
        let assignment = ParameterAssignment(
          parameter.name, parameter.distribution, internalValue: values[place])
        history.apply(TrialChange(reference, .parameterSet(assignment)))
      }
      let asked = ContinuousClock.now
      let value = space.objective(values)
      let telling = ContinuousClock.now
      history.apply(
        TrialChange(
          reference, .finished(.completed, values: [value], at: Timestamp(microseconds: 0))))
      let end = ContinuousClock.now
      asking.append(1e3 * (asked - start).inSeconds)
      whole.append(1e3 * ((asked - start).inSeconds + (end - telling).inSeconds))
      processor.append(1e3 * Double(clock() - processorBegin) / Double(CLOCKS_PER_SEC))
    }
    let total = (ContinuousClock.now - begin).inSeconds
    // The first ask reads the whole history; like the peers' it is a figure of its own.
    let rest = whole.count > 1 ? Array(whole.dropFirst()) : whole
    BenchmarkLine(
      bench: "sampler_ask",
      params: [
        .init("space", .string(name)), .init("d", .integer(space.parameters.count)),
        .init("history", .integer(size)),
      ],
      seconds: total, n: asks, perTrialMilliseconds: median(rest),
      more: [
        .init("mean_ms", .rounded(rest.reduce(0, +) / Double(rest.count))),
        .init("min_ms", .rounded(rest.min() ?? .nan)),
        .init("max_ms", .rounded(rest.max() ?? .nan)),
        .init("first_ms", .rounded(whole.first ?? .nan)),
        .init("ask_ms", .rounded(median(Array(asking.dropFirst())))),
        .init("cpu_ms", .rounded(median(Array(processor.dropFirst())))),
      ]
    ).emit()
  }

  /// Adds a finished trial with these values.
  static func tell(
    _ values: [Double], as number: Int, in space: BenchmarkSpace, to history: inout TrialHistory
  ) {
    let reference = TrialReference(id: number, number: number)
    history.apply(TrialChange(reference, .created(.running, at: nil)))
    for (parameter, value) in zip(space.parameters, values) {
      history.apply(
        TrialChange(
          reference,
          .parameterSet(
            ParameterAssignment(parameter.name, parameter.distribution, internalValue: value))))
    }
    history.apply(
      TrialChange(
        reference,
        .finished(
          .completed, values: [space.objective(values)], at: Timestamp(microseconds: 0))))
  }
}
