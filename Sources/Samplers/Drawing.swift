internal import Probability
package import StudyModel
internal import System

/// How a number with traits is drawn, and the inverse: which share of the draws lies below a value.
package struct Drawing: Sendable {
  private let traits: NumberTraits
  private let distribution: Distribution

  /// The drawing of a distribution; nil for one whose bounds, step and scale say all.
  package init?(_ distribution: Distribution) {
    guard let traits = distribution.numberTraits, !traits.isPlain else { return nil }
    self.traits = traits
    self.distribution = distribution
  }

  /// The internal value that is drawn at a share from 0 to 1.
  package func value(_ share: Double) -> Double {
    let value = traits.rounded(number(at: share))
    // At the very bounds rounding may lead where nothing else does.
    return switch distribution {
    case .float(let d): d.nearest(to: value)
    case .int(let d): Double(d.nearest(to: value))
    case .categorical, .opaque: value
    }
  }

  /// Where an internal value is among the draws, from 0 to 1: the middle of what is rounded to it.
  package func unit(_ internalValue: Double) -> Double {
    guard let rounding = traits.rounding else { return share(below: internalValue) }
    let point = rounding.nearestPoint(to: internalValue)
    let below = rounding.rule == .floor ? 0 : rounding.step / 2
    return (share(below: point - below) + share(below: point - below + rounding.step)) / 2
  }

  /// The share of the draws, before they are rounded, that lies below a number.
  func share(below number: Double) -> Double {
    guard !number.isNaN else { return .nan }
    let (low, high) = (traits.low, traits.high)
    guard number > low else { return 0 }
    guard number < high else { return 1 }
    switch traits.shape {
    case .uniform: return Box(low: low, high: high).share(of: number)
    case .logUniform: return log(number / low) / log(high / low)
    case .reverseLogUniform(let pivot):
      return log((pivot - low) / (pivot - number)) / log((pivot - low) / (pivot - high))
    case .normal(let mean, let deviation):
      return Self.share(
        (number - mean) / deviation, (low - mean) / deviation, (high - mean) / deviation)
    case .logNormal(let mean, let deviation):
      return Self.share(
        (log(number) - mean) / deviation, (log(low) - mean) / deviation,
        (log(high) - mean) / deviation)
    case .beta(let a, let b):
      return BetaDistribution(a: a, b: b)
        .cumulative(Box(low: low, high: high).share(of: number))
    }
  }

  /// The share of a normal between two bounds that is below a number between them.
  private static func share(_ z: Double, _ low: Double, _ high: Double) -> Double {
    let whole = StandardNormal.logMass(from: low, to: high)
    return min(exp(StandardNormal.logMass(from: low, to: z) - whole), 1)
  }

  /// The number, not rounded, below which a share of the draws lies.
  private func number(at share: Double) -> Double {
    let (low, high) = (traits.low, traits.high)
    let number: Double
    switch traits.shape {
    case .uniform: number = Box(low: low, high: high).point(at: share)
    case .logUniform: number = exp(Box(low: log(low), high: log(high)).point(at: share))
    case .reverseLogUniform(let pivot):
      number = pivot - exp(Box(low: log(pivot - low), high: log(pivot - high)).point(at: share))
    case .normal(let mean, let deviation):
      number = TruncatedNormal(mean: mean, sigma: deviation, low: low, high: high).quantile(share)
    case .logNormal(let mean, let deviation):
      let logarithm = TruncatedNormal(
        mean: mean, sigma: deviation, low: log(low), high: log(high)
      ).quantile(share)
      number = exp(logarithm)
    case .beta(let a, let b):
      number = Box(low: low, high: high).point(at: BetaDistribution(a: a, b: b).quantile(share))
    }
    return min(max(number, low), high)
  }
}

/// What a prior says to models, on the box of the parameter.
enum Belief: Sendable, Equatable {
  /// The normal of the same mean and deviation.
  case normal(mean: Double, deviation: Double)
  /// The weights of choices that have no order.
  case weights([Double])
}

extension Distribution {
  /// The internal value that the prior or the weights make the likeliest; the middle without them.
  var likeliest: Double {
    if let weights = choiceTraits?.weights, !weights.isEmpty {
      return Double(weights.indices.max { weights[$0] < weights[$1] } ?? 0)
    }
    guard let box else { return firstInternalValue }
    guard case .normal(let mean, _)? = belief else { return drawn(ofBoxed: box.point(at: 0.5)) }
    return drawn(ofBoxed: min(max(mean, box.low), box.high))
  }

  /// Draws an internal value as if there were no prior, and all choices that have a weight were
  /// alike; uses one number.
  func sampleEvenly(using generator: inout TrialGenerator) -> Double {
    if case .categorical(let d) = self {
      let weights = choiceTraits?.weights ?? []
      let allowed = d.choices.indices.filter { weights.isEmpty || weights[$0] > 0 }
      return Double(allowed[generator.integer(below: allowed.count)])
    }
    guard let box else { return firstInternalValue }
    return drawn(ofBoxed: generator.uniform(box.low, box.high))
  }

  /// The value that is drawn at a point of the box, rounded as the traits say.
  private func drawn(ofBoxed x: Double) -> Double {
    let value = internalValue(ofBoxed: x)
    guard let traits = numberTraits, traits.rounding != nil else { return value }
    let rounded = traits.rounded(value)
    return switch self {
    case .float(let d): d.nearest(to: rounded)
    case .int(let d): Double(d.nearest(to: rounded))
    case .categorical, .opaque: value
    }
  }

  /// What the prior says to models; nil without one. A beta prior, and the weights of ordered
  /// choices, count as the normal of the same mean and deviation.
  var belief: Belief? {
    if case .categorical = self {
      guard let weights = choiceTraits?.weights, !weights.isEmpty else { return nil }
      guard isOrdered else { return .weights(weights) }
      let mean = weights.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
      let variance = weights.enumerated().reduce(1.0 / 12) {
        $0 + (Double($1.offset) - mean) * (Double($1.offset) - mean) * $1.element
      }
      return .normal(mean: mean, deviation: variance.squareRoot())
    }
    guard let traits = numberTraits, let box, box.high > box.low else { return nil }
    let (mean, deviation): (Double, Double)
    switch traits.shape {
    case .uniform, .logUniform, .reverseLogUniform: return nil
    case .normal(let m, let s), .logNormal(let m, let s): (mean, deviation) = (m, s)
    case .beta(let a, let b):
      let beta = BetaDistribution(a: a, b: b)
      mean = traits.low + (traits.high - traits.low) * beta.mean
      deviation = (traits.high - traits.low) * beta.deviation
    }
    // A model that looks no closer than this need not be told more.
    return .normal(mean: mean, deviation: max(deviation, (box.high - box.low) * 1e-3))
  }
}
