package import Probability
package import StudyModel
internal import System

extension Distribution {
  /// The interval of a numeric parameter in which equal lengths are equally likely where no prior
  /// says otherwise: widened by half a step on both sides when there is a grid, then on the
  /// parameter's ``scale``. Choices that have an order are numbered. Nil for others and for what is
  /// opaque.
  ///
  /// The bounds are finite; their difference may overflow.
  package var box: Box? {
    switch self {
    case .float(let d):
      if d.log { return Box(logarithmsOf: d.low, d.high) }
      if let traits = d.traits, scale != .linear {
        return scaledBox(d.low, d.high, step: d.step ?? 0, traits)
      }
      let half = (d.step ?? 0) / 2
      let largest = Double.greatestFiniteMagnitude
      return Box(low: max(d.low - half, -largest), high: min(d.high + half, largest))
    case .int(let d):
      if !d.log, let traits = d.traits, scale != .linear {
        return scaledBox(Double(d.low), Double(d.high), step: Double(d.step), traits)
      }
      let half = Double(d.step) / 2
      let (low, high) = (Double(d.low) - half, Double(d.high) + half)
      return d.log ? Box(logarithmsOf: low, high) : Box(low: low, high: high)
    case .categorical(let d):
      guard isOrdered else { return nil }
      return Box(low: -0.5, high: Double(d.choices.count) - 0.5)
    case .opaque: return nil
    }
  }

  /// The point of the box that an internal value stands for.
  package func boxed(_ internalValue: Double) -> Double {
    scale.point(internalValue)
  }

  /// The internal value of a point of the box: back from its scale, onto the grid, within bounds.
  package func internalValue(ofBoxed x: Double) -> Double {
    switch self {
    case .float(let d): d.nearest(to: scale.value(x))
    case .int(let d): Double(d.nearest(to: scale.value(x)))
    case .categorical(let d):
      isOrdered ? min(max(x.rounded(), 0), Double(d.choices.count - 1)) : x
    case .opaque: x
    }
  }

  /// Draws an internal value by the parameter's prior and weights, else every part of the box being
  /// equally likely; uses one number.
  package func sample(using generator: inout TrialGenerator) -> Double {
    if case .categorical(let d) = self {
      let weights = choiceTraits?.weights ?? []
      guard !weights.isEmpty else { return Double(generator.integer(below: d.choices.count)) }
      return Double(Self.choice(at: generator.uniform(), weights))
    }
    guard isModelled, let box else { return firstInternalValue }
    if let drawing = Drawing(self) { return drawing.value(generator.uniform()) }
    return internalValue(ofBoxed: generator.uniform(box.low, box.high))
  }

  /// The choice at a share from 0 to 1 of all weights; never one without weight.
  static func choice(at share: Double, _ weights: [Double]) -> Int {
    var left = share * weights.reduce(0, +)
    var latest = 0
    for (place, weight) in weights.enumerated() where weight > 0 {
      latest = place
      left -= weight
      if left < 0 { break }
    }
    return latest
  }
}

/// On what scale the distances between a number's values are even.
enum NumberScale: Equatable {
  case linear
  /// The logarithm; what is below `least`, such as a 0 that was rounded to, counts as that.
  case logarithmic(least: Double)
  /// Minus the logarithm of the distance to the pivot, to which `greatest` is the nearest.
  case reversed(pivot: Double, greatest: Double)

  /// The point of the scale at which a number is.
  func point(_ value: Double) -> Double {
    switch self {
    case .linear: value
    case .logarithmic(let least): log(least > 0 ? max(value, least) : value)
    case .reversed(let pivot, let greatest): -log(pivot - min(value, greatest))
    }
  }

  /// The number at a point of the scale.
  func value(_ x: Double) -> Double {
    switch self {
    case .linear: x
    case .logarithmic: exp(x)
    case .reversed(let pivot, _): pivot - exp(-x)
    }
  }
}

