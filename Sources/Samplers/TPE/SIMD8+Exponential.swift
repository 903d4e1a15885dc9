extension SIMD8<Double> {
  /// e to the power of each lane, to within 1e-14 of itself; 0 below −700.
  ///
  /// By the remainder of x / ln 2, which is subtracted in two parts (Cody and Waite, "Software
  /// Manual for the Elementary Functions", 1980, ch. 6), and its Taylor series to the 11th power.
  ///
  /// - Precondition: No lane is above 700 or NaN.
  @inline(__always) func exponential() -> SIMD8<Double> {
    // Adding it leaves the nearest integer in the last bits of a double.
    let shift = SIMD8<Double>(repeating: 0x1.8p52)
    let shifted = self * 1.4426950408889634 + shift
    let whole = shifted - shift
    let r = (self - whole * 0x1.62e42feep-1) - whole * 0x1.a39ef35793c76p-33
    var sum = SIMD8<Double>(repeating: 1 / 39_916_800)
    sum = sum * r + 1 / 3_628_800
    sum = sum * r + 1 / 362_880
    sum = sum * r + 1 / 40_320
    sum = sum * r + 1 / 5_040
    sum = sum * r + 1 / 720
    sum = sum * r + 1 / 120
    sum = sum * r + 1 / 24
    sum = sum * r + 1 / 6
    sum = sum * r + 0.5
    sum = sum * r + 1
    sum = sum * r + 1
    // The exponent is added to that of the sum, which is near 1.
    let bits =
      unsafeBitCast(sum, to: SIMD8<UInt64>.self)
      &+ (unsafeBitCast(shifted, to: SIMD8<UInt64>.self) &<< 52)
    return unsafeBitCast(bits, to: SIMD8<Double>.self).replacing(with: 0, where: self .< -700)
  }
}
