internal import JSON
internal import StudyModel
internal import System

extension JSONValue {
  /// A number with four significant digits, as people read it.
  static func rounded(_ x: Double) -> JSONValue {
    guard x.isFinite, x != 0 else { return .float(x) }
    let scale = pow(10, 3 - log10(abs(x)).rounded(.down))
    guard scale.isFinite, scale > 0 else { return .float(x) }
    return .float((x * scale).rounded() / scale)
  }
}
