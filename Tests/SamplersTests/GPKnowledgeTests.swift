import JSON
import LinearAlgebra
import Probability
import StudyModel
import Testing

@testable import Samplers

/// What is known beside the results: which trials failed, and what the user expects.
@Suite struct GPKnowledgeTests {
  typealias Study = GPSamplerTests.Study

  // MARK: Failures

  /// Beyond a border close to the optimum everything fails.
  private func failing(_ learns: Bool, seed: UInt64) throws -> (share: Double, best: Double) {
    var study = Study(try GPSamplerTests.floats(2), seed: seed)
    study.sampler.learnsFailures = learns
    var failures: [Int] = []
    try study.run(50) { number, x in
      guard x[0] + 0.5 * x[1] < 1.5 else {
        failures.append(number)
        return (.failed, [])
      }
      return (.completed, [(x[0] - 1.5) * (x[0] - 1.5) + (x[1] + 1) * (x[1] + 1)])
    }
    return (Double(failures.count { $0 >= 20 }) / 30, study.best)
  }

  @Test func failuresAreAvoided() throws {
    var (with, without) = (0.0, 0.0)
    for seed in 1...3 as ClosedRange<UInt64> {
      let learned = try failing(true, seed: seed)
      #expect(learned.best < 0.05, "\(learned.best)")
      with += learned.share / 3
      without += try failing(false, seed: seed).share / 3
    }
    #expect(with < 0.8 * without, "\(with) and \(without)")
  }

  /// What a failing trial is told by: its state, no number, or an infinite loss.
  static let failures: [(TrialState, [Double])] = [
    (.failed, []), (.completed, [.nan]), (.completed, [.infinity]),
  ]

  @Test(arguments: failures)
  func accountsForFailures(state: TrialState, values: [Double]) throws {
    var study = Study(try GPSamplerTests.floats(2))
    try study.run(14) { number, x in
      number % 3 == 0 ? (state, values) : (.completed, [x[0] * x[0] + x[1]])
    }
    let (_, _, account) = try study.ask()
    #expect(account?["failed"] == .integer(5))
    study.sampler.learnsFailures = false
    let (_, _, other) = try study.ask()
    #expect(other?["phase"]?.string == "model" && other?["failed"] == nil)
  }

  // MARK: Priors

  private func believed(_ mean: Double, checks: Bool, trials: Int) throws -> Study {
    let distribution = try Distribution.drawn(
      NumberTraits(.normal(mean: mean, deviation: 0.05), low: 0, high: 1))
    var study = Study([Parameter("x", distribution), Parameter("y", distribution)], seed: 5)
    study.sampler.checksPriors = checks
    try study.run(trials) { _, x in
      (.completed, [(x[0] - 0.8) * (x[0] - 0.8) + (x[1] - 0.75) * (x[1] - 0.75)])
    }
    return study
  }

  @Test func misleadingPriorsAreDropped() throws {
    let checked = try believed(0.15, checks: true, trials: 30)
    #expect(checked.best < 1e-3, "\(checked.best)")
    #expect(try believed(0.15, checks: false, trials: 30).best > 0.01)
    // The first trial is the likeliest point.
    #expect(checked.history.assignments(of: 0).allSatisfy { abs($0.internalValue - 0.15) < 1e-9 })
  }

  @Test func contradictionIsWhereTheBestIs() throws {
    let study = try believed(0.4, checks: false, trials: 12)
    var observations = GPObservations()
    observations.advance(to: study.history)
    let belief = try #require(GPBelief(observations.space, observations: 12))
    let near = [[0.4, 0.4], [0.45, 0.38], [0.37, 0.41]]
    #expect(!belief.isContradicted(by: [1, 2, 3, 4], at: near + [[0.9, 0.9]]))
    #expect(belief.isContradicted(by: [1, 2, 3, 0], at: near + [[0.9, 0.9]]))
    // Too few observations where the user expects the best.
    #expect(!belief.isContradicted(by: [1, 2, 0], at: Array(near.prefix(2)) + [[0.9, 0.9]]))
    #expect(!belief.isContradicted(by: [], at: []))
  }
}
