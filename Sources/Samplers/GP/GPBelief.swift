internal import StudyModel
internal import System

/// What the priors of a space's parameters add to an acquisition: β / n times the logarithm of
/// their density, with n the number of observations. Early suggestions so keep to where the user
/// expects the optimum, and as results come in the priors fade.
///
/// Hvarfner, Stoll, Souza, Lindauer, Hutter and Nardi, "πBO: Augmenting Acquisition Functions with
/// User Beliefs for Bayesian Optimization", ICLR 2022, equation 6. Coordinates are those of
/// ``GPSpace``; a parameter counts also where it is not active.
struct GPBelief {
  /// How much the priors count: as much as the acquisition itself after so many observations.
  private static let strength = 10.0
  /// The logarithm of no weight at all: a penalty that stays one after thousands of observations.
  private static let logOfNothing = -1e5

  private enum Part {
    case normal(mean: Double, deviation: Double)
    case logWeights([Double])
  }

  private let parts: [(place: Int, part: Part)]
  private let factor: Double

  /// The belief about a space after so many observations; nil when no parameter has a prior.
  init?(_ space: GPSpace, observations: Int) {
    var parts: [(Int, Part)] = []
    for (place, parameter) in space.parameters.enumerated() {
      switch parameter.distribution.belief {
      case nil: continue
      case .weights(let weights)?:
        parts.append((place, .logWeights(weights.map { $0 > 0 ? log($0) : Self.logOfNothing })))
      case .normal(let mean, let deviation)?:
        guard let box = parameter.distribution.box else { continue }
        parts.append(
          (
            place,
            .normal(mean: box.share(of: mean), deviation: deviation / (box.high - box.low))
          ))
      }
    }
    guard !parts.isEmpty else { return nil }
    self.parts = parts
    factor = Self.strength / Double(max(observations, 1))
  }

  /// How far from what the priors expect a point begins to contradict them, as ``distance(of:)``
  /// has it: two standard deviations.
  private static let farthestExpected = 4.0
  /// The observations where the priors expect the best without which they are not judged.
  private static let fewestExpected = 3

  /// Whether what was observed contradicts the priors: the best is where they do not expect it,
  /// though there were observations where they do.
  func isContradicted(by losses: [Double], at points: [[Double]]) -> Bool {
    var best = (expected: Double.infinity, elsewhere: Double.infinity)
    var count = 0
    for (point, loss) in zip(points, losses) {
      if distance(of: point) <= Self.farthestExpected {
        count += 1
        best.expected = min(best.expected, loss)
      } else {
        best.elsewhere = min(best.elsewhere, loss)
      }
    }
    return count >= Self.fewestExpected && best.elsewhere < best.expected
  }

  /// How far a point is from the likeliest one: twice the difference of the logarithms of their
  /// densities, per parameter with a prior. Of a draw it is about 1 where the priors are normal.
  private func distance(of point: [Double]) -> Double {
    let sum = parts.reduce(0.0) { sum, one in
      let x = point[one.place]
      guard !x.isNaN else { return sum }
      switch one.part {
      case .logWeights(let weights):
        return sum + 2 * ((weights.max() ?? 0) - weights[Int(clamped: x)])
      case .normal(let mean, let deviation):
        let z = (x - min(max(mean, 0), 1)) / deviation
        return sum + z * z
      }
    }
    return sum / Double(parts.count)
  }

  /// What is added to the acquisition at a point, apart from a constant.
  func value(at point: [Double]) -> Double {
    parts.reduce(0) { sum, one in
      let x = point[one.place]
      switch one.part {
      case .logWeights(let weights): return sum + factor * weights[Int(clamped: x)]
      case .normal(let mean, let deviation):
        let z = (x - mean) / deviation
        return sum - factor * 0.5 * z * z
      }
    }
  }

  /// The derivative of ``value(at:)`` by a number.
  func slope(at point: [Double], by place: Int) -> Double {
    parts.reduce(0) { sum, one in
      guard one.place == place, case .normal(let mean, let deviation) = one.part else { return sum }
      return sum - factor * (point[place] - mean) / (deviation * deviation)
    }
  }
}
