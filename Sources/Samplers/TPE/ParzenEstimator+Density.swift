internal import Probability
internal import System

extension ParzenEstimator {
  /// A kernel this far below the prior, in nats, cannot change a density in double precision,
  /// however many there are.
  private static let negligible = 45.0
  /// More than single precision can be wrong about an exponent near the threshold: a coordinate by
  /// 2⁻²³ widths, that is 1e-5 bandwidths, so a square of at most a few hundred by some
  /// thousandths.
  private static let filterMargin: Float = 0.5
  /// Blocks that are evaluated for all candidates while they are in the cache.
  private static let chunk = 32

  /// The logarithms of the density at the points.
  ///
  /// Most kernels are too far from a point in some dimension to count. Kernels are therefore taken
  /// in blocks, and a block is left as soon as the exponents of all its kernels are negligible
  /// against the prior's. An exponent only falls with each further dimension, so what is left out
  /// depends on the kernel alone and not on its block.
  mutating func logDensities(at batch: borrowing CandidateBatch) -> [Double] {
    let count = batch.count
    // A category's row holds (1 / (m + 1) + [observed]) / normalizer.
    let m = Double(activeCount)
    let logHits = categories.reduce(0) { $0 + log((m + 2) / (m + 1 + Double($1.choiceCount))) }
    let missPenalty = log(m + 2)
    let hasWeights = categories.contains { !$0.weights.isEmpty }
    let weights = KernelWeights(count: activeCount, isUniform: isUniform)
    let logTotal = log(weights.total + 1)
    // Per point: the largest exponent so far, and the sum relative to it.
    var maxima = batch.priorExponents
    var sums = Array(repeating: 1.0, count: count)
    let hasMoreDimensions = dimensions.count > continuousCount || !categories.isEmpty
    let size = Self.chunk * Self.blockSize
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: size) { slots in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: size) { exponents in
        guard let slots = slots.baseAddress, let exponents = exponents.baseAddress else { return }
        var inactivePlace = 0
        for first in stride(from: 0, to: blockCount, by: Self.chunk) {
          let blocks = first..<min(first + Self.chunk, blockCount)
          while inactivePlace < inactiveSlots.count,
            inactiveSlots[inactivePlace] < first * Self.blockSize
          {
            inactivePlace += 1
          }
          for c in 0..<count {
            let logHits = hasWeights ? self.logHits(at: batch, c) : logHits
            let threshold = batch.priorExponents[c] - logHits - Self.negligible
            let found = Self.findSurvivors(
              in: blocks, at: batch, c, above: threshold, dimensions: continuousCount,
              Columns(kernels, logScales, filter, filterScales, stride: blockStride),
              slots, exponents)
            guard found > 0 else { continue }
            if hasMoreDimensions {
              for place in 0..<found {
                exponents[place] +=
                  logHits
                  + discreteExponent(Int(slots[place]), at: batch, c, missPenalty: missPenalty)
              }
            }
            var (maximum, sum) = (maxima[c], sums[c])
            var skipped = inactivePlace
            for place in 0..<found {
              let exponent = exponents[place]
              guard exponent > maximum - Self.negligible else { continue }
              let slot = Int(slots[place])
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
      }
    }
    return (0..<count).map { maxima[$0] + log(sums[$0]) - logTotal + logConstant }
  }

  /// What kernels at the point's own choices add, where choices have weights: (w / (m + 1) + 1)
  /// over the normalizer, with w in units of an even weight.
  private func logHits(at batch: borrowing CandidateBatch, _ c: Int) -> Double {
    let m = Double(activeCount)
    var sum = 0.0
    for (k, category) in categories.enumerated() {
      let share = category.share(batch.choices[k * batch.count + c])
      sum += log((m + 1 + share) / (m + 1 + Double(category.choiceCount)))
    }
    return sum
  }

  /// What the discrete dimensions and the categories add to a kernel's exponent.
  private mutating func discreteExponent(
    _ slot: Int, at batch: borrowing CandidateBatch, _ c: Int, missPenalty: Double
  ) -> Double {
    var exponent = 0.0
    for k in 0..<categories.count where choices[k][slot] != batch.choices[k * batch.count + c] {
      if categories[k].weights.isEmpty {
        exponent -= missPenalty
      } else {
        let share = categories[k].share(batch.choices[k * batch.count + c])
        exponent -= log((Double(activeCount) + 1 + share) / share)
      }
    }
    for d in continuousCount..<dimensions.count {
      let at = place(slot, d)
      let k = d - continuousCount
      exponent += cellMasses[k].logMass(
        of: batch.cells[k * batch.count + c], centre: kernels[at], index: gridIndices[k][slot],
        sigma: kernels[at + Self.blockSize])
    }
    return exponent
  }

  /// Where the kernels lie.
  private struct Columns {
    let kernels: UnsafeRawPointer
    let logScales: UnsafeRawPointer
    let filter: UnsafeRawPointer
    let filterScales: UnsafeRawPointer
    let stride: Int

    init(
      _ kernels: UnsafeRawPointer, _ logScales: UnsafeRawPointer, _ filter: UnsafeRawPointer,
      _ filterScales: UnsafeRawPointer, stride: Int
    ) {
      self.kernels = kernels
      self.logScales = logScales
      self.filter = filter
      self.filterScales = filterScales
      self.stride = stride
    }
  }

  /// Evaluates the continuous dimensions of the kernels in `blocks` at point `c`.
  ///
  /// Single precision, which is twice as fast, decides which blocks deserve the exact evaluation.
  ///
  /// - Returns: The number of kernels that are not negligible; their slots and exponents so far are
  ///   written to the last two arguments.
  private static func findSurvivors(
    in blocks: Range<Int>, at batch: borrowing CandidateBatch, _ c: Int, above threshold: Double,
    dimensions: Int, _ columns: Columns, _ slots: UnsafeMutablePointer<Int32>,
    _ exponents: UnsafeMutablePointer<Double>
  ) -> Int {
    batch.coordinates.withUnsafeBufferPointer { coordinates in
      batch.filterCoordinates.withUnsafeBufferPointer { filterCoordinates in
        guard let coordinates = coordinates.baseAddress,
          let filterCoordinates = filterCoordinates.baseAddress
        else { return 0 }
        var found = 0
        let filterThreshold = Float(threshold) - filterMargin
        for block in blocks {
          guard
            passesFilter(
              block, columns, filterCoordinates + c * dimensions, dimensions, filterThreshold)
          else { continue }
          var sums = columns.logScales
            .loadUnaligned(fromByteOffset: block &* 64, as: SIMD8<Double>.self)
          var kernel = columns.kernels + block &* columns.stride &* 8
          var coordinate = coordinates + c
          for _ in 0..<dimensions {
            let centres = kernel.loadUnaligned(as: SIMD8<Double>.self)
            let inverses = kernel.loadUnaligned(fromByteOffset: 64, as: SIMD8<Double>.self)
            let z = (coordinate.pointee - centres) * inverses
            sums -= z * z
            kernel += 128
            coordinate += batch.count
          }
          for lane in 0..<8 where sums[lane] >= threshold {
            slots[found] = Int32(truncatingIfNeeded: block &* 8 &+ lane)
            exponents[found] = sums[lane]
            found &+= 1
          }
        }
        return found
      }
    }
  }

  /// Whether a kernel of the block may reach the threshold.
  @inline(__always) private static func passesFilter(
    _ block: Int, _ columns: Columns, _ coordinates: UnsafePointer<Float>, _ dimensions: Int,
    _ threshold: Float
  ) -> Bool {
    var sums = columns.filterScales
      .loadUnaligned(fromByteOffset: block &* 32, as: SIMD8<Float>.self)
    sums -= threshold
    var kernel = columns.filter + block &* dimensions &* 64
    for d in 0..<dimensions {
      let centres = kernel.loadUnaligned(as: SIMD8<Float>.self)
      let inverses = kernel.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self)
      let z = (coordinates[d] - centres) * inverses
      sums -= z * z
      if allNegative(sums) { return false }
      kernel += 64
    }
    return dimensions > 0 || !allNegative(sums)
  }

  /// Whether all numbers have the sign bit.
  @inline(__always) private static func allNegative(_ v: SIMD8<Float>) -> Bool {
    let bits = unsafeBitCast(v, to: SIMD4<UInt64>.self)
    let two = bits.lowHalf & bits.highHalf
    return ~(two.x & two.y) & 0x8000_0000_8000_0000 == 0
  }
}

/// The weights of kernels by age: 1 for the latest 25, falling linearly to 1/m for the oldest.
struct KernelWeights {
  private let rampCount: Int
  private let first: Double
  private let slope: Double
  /// The sum of the weights, without the prior's 1.
  let total: Double

  /// Creates the weights of `count` kernels, all 1 if `isUniform`.
  init(count: Int, isUniform: Bool) {
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