extension Distribution {
  /// On what scale the distances between the values are even.
  var scale: NumberScale {
    let log: Bool
    let (low, high, step): (Double, Double, Double)
    switch self {
    case .float(let d): (log, low, high, step) = (d.log, d.low, d.high, d.step ?? 0)
    case .int(let d):
      (log, low, high, step) = (d.log, Double(d.low), Double(d.high), Double(d.step))
    case .categorical, .opaque: return .linear
    }
    if log { return .logarithmic(least: 0) }
    guard let traits = numberTraits else { return .linear }
    switch traits.shape {
    case .uniform, .normal, .beta: return .linear
    case .logUniform, .logNormal:
      // The cell of the first value ends where nothing is drawn any more.
      let left = low - step / 2
      return .logarithmic(least: left > 0 ? left : low > 0 ? min(low, traits.low) : traits.low)
    case .reverseLogUniform(let pivot):
      let right = high + step / 2
      return .reversed(
        pivot: pivot, greatest: right < pivot ? right : high < pivot ? high : traits.high)
    }
  }

  private func scaledBox(
    _ low: Double, _ high: Double, step: Double, _ traits: NumberTraits
  ) -> Box? {
    switch scale {
    case .linear: return nil
    case .logarithmic(let least): return Box(logarithmsOf: least, max(high + step / 2, least))
    case .reversed(let pivot, let greatest):
      let first = -log(pivot - (low - step / 2))
      return Box(low: first, high: max(-log(pivot - greatest), first.nextUp))
    }
  }

  /// Whether it has a grid or choices.
  package var isDiscrete: Bool {
    if case .float(let d) = self { d.step != nil } else { true }
  }

  /// The box of a numeric parameter with more than one value, mapped to 0 to 1; nil for others.
  package var unitBox: UnitBox? {
    guard isModelled, let box, box.high > box.low else { return nil }
    // On the quantiles of a prior, what the user does not expect would be out of reach for ever.
    let hasPrior = numberTraits?.hasPrior ?? false
    return UnitBox(distribution: self, box: box, drawing: hasPrior ? nil : Drawing(self))
  }
}

/// A numeric parameter mapped to the interval from 0 to 1: its box, or where values are rounded the
/// share of the draws below each.
package struct UnitBox: Sendable {
  let distribution: Distribution
  let box: Box
  let drawing: Drawing?

  /// Where an internal value is, from 0 to 1; NaN for one that is not in the box at all, such as a
  /// negative number on a logarithmic scale.
  package func unit(_ internalValue: Double) -> Double {
    if let drawing { return drawing.unit(internalValue) }
    let share = box.share(of: distribution.boxed(internalValue))
    return share.isNaN ? share : min(max(share, 0), 1)
  }

  /// Where the boundary between two values is, from 0 to 1.
  func boundary(_ between: Double) -> Double {
    drawing?.share(below: between) ?? unit(between)
  }

  /// The internal value at a place from 0 to 1.
  package func value(_ unit: Double) -> Double {
    if let drawing { return drawing.value(min(max(unit, 0), 1)) }
    return distribution.internalValue(ofBoxed: min(max(box.point(at: unit), box.low), box.high))
  }
}

/// The interval of a numeric parameter; its bounds are finite.
package struct Box: Sendable {
  /// The lower bound.
  package let low: Double
  /// The upper bound, at least the lower one. Their difference may overflow.
  package let high: Double

  /// Creates the interval of the logarithms of positive numbers; of two neighbours they can be the
  /// same.
  fileprivate init(logarithmsOf low: Double, _ high: Double) {
    let first = log(low)
    self.init(low: first, high: low < high ? max(log(high), first.nextUp) : first)
  }

  /// Creates an interval of finite bounds, the lower one first.
  init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Where a point is, from 0 at the lower bound to 1 at the upper one, and beyond for one that is
  /// outside; ½ for all when the bounds are equal. NaN of NaN.
  package func share(of point: Double) -> Double {
    guard high > low else { return point.isNaN ? .nan : 0.5 }
    // Halves keep the difference of huge bounds finite, and lose the last bit of the smallest.
    let unit = (high - low).isFinite ? 1 : 0.5
    return (point * unit - low * unit) / (high * unit - low * unit)
  }

  /// The point at a share from 0 to 1.
  package func point(at share: Double) -> Double { (1 - share) * low + share * high }
}
