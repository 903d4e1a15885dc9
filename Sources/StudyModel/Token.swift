/// Texts that cannot be guessed and that never come twice.
package enum Token {
  /// 128 random bits in 32 hexadecimal digits.
  package static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    let digits: StaticString = "0123456789abcdef"
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    for _ in 0..<2 {
      var word = generator.next()
      for _ in 0..<16 {
        bytes.append(digits.utf8Start[Int(word & 15)])
        word >>= 4
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
