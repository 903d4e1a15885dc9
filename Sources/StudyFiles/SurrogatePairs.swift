/// JSON spells characters beyond U+FFFF as two escapes (`\ud83d\ude00`), which YAML refuses.
enum SurrogatePairs {
  /// The document with such pairs spelled as YAML does (`\U0001f600`), if it looks like JSON: if
  /// its first character is `{`. Columns behind a pair on the same line shrink by two.
  static func merged(in bytes: [UInt8]) -> [UInt8] {
    guard bytes.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{") else {
      return bytes
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
        result.append(bytes[index])
        index += 1
        continue
      }
      if let high = unit(bytes, at: index), (0xD800..<0xDC00).contains(high),
        let low = unit(bytes, at: index + 6), (0xDC00..<0xE000).contains(low)
      {
        let digits = String(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), radix: 16)
        let zeros = String(repeating: "0", count: 8 - digits.utf8.count)
        result += Array("\\U\(zeros)\(digits)".utf8)
        index += 12
      } else {
        result += bytes[index...index + 1]  // also `\\`, so that what follows is not an escape
        index += 2
      }
    }
    return result
  }

  /// The code unit that the escape `\uXXXX` at that place means.
  private static func unit(_ bytes: [UInt8], at index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"),
      bytes[index + 1] == UInt8(ascii: "u")
    else { return nil }
    return UInt32(String(decoding: bytes[index + 2..<index + 6], as: UTF8.self), radix: 16)
  }
}
