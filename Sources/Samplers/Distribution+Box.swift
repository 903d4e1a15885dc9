package import Probability
package import StudyModel

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

extension Distribution {
  /// The interval of a numeric parameter in which equal lengths are equally likely: widened by half a
  /// step on both sides when there is a grid, then in logarithms for a logarithmic scale; nil for a
  /// categorical.
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

  /// The internal value of a point of the box: back from the logarithm, onto the grid, within bounds.
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
