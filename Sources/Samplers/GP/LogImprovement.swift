internal import Probability
internal import System

/// The logarithm of expected improvement, also where the improvement itself underflows.
///
/// Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian Optimization",
/// NeurIPS 2023, equation 9.
enum LogImprovement {
  /// ln h(z) with h(z) = z Φ(z) + φ(z), the expected positive part of a standard normal number plus
  /// z.
  static func logStandard(_ z: Double) -> Double {
    if z >= -25 {
      return log(0.5 * z * erfc(-z * rootHalf) + exp(-0.5 * z * z) * inverseRootTwoPi)
    }
    // h(z) = φ(z) / z² (1 − 3 / z² + 15 / z⁴ − …), from Abramowitz and Stegun, 26.2.12.
    let inverseSquare = 1 / (z * z)
    var term = 1.0
    var sum = 1.0
    for k in 1...8 {
      term *= -Double(2 * k + 1) * inverseSquare
      sum += term
    }
    return StandardNormal.logDensity(z) - 2 * log(-z) + log(sum)
  }

  /// The logarithm of the expected excess of a normal number over a threshold, with its derivatives
  /// by the mean and the standard deviation.
  @inline(__always) static func excess(
    mean: Double, deviation: Double, over threshold: Double
  ) -> (value: Double, byMean: Double, byDeviation: Double) {
    let z = (mean - threshold) / deviation
    let logH = logStandard(z)
    // d (σ h) / dμ = Φ(z) and d (σ h) / dσ = φ(z).
    let byMean = exp(StandardNormal.logCumulative(z) - logH) / deviation
    let byDeviation = exp(StandardNormal.logDensity(z) - logH) / deviation
    return (logH + log(deviation), byMean, byDeviation)
  }

  private static let rootHalf = 0.707106781186547524400844362105
  private static let inverseRootTwoPi = 0.398942280401432677939946059934
}
