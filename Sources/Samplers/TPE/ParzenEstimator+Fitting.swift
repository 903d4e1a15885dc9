internal import Probability
internal import System

extension ParzenEstimator {
  /// Brings the bandwidths up to date with the points.
  ///
  /// Costs the neighbours of what changed, or all points while there are fewer than 98: until then
  /// the smallest bandwidth depends on their number.
  mutating func fit() {
    if isUnsorted { sortAll() }
    let limit = min(100, activeCount + 2)
    if limit != fittedLimit { mustRefitAll = true }
    fittedLimit = limit
    for d in dimensions.indices {
      let smallest = dimensions[d].width / Double(limit)
      let (centres, slots) = (sortedCentres[d], sortedSlots[d])
      let fitter = KernelFitter(
        dimension: dimensions[d], d: d, dimensionCount: dimensions.count,
        continuousCount: continuousCount, isSampled: isUniform, smallest: smallest,
        logSmallest: log(smallest / dimensions[d].width), count: centres.count)
      var places = 0..<(mustRefitAll ? centres.count : 0)
      for dirty in dirtySlots[d] where !mustRefitAll && logScales[Int(dirty)] > -.infinity {
        let at = sortedPlace(of: kernels[place(Int(dirty), d)], Int(dirty), d)
        touched.append(dirty)
        // Neighbours were marked together, so places often continue each other.
        if at == places.upperBound {
          places = places.lowerBound..<at + 1
        } else if !places.contains(at) {
          fitter.fit(
            places, centres, slots, &kernels, &logDivisors, &lowerTails, &masses, &filter)
          places = at..<at + 1
        }
      }
      fitter.fit(places, centres, slots, &kernels, &logDivisors, &lowerTails, &masses, &filter)
      dirtySlots[d].removeAll(keepingCapacity: true)
      if d >= continuousCount { cellMasses[d - continuousCount].use(bandwidth: smallest) }
    }
    let summer = DivisorSummer(dimensionCount: dimensions.count, continuousCount: continuousCount)
    if mustRefitAll {
      for slot in 0..<numbers.count {
        summer.sum(slot, logDivisors, filter, &logScales, &filterScales)
      }
    } else {
      for slot in touched {
        summer.sum(Int(slot), logDivisors, filter, &logScales, &filterScales)
      }
    }
    touched.removeAll(keepingCapacity: true)
    mustRefitAll = false
  }

  /// Sorts all active points anew.
  private mutating func sortAll() {
    isUnsorted = false
    mustRefitAll = true
    let active = numbers.indices.filter { logScales[$0] > -.infinity }
    for d in dimensions.indices {
      var points = active.map { (centre: kernels[place($0, d)], slot: Int32($0)) }
      points.sort { $0.centre < $1.centre || ($0.centre == $1.centre && $0.slot < $1.slot) }
      sortedCentres[d] = points.map(\.centre)
      sortedSlots[d] = points.map(\.slot)
      dirtySlots[d].removeAll()
    }
  }
}

/// Computes the bandwidths of one dimension from the sorted points.
private struct KernelFitter {
  let dimension: KernelDimension
  let d: Int
  let dimensionCount: Int
  let continuousCount: Int
  let isSampled: Bool
  /// The smallest bandwidth, and the logarithm of its share of the width.
  let smallest: Double
  let logSmallest: Double
  /// The number of points.
  let count: Int

  /// Fits the kernels at sorted places.
  func fit(
    _ places: Range<Int>, _ centres: UnsafePointer<Double>, _ slots: UnsafePointer<Int32>,
    _ kernels: UnsafeMutablePointer<Double>, _ logDivisors: UnsafeMutablePointer<Double>,
    _ lowerTails: UnsafeMutablePointer<Double>, _ masses: UnsafeMutablePointer<Double>,
    _ filter: UnsafeMutablePointer<Float>
  ) {
    for at in places {
      fit(at, centres, slots, kernels, logDivisors, lowerTails, masses, filter)
    }
  }

