import JSON
import Probability
import StudyModel
import Testing

@testable import Samplers

@Suite struct TPEDensityTests {
  /// Densities of Optuna 5.0.0, written by `Fixtures/tpe_densities.py`. The tolerance is absolute:
  /// the logarithm's error is the relative error of the density.
  @Test(
    "log densities agree with Optuna 5.0.0 to 1e-9",
    arguments: TPEFixture.all)
  func agreesWithOptuna(fixture: TPEFixture) throws {
    let history = try fixture.history()
    var sampler = TPESampler()
    sampler.startupTrials = 0
    sampler.isMultivariate = fixture["multivariate"] == .bool(true)
    sampler.isGrouped = fixture["group"] == .bool(true)
    sampler.usesConstantLiar = fixture["liar"] == .bool(true)
    let trial = history.count - 1
    let spaces = try fixture.spaces()

    let joint = Int(try #require(fixture["joint"].number))
    #expect(sampler.jointSpaces(given: history) == spaces.prefix(joint).map(\.parameters))
    for space in spaces {
      let found = sampler.logDensities(
        at: space.points, in: space.parameters, for: trial, given: history)
      #expect(found.count == space.good.count && found.count == 7)
      for (place, pair) in found.enumerated() {
        let point = space.points[place]
        #expect(
          isClose(pair.good, space.good[place]),
          "l \(space.parameters.map(\.name)) \(point): \(pair.good) not \(space.good[place])")
        #expect(
          isClose(pair.rest, space.rest[place]),
          "g \(space.parameters.map(\.name)) \(point): \(pair.rest) not \(space.rest[place])")
      }
    }
  }

  @Test("the fixture has at least 200 cases of one objective")
  func isLarge() {
    #expect(TPEFixture.all.count { $0.directions.count == 1 } >= 200)
  }

  private func isClose(_ a: Double, _ b: Double) -> Bool {
    a == b || abs(a - b) <= 1e-9
  }
}
