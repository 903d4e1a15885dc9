extension Double {
  /// Reads a number as people write it: `12`, `-0.5`, `.5`, `1e-3`, and in any letter case `inf`,
  /// `infinity` and `nan`, all of them with a sign or without; nil for anything else.
  ///
  /// The initializer that takes a text reads what C does besides, which a user never means:
  /// hexadecimal numbers and the payload of a NaN.
  package init?(decimal text: some StringProtocol) {
    let digits =
      text.utf8.first.map { $0 == 0x2B || $0 == 0x2D } == true ? text.dropFirst() : text[...]
    let isNumber = digits.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "e"),
        UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isNumber || ["inf", "infinity", "nan"].contains(digits.lowercased()) else { return nil }
    self.init(String(text))
  }
}
