internal import Probability

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

extension ParzenEstimator {
  /// A kernel this far below the prior, in nats, cannot change a density in double precision, however
  /// many there are.
  private static let negligible = 50.0
  /// Blocks that are evaluated for all candidates while they are in the cache.
  private static let chunk = 32

  /// The logarithms of the density at the points.
  ///
  /// Most kernels are too far from a point in some dimension to count. Kernels are therefore taken in
  /// blocks, and a block is left as soon as the exponents of all its kernels are negligible against
  /// the prior's. An exponent only falls with each further dimension, so what is left out depends on
  /// the kernel alone and not on its block.
  func logDensities(at batch: borrowing CandidateBatch) -> [Double] {
    let count = batch.count
    let m = activeCount
    // A category's row holds (1 / (m + 1) + [observed]) / normalizer.
    let logHits = categories.reduce(0) {
      $0 + log(Double(m + 2) / Double(m + 1 + $1.choiceCount))
    }
    let missPenalty = log(Double(m + 2))
    var maxima = batch.priorExponents
    var sums = Array(repeating: 1.0, count: count)
    let thresholds = batch.priorExponents.map { $0 - logHits - Self.negligible }
    let weights = KernelWeights(count: m, isUniform: isUniform)
    var survivors = Survivors()

    var inactivePlace = 0
    for first in stride(from: 0, to: blockCount, by: Self.chunk) {
      let blocks = first..<min(first + Self.chunk, blockCount)
      while inactivePlace < inactiveSlots.count,
        inactiveSlots[inactivePlace] < first * Self.blockSize
      {
        inactivePlace += 1
      }
      for c in 0..<count {
        survivors.removeAll()
        findSurvivors(in: blocks, at: batch, c, above: thresholds[c], &survivors)
        guard survivors.count > 0 else { continue }
        var (maximum, sum) = (maxima[c], sums[c])
        var skipped = inactivePlace
        for place in 0..<survivors.count {
          let slot = Int(survivors.slots[place])
          var exponent = survivors.exponents[place]
          for d in continuousCount..<dimensions.count {
            let at = self.place(slot, d)
            exponent += cellMasses[d - continuousCount].logMass(
              of: batch.cells[(d - continuousCount) * count + c], centre: kernels[at],
              index: Int(gridIndices[d - continuousCount][slot]),
              sigma: kernels[at + Self.blockSize])
          }
          exponent += logHits
          for k in categories.indices
          where choices[k][slot] != batch.choices[k * count + c] {
            exponent -= missPenalty
          }
          guard exponent > maximum - Self.negligible else { continue }
          while skipped < inactiveSlots.count, inactiveSlots[skipped] < slot { skipped += 1 }
          let weight = weights[slot - skipped]
          if exponent > maximum {
            sum = sum * exp(maximum - exponent) + weight
            maximum = exponent
          } else {
            sum += weight * exp(exponent - maximum)
          }
        }
        (maxima[c], sums[c]) = (maximum, sum)
      }
    }
    let logTotal = log(weights.total + 1)
    return (0..<count).map { maxima[$0] + log(sums[$0]) - logTotal + logConstant }
  }

  /// Kernels of a chunk that are not negligible, with their exponents so far.
  private struct Survivors {
    var slots = [Int32](repeating: 0, count: chunk * blockSize)
    var exponents = [Double](repeating: 0, count: chunk * blockSize)
    var count = 0

    mutating func removeAll() { count = 0 }

    mutating func append(_ slot: Int, _ exponent: Double) {
      slots[count] = Int32(truncatingIfNeeded: slot)
      exponents[count] = exponent
      count += 1
    }
  }

  /// Evaluates the continuous dimensions of the kernels in `blocks` at point `c`.
  private func findSurvivors(
    in blocks: Range<Int>, at batch: borrowing CandidateBatch, _ c: Int, above threshold: Double,
    _ survivors: inout Survivors
  ) {
    let count = batch.count
    let stride = blockStride
    kernels.withUnsafeBytes { kernels in
      logScales.withUnsafeBytes { scales in
        batch.coordinates.withUnsafeBufferPointer { coordinates in
          for block in blocks {
            var exponents = scales.loadUnaligned(
              fromByteOffset: block * 64, as: SIMD8<Double>.self)
            var offset = block * stride * 8
            var d = 0
            var isNegligible = Self.allNegative(exponents - threshold)
            while d < continuousCount, !isNegligible {
              let centres = kernels.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
              let inverses = kernels.loadUnaligned(
                fromByteOffset: offset + 64, as: SIMD8<Double>.self)
              let z = (coordinates[d * count + c] - centres) * inverses
              exponents -= z * z
              isNegligible = Self.allNegative(exponents - threshold)
              offset += 128
              d += 1
            }
            if isNegligible { continue }
            for lane in 0..<8 where exponents[lane] >= threshold {
              survivors.append(block * 8 + lane, exponents[lane])
            }
          }
        }
      }
    }
  }

  /// Whether all numbers have the sign bit.
  @inline(__always) private static func allNegative(_ v: SIMD8<Double>) -> Bool {
    let bits = unsafeBitCast(v, to: SIMD8<Int64>.self)
    let four = bits.lowHalf & bits.highHalf
    let two = four.lowHalf & four.highHalf
    return two.x & two.y < 0
  }
}

/// The weights of kernels by age: 1 for the latest 25, falling linearly to 1/m for the oldest.
struct KernelWeights {
  /// The number of kernels, without the prior.
  let count: Int
  private let rampCount: Int
  private let first: Double
  private let slope: Double
  /// The sum of the weights, without the prior's 1.
  let total: Double

  init(count: Int, isUniform: Bool) {
    self.count = count
    rampCount = isUniform ? 0 : max(0, count - 25)
    first = 1 / Double(max(1, count))
    slope = rampCount > 1 ? (1 - first) / Double(rampCount - 1) : 0
    total =
      Double(count - rampCount)
      + (rampCount > 1 ? Double(rampCount) * (first + 1) / 2 : Double(rampCount) * first)
  }

  /// The weight of the kernel with `rank` older ones.
  @inline(__always) subscript(rank: Int) -> Double {
    rank < rampCount ? first + slope * Double(rank) : 1
  }
}
