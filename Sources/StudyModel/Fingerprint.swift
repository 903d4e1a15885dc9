/// A value mixed from a sequence of facts, the same in every process. Meant to tell histories of
/// different facts apart, not to resist those who choose the facts.
struct Fingerprint {
  private(set) var bits: UInt64

  /// Goes on from a fingerprint; nil for the first fact.
  init(after bits: UInt64?) { self.bits = bits ?? 0x9E37_79B9_7F4A_7C15 }

  /// Mixes in another 64 bits, by the finalizer of SplitMix64: Steele et al., OOPSLA 2014, figure
  /// 16.
  mutating func mix(_ next: UInt64) {
    bits = (bits ^ next) &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    bits ^= bits >> 31
  }
}
