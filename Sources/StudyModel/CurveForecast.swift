internal import System

/// What trials end with, told from what they report on the way: a straight line through completed
/// trials.
///
/// Least squares of the final losses by the losses at one step, with a slope that is not negative:
/// a trial that is ahead does not end worse for it. Losses far beyond the others, such as those of
/// diverged trainings, are drawn in, so that they do not decide the line.
package struct CurveForecast: Sendable {
  /// The fewest completed trials that make a forecast.
  package static let fewestTrials = 3

  private let early: Scale
  private let final: Scale
  private let slope: Double
  private let earlyMean: Double
  private let finalMean: Double
  private let spread: Double
  /// The variance of the final losses about the line.
  private let variance: Double
  private let count: Int

  /// The range within which losses count as they are.
  private struct Scale {
    let limit: Double

    /// Up to five times the median distance beyond the median; at least the median.
    init(_ losses: [Double]) {
      let sorted = losses.sorted()
      let median = sorted[sorted.count / 2]
      limit = median + 5 * (median - sorted[0])
    }

    func clamped(_ loss: Double) -> Double { min(loss, max(limit, -.greatestFiniteMagnitude)) }
  }

  /// - Parameter losses: Per completed trial its loss at the step and in the end; smaller is
  ///   better. What is not finite is left out. Nil for fewer than ``fewestTrials``.
  package init?(_ losses: [(early: Double, final: Double)]) {
    let usable = losses.filter { $0.early.isFinite && $0.final.isFinite }
    guard usable.count >= Self.fewestTrials else { return nil }
    early = Scale(usable.map(\.early))
    final = Scale(usable.map(\.final))
    let x = usable.map { [early] in early.clamped($0.early) }
    let y = usable.map { [final] in final.clamped($0.final) }
    count = usable.count
    let n = Double(count)
    earlyMean = x.reduce(0) { $0 + $1 / n }
    finalMean = y.reduce(0) { $0 + $1 / n }
    var squares = 0.0
    var products = 0.0
    for (x, y) in zip(x, y) {
      squares += (x - earlyMean) * (x - earlyMean)
      products += (x - earlyMean) * (y - finalMean)
    }
    spread = squares
    slope = squares > 0 ? max(products / squares, 0) : 0
    var residual = 0.0
    for (x, y) in zip(x, y) {
      let error = y - finalMean - slope * (x - earlyMean)
      residual += error * error
    }
    variance = residual / max(n - 2, 1)
    guard earlyMean.isFinite, finalMean.isFinite, spread.isFinite, variance.isFinite else {
      return nil
    }
  }

  /// The final loss to expect after this loss at the step.
  package func finalLoss(after loss: Double) -> Double {
    finalMean + slope * (early.clamped(loss) - earlyMean)
  }

  /// The probability that a trial with this loss at the step ends with less than `bound`: by
  /// Student's t distribution of a new observation about a fitted line.
  package func probability(ofLessThan bound: Double, after loss: Double) -> Double {
    let distance = early.clamped(loss) - earlyMean
    let leverage = 1 + 1 / Double(count) + (spread > 0 ? distance * distance / spread : 0)
    let deviation = (variance * leverage).squareRoot()
    let expected = finalLoss(after: loss)
    guard deviation > 0 else { return expected < bound ? 1 : 0 }
    return StudentDistribution.cumulative(
      (bound - expected) / deviation, degreesOfFreedom: max(count - 2, 1))
  }
}

/// Student's t distribution.
package enum StudentDistribution {
  /// The probability of at most `t`: Abramowitz and Stegun, "Handbook of Mathematical Functions",
  /// 1964, equations 26.7.3 and 26.7.4, for whole degrees of freedom, from 1 on.
  package static func cumulative(_ t: Double, degreesOfFreedom count: Int) -> Double {
    precondition(count >= 1, "\(count) degrees of freedom")
    guard !t.isNaN else { return .nan }
    let angle = atan(t / Double(count).squareRoot())
    let cosine = cos(angle)
    let square = cosine * cosine
    let isOdd = count % 2 == 1
    // cos θ + 2/3 cos³ θ + … for odd numbers from 3 on, 1 + 1/2 cos² θ + … for even ones.
    var term = isOdd ? cosine : 1
    var sum = 0.0
    var k = isOdd ? 1 : 0
    while k <= count - 2 {
      sum += term
      k += 2
      term *= square * Double(k - 1) / Double(k)
    }
    let central = isOdd ? 2 / .pi * (angle + sin(angle) * sum) : sin(angle) * sum
    return min(max(0.5 + 0.5 * central, 0), 1)
  }
}
