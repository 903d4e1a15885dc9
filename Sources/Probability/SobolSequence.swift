/// Points that fill the unit cube more evenly than random ones: Sobol's sequence, scrambled.
///
/// The first 64 coordinates are those of Sobol's sequence with the direction numbers of Joe and
/// Kuo, "Constructing Sobol Sequences with Better Two-Dimensional Projections", SIAM J. Sci.
/// Comput. 30(5), 2008 (their table new-joe-kuo-6). All others are Latin hypercubes: each is even
/// by itself, but not together with others.
public enum SobolSequence {
  /// The coordinates that are Sobol's.
  public static let largestDimension = table.count + 1

  /// The first `count` points, scrambled: each point by itself is uniform in the cube, and together
  /// they keep the evenness of the sequence, best with a power of two.
  ///
  /// Owen's nested scrambling by hashes: Burley, "Practical Hash-based Owen Scrambling", Journal of
  /// Computer Graphics Techniques 9(4), 2020, §3, with the hash of Laine and Karras.
  ///
  /// - Returns: The points one after the other, `dimension` coordinates in [0, 1) each.
  public static func points(
    _ count: Int, dimension: Int, scrambledBy generator: inout TrialGenerator
  ) -> [Double] {
    precondition(count >= 0 && dimension >= 0, "\(count) points of \(dimension) coordinates")
    var points = Array(repeating: 0.0, count: count * dimension)
    for j in 0..<dimension {
      guard j < largestDimension else {
        fillLatin(&points, coordinate: j, of: dimension, using: &generator)
        continue
      }
      let seed = UInt32(truncatingIfNeeded: generator.next())
      let directions = directions[j]
      var bits: UInt32 = 0
      for i in 0..<count {
        if i > 0 { bits ^= directions[i.trailingZeroBitCount] }
        points[i * dimension + j] = Double(scrambled(bits, by: seed)) * 0x1p-32
      }
    }
    return points
  }

  /// The point at `index` of those of ``points(_:dimension:scrambledBy:)``, by itself.
  ///
  /// - Parameters:
  ///   - index: From 0 on; it repeats after 2³².
  ///   - dimension: At most ``largestDimension``.
  package static func point(
    _ index: Int, dimension: Int, scrambledBy generator: inout TrialGenerator
  ) -> [Double] {
    precondition(dimension <= largestDimension, "\(dimension) coordinates of \(largestDimension)")
    let code = UInt32(truncatingIfNeeded: index ^ (index >> 1))
    return (0..<dimension).map { j in
      let seed = UInt32(truncatingIfNeeded: generator.next())
      let directions = directions[j]
      var bits: UInt32 = 0
      for k in 0..<32 where (code >> UInt32(k)) & 1 == 1 { bits ^= directions[k] }
      return Double(scrambled(bits, by: seed)) * 0x1p-32
    }
  }

  /// The first `count` points of the sequence itself, the origin among them.
  package static func unscrambledPoints(_ count: Int, dimension: Int) -> [[Double]] {
    precondition(dimension <= largestDimension, "\(dimension) coordinates of \(largestDimension)")
    var bits = Array(repeating: 0 as UInt32, count: dimension)
    return (0..<count).map { i in
      if i > 0 { for j in bits.indices { bits[j] ^= directions[j][i.trailingZeroBitCount] } }
      return bits.map { Double($0) * 0x1p-32 }
    }
  }

  /// Per coordinate, its direction numbers.
  private static let directions = (0..<largestDimension).map(directionNumbers)

  /// The 32 direction numbers of a coordinate, the first with its highest bit set.
  ///
  /// Bratley and Fox, "Algorithm 659", ACM TOMS 14(1), 1988, equation 2; points follow in Gray code
  /// order.
  private static func directionNumbers(of coordinate: Int) -> [UInt32] {
    guard coordinate > 0 else { return (0..<32).map { 1 << (31 - $0) } }
    let (polynomial, first) = table[coordinate - 1]
    let degree = first.count
    var numbers = first.enumerated().map { $1 << (31 - UInt32($0)) }
    for i in degree..<32 {
      var next = numbers[i - degree] ^ (numbers[i - degree] >> UInt32(degree))
      for k in 1..<degree where polynomial >> UInt32(degree - k) & 1 == 1 { next ^= numbers[i - k] }
      numbers.append(next)
    }
    return numbers
  }

  /// Reverses the bits, so that each is changed depending on those above it only, and back.
  private static func scrambled(_ bits: UInt32, by seed: UInt32) -> UInt32 {
    var x = reversed(bits)
    x &+= seed
    x ^= x &* 0x6C50_B47C
    x ^= x &* 0xB82F_1E52
    x ^= x &* 0xC7AF_E638
    x ^= x &* 0x8D22_F6E6
    return reversed(x)
  }

  private static func reversed(_ bits: UInt32) -> UInt32 {
    var x = bits.byteSwapped
    x = (x & 0x0F0F_0F0F) << 4 | (x >> 4) & 0x0F0F_0F0F
    x = (x & 0x3333_3333) << 2 | (x >> 2) & 0x3333_3333
    return (x & 0x5555_5555) << 1 | (x >> 1) & 0x5555_5555
  }

