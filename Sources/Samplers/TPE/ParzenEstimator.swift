internal import Probability
internal import StudyModel
internal import System

/// A density over a search space, fitted to observed points: one kernel per point and a broad
/// prior.
///
/// `p(x) = Σₖ wₖ Πd pkd(xd)` where each factor is a normal truncated to the parameter's bounds, the
/// mass of such a normal in a grid cell for discrete parameters, or a smoothed indicator of the
/// observed choice. The bandwidth of a kernel is the larger distance to its neighbours, dimension
/// by dimension. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011,
/// §4.2; Falkner et al., "BOHB", ICML 2018, §3.2 for the joint form; the constants are those of
/// Optuna 5.
///
/// Points can be added and removed, which changes the neighbours alone; whatever the order of such
/// changes, equal sets of points give bit for bit equal densities. Slots hold the points by
/// ascending trial number. A point may be inactive: it keeps its slot but counts for nothing.
struct ParzenEstimator {
  /// Points per block: the kernels of a block are evaluated together.
  static let blockSize = 8

  /// The dimensions of the kernel space, continuous ones first.
  let dimensions: [KernelDimension]
  /// How many of the dimensions have no grid.
  let continuousCount: Int
  /// The categorical parameters.
  let categories: [Category]
  /// Whether all points weigh the same; otherwise old ones fade.
  let isUniform: Bool

  /// A categorical parameter.
  struct Category {
    /// Its place in the space.
    let parameter: Int
    let choiceCount: Int
    /// The prior's weights; none for choices that are all alike.
    let weights: [Double]

    /// The prior's weight of a choice, in units of one that is like all others.
    func share(_ choice: Int32) -> Double {
      weights.isEmpty ? 1 : weights[Int(choice)] * Double(choiceCount)
    }
  }

  /// The trial numbers of the points, ascending.
  private(set) var numbers: [Int] = []
  /// The number of active points.
  private(set) var activeCount = 0
  /// The slots of the inactive points, ascending.
  private(set) var inactiveSlots: [Int32] = []

  // Per slot and dimension, in blocks: eight centres, then eight bandwidths as 1 / (σ √2) for
  // continuous dimensions and as σ for discrete ones.
  var kernels: [Double] = []
  // Per slot and dimension: the logarithm of what a kernel is divided by, without constants.
  var logDivisors: [Double] = []
  // The same way, of densities that are sampled from: the share of a kernel's normal below the
  // lower bound (NaN when its centre is out of bounds), and between the bounds.
  var lowerTails: [Double] = []
  var masses: [Double] = []
  /// Per slot, minus the sum of its logarithmic divisors; −∞ for what must not be seen.
  var logScales: [Double] = []
  /// Per category and slot, the observed choice.
  private(set) var choices: [[Int32]]
  /// Per discrete dimension and slot, the place in the grid; −1 off the grid.
  private(set) var gridIndices: [[Int32]]

  // The active points sorted by coordinate, per dimension; equal ones by slot.
  var sortedCentres: [[Double]]
  var sortedSlots: [[Int32]]
  // The continuous dimensions of ``kernels`` and ``logScales`` in single precision and in units of
  // the width, which most kernels are rejected by: see ``findSurvivors``.
  var filter: [Float] = []
  var filterScales: [Float] = []

  // What changed since the last fit.
  var dirtySlots: [[Int32]]
  var isUnsorted = false
  var mustRefitAll = true
  var fittedLimit = 0
  var touched: [Int32] = []

  /// The logarithm of the prior kernel's divisor; a constant of the space.
  let priorLogScale: Double
  /// What densities lack until the end: ln of widths and of √(2π), per continuous dimension.
  let logConstant: Double
  /// Cell masses that were computed before, per discrete dimension.
  var cellMasses: [CellMassTable]

  /// Creates the density without points, which is the prior alone.
  init(_ parameters: [Parameter], isUniform: Bool) {
    var dimensions: [KernelDimension] = []
    var categories: [Category] = []
    for (place, parameter) in parameters.enumerated() {
      if let dimension = KernelDimension(parameter.distribution, parameter: place) {
        dimensions.append(dimension)
      } else if case .categorical(let distribution) = parameter.distribution {
        categories.append(
          Category(
            parameter: place, choiceCount: distribution.choices.count,
            weights: distribution.traits?.weights ?? []))
      }
    }
    self.dimensions = dimensions.filter { $0.grid == nil } + dimensions.filter { $0.grid != nil }
    continuousCount = dimensions.count { $0.grid == nil }
    self.categories = categories
    self.isUniform = isUniform
    choices = Array(repeating: [], count: categories.count)
    gridIndices = Array(repeating: [], count: dimensions.count - continuousCount)
    sortedCentres = Array(repeating: [], count: dimensions.count)
    sortedSlots = Array(repeating: [], count: dimensions.count)
    dirtySlots = Array(repeating: [], count: dimensions.count)
    // The prior's σ is the width and its centre the middle, so its mass is that of −½ … ½.
    let priorMass = StandardNormal.logMass(from: -0.5, to: 0.5)
    priorLogScale =
      -priorMass * Double(dimensions.count { $0.belief == nil })
      + dimensions.reduce(0) { $0 + $1.beliefLogScale }
    logConstant = self.dimensions.prefix(continuousCount).reduce(0) {
      $0 - log($1.width) - StandardNormal.logRootTwoPi + $1.logScale
    }
    cellMasses = self.dimensions.dropFirst(continuousCount).map { CellMassTable($0) }
  }

