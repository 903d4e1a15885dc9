internal import System

/// The beta distribution on 0…1, whose density is in proportion to `xᵃ⁻¹ (1 − x)ᵇ⁻¹`.
public struct BetaDistribution: Sendable, Hashable {
  /// The exponent of x, plus one; positive.
  public let a: Double
  /// The exponent of 1 − x, plus one; positive.
  public let b: Double
  /// The logarithm of what the density is divided by.
  private let logNorm: Double

  /// Creates the distribution.
  public init(a: Double, b: Double) {
    precondition(a > 0 && b > 0, "a \(a), b \(b)")
    (self.a, self.b) = (a, b)
    logNorm = Self.logGamma(a) + Self.logGamma(b) - Self.logGamma(a + b)
  }

  /// The mean.
  public var mean: Double { a / (a + b) }
  /// The standard deviation.
  public var deviation: Double { (a * b / (a + b + 1)).squareRoot() / (a + b) }

  /// The probability of a value up to `x`: the regularized incomplete beta function, by its
  /// continued fraction. DiDonato and Morris, ACM TOMS 18(3), 1992; the fraction is Abramowitz and
  /// Stegun, 26.5.8.
  public func cumulative(_ x: Double) -> Double {
    guard x > 0 else { return x.isNaN ? x : 0 }
    guard x < 1 else { return 1 }
    let logFront = a * log(x) + b * log1p(-x) - logNorm
    if x < (a + 1) / (a + b + 2) {
      return min(exp(logFront) / a * Self.fraction(a, b, x), 1)
    }
    return max(1 - exp(logFront) / b * Self.fraction(b, a, 1 - x), 0)
  }

  /// The value below which the share `u` lies; 0 for 0, 1 for 1.
  ///
  /// By bisection in a scale on which both ends are fine: the logarithm of x / (1 − x).
  public func quantile(_ u: Double) -> Double {
    guard u > 0 else { return u.isNaN ? u : 0 }
    guard u < 1 else { return 1 }
    var (low, high) = (-745.0, 745.0)
    func point(_ t: Double) -> Double { t < 0 ? exp(t) / (1 + exp(t)) : 1 / (1 + exp(-t)) }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if cumulative(point(middle)) < u { low = middle } else { high = middle }
    }
    return point((low + high) / 2)
  }

  /// The continued fraction, evaluated from its front by Lentz's method in the form of Thompson and
  /// Barnett, J. Comput. Phys. 64, 1986.
  private static func fraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
    let tiny = 1e-300
    func nonzero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / nonzero(1 - (a + b) * x / (a + 1))
    var value = d
    for term in 1...20_000 {
      let m = Double(term)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / nonzero(1 + even * d)
      c = nonzero(1 + even / c)
      value *= c * d
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / nonzero(1 + odd * d)
      c = nonzero(1 + odd / c)
      value *= c * d
      if abs(c * d - 1) < 1e-15 { break }
    }
    return value
  }

  /// ln Γ(x) for positive x: Stirling's series (Abramowitz and Stegun, 6.1.40), from 10 on.
  private static func logGamma(_ x: Double) -> Double {
    var (x, shift) = (x, 0.0)
    while x < 10 {
      shift -= log(x)
      x += 1
    }
    let s = 1 / (x * x)
    let series =
      ((((-691.0 / 360_360 * s + 1.0 / 1_188) * s - 1.0 / 1_680) * s + 1.0 / 1_260) * s
        - 1.0 / 360) * s + 1.0 / 12
    return shift + (x - 0.5) * log(x) - x + StandardNormal.logRootTwoPi + series / x
  }
}
