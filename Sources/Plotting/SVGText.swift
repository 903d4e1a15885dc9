internal import System

/// Text under construction, as UTF-8.
struct SVGText {
  private(set) var bytes: [UInt8] = []

  var string: String { String(decoding: bytes, as: UTF8.self) }

  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func append(utf8 text: [UInt8]) { bytes.append(contentsOf: text) }

  mutating func append(_ other: SVGText) { bytes.append(contentsOf: other.bytes) }

  mutating func append(_ scalar: Unicode.Scalar) {
    if let encoded = UTF8.encode(scalar) { bytes.append(contentsOf: encoded) }
  }

  /// Appends text from outside: markup is escaped, and characters that XML forbids, that control
  /// terminals or that turn the direction of writing become U+FFFD.
  mutating func append(escaping text: String) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": append("&amp;")
      case "<": append("&lt;")
      case ">": append("&gt;")
      case "\"": append("&quot;")
      case "'": append("&#39;")
      case "\n", "\r", "\t": append(" ")
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{202A}"..."\u{202E}",
        "\u{2066}"..."\u{2069}", "\u{2028}", "\u{2029}", "\u{FFFE}", "\u{FFFF}":
        append("\u{FFFD}")
      default: append(scalar)
      }
    }
  }

  /// Appends a number of pixels with at most one decimal; 0 for what is not finite, which no figure
  /// should have.
  mutating func append(_ pixels: Double) {
    let tenths = pixels.isFinite ? Int(clamped: (min(max(pixels, -1e9), 1e9) * 10).rounded()) : 0
    if tenths < 0 { bytes.append(UInt8(ascii: "-")) }
    let (whole, tenth) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
    append(digitsOf: whole)
    guard tenth != 0 else { return }
    bytes.append(UInt8(ascii: "."))
    bytes.append(UInt8(ascii: "0") + UInt8(tenth))
  }

  /// Appends a number with two decimals at most, such as an opacity.
  mutating func append(hundredths value: Double) {
    let count = UInt(clamped: (value * 100).rounded())
    append(digitsOf: count / 100)
    guard count % 100 != 0 else { return }
    bytes.append(UInt8(ascii: "."))
    bytes.append(UInt8(ascii: "0") + UInt8(count % 100 / 10))
    if count % 10 != 0 { bytes.append(UInt8(ascii: "0") + UInt8(count % 10)) }
  }

  mutating func append(digitsOf number: UInt) {
    if number >= 10 { append(digitsOf: number / 10) }
    bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
  }
}
