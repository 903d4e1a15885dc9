internal import Probability
internal import System

extension ParzenEstimator {
  /// The logarithms of the density at the points, if the space is one continuous parameter and no
  /// kernel out of its bounds is so far from all points that its scale would overflow; else nil.
  ///
  /// What is left out and summed together depends on the set of points alone.
  func lineDensities(at batch: borrowing CandidateBatch) -> [Double]? {
    guard continuousCount == 1, dimensions.count == 1, categories.isEmpty else { return nil }
    let weights = KernelWeights(count: activeCount, isUniform: isUniform)
    let line = KernelLine(of: self, weights)
    let lowestPrior = batch.priorExponents.min() ?? 0
    guard line.largestScale < 300, lowestPrior > -300 else { return nil }
    let logTotal = log(weights.total + 1)
    return (0..<batch.count).map { c in
      line.logSum(at: batch.coordinates[c], prior: batch.priorExponents[c]) - logTotal + logConstant
    }
  }
}

/// The kernels of one continuous dimension in the order of their centres, neighbours summed up.
///
/// Kernels of one bandwidth whose centres lie within 0.08 of it are one cell, and a cell is
/// evaluated by the series of their sum about its middle m, with t = (x − m) / σ:
///
///     Σᵢ wᵢ exp(−(x − cᵢ)² / 2σ²) = exp(−t²/2) Σₖ Heₖ(t) Mₖ, Mₖ = Σᵢ wᵢ ((cᵢ − m) / σ)ᵏ / k!
///
/// Greengard and Strain, "The Fast Gauss Transform", SIAM J. Sci. Stat. Comput. 12(1), 1991,
/// equation 8, with the probabilists' Hermite polynomials. Eight terms leave less than 1e-10 of
/// the density. So a density costs at most as many cells as fit into the bounds, however many
/// kernels there are.
private struct KernelLine {
  /// Cells per block, and moments per cell.
  private static let size = ParzenEstimator.blockSize
  /// The doubles of a block: middles, 1 / σ and the moments of its cells.
  private static let blockStride = (2 + size) * size
  /// The widest cell in bandwidths.
  private static let cellWidth = 0.08
  private static let inverseFactorials = SIMD8<Double>(
    1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5_040)

  /// Per block of cells eight middles, then eight 1 / σ, then M₀ of eight cells, M₁ and so on.
  private var cells: [Double] = []
  private var reaches: [Reach] = []
  /// The largest logarithmic scale of a kernel; −∞ without kernels.
  let largestScale: Double

  /// What of a block tells whether it is too far away: the ends of its centres, its smallest
  /// inverse bandwidth and its largest scale.
  private struct Reach {
    var low = Double.infinity
    var high = -Double.infinity
    var inverse = Double.infinity
    var logScale = -Double.infinity

    mutating func add(_ low: Double, _ high: Double, _ inverse: Double, _ logScale: Double) {
      self.low = min(self.low, low)
      self.high = max(self.high, high)
      self.inverse = min(self.inverse, inverse)
      self.logScale = max(self.logScale, logScale)
    }
  }

  /// Sums the active kernels up.
  init(of estimator: borrowing ParzenEstimator, _ weights: KernelWeights) {
    var weightsBySlot = Array(repeating: 0.0, count: estimator.numbers.count)
    var rank = 0
    for slot in weightsBySlot.indices where estimator.logScales[slot] > -.infinity {
      weightsBySlot[slot] = weights[rank]
      rank += 1
    }
    largestScale = Self.sum(
      estimator.sortedCentres[0], estimator.sortedSlots[0], count: estimator.sortedSlots[0].count,
      estimator.kernels, estimator.logScales, weightsBySlot, &cells, &reaches)
  }

  /// Writes the cells of the sorted kernels; returns the largest logarithmic scale.
  private static func sum(
    _ centres: UnsafePointer<Double>, _ slots: UnsafePointer<Int32>, count: Int,
    _ kernels: UnsafePointer<Double>, _ logScales: UnsafePointer<Double>,
    _ weights: UnsafePointer<Double>, _ cells: inout [Double], _ reaches: inout [Reach]
  ) -> Double {
    /// 1 / σ of the kernel at a sorted place.
    func inverseBandwidth(at place: Int) -> Double {
      let slot = Int(slots[place])
      return kernels[(slot / size * 2 + 1) * size + slot % size] * 2.0.squareRoot()
    }
    var largestScale = -Double.infinity
    var (knownScale, factor) = (0.0, 1.0)
    var (cell, first) = (0, 0)
    var inverse = count > 0 ? inverseBandwidth(at: 0) : 1
    while first < count {
      // The cell's last kernel, and the bandwidth of the next cell's first.
      var (last, next) = (first, inverse)
      let end: Double = centres[first] + cellWidth / inverse
      while last + 1 < count {
        next = inverseBandwidth(at: last + 1)
        guard centres[last + 1] <= end, next == inverse else { break }
        last += 1
      }
      let middle: Double = 0.5 * centres[first] + 0.5 * centres[last]
      var moments = SIMD8<Double>(repeating: 0)
      var logScale = -Double.infinity
      for place in first...last {
        let slot = Int(slots[place])
        if logScales[slot] != knownScale {
          (knownScale, factor) = (logScales[slot], exp(logScales[slot]))
        }
        logScale = max(logScale, knownScale)
        let distance: Double = (centres[place] - middle) * inverse
        let square: Double = distance * distance
        let two = SIMD2(weights[slot] * factor, weights[slot] * factor * distance)
        let four = SIMD4(lowHalf: two, highHalf: two * square)
        moments += SIMD8(lowHalf: four, highHalf: four * (square * square))
      }
      if cell.isMultiple(of: size) {
        cells.append(contentsOf: repeatElement(0, count: blockStride))
        reaches.append(Reach())
      }
      let block = cell / size
      let at = block * blockStride + cell % size
      cells[at] = middle
      cells[at + size] = inverse
      moments *= inverseFactorials
      for k in 0..<size { cells[at + (2 + k) * size] = moments[k] }
      reaches[block].add(centres[first], centres[last], inverse, logScale)
      largestScale = max(largestScale, logScale)
      (cell, first, inverse) = (cell + 1, last + 1, next)
    }
    return largestScale
  }

  /// The logarithm of the weighted sum of all kernels and of the prior's, whose weight is 1.
  func logSum(at x: Double, prior: Double) -> Double {
    let threshold = prior - ParzenEstimator.negligible
    var sums = SIMD8<Double>(repeating: 0)
    cells.withUnsafeBytes { cells in
      for block in reaches.indices {
        let reach = reaches[block]
        let distance: Double = max(reach.low - x, x - reach.high, 0) * reach.inverse
        guard reach.logScale - 0.5 * distance * distance >= threshold else { continue }
        var row = cells.baseAddress.unsafelyUnwrapped + block &* Self.blockStride &* 8
        let t =
          (x - row.loadUnaligned(as: SIMD8<Double>.self))
          * row.loadUnaligned(fromByteOffset: 64, as: SIMD8<Double>.self)
        // Clenshaw's recurrence, from the last moment to the first.
        row += (1 + Self.size) * 64
        var sum = row.loadUnaligned(as: SIMD8<Double>.self)
        var later = SIMD8<Double>(repeating: 0)
        for k in stride(from: Self.size - 2, through: 0, by: -1) {
          row -= 64
          (sum, later) = (
            row.loadUnaligned(as: SIMD8<Double>.self) + t * sum - Double(k + 1) * later, sum
          )
        }
        sums += sum * (-0.5 * t * t - prior).exponential()
      }
    }
    return prior + log(1 + sums.sum())
  }
}
