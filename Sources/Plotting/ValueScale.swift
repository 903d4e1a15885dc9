internal import StudyModel

/// How values are laid out along an axis.
public enum ValueScale: String, Sendable, CaseIterable {
  /// Logarithmic when a minimized value is always positive and spans two powers of ten, or one
  /// while half of the values lie in the lowest tenth of the range.
  case automatic
  case linear
  /// Values that are not positive are left out, and the figure says so.
  case logarithmic = "log"
}

extension ValueScale {
  /// Whether the axis of these finite values is logarithmic.
  func isLogarithmic(for values: some Sequence<Double>, directions: [Direction]) -> Bool {
    switch self {
    case .linear: return false
    case .logarithmic: return true
    case .automatic:
      guard directions.allSatisfy({ $0 == .minimize }) else { return false }
      var (least, greatest) = (Double.infinity, -Double.infinity)
      for value in values {
        least = min(least, value)
        greatest = max(greatest, value)
      }
      guard least > 0, greatest / 10 >= least else { return false }
      if greatest / 100 >= least { return true }
      let tenth = least + (greatest - least) / 10
      let (all, low) = values.reduce(into: (0, 0)) { counts, value in
        counts.0 += 1
        if value <= tenth { counts.1 += 1 }
      }
      return 2 * low >= all
    }
  }
}
