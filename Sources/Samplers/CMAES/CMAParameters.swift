internal import System

/// The constants of CMA-ES for a dimension and a population size.
///
/// Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, 2016, table 1; equation
/// numbers are those there. The names are those of the tutorial.
package struct CMAParameters: Sendable {
  /// λ, the number of points per generation.
  package let populationSize: Int
  /// μ, how many of them the mean moves to.
  package let parentCount: Int
  /// w, by rank; those of the worse half are negative.
  package let weights: [Double]
  /// μ_eff.
  package let effectiveParents: Double
  /// c₁, c_μ: the shares of one path and of one generation in the covariance.
  package let rankOneRate: Double
  /// c_μ: the share of one generation in the covariance.
  package let rankMuRate: Double
  /// c_σ, d_σ: the step size's rate and damping.
  package let stepRate: Double
  /// d_σ: the damping of the step size.
  package let stepDamping: Double
  /// c_c: the rate of the covariance's path.
  package let pathRate: Double
  /// E‖N(0, I)‖.
  package let expectedNorm: Double

  /// The population size for a dimension, equation 48.
  package static func defaultPopulation(of dimension: Int) -> Int {
    4 + Int(clamped: (3 * log(Double(dimension))).rounded(.down))
  }

  /// - Parameter isSeparable: Whether only the diagonal of the covariance is learned, which may go
  ///   faster by (n + 2) / 3: Ros and Hansen, PPSN 2008.
  package init(dimension: Int, populationSize: Int, isSeparable: Bool = false) {
    let n = Double(dimension)
    let count = populationSize
    let raw = (1...count).map { log((Double(count) + 1) / 2) - log(Double($0)) }  // 49
    let parents = count / 2
    func effective(_ part: ArraySlice<Double>) -> Double {
      let sum = part.reduce(0, +)
      return sum * sum / part.reduce(0) { $0 + $1 * $1 }
    }
    let muEff = effective(raw[..<parents])
    let muEffMinus = effective(raw[parents...])
    let speed = isSeparable ? (n + 2) / 3 : 1
    let c1 = min(0.5, speed * 2 / ((n + 1.3) * (n + 1.3) + muEff))  // 57
    let gain = 2 * (muEff - 2 + 1 / muEff) / ((n + 2) * (n + 2) + muEff)
    let cMu = min(1 - c1 - 1e-8, speed * gain)  // 58
    let alpha = min(
      1 + c1 / cMu, 1 + 2 * muEffMinus / (muEff + 2), (1 - c1 - cMu) / (n * cMu))  // 50 to 52
    let positive = raw.filter { $0 > 0 }.reduce(0, +)
    let negative = raw.filter { $0 < 0 }.reduce(0) { $0 - $1 }
    weights = raw.map { $0 >= 0 ? $0 / positive : $0 * alpha / negative }  // 53
    self.populationSize = count
    parentCount = parents
    effectiveParents = muEff
    rankOneRate = c1
    rankMuRate = cMu
    stepRate = (muEff + 2) / (n + muEff + 5)  // 55
    stepDamping = 1 + 2 * max(0, ((muEff - 1) / (n + 1)).squareRoot() - 1) + stepRate
    pathRate = (4 + muEff / n) / (n + 4 + 2 * muEff / n)  // 56
    expectedNorm = n.squareRoot() * (1 - 1 / (4 * n) + 1 / (21 * n * n))
  }
}
