import JSON
import LinearAlgebra
import Probability
import StudyModel
import Testing

@testable import Samplers

/// Learning from earlier studies: what relatives give, that strangers do no harm, and what must not
/// break it.
@Suite struct EarlierStudyTests {
  typealias Study = GPSamplerTests.Study

  /// Random trials.
  private static func trials(
    _ space: [Parameter], count: Int = 60, seed: UInt64,
    value: ([Double], inout TrialGenerator) -> Double
  ) -> [Trial] {
    (0..<count).map { number in
      var generator = TrialGenerator(seed: seed, trial: number)
      let assignments = space.map {
        ParameterAssignment(
          $0.name, $0.distribution, internalValue: $0.distribution.sample(using: &generator))
      }
      let result = value(assignments.map(\.internalValue), &generator)
      return Trial(
        TrialReference(id: number, number: number), state: .completed, values: [result],
        parameters: assignments)
    }
  }

  private static func bowl(_ x: [Double], _ shift: Double) -> Double {
    x.reduce(0) { $0 + ($1 - 2 - shift) * ($1 - 2 - shift) }
  }

  /// A study of three parameters that is told of others.
  private static func study(_ earlier: [[Trial]], seed: UInt64 = 1) throws -> Study {
    var study = Study(try GPSamplerTests.floats(3), seed: seed)
    study.declared = try SearchSpace(study.space)
    study.sampler.earlierStudies = earlier.map { EarlierStudy($0) }
    return study
  }

  private static func relatives() throws -> [[Trial]] {
    try [0.3, -0.3, 0.1].enumerated().map { place, shift in
      let space = try GPSamplerTests.floats(3)
      return trials(space, seed: UInt64(place) + 50) { x, _ in 1e3 * bowl(x, shift) + 7 }
    }
  }

  @Test func relativesGiveAStart() throws {
    let relatives = try Self.relatives()
    var (with, without) = (try Self.study(relatives), try Self.study([]))
    try with.run(12) { _, x in (.completed, [Self.bowl(x, 0)]) }
    try without.run(12) { _, x in (.completed, [Self.bowl(x, 0)]) }
    #expect(with.best < 1 && with.best < without.best / 3, "\(with.best) and \(without.best)")
    // The first trials are the best ones of each, every one once.
    let first = Set((0..<3).map { with.history.assignments(of: $0).map(\.internalValue) })
    let best = Set(
      relatives.map { trials in
        let best = trials.min { ($0.value ?? .nan) < ($1.value ?? .nan) }
        return best?.parameters.map(\.internalValue) ?? []
      })
    #expect(first == best)
    let (_, _, account) = try with.ask()
    #expect(account?["earlier_studies"]?.array?.isEmpty == false)
  }

  @Test func strangersSoonCountNothing() throws {
    let strangers = try (0..<4).map { place in
      Self.trials(try GPSamplerTests.floats(3), seed: 80 + place) { _, generator in
        generator.uniform()
      }
    }
    var study = try Self.study(strangers)
    // Every third suggestion does without earlier studies; the next one is none of those.
    try study.run(41) { _, x in (.completed, [Self.bowl(x, 0)]) }
    #expect(study.best < 0.05, "\(study.best)")
    let (_, _, account) = try study.ask()
    let factors = account?["earlier_studies"]?.array?.compactMap(\.number) ?? []
    #expect(factors.reduce(0, +) < 0.25, "\(factors)")
  }

