/// The hash SHA-256 of FIPS 180-4, and HMAC with it (RFC 2104).
package enum SHA256 {
  /// The first bits of the fractions of the square roots of the first primes.
  private static let start: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C,
    0x1F83_D9AB, 0x5BE0_CD19,
  ]
  /// The same of their cube roots.
  private static let constants: [UInt32] = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1,
    0x923F_82A4, 0xAB1C_5ED5, 0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3,
    0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174, 0xE49B_69C1, 0xEFBE_4786,
    0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
    0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147,
    0x06CA_6351, 0x1429_2967, 0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13,
    0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85, 0xA2BF_E8A1, 0xA81A_664B,
    0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
    0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A,
    0x5B9C_CA4F, 0x682E_6FF3, 0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208,
    0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
  ]
  /// How many bytes are mixed in at once.
  private static let blockSize = 64

  /// The 32 bytes of the hash.
  package static func digest(_ message: [UInt8]) -> [UInt8] {
    var bytes = message
    bytes.append(0x80)
    while bytes.count % blockSize != 56 { bytes.append(0) }
    let bits = UInt64(message.count) * 8
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
    var hash = start
    var words = [UInt32](repeating: 0, count: 64)
    for block in stride(from: 0, to: bytes.count, by: blockSize) {
      mix(bytes[block..<block + blockSize], into: &hash, &words)
    }
    return hash.flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) }
    }
  }

  private static func mix(
    _ block: ArraySlice<UInt8>, into hash: inout [UInt32], _ words: inout [UInt32]
  ) {
    func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 {
      word >> bits | word << (32 - bits)
    }
    for index in 0..<16 {
      let place = block.startIndex + 4 * index
      words[index] = block[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    for index in 16..<64 {
      let (two, fifteen) = (words[index - 2], words[index - 15])
      let first = turned(fifteen, 7) ^ turned(fifteen, 18) ^ fifteen >> 3
      let second = turned(two, 17) ^ turned(two, 19) ^ two >> 10
      words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
    }
    var all = hash
    for index in 0..<64 {
      let (a, e) = (all[0], all[4])
      let choice = e & all[5] ^ ~e & all[6]
      let majority = a & all[1] ^ a & all[2] ^ all[1] & all[2]
      let one =
        all[7] &+ (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) &+ choice &+ constants[index]
        &+ words[index]
      let two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) &+ majority
      all = [one &+ two, a, all[1], all[2], all[3] &+ one, e, all[5], all[6]]
    }
    for index in 0..<8 { hash[index] &+= all[index] }
  }

  /// The 32 bytes that only who has the key can compute from the message.
  package static func authentication(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var padded = key.count > blockSize ? digest(key) : key
    padded += [UInt8](repeating: 0, count: blockSize - padded.count)
    let inner = digest(padded.map { $0 ^ 0x36 } + message)
    return digest(padded.map { $0 ^ 0x5C } + inner)
  }

  /// Two lower-case digits for each byte.
  package static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
