/// The random numbers of one trial: a counter-based generator keyed by study seed and trial number.
///
/// Two generators with equal arguments produce equal numbers, on every platform and in every
/// process, whatever other trials have drawn; so a suggestion can be replayed.
/// Philox4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, §3.
public struct TrialGenerator: RandomNumberGenerator, Sendable {
  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  private var spare: UInt64?

  /// Creates the generator of a trial.
  ///
  /// - Parameters:
  ///   - seed: The study's seed.
  ///   - trial: The trial's number; not negative.
  ///   - stream: Separates independent uses within a trial, such as parameters sampled on their
  ///     own.
  public init(seed: UInt64, trial: Int, stream: UInt32 = 0) {
    let number = UInt64(trial)
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = SIMD4(
      0, stream, UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32))
  }

  /// A generator that is the same for all trials of a study, and that no trial has.
  package var ofStudy: TrialGenerator {
    var shared = self
    shared.counter = SIMD4(0, 0, .max, .max)
    shared.spare = nil
    return shared
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    if let kept = spare {
      spare = nil
      return kept
    }
    let block = Self.philox(counter, key: key)
    counter.x &+= 1
    spare = UInt64(block.w) << 32 | UInt64(block.z)
    return UInt64(block.y) << 32 | UInt64(block.x)
  }

  /// A number uniform in [0, 1), a multiple of 2⁻⁵³.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A number uniform in [low, high); `low` itself when the two are equal.
  public mutating func uniform(_ low: Double, _ high: Double) -> Double {
    // A weighted mean instead of low + u (high - low), whose difference can overflow.
    let u: Double = uniform()
    let drawn: Double = (1 - u) * low + u * high
    return low < high ? min(max(drawn, low), high.nextDown) : low
  }

  /// An integer uniform in 0 ..< bound.
  ///
  /// Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 2019: without bias.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "an integer below \(bound) does not exist")
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// Ten rounds of the Philox bijection.
  package static func philox(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    // In scalars: the vector multiplications do not exist in the baseline instruction set.
    var (x, y, z, w) = (counter.x, counter.y, counter.z, counter.w)
    var (k, l) = (key.x, key.y)
    for _ in 0..<10 {
      let a = UInt64(x) &* 0xD251_1F53
      let b = UInt64(z) &* 0xCD9E_8D57
      x = UInt32(truncatingIfNeeded: b >> 32) ^ y ^ k
      y = UInt32(truncatingIfNeeded: b)
      z = UInt32(truncatingIfNeeded: a >> 32) ^ w ^ l
      w = UInt32(truncatingIfNeeded: a)
      k &+= 0x9E37_79B9
      l &+= 0xBB67_AE85
    }
    return SIMD4(x, y, z, w)
  }
}
