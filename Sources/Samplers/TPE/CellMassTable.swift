internal import Probability
internal import System

/// The masses that kernels of the smallest bandwidth give to the cells of a grid, computed when
/// asked for and then kept: on a grid nearly all kernels are of that kind, and many are equal.
struct CellMassTable {
  /// Grids with more points are computed each time.
  private static let largestGrid = 512.0

  private let dimension: KernelDimension
  private let count: Int
  private var bandwidth = 0.0
  private var rows: [[Double]] = []

  init(_ dimension: KernelDimension) {
    self.dimension = dimension
    if let last = dimension.grid?.last, last < Self.largestGrid {
      count = Int(clamped: last) + 1
    } else {
      count = 0
    }
  }

  /// Sets the smallest bandwidth; forgets what belongs to another.
  mutating func use(bandwidth: Double) {
    guard bandwidth != self.bandwidth else { return }
    self.bandwidth = bandwidth
    rows = Array(repeating: [], count: count)
  }

  /// The logarithm of the mass of `cell` under the normal with that centre and σ, whose place in
  /// the grid is `index` (−1 off the grid).
  mutating func logMass(
    of cell: KernelDimension.Cell, centre: Double, index: Int32, sigma: Double
  ) -> Double {
    guard sigma == bandwidth, count > 0, index >= 0, cell.index >= 0 else {
      return Self.logMass(of: cell, centre, sigma)
    }
    let (row, column) = (Int(cell.index), Int(index))
    if rows[row].isEmpty { rows[row] = Array(repeating: .nan, count: count) }
    let known = rows[row][column]
    if !known.isNaN { return known }
    let mass = Self.logMass(of: cell, dimension.centre(at: index), sigma)
    rows[row][column] = mass
    return mass
  }

  static func logMass(of cell: KernelDimension.Cell, _ centre: Double, _ sigma: Double) -> Double {
    StandardNormal.logMass(around: (cell.middle - centre) / sigma, width: cell.width / sigma)
  }
}
