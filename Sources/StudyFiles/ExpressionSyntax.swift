/// Brings expressions into PCRE2's syntax that were written for Swift's, which this program had
/// before.
///
/// Both know the same constructions but for a few: `\u{…}` and `\uXXXX` become `\x{…}`, and `{,n}`
/// becomes `{0,n}`, which PCRE2 takes for text. What PCRE2 would silently take for something else
/// is refused: a class within a class, and the set operations `&&`, `--` and `~~`.
enum ExpressionSyntax {
  static func translated(_ text: String) throws(ExpressionFault) -> String {
    var output = String.UnicodeScalarView()
    let scalars = Array(text.unicodeScalars)
    var index = 0
    /// Whether the place is inside a class, and where that class begins.
    var classStart: Int?
    func follows(_ word: String, at place: Int) -> Bool {
      scalars[place...].starts(with: word.unicodeScalars)
    }
    while index < scalars.count {
      let scalar = scalars[index]
      switch scalar {
      case "\\" where follows("\\Q", at: index):
        let end = scalars.indices[index...].first { follows("\\E", at: $0) } ?? scalars.count
        output += scalars[index..<end]
        index = end
      case "\\":
        let (replacement, length) = escape(scalars[index...])
        output += replacement
        index += length
      case "[" where classStart == nil:
        classStart = index
        output.append(scalar)
        index += 1
        if index < scalars.count, scalars[index] == "^" {
          output.append("^")
          index += 1
        }
        // A bracket that comes first is one of the class.
        if index < scalars.count, scalars[index] == "]" {
          output.append("]")
          index += 1
        }
      case "[" where follows("[:", at: index):
        let end = scalars.indices[index...].first { follows(":]", at: $0) }
        guard let end else { throw nested }
        output += scalars[index..<(end + 2)]
        index = end + 2
      case "[": throw nested
      case "]":
        classStart = nil
        output.append(scalar)
        index += 1
      case "&", "-", "~":
        if classStart != nil, index + 1 < scalars.count, scalars[index + 1] == scalar {
          throw ExpressionFault(
            problem: "has '\(scalar)\(scalar)' between brackets, where classes cannot be combined; "
              + "write a lookahead such as (?![aeiou])[a-z]")
        }
        output.append(scalar)
        index += 1
      case "{" where classStart == nil && follows("{,", at: index):
        output += "{0".unicodeScalars
        index += 1
      default:
        output.append(scalar)
        index += 1
      }
    }
    return String(output)
  }

  private static let nested = ExpressionFault(
    problem: "has a '[' between brackets; write \\[ for the character itself")

  /// An escape in PCRE2's spelling, and how long it is in the text.
  private static func escape(
    _ text: ArraySlice<Unicode.Scalar>
  ) -> (replacement: String.UnicodeScalarView, length: Int) {
    func isHexadecimal(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isASCIIHexDigit }
    let behind = text.dropFirst(2)
    switch text.dropFirst().first {
    case "u" where behind.first == "{":
      let digits = behind.dropFirst().prefix(while: isHexadecimal)
      if !digits.isEmpty, behind.dropFirst(1 + digits.count).first == "}" {
        return (hexadecimal(digits), 4 + digits.count)
      }
    case "u":
      let digits = behind.prefix(4).prefix(while: isHexadecimal)
      if digits.count == 4 { return (hexadecimal(digits), 6) }
    case "U":
      let digits = behind.prefix(8).prefix(while: isHexadecimal)
      if digits.count == 8 { return (hexadecimal(digits), 10) }
    default: break
    }
    return (String.UnicodeScalarView(text.prefix(2)), min(2, text.count))
  }

  private static func hexadecimal(
    _ digits: ArraySlice<Unicode.Scalar>
  ) -> String.UnicodeScalarView {
    "\\x{\(String(String.UnicodeScalarView(digits)))}".unicodeScalars
  }
}
