package import StudyModel
internal import System

extension Trial {
  /// The values for people, `-` without one.
  package var valuesText: String {
    values.isEmpty ? "-" : values.map(\.brief).joined(separator: ", ")
  }

  /// `learning_rate=0.01 layers=2`.
  package var parametersText: String {
    parameters.map { "\($0.name)=\($0.value.brief)" }.joined(separator: " ")
  }

  /// Several lines: number, value, parameters.
  package var summaryLines: [String] {
    let width = parameters.map(\.name.printable.columns).max() ?? 0
    return ["trial \(number): \(valuesText)"]
      + parameters.map { "  \($0.name.printable.padded(to: width))  \("\($0.value)".printable)" }
  }
}

extension Double {
  /// Six significant digits at most, for tables; the exact value is in `--json`.
  package var brief: String {
    guard isFinite, self != 0 else { return description }
    if abs(self) >= 1e15 || abs(self) < 1e-4 {
      let text = description
      guard let mark = text.firstIndex(of: "e") else { return text }
      let mantissa = Double(text[..<mark]) ?? self
      return mantissa.rounded(to: 5) + text[mark...]
    }
    var digits = 6
    var size = abs(self)
    while size >= 1, digits > 0 {
      size /= 10
      digits -= 1
    }
    size = abs(self)
    while size < 0.1 {
      size *= 10
      digits += 1
    }
    return rounded(to: digits)
  }

  private func rounded(to digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = (self * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15
      ? String(Int64(clamped: rounded)) : rounded.description
  }
}

extension ParameterValue {
  /// As ``Double/brief`` for numbers.
  package var brief: String {
    if case .float(let value) = self { value.brief } else { description }
  }
}

extension Duration {
  /// Its ``brief``, or `-` for nil.
  package static func text(_ duration: Duration?) -> String { duration?.brief ?? "-" }
}
