import StudyModel
import Testing

@Suite struct CurveForecastTests {
  /// `scipy.stats.t.cdf`, SciPy 1.17.1.
  static let student: [(t: Double, count: Int, probability: Double)] = [
    (-2.5, 1, 0.12111894159084341), (0.3, 2, 0.6037571695799112), (-1.2, 3, 0.15813105734905258),
    (4, 4, 0.9919349550499538), (-3.3, 7, 0.006560357469219056), (-1.7, 30, 0.04973893779425843),
    (0, 5, 0.5),
  ]

  @Test(arguments: student)
  func studentDistribution(t: Double, count: Int, probability: Double) {
    let found = StudentDistribution.cumulative(t, degreesOfFreedom: count)
    #expect(abs(found - probability) <= 1e-12 * probability)
  }

  static let losses: [(early: Double, final: Double)] = [
    (3, 1.4), (2.5, 1.1), (4, 2.1), (3.2, 1.7), (2.9, 1.2),
  ]

  /// The prediction interval of a fitted line with numpy 2.4.6 and SciPy 1.17.1.
  static let golden: [(early: Double, final: Double, probability: Double)] = [
    (2.4, 0.9899022801302929, 0.737365437272995), (3.5, 1.7692182410423452, 0.008438684085655),
    (4.2, 2.2651465798045605, 0.0035566877514384724),
  ]

  @Test(arguments: golden)
  func line(early: Double, final: Double, probability: Double) throws {
    let forecast = try #require(CurveForecast(Self.losses))
    #expect(abs(forecast.finalLoss(after: early) - final) <= 1e-12)
    let found = forecast.probability(ofLessThan: 1.1, after: early)
    #expect(abs(found - probability) <= 1e-10)
  }

  @Test("needs three finite trials, and one that diverged does not turn the line")
  func outliers() throws {
    #expect(CurveForecast([(1, 1), (2, 2), (.nan, 3), (3, .infinity)]) == nil)
    let forecast = try #require(CurveForecast(Self.losses + [(1e300, 1e300)]))
    let final = forecast.finalLoss(after: 3)
    #expect(final > 0.8 && final < 2)
    #expect(forecast.finalLoss(after: .infinity).isFinite)
  }

  @Test("a trial that is ahead is not expected to end worse for it")
  func slope() throws {
    let forecast = try #require(CurveForecast([(1, 3), (2, 2), (3, 1), (4, 0)]))
    #expect(forecast.finalLoss(after: 1) == forecast.finalLoss(after: 4))
    #expect(forecast.probability(ofLessThan: 0, after: 4) > 0.05)
  }
}
