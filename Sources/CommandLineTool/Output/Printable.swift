extension String {
  /// The text with control characters spelled out, so that a name from a store or a file cannot
  /// steer the terminal.
  package var harmless: String {
    if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return self }
    return unicodeScalars.reduce(into: "") { output, scalar in
      switch scalar.properties.generalCategory {
      // The joiner inside an emoji may stay.
      case .control, .lineSeparator, .paragraphSeparator, .surrogate,
        .format where scalar != "\u{200D}":
        output += "\\u{\(String(scalar.value, radix: 16))}"
      default: output.unicodeScalars.append(scalar)
      }
    }
  }

  /// The text ``harmless`` and cut after 200 characters.
  package var printable: String {
    if utf8.count <= 200 { return harmless }
    let start = unicodeScalars.prefix(200)
    return String(start).harmless + (start.count < unicodeScalars.count ? "…" : "")
  }

  /// The columns that the text takes on a terminal: two for East Asian wide characters and emoji,
  /// none for combining marks.
  package var columns: Int {
    if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return utf8.count }
    return reduce(0) { $0 + $1.columns }
  }

  /// The text filled with spaces to a number of columns.
  package func padded(to width: Int, right: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, width - columns))
    return right ? fill + self : self + fill
  }

  /// The longest beginning that fits the columns, with an ellipsis when something was cut.
  package func cut(to width: Int) -> String {
    guard columns > width else { return self }
    guard width > 0 else { return "" }
    var output = ""
    var used = 0
    for character in self {
      guard used + character.columns <= width - 1 else { break }
      output.append(character)
      used += character.columns
    }
    return output + "…"
  }
}

extension Character {
  /// The columns that the character takes on a terminal.
  fileprivate var columns: Int {
    guard let first = unicodeScalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if unicodeScalars.contains(where: { $0.properties.isEmojiPresentation || $0 == "\u{FE0F}" }) {
      return 2
    }
    // The wide blocks of Unicode's East Asian Width (UAX 11), without the rare ones.
    switch first.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
