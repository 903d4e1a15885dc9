internal import System

/// The standard normal distribution, accurate to a few units in the last place in both tails.
public enum StandardNormal {
  /// ln √(2π).
  package static let logRootTwoPi = 0.918938533204672741780329736406
  private static let rootHalf = 0.707106781186547524400844362105

  /// The logarithm of the density: −x²/2 − ln √(2π).
  public static func logDensity(_ x: Double) -> Double {
    -0.5 * x * x - logRootTwoPi
  }

  /// Φ(x), the probability of a value up to `x`; accurate in the left tail.
  public static func cumulative(_ x: Double) -> Double {
    0.5 * erfc(-x * rootHalf)
  }

  /// ln Φ(x), also where Φ(x) underflows.
  ///
  /// Left of −20 by the asymptotic series of Abramowitz and Stegun, 26.2.12.
  public static func logCumulative(_ x: Double) -> Double {
    if x > 0 { return log1p(-0.5 * erfc(x * rootHalf)) }
    if x > -20 { return log(0.5 * erfc(-x * rootHalf)) }
    guard x.isFinite else { return x.isNaN ? x : -.infinity }
    let inverseSquare = 1 / (x * x)
    var term = 1.0
    var sum = 1.0
    for k in 1...20 {
      term *= -Double(2 * k - 1) * inverseSquare
      sum += term
      if abs(term) < 1e-17 { break }
    }
    return logDensity(x) - log(-x) + log(sum)
  }

  /// ln (Φ(b) − Φ(a)), accurate in both tails and for narrow intervals; −∞ when a ≥ b.
  public static func logMass(from a: Double, to b: Double) -> Double {
    guard a < b else { return a.isNaN || b.isNaN ? .nan : -.infinity }
    let (middle, width) = (0.5 * (a + b), b - a)
    return isNarrow(middle, width)
      ? narrowLogMass(around: middle, width: width) : wideLogMass(from: a, to: b)
  }

  /// The logarithm of the probability of an interval given by its middle and its width, which may
  /// be too narrow for the bounds to differ; −∞ for width 0.
  public static func logMass(around middle: Double, width: Double) -> Double {
    isNarrow(middle, width)
      ? narrowLogMass(around: middle, width: width)
      : wideLogMass(from: middle - 0.5 * width, to: middle + 0.5 * width)
  }

  private static func isNarrow(_ middle: Double, _ width: Double) -> Bool {
    width < 0.1 && abs(middle) * width < 0.1
  }

  /// The Taylor series of the density about the middle, integrated term by term: the coefficients
  /// are the Hermite polynomials of order 2, 4 and 6 over 24, 1920 and 322560.
  private static func narrowLogMass(around middle: Double, width: Double) -> Double {
    let m = middle * middle
    let w = width * width
    let second = (m - 1) / 24
    let fourth = ((m - 6) * m + 3) / 1_920
    let sixth = (((m - 15) * m + 45) * m - 15) / 322_560
    return logDensity(middle) + log(width) + log1p(((sixth * w + fourth) * w + second) * w)
  }

  private static func wideLogMass(from a: Double, to b: Double) -> Double {
    if a < 0, b > 0 { return log1p(-cumulative(a) - cumulative(-b)) }
    let (near, far) = a >= 0 ? (-a, -b) : (b, a)
    // Not narrow, so at least a tenth of the larger probability remains; above −35 none underflows.
    if near > -35 { return log(cumulative(near) - cumulative(far)) }
    return logDifference(logCumulative(near), logCumulative(far))
  }

  /// ln (eˣ − eʸ) for x > y.
  private static func logDifference(_ x: Double, _ y: Double) -> Double {
    let gap = y - x  // negative
    // Mächler, "Accurately Computing log(1 − exp(−|a|))", 2012, equation 7.
    return x + (gap > -0.6931471805599453 ? log(-expm1(gap)) : log1p(-exp(gap)))
  }

