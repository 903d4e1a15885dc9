internal import System

/// Sizes of memory as people write them.
package enum ByteCount {
  /// Reads `512M`, `1.5 GB`, `2GiB` or a number of bytes; the units are powers of 1024, however
  /// they are spelled.
  ///
  /// - Returns: nil for anything else, and for what is not from 1 MiB to 2⁶⁰ bytes.
  package static func read(_ text: String) -> Int? {
    let compact = text.filter { $0 != " " }.lowercased()
    let digits = compact.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let powers: [Substring: Double] = [
      "": 0, "b": 0, "k": 1, "kb": 1, "kib": 1, "ki": 1, "m": 2, "mb": 2, "mib": 2, "mi": 2, "g": 3,
      "gb": 3, "gib": 3, "gi": 3, "t": 4, "tb": 4, "tib": 4, "ti": 4,
    ]
    guard let number = Double(digits), let power = powers[compact.dropFirst(digits.count)] else {
      return nil
    }
    let bytes = (0..<Int(clamped: power)).reduce(number) { bytes, _ in bytes * 1_024 }
    guard bytes >= 1_048_576, bytes <= 0x1p60 else { return nil }
    return Int(clamped: bytes.rounded())
  }
}
