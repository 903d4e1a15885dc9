internal import System

extension String {
  /// About how wide the text is in the fonts that figures are set in; rather more than less.
  ///
  /// - Parameter size: The font's size, in the unit of the result.
  func width(size: Double, isBold: Bool = false) -> Double {
    var hundredths = 0
    for scalar in unicodeScalars {
      switch scalar.value {
      case 32..<127: hundredths += Self.advances[Int(scalar.value) - 32]
      case 0x300..<0x370: break  // combining marks
      case ..<0x2E80: hundredths += 66
      default: hundredths += 105  // ideographs, emoji
      }
    }
    return Double(hundredths) / 100 * size * (isBold ? 1.1 : 1)
  }

  /// The beginning of the text that fits, with an ellipsis if that is not all.
  func truncated(to width: Double, size: Double, isBold: Bool = false) -> String {
    // Long before the end it is clear that a huge text does not fit.
    let start = String(prefix(Int(clamped: width, to: 0...1_000_000) + 1))
    if start.utf8.count == utf8.count && self.width(size: size, isBold: isBold) <= width {
      return self
    }
    var kept = start
    while !kept.isEmpty, (kept + "…").width(size: size, isBold: isBold) > width {
      kept.removeLast()
    }
    return kept + "…"
  }

  /// The text in lines that fit, broken between words; at most `limit`, the last one truncated.
  func wrapped(to width: Double, size: Double, limit: Int) -> [String] {
    var lines: [String] = []
    var rest = Substring(self)
    while !rest.isEmpty, lines.count < limit - 1, String(rest).width(size: size) > width {
      var end = rest.startIndex
      var place = rest.startIndex
      while let space = rest[place...].firstIndex(of: " "),
        String(rest[..<space]).width(size: size) <= width
      {
        end = space
        place = rest.index(after: space)
      }
      guard end > rest.startIndex else { break }
      lines.append(String(rest[..<end]))
      rest = rest[rest.index(after: end)...]
    }
    if !rest.isEmpty { lines.append(String(rest).truncated(to: width, size: size)) }
    return lines
  }

  /// Advance widths of U+0020 to U+007E in DejaVu Sans 2.37, in hundredths of the size.
  private static let advances = [
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
  ]
}
