internal import StudyModel

/// How values are laid out along an axis.
public enum ValueScale: String, Sendable, CaseIterable {
  /// Logarithmic when a minimized value is always positive and spans two powers of ten.
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
      return least > 0 && greatest / 100 >= least
    }
  }
}
