internal import System

/// A normal distribution restricted to an interval.
public struct TruncatedNormal: Sendable, Hashable {
  /// The mean of the normal before it is restricted; may lie outside the bounds.
  public let mean: Double
  /// The standard deviation before it is restricted; positive.
  public let sigma: Double
  /// The smallest value.
  public let low: Double
  /// The largest value; above `low`.
  public let high: Double
  /// Φ of the lower bound in standard units.
  private let lowerTail: Double
  /// The probability between the bounds before the normal is restricted.
  private let mass: Double

  /// Creates the distribution.
  public init(mean: Double, sigma: Double, low: Double, high: Double) {
    precondition(sigma > 0 && low < high, "sigma \(sigma), bounds \(low)...\(high)")
    self.mean = mean
    self.sigma = sigma
    self.low = low
    self.high = high
    lowerTail = StandardNormal.cumulative((low - mean) / sigma)
    mass = 1 - lowerTail - StandardNormal.cumulative((mean - high) / sigma)
  }

  /// The logarithm of the density at `x`; −∞ outside the bounds.
  public func logDensity(_ x: Double) -> Double {
    guard low <= x, x <= high else { return x.isNaN ? .nan : -.infinity }
    return StandardNormal.logDensity((x - mean) / sigma) - log(sigma)
      - StandardNormal.logMass(from: (low - mean) / sigma, to: (high - mean) / sigma)
  }

  /// The value below which the share `u` of the distribution lies; `u` in 0...1.
  ///
  /// With the mean inside the bounds both tails are at most one half and probabilities themselves
  /// are accurate; otherwise the work is done with their logarithms.
  public func quantile(_ u: Double) -> Double {
    if low <= mean, mean <= high {
      let z = StandardNormal.quantile(min(lowerTail + u * mass, 1))
      return min(max(mean + sigma * z, low), high)
    }
    // Mirror what lies to the right of the mean, so that only left tails occur.
    let isMirrored = mean < low
    let a = isMirrored ? (mean - high) / sigma : (low - mean) / sigma
    let b = isMirrored ? (mean - low) / sigma : (high - mean) / sigma
    let share = isMirrored ? 1 - u : u
    let logA = StandardNormal.logCumulative(a)
    let logPart = log(share) + StandardNormal.logMass(from: a, to: b)
    let (larger, smaller) = logA > logPart ? (logA, logPart) : (logPart, logA)
    let logP = larger > -.infinity ? larger + log1p(exp(smaller - larger)) : larger
    let z = StandardNormal.quantile(log: min(logP, 0))
    let x = isMirrored ? mean - sigma * z : mean + sigma * z
    return min(max(x, low), high)
  }

  /// Draws a value, using one uniform number.
  public func sample(using generator: inout TrialGenerator) -> Double {
    quantile(generator.uniform())
  }
}
