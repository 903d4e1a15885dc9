import Probability
import Samplers
import StudyModel
import Testing

@Suite struct QMCSamplerTests {
  private func space() throws -> SearchSpace {
    try SearchSpace([
      Parameter("x", .float(FloatDistribution(low: 0, high: 1))),
      Parameter("lr", .float(FloatDistribution(low: 1e-4, high: 1, log: true))),
      Parameter("n", .int(IntDistribution(low: 1, high: 8))),
      Parameter("kind", .categorical(CategoricalDistribution(["a", "b", "c", "d"]))),
    ])
  }

  private func points(_ count: Int, seed: UInt64) throws -> [[Double]] {
    let sampler = QMCSampler()
    let history = TrialHistory(directions: [.minimize])
    return try (0..<count).map { trial in
      var generator = TrialGenerator(seed: seed, trial: trial)
      return try sampler.plan(for: trial, in: space(), given: history, using: &generator)
        .assignments.map(\.internalValue)
    }
  }

  @Test("each interval of a power of two gets one of as many points, in every coordinate")
  func isEven() throws {
    let points = try points(64, seed: 3)
    #expect(Set(points.map { Int($0[0] * 64) }).count == 64)
    // Counted by exponents of ten, 16 points each.
    for decade in 0..<4 {
      let bounds = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
      #expect(points.count { bounds[decade] <= $0[1] && $0[1] < bounds[decade + 1] } == 16)
    }
    for n in 1...8 { #expect(points.count { $0[2] == Double(n) } == 8) }
    for choice in 0..<4 { #expect(points.count { $0[3] == Double(choice) } == 16) }
    // Any two coordinates fill a grid of 8 by 8.
    #expect(Set(points.map { Int($0[0] * 8) * 8 + Int($0[2]) - 1 }).count == 64)
  }

  @Test func seedsScrambleDifferently() throws {
    #expect(try points(8, seed: 1) == points(8, seed: 1))
    #expect(try points(8, seed: 1) != points(8, seed: 2))
    // More points do not change the first ones.
    #expect(try Array(points(200, seed: 1)[..<8]) == points(8, seed: 1))
  }

  @Test func withoutScramblingItIsTheSequence() throws {
    var sampler = QMCSampler()
    sampler.isScrambled = false
    let parameter = Parameter("x", .float(try FloatDistribution(low: 0, high: 1)))
    let history = TrialHistory(directions: [.minimize])
    let values = try (0..<4).map { trial in
      var generator = TrialGenerator(seed: 5, trial: trial)
      return try sampler.sample(parameter, for: trial, given: history, using: &generator)
    }
    #expect(values == [0, 0.5, 0.75, 0.25])
  }
}
