internal import Probability
internal import StudyModel
internal import System

/// Points at which densities are evaluated, in the coordinates of the kernel space.
struct CandidateBatch {
  /// The number of points.
  let count: Int
  /// Per dimension and point, the coordinate; of a discrete dimension the middle of the cell.
  var coordinates: [Double]
  /// Per point and continuous dimension, the coordinate in units of the width.
  private(set) var filterCoordinates: [Float]
  /// Per discrete dimension and point, the cell.
  var cells: [KernelDimension.Cell]
  /// Per category and point, the choice.
  var choices: [Int32]
  /// Per point, the logarithm of the prior kernel's density, without the constants of the space.
  var priorExponents: [Double]

  /// Creates the batch of points given by internal values in the order of the space.
  init(_ points: [[Double]], for estimator: ParzenEstimator) {
    self.init(count: points.count, for: estimator)
    for (c, point) in points.enumerated() {
      for (d, dimension) in estimator.dimensions.enumerated() {
        let value = point[dimension.parameter]
        if let grid = dimension.grid {
          setCell(dimension.cell(of: value, in: grid), d, c, estimator)
        } else {
          coordinates[d * count + c] = dimension.coordinate(of: value)
        }
      }
      for (k, category) in estimator.categories.enumerated() {
        choices[k * count + c] = Int32(clamped: point[category.parameter])
      }
    }
    complete(estimator)
  }

  /// Creates an empty batch to be filled.
  init(count: Int, for estimator: ParzenEstimator) {
    self.count = count
    coordinates = Array(repeating: 0, count: estimator.dimensions.count * count)
    filterCoordinates = Array(repeating: 0, count: max(1, estimator.continuousCount * count))
    cells = Array(
      repeating: KernelDimension.Cell(middle: 0, width: 0, index: -1),
      count: (estimator.dimensions.count - estimator.continuousCount) * count)
    choices = Array(repeating: 0, count: estimator.categories.count * count)
    priorExponents = []
  }

  mutating func setCell(
    _ cell: KernelDimension.Cell, _ d: Int, _ c: Int, _ estimator: borrowing ParzenEstimator
  ) {
    coordinates[d * count + c] = cell.middle
    cells[(d - estimator.continuousCount) * count + c] = cell
  }

  /// Completes a filled batch; evaluates the prior kernel: centre in the middle, σ the width, where
  /// the parameter has no prior of its own.
  mutating func complete(_ estimator: ParzenEstimator) {
    priorExponents = Array(repeating: estimator.priorLogScale, count: count)
    for (d, dimension) in estimator.dimensions.enumerated() {
      let middle = dimension.belief?.centre ?? dimension.middle
      let sigma = dimension.belief?.sigma ?? dimension.width
      for c in 0..<count {
        if d < estimator.continuousCount {
          let coordinate = coordinates[d * count + c]
          filterCoordinates[c * estimator.continuousCount + d] = dimension.filterUnits(coordinate)
          let z = (coordinate - middle) / sigma
          priorExponents[c] -= 0.5 * z * z
        } else {
          let cell = cells[(d - estimator.continuousCount) * count + c]
          priorExponents[c] += CellMassTable.logMass(of: cell, middle, sigma)
        }
      }
    }
    let uniform = estimator.categories.reduce(0) { $0 + log(Double($1.choiceCount)) }
    for c in 0..<count { priorExponents[c] -= uniform }
    for (k, category) in estimator.categories.enumerated() where !category.weights.isEmpty {
      for c in 0..<count { priorExponents[c] += log(category.share(choices[k * count + c])) }
    }
  }
}