  /// The number of blocks that hold the slots.
  var blockCount: Int { (numbers.count + Self.blockSize - 1) / Self.blockSize }
  /// The doubles of one block in ``kernels``.
  var blockStride: Int { dimensions.count * 2 * Self.blockSize }
  /// The singles of one block in ``filter``.
  var filterStride: Int { continuousCount * 2 * Self.blockSize }

  /// The place of a slot's centre in ``filter``; the bandwidth follows ``blockSize`` later.
  @inline(__always) func filterPlace(_ slot: Int, _ dimension: Int) -> Int {
    (slot / Self.blockSize * continuousCount + dimension) * 2 * Self.blockSize
      + slot % Self.blockSize
  }

  /// The place of a slot's centre in ``kernels``; the bandwidth follows ``blockSize`` later.
  @inline(__always) func place(_ slot: Int, _ dimension: Int) -> Int {
    (slot / Self.blockSize * dimensions.count + dimension) * 2 * Self.blockSize
      + slot % Self.blockSize
  }
}

// MARK: Points

extension ParzenEstimator {
  /// The slot of the trial's point; nil without one.
  func slot(of number: Int) -> Int? {
    let place = insertionSlot(of: number)
    return place < numbers.count && numbers[place] == number ? place : nil
  }

  private func insertionSlot(of number: Int) -> Int {
    guard let last = numbers.last, last >= number else { return numbers.count }
    var (low, high) = (0, numbers.count)
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Prepares for so many new points that sorting once is cheaper than inserting each.
  mutating func expect(_ count: Int) {
    guard count > 32 + activeCount / 16 else { return }
    isUnsorted = true
    numbers.reserveCapacity(numbers.count + count)
  }

  /// Whether the point can be a kernel: finite coordinates and choices that exist.
  func isUsable(_ point: [Double]) -> Bool {
    dimensions.allSatisfy { $0.coordinate(of: point[$0.parameter]).isFinite }
      && categories.allSatisfy {
        point[$0.parameter] >= 0 && point[$0.parameter] < Double($0.choiceCount)
      }
  }

  /// Adds the point of a trial that has none yet.
  ///
  /// - Parameters:
  ///   - number: The trial's number.
  ///   - point: Internal values in the order of the space; usable.
  ///   - isActive: Whether it counts.
  mutating func insert(_ number: Int, at point: [Double], isActive: Bool = true) {
    let slot = insertionSlot(of: number)
    openSlot(slot)
    numbers.insert(number, at: slot)
    for (d, dimension) in dimensions.enumerated() {
      let value = point[dimension.parameter]
      if let grid = dimension.grid {
        let cell = dimension.gridIndex(of: value, in: grid)
        gridIndices[d - continuousCount].insert(cell, at: slot)
      }
      let coordinate = dimension.coordinate(of: value)
      kernels[place(slot, d)] = coordinate
      kernels[place(slot, d) + Self.blockSize] = .nan  // none yet
      if d < continuousCount { filter[filterPlace(slot, d)] = dimension.filterUnits(coordinate) }
    }
    for (c, category) in categories.enumerated() {
      choices[c].insert(Int32(clamped: point[category.parameter]), at: slot)
    }
    if isActive {
      activate(slot)
    } else {
      let at = inactiveSlots.firstIndex { $0 > slot } ?? inactiveSlots.count
      inactiveSlots.insert(Int32(slot), at: at)
    }
  }

  /// Removes the point of a trial and its slot.
  mutating func remove(_ number: Int) {
    guard let slot = slot(of: number) else { return }
    if let at = inactiveSlots.firstIndex(of: Int32(slot)) {
      inactiveSlots.remove(at: at)
    } else {
      deactivate(slot)
    }
    numbers.remove(at: slot)
    closeSlot(slot)
  }

  /// Makes the point of a trial count or not.
  mutating func setActive(_ isActive: Bool, _ number: Int) {
    guard let slot = slot(of: number) else { return }
    let at = inactiveSlots.firstIndex { $0 >= slot } ?? inactiveSlots.count
    let isInactive = at < inactiveSlots.count && inactiveSlots[at] == slot
    if isActive, isInactive {
      inactiveSlots.remove(at: at)
      activate(slot)
    } else if !isActive, !isInactive {
      deactivate(slot)
      inactiveSlots.insert(Int32(slot), at: at)
    }
  }

  private mutating func activate(_ slot: Int) {
    activeCount += 1
    logScales[slot] = 0
    guard !isUnsorted else { return }
    for d in dimensions.indices {
      let centre = kernels[place(slot, d)]
      let at = sortedPlace(of: centre, slot, d)
      sortedCentres[d].insert(centre, at: at)
      sortedSlots[d].insert(Int32(slot), at: at)
      markDirty(around: at, d)
    }
    if dimensions.isEmpty { touched.append(Int32(slot)) }
  }

  private mutating func deactivate(_ slot: Int) {
    activeCount -= 1
    logScales[slot] = -.infinity
    filterScales[slot] = -.infinity
    guard !isUnsorted else { return }
    for d in dimensions.indices {
      let at = sortedPlace(of: kernels[place(slot, d)], slot, d)
      sortedCentres[d].remove(at: at)
      sortedSlots[d].remove(at: at)
      markDirty(around: at, d)
      if at > 0 { markDirty(around: at - 1, d) }
    }
  }

  /// Marks the point at a sorted place and its neighbours for refitting.
  private mutating func markDirty(around place: Int, _ d: Int) {
    for at in max(0, place - 1)..<min(place + 2, sortedSlots[d].count) {
      dirtySlots[d].append(sortedSlots[d][at])
    }
  }

  /// The place of a coordinate among the sorted ones.
  func sortedPlace(of centre: Double, _ slot: Int, _ d: Int) -> Int {
    var (low, high) = (0, sortedCentres[d].count)
    while low < high {
      let middle = (low + high) / 2
      let other = sortedCentres[d][middle]
      if other < centre || (other == centre && sortedSlots[d][middle] < slot) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  /// Makes room for a slot; later ones move up.
  private mutating func openSlot(_ slot: Int) {
    let count = numbers.count
    if count.isMultiple(of: Self.blockSize) {
      kernels.append(contentsOf: repeatElement(1, count: blockStride))
      logScales.append(contentsOf: repeatElement(-.infinity, count: Self.blockSize))
      filter.append(contentsOf: repeatElement(1, count: filterStride))
      filterScales.append(contentsOf: repeatElement(-.infinity, count: Self.blockSize))
    }
    logDivisors.append(contentsOf: repeatElement(0, count: dimensions.count))
    if isUniform {
      lowerTails.append(contentsOf: repeatElement(0, count: dimensions.count))
      masses.append(contentsOf: repeatElement(1, count: dimensions.count))
    }
    guard slot < count else { return }
    for later in stride(from: count, to: slot, by: -1) { copySlot(later - 1, to: later) }
    logScales[slot] = -.infinity
    filterScales[slot] = -.infinity
    shiftSlots(from: slot, by: 1)
  }

  /// Takes a slot away, whose number is gone already; later ones move down.
  private mutating func closeSlot(_ slot: Int) {
    let count = numbers.count
    for d in gridIndices.indices { gridIndices[d].remove(at: slot) }
    for c in choices.indices { choices[c].remove(at: slot) }
    if slot < count {
      for later in slot..<count { copySlot(later + 1, to: later) }
      shiftSlots(from: slot + 1, by: -1)
    }
    touched.removeAll { $0 == count }
    for d in dirtySlots.indices { dirtySlots[d].removeAll { $0 == count } }
    logScales[count] = -.infinity
    filterScales[count] = -.infinity
    logDivisors.removeLast(dimensions.count)
    if isUniform {
      lowerTails.removeLast(dimensions.count)
      masses.removeLast(dimensions.count)
    }
    if count.isMultiple(of: Self.blockSize) {
      kernels.removeLast(blockStride)
      logScales.removeLast(Self.blockSize)
      filter.removeLast(filterStride)
      filterScales.removeLast(Self.blockSize)
    }
  }

  private mutating func copySlot(_ from: Int, to: Int) {
    for d in dimensions.indices {
      kernels[place(to, d)] = kernels[place(from, d)]
      kernels[place(to, d) + Self.blockSize] = kernels[place(from, d) + Self.blockSize]
      let (source, target) = (from * dimensions.count + d, to * dimensions.count + d)
      logDivisors[target] = logDivisors[source]
      if isUniform {
        lowerTails[target] = lowerTails[source]
        masses[target] = masses[source]
      }
    }
    for d in 0..<continuousCount {
      let (source, target) = (filterPlace(from, d), filterPlace(to, d))
      filter[target] = filter[source]
      filter[target + Self.blockSize] = filter[source + Self.blockSize]
    }
    logScales[to] = logScales[from]
    filterScales[to] = filterScales[from]
  }

  private mutating func shiftSlots(from slot: Int, by change: Int32) {
    func shift(_ slots: inout [Int32]) {
      for place in slots.indices where slots[place] >= slot { slots[place] += change }
    }
    shift(&inactiveSlots)
    shift(&touched)
    for d in dimensions.indices {
      shift(&sortedSlots[d])
      shift(&dirtySlots[d])
    }
  }
}
