package import Probability
package import StudyModel
internal import System

extension Distribution {
  /// The interval of a numeric parameter in which equal lengths are equally likely: widened by half
  /// a step on both sides when there is a grid, then in logarithms for a logarithmic scale; nil for
  /// a categorical and for what is opaque.
  ///
  /// The bounds are finite; their difference may overflow.
  package var box: Box? {
    switch self {
    case .float(let d):
      if d.log { return Box(logarithmsOf: d.low, d.high) }
      let half = (d.step ?? 0) / 2
      let largest = Double.greatestFiniteMagnitude
      return Box(low: max(d.low - half, -largest), high: min(d.high + half, largest))
    case .int(let d):
      let half = Double(d.step) / 2
      let (low, high) = (Double(d.low) - half, Double(d.high) + half)
      return d.log ? Box(logarithmsOf: low, high) : Box(low: low, high: high)
    case .categorical, .opaque: return nil
    }
  }

  /// The point of the box that an internal value stands for.
  package func boxed(_ internalValue: Double) -> Double {
    switch self {
    case .float(let d): d.log ? log(internalValue) : internalValue
    case .int(let d): d.log ? log(internalValue) : internalValue
    case .categorical, .opaque: internalValue
    }
  }

  /// The internal value of a point of the box: back from the logarithm, onto the grid, within
  /// bounds.
  package func internalValue(ofBoxed x: Double) -> Double {
    switch self {
    case .float(let d): d.nearest(to: d.log ? exp(x) : x)
    case .int(let d): Double(d.nearest(to: d.log ? exp(x) : x))
    case .categorical, .opaque: x
    }
  }

  /// Draws an internal value, every part of the box being equally likely; uses one number.
  package func sample(using generator: inout TrialGenerator) -> Double {
    if case .categorical(let d) = self {
      return Double(generator.integer(below: d.choices.count))
    }
    guard isModelled, let box else { return firstInternalValue }
    return internalValue(ofBoxed: generator.uniform(box.low, box.high))
  }
}

extension Distribution {
  /// Whether it has a grid or choices.
  package var isDiscrete: Bool {
    if case .float(let d) = self { d.step != nil } else { true }
  }

  /// The box of a numeric parameter with more than one value, mapped to 0 to 1; nil for others.
  package var unitBox: UnitBox? {
    guard isModelled, let box, box.high > box.low else { return nil }
    return UnitBox(distribution: self, box: box)
  }
}

/// The box of a numeric parameter, mapped to the interval from 0 to 1.
package struct UnitBox: Sendable {
  let distribution: Distribution
  let box: Box

  /// Where an internal value is, from 0 to 1; NaN for one that is not in the box at all, such as a
  /// negative number on a logarithmic scale.
  package func unit(_ internalValue: Double) -> Double {
    let share = box.share(of: distribution.boxed(internalValue))
    return share.isNaN ? share : min(max(share, 0), 1)
  }

  /// The internal value at a place from 0 to 1.
  package func value(_ unit: Double) -> Double {
    distribution.internalValue(ofBoxed: min(max(box.point(at: unit), box.low), box.high))
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
