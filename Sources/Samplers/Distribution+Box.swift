package import Probability
package import StudyModel
internal import System

extension Distribution {
  /// The interval of a numeric parameter in which equal lengths are equally likely: widened by half
  /// a step on both sides when there is a grid, then in logarithms for a logarithmic scale; nil for
  /// a categorical.
  ///
  /// The bounds are finite; their difference may overflow.
  package var box: (low: Double, high: Double)? {
    switch self {
    case .float(let d):
      if d.log { return (log(d.low), log(d.high)) }
      let half = (d.step ?? 0) / 2
      let largest = Double.greatestFiniteMagnitude
      return (max(d.low - half, -largest), min(d.high + half, largest))
    case .int(let d):
      let half = Double(d.step) / 2
      let (low, high) = (Double(d.low) - half, Double(d.high) + half)
      return d.log ? (log(low), log(high)) : (low, high)
    case .categorical: return nil
    }
  }

  /// The point of the box that an internal value stands for.
  package func boxed(_ internalValue: Double) -> Double {
    switch self {
    case .float(let d): d.log ? log(internalValue) : internalValue
    case .int(let d): d.log ? log(internalValue) : internalValue
    case .categorical: internalValue
    }
  }

  /// The internal value of a point of the box: back from the logarithm, onto the grid, within
  /// bounds.
  package func internalValue(ofBoxed x: Double) -> Double {
    switch self {
    case .float(let d): d.nearest(to: d.log ? exp(x) : x)
    case .int(let d): Double(d.nearest(to: d.log ? exp(x) : x))
    case .categorical: x
    }
  }

  /// Draws an internal value, every part of the box being equally likely; uses one number.
  package func sample(using generator: inout TrialGenerator) -> Double {
    if case .categorical(let d) = self {
      return Double(generator.integer(below: d.choices.count))
    }
    guard !isSingleValued, let (low, high) = box else { return firstInternalValue }
    return internalValue(ofBoxed: generator.uniform(low, high))
  }
}

extension Distribution {
  /// Whether it has a grid or choices.
  package var isDiscrete: Bool {
    if case .float(let d) = self { d.step != nil } else { true }
  }

  /// The box of a numeric parameter with more than one value, mapped to 0 to 1; nil for others.
  package var unitBox: UnitBox? {
    guard !isSingleValued, let box, box.high > box.low else { return nil }
    return UnitBox(distribution: self, low: box.low, high: box.high)
  }
}

/// The box of a numeric parameter, mapped to the interval from 0 to 1.
package struct UnitBox: Sendable {
  let distribution: Distribution
  let low: Double
  let high: Double

  /// Where an internal value is, from 0 to 1.
  package func unit(_ internalValue: Double) -> Double {
    // Each difference is halved, since that of the bounds can overflow.
    let share = (distribution.boxed(internalValue) / 2 - low / 2) / (high / 2 - low / 2)
    return min(max(share, 0), 1)
  }

  /// The internal value at a place from 0 to 1.
  package func value(_ unit: Double) -> Double {
    distribution.internalValue(ofBoxed: min(max((1 - unit) * low + unit * high, low), high))
  }
}