  /// The unit and the sign under which an earlier study reported do not matter.
  @Test func shiftScaleAndDirectionDoNotMatter() throws {
    let space = try GPSamplerTests.floats(3)
    func suggestions(_ direction: Direction, _ report: @escaping (Double) -> Double) throws
      -> [[Double]]
    {
      let earlier = Self.trials(space, seed: 9) { x, _ in report(Self.bowl(x, 0.5)) }
      var study = try Self.study([])
      study.sampler.earlierStudies = [EarlierStudy(earlier, directions: [direction])]
      var rows: [[Double]] = []
      try study.run(9) { _, x in
        rows.append(x)
        return (.completed, [Self.bowl(x, 0)])
      }
      return rows
    }
    let plain = try suggestions(.minimize) { $0 }
    for other in [
      try suggestions(.minimize) { 4 * $0 - 16 }, try suggestions(.maximize) { -8 * $0 },
    ] {
      for (a, b) in zip(plain.joined(), other.joined()) { #expect(abs(a - b) < 1e-3, "\(a), \(b)") }
    }
  }

  /// A sampler that knows nothing yet suggests the same as one that has followed the study, on any
  /// number of threads.
  @Test func suggestionsDependOnArgumentsAlone() throws {
    let usual = BLAS.threads
    defer { BLAS.setThreads(usual) }
    let relatives = try Self.relatives()
    var study = try Self.study(relatives)
    try study.run(14) { _, x in (.completed, [Self.bowl(x, 0)]) }
    func suggestion(_ sampler: GPSampler) throws -> [UInt64] {
      var generator = TrialGenerator(seed: 3, trial: 14)
      return try sampler.plan(
        for: 14, in: study.declared, given: study.history, using: &generator
      ).assignments.map(\.internalValue.bitPattern)
    }
    let expected = try suggestion(study.sampler)
    #expect(expected.count == 3)
    for threads in [1, 2, 4] {
      BLAS.setThreads(threads)
      var sampler = GPSampler()
      sampler.earlierStudies = relatives.map { EarlierStudy($0) }
      #expect(try suggestion(sampler) == expected)
    }
  }

  static let oddities: [(name: String, study: @Sendable () throws -> EarlierStudy)] = [
    ("empty", { EarlierStudy([]) }),
    (
      "several objectives",
      { EarlierStudy(try relatives()[0], directions: [.minimize, .maximize]) }
    ),
    ("one trial", { EarlierStudy(Array(try relatives()[0].prefix(1))) }),
    ("constant", { EarlierStudy(trials(try GPSamplerTests.floats(3), seed: 1) { _, _ in 4 }) }),
    (
      "not a number",
      { EarlierStudy(trials(try GPSamplerTests.floats(3), seed: 1) { _, _ in .nan }) }
    ),
    (
      "huge",
      {
        EarlierStudy(
          trials(try GPSamplerTests.floats(3), seed: 1) { x, _ in x[0] < 0 ? 1e300 : -1e300 })
      }
    ),
    (
      "other parameters",
      {
        let space = [Parameter("z", .float(try FloatDistribution(low: 0, high: 1)))]
        return EarlierStudy(trials(space, seed: 1) { x, _ in x[0] })
      }
    ),
    (
      "a part of the parameters, of other kinds and ranges",
      {
        let space = [
          Parameter("x0", .categorical(try CategoricalDistribution(["a", "b"]))),
          Parameter("x1", .int(try IntDistribution(low: 3, high: 900))),
          Parameter("x2", .float(try FloatDistribution(low: 1e-3, high: 1e3, log: true))),
        ]
        return EarlierStudy(trials(space, seed: 1) { x, _ in x[1] })
      }
    ),
  ]

  @Test(arguments: oddities.indices)
  func survives(place: Int) throws {
    let (name, earlier) = Self.oddities[place]
    var study = try Self.study([])
    study.sampler.earlierStudies = [try earlier()]
    try study.run(16) { _, x in (.completed, [Self.bowl(x, 0)]) }
    #expect(study.best < 5, "\(name): \(study.best)")
  }

  /// The study itself is no news.
  @Test func survivesItself() throws {
    var study = try Self.study([])
    var own: [Trial] = []
    for _ in 0..<14 {
      let (number, x, _) = try study.ask()
      study.tell(number, .completed, [Self.bowl(x, 0)])
      own.append(
        Trial(
          TrialReference(id: number, number: number), state: .completed,
          values: [Self.bowl(x, 0)], parameters: study.history.assignments(of: number)))
    }
    study.sampler.earlierStudies = [EarlierStudy(own)]
    try study.run(6) { _, x in (.completed, [Self.bowl(x, 0)]) }
    #expect(study.best < 1, "\(study.best)")
  }
}
