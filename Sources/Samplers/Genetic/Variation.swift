internal import Probability
internal import StudyModel
internal import System

/// How a child's value of one parameter comes from its parents' values.
enum Variation {
  /// Simulated binary crossover: one of the two children of two numbers within bounds, whose spread
  /// is like that of the parents. Deb and Agrawal, "Simulated Binary Crossover for Continuous
  /// Search Space", Complex Systems 9, 1995, equations 3 to 5, bounded as in NSGA-II's own program.
  ///
  /// - Parameter eta: The distribution index; the larger, the nearer to a parent.
  static func simulatedBinary(
    _ a: Double, _ b: Double, in bounds: (low: Double, high: Double), eta: Double,
    using generator: inout TrialGenerator
  ) -> Double {
    let (least, most) = (min(a, b), max(a, b))
    let difference = max(most - least, 1e-10)
    let u = generator.uniform()
    func spread(_ room: Double) -> Double {
      let alpha = 2 - pow(1 + 2 * room / difference, -(eta + 1))
      return u <= 1 / alpha
        ? pow(u * alpha, 1 / (eta + 1)) : pow(1 / (2 - u * alpha), 1 / (eta + 1))
    }
    let child =
      generator.uniform() < 0.5
      ? 0.5 * ((least + most) - spread(least - bounds.low) * difference)
      : 0.5 * ((least + most) + spread(bounds.high - most) * difference)
    return min(max(child, bounds.low), bounds.high)
  }

  /// Polynomial mutation of a number within bounds: Deb et al., 2002, as in NSGA-II's own program.
  static func polynomial(
    _ x: Double, in bounds: (low: Double, high: Double), eta: Double,
    using generator: inout TrialGenerator
  ) -> Double {
    let width = bounds.high - bounds.low
    guard width > 0 else { return x }
    let u = generator.uniform()
    let power = 1 / (eta + 1)
    let shift: Double
    if u <= 0.5 {
      let rest = 1 - (x - bounds.low) / width
      shift = pow(2 * u + (1 - 2 * u) * pow(rest, eta + 1), power) - 1
    } else {
      let rest = 1 - (bounds.high - x) / width
      shift = 1 - pow(2 * (1 - u) + 2 * (u - 0.5) * pow(rest, eta + 1), power)
    }
    return min(max(x + shift * width, bounds.low), bounds.high)
  }
}
