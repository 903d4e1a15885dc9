/// The sequences by which programs colour and move text on a terminal: ECMA-48.
enum EscapeSequences {
  private static let escape: UInt8 = 0x1B

  /// The text without its sequences; the same slice when it has none.
  static func removed(from text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard text.contains(escape) else { return text }
    var plain: [UInt8] = []
    plain.reserveCapacity(text.count)
    var rest = text
    while let start = rest.firstIndex(of: escape) {
      plain += rest[..<start]
      rest = rest[start...].dropFirst(length(of: rest[start...]))
    }
    return (plain + rest)[...]
  }

  /// How long the sequence is that the text begins with.
  private static func length(of text: ArraySlice<UInt8>) -> Int {
    let body = text.dropFirst(2)
    guard let kind = text.dropFirst().first else { return 1 }
    switch kind {
    case 0x5B:  // [ parameters, intermediates, a final byte
      return 2 + body.prefix { (0x20...0x3F).contains($0) }.count + 1
    case 0x5D:  // ] a text such as a link's address, up to BEL or ESC \
      guard let end = body.firstIndex(where: { $0 == 0x07 || $0 == escape }) else {
        return text.count
      }
      return end - text.startIndex + (text[end] == escape ? 2 : 1)
    case 0x20...0x2F: return 2 + body.prefix { (0x20...0x2F).contains($0) }.count + 1
    default: return 2
    }
  }
}