  @inline(__always) private func fit(
    _ at: Int, _ centres: UnsafePointer<Double>, _ slots: UnsafePointer<Int32>,
    _ kernels: UnsafeMutablePointer<Double>, _ logDivisors: UnsafeMutablePointer<Double>,
    _ lowerTails: UnsafeMutablePointer<Double>, _ masses: UnsafeMutablePointer<Double>,
    _ filter: UnsafeMutablePointer<Float>
  ) {
    let isContinuous = d < continuousCount
    let centre = centres[at]
    let left = centre - (at > 0 ? centres[at - 1] : dimension.low)
    let right = (at + 1 < count ? centres[at + 1] : dimension.high) - centre
    // The walls do not count for the outermost of several points.
    var sigma = max(left, right)
    if count > 1, at == 0 { sigma = right }
    if count > 1, at == count - 1 { sigma = left }
    sigma = min(max(sigma, smallest), dimension.width)

    let size = ParzenEstimator.blockSize
    let slot = Int(slots[at])
    let (block, lane) = (slot / size, slot % size)
    let place = ((block * dimensionCount + d) * 2 + 1) * size + lane
    let bandwidth = isContinuous ? 0.5.squareRoot() / sigma : sigma
    // All else follows from the centre, which a slot keeps, and the bandwidth.
    if kernels[place] == bandwidth { return }

    let a = (dimension.low - centre) / sigma
    let b = (dimension.high - centre) / sigma
    var lowerTail = 0.0
    var mass = 1.0
    var logDivisor: Double
    if a <= 0, b >= 0 {
      // Beyond 8.3 the tail is less than half a unit in the last place of 1.
      if a > -8.3 { lowerTail = StandardNormal.cumulative(a) }
      if b < 8.3 {
        mass = 1 - lowerTail - StandardNormal.cumulative(-b)
      } else {
        mass = 1 - lowerTail
      }
      let share = isContinuous ? sigma / dimension.width : 1
      logDivisor = isContinuous && sigma == smallest && mass == 1 ? logSmallest : log(share * mass)
    } else {
      lowerTail = .nan
      logDivisor = StandardNormal.logMass(from: a, to: b)
      if isContinuous { logDivisor += log(sigma / dimension.width) }
    }
    kernels[place] = bandwidth
    if isContinuous {
      filter[((block * continuousCount + d) * 2 + 1) * size + lane] =
        Float(bandwidth * dimension.width)
    }
    let scalarPlace = slot * dimensionCount + d
    logDivisors[scalarPlace] = logDivisor
    if isSampled {
      lowerTails[scalarPlace] = lowerTail
      masses[scalarPlace] = mass
    }
  }
}

/// Adds up what a kernel is divided by.
private struct DivisorSummer {
  let dimensionCount: Int
  let continuousCount: Int

  /// Sets the scales of a slot, unless it is inactive.
  @inline(__always) func sum(
    _ slot: Int, _ logDivisors: UnsafePointer<Double>, _ filter: UnsafePointer<Float>,
    _ logScales: UnsafeMutablePointer<Double>, _ filterScales: UnsafeMutablePointer<Float>
  ) {
    guard logScales[slot] > -.infinity else { return }
    var sum = 0.0
    let divisors = logDivisors + slot * dimensionCount
    for d in 0..<dimensionCount { sum += divisors[d] }
    let size = ParzenEstimator.blockSize
    var units = filter + slot / size * continuousCount * 2 * size + slot % size
    var isWithinBounds = true
    for _ in 0..<continuousCount {
      isWithinBounds = isWithinBounds && units.pointee >= 0 && units.pointee <= 1
      units += 2 * size
    }
    logScales[slot] = -sum
    // What the two large parts of an exponent leave of a kernel out of bounds needs more digits.
    filterScales[slot] = isWithinBounds ? Float(-sum) : .infinity
  }
}