  /// The value `x` with Φ(x) = p; −∞ for 0, ∞ for 1, NaN outside 0...1.
  ///
  /// Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
  /// Statistics 37(3), 1988, routine PPND16; relative accuracy about 1e-16.
  public static func quantile(_ p: Double) -> Double {
    let q = p - 0.5
    if abs(q) <= 0.425 {
      let r = 0.180625 - q * q
      return q * AS241.central(r)
    }
    guard p > 0, p < 1 else { return p == 0 ? -.infinity : p == 1 ? .infinity : .nan }
    let r = (-log(q < 0 ? p : 1 - p)).squareRoot()
    let magnitude = r <= 5 ? AS241.near(r - 1.6) : AS241.far(r - 5)
    return q < 0 ? -magnitude : magnitude
  }

  /// The value `x` with ln Φ(x) = `logP`; for probabilities that may underflow. ∞ for 0, NaN above.
  public static func quantile(log logP: Double) -> Double {
    guard logP < 0 else { return logP == 0 ? .infinity : .nan }
    // 0.075 is where the tails of AS 241 begin.
    if logP > log(0.925) {
      let r = (-log(-expm1(logP))).squareRoot()
      return r <= 5 ? AS241.near(r - 1.6) : AS241.far(r - 5)
    }
    if logP > log(0.075) { return quantile(exp(logP)) }
    guard logP > -.infinity else { return -.infinity }
    let r = (-logP).squareRoot()
    if r <= 5 { return -AS241.near(r - 1.6) }
    if r <= 27 { return -AS241.far(r - 5) }
    // Newton's method on ln Φ, from −√(−2 (ln p + ln √(2π))) on.
    var x = -(-2 * (logP + logRootTwoPi)).squareRoot()
    for _ in 0..<20 {
      let logPhi = logCumulative(x)
      let change = (logPhi - logP) * exp(logPhi - logDensity(x))
      x -= change
      if abs(change) <= 1e-15 * abs(x) { break }
    }
    return x
  }
}

/// The rational approximations of AS 241.
private enum AS241 {
  /// For |p − ½| ≤ 0.425 in r = 0.180625 − (p − ½)².
  static func central(_ r: Double) -> Double {
    let a0 = ((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
    let a1 =
      (((a0 + 45921.953931549871457) * r + 13731.693765509461125) * r
        + 1971.5909503065514427) * r
    let a = (a1 + 133.14166789178437745) * r + 3.387132872796366608
    let b0 = ((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
    let b1 =
      (((b0 + 21213.794301586595867) * r + 5394.1960214247511077) * r
        + 687.1870074920579083) * r
    let b = (b1 + 42.313330701600911252) * r + 1
    return a / b
  }

  /// For √(−ln p) ≤ 5, in that minus 1.6.
  static func near(_ r: Double) -> Double {
    let c0 =
      ((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
        + 0.24178072517745061177) * r
    let c1 =
      (((c0 + 1.27045825245236838258) * r + 3.64784832476320460504) * r
        + 5.7694972214606914055) * r
    let c = (c1 + 4.6303378461565452959) * r + 1.42343711074968357734
    let d0 =
      ((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
        + 0.0151986665636164571966) * r
    let d1 =
      (((d0 + 0.14810397642748007459) * r + 0.68976733498510000455) * r
        + 1.6763848301838038494) * r
    let d = (d1 + 2.05319162663775882187) * r + 1
    return c / d
  }

  /// For √(−ln p) > 5, in that minus 5.
  static func far(_ r: Double) -> Double {
    let e0 =
      ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
        + 0.0012426609473880784386) * r
    let e1 =
      (((e0 + 0.026532189526576123093) * r + 0.29656057182850489123) * r
        + 1.7848265399172913358) * r
    let e = (e1 + 5.4637849111641143699) * r + 6.6579046435011037772
    let f0 =
      ((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
        + 1.8463183175100546818e-5) * r
    let f1 =
      (((f0 + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r
        + 0.13692988092273580531) * r
    let f = (f1 + 0.59983220655588793769) * r + 1
    return e / f
  }
}
