/// FNV-1a: hashes that are the same in every process and on every machine, for what need not be
/// hard to guess. Offsets and primes from Fowler, Noll and Vo,
/// http://www.isthe.com/chongo/tech/comp/fnv/.
///
/// Public and inlinable for speed, like ``Lock``.
public enum StableHash {
  /// 32 bits of the bytes.
  @inlinable
  public static func bits32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    bytes.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }

  /// 64 bits of the bytes.
  @inlinable
  public static func bits64(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }

  /// 128 bits of the texts in 32 hexadecimal digits; the texts' bounds count, too.
  package static func text(_ parts: String...) -> String {
    var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    for part in parts {
      for byte in part.utf8 + [0xFF] {
        hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013B
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 32 - digits.utf8.count) + digits
  }
}