  /// Puts one point into each of `count` equal parts of the coordinate, in random order.
  private static func fillLatin(
    _ points: inout [Double], coordinate: Int, of dimension: Int,
    using generator: inout TrialGenerator
  ) {
    let count = points.count / dimension
    var parts = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) {
      parts.swapAt(i, generator.integer(below: i + 1))
    }
    for (i, part) in parts.enumerated() {
      points[i * dimension + coordinate] = (Double(part) + generator.uniform()) / Double(count)
    }
  }

  /// Coordinates 2 to 64: the primitive polynomial with its leading and last coefficient, and the
  /// first direction numbers, as many as its degree.
  private static let table: [(polynomial: UInt32, first: [UInt32])] = [
    (3, [1]), (7, [1, 3]), (11, [1, 3, 1]), (13, [1, 1, 1]), (19, [1, 1, 3, 3]),
    (25, [1, 3, 5, 13]), (37, [1, 1, 5, 5, 17]), (41, [1, 1, 5, 5, 5]), (47, [1, 1, 7, 11, 19]),
    (55, [1, 1, 5, 1, 1]), (59, [1, 1, 1, 3, 11]), (61, [1, 3, 5, 5, 31]),
    (67, [1, 3, 3, 9, 7, 49]), (91, [1, 1, 1, 15, 21, 21]), (97, [1, 3, 1, 13, 27, 49]),
    (103, [1, 1, 1, 15, 7, 5]), (109, [1, 3, 1, 15, 13, 25]), (115, [1, 1, 5, 5, 19, 61]),
    (131, [1, 3, 7, 11, 23, 15, 103]), (137, [1, 3, 7, 13, 13, 15, 69]),
    (143, [1, 1, 3, 13, 7, 35, 63]), (145, [1, 3, 5, 9, 1, 25, 53]),
    (157, [1, 3, 1, 13, 9, 35, 107]), (167, [1, 3, 1, 5, 27, 61, 31]),
    (171, [1, 1, 5, 11, 19, 41, 61]), (185, [1, 3, 5, 3, 3, 13, 69]),
    (191, [1, 1, 7, 13, 1, 19, 1]), (193, [1, 3, 7, 5, 13, 19, 59]),
    (203, [1, 1, 3, 9, 25, 29, 41]), (211, [1, 3, 5, 13, 23, 1, 55]),
    (213, [1, 3, 7, 3, 13, 59, 17]), (229, [1, 3, 1, 3, 5, 53, 69]),
    (239, [1, 1, 5, 5, 23, 33, 13]), (241, [1, 1, 7, 7, 1, 61, 123]),
    (247, [1, 1, 7, 9, 13, 61, 49]), (253, [1, 3, 3, 5, 3, 55, 33]),
    (285, [1, 3, 1, 15, 31, 13, 49, 245]), (299, [1, 3, 5, 15, 31, 59, 63, 97]),
    (301, [1, 3, 1, 11, 11, 11, 77, 249]), (333, [1, 3, 1, 11, 27, 43, 71, 9]),
    (351, [1, 1, 7, 15, 21, 11, 81, 45]), (355, [1, 3, 7, 3, 25, 31, 65, 79]),
    (357, [1, 3, 1, 1, 19, 11, 3, 205]), (361, [1, 1, 5, 9, 19, 21, 29, 157]),
    (369, [1, 3, 7, 11, 1, 33, 89, 185]), (391, [1, 3, 3, 3, 15, 9, 79, 71]),
    (397, [1, 3, 7, 11, 15, 39, 119, 27]), (425, [1, 1, 3, 1, 11, 31, 97, 225]),
    (451, [1, 1, 1, 3, 23, 43, 57, 177]), (463, [1, 3, 7, 7, 17, 17, 37, 71]),
    (487, [1, 3, 1, 5, 27, 63, 123, 213]), (501, [1, 1, 3, 5, 11, 43, 53, 133]),
    (529, [1, 3, 5, 5, 29, 17, 47, 173, 479]), (539, [1, 3, 3, 11, 3, 1, 109, 9, 69]),
    (545, [1, 1, 1, 5, 17, 39, 23, 5, 343]), (557, [1, 3, 1, 5, 25, 15, 31, 103, 499]),
    (563, [1, 1, 1, 11, 11, 17, 63, 105, 183]), (601, [1, 1, 5, 11, 9, 29, 97, 231, 363]),
    (607, [1, 1, 5, 15, 19, 45, 41, 7, 383]), (617, [1, 3, 7, 7, 31, 19, 83, 137, 221]),
    (623, [1, 1, 1, 3, 23, 15, 111, 223, 83]), (631, [1, 1, 5, 13, 31, 15, 55, 25, 161]),
    (637, [1, 1, 3, 13, 25, 47, 39, 87, 257]),
  ]
}
