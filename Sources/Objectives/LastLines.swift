/// The last lines of a text, for a message.
enum LastLines {
  /// How many there are at most.
  static let most = 10
  /// The longest, in Unicode scalars.
  static let longest = 300

  /// The last lines that say something, as a terminal would show them: without colours, and with
  /// what was drawn last where a line was drawn over.
  static func of(_ text: ArraySlice<UInt8>) -> [String] {
    let lines = text.split(separator: 0x0A).lazy.reversed().compactMap { line -> String? in
      let shown = line.split(separator: 0x0D).last { !isBlank($0) } ?? []
      let plain = EscapeSequences.removed(from: shown)
      guard !isBlank(plain) else { return nil }
      let scalars = String(decoding: plain, as: UTF8.self).unicodeScalars
      return String(String.UnicodeScalarView(scalars.prefix(longest)))
    }
    return lines.prefix(most).reversed()
  }

  private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
    line.allSatisfy { $0 <= 0x20 }
  }
}
