internal import Probability
internal import StudyModel

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A numeric parameter as the kernels see it: a bounded real axis, with a grid if it is discrete.
///
/// The kernel space is that of the parameter, in logarithms where its scale is logarithmic, and
/// times a power of two where a range is so wide or narrow that its width, or a hundredth of it,
/// could not be represented.
struct KernelDimension {
  /// The place of the parameter in the space.
  let parameter: Int
  /// The bounds, half a step beyond the distribution's.
  let low: Double
  let high: Double
  /// high − low, the bandwidth of the prior kernel.
  let width: Double
  /// Whether the kernel space is logarithmic.
  let isLogarithmic: Bool
  /// The grid of a discrete parameter in its own units; nil for a continuum.
  let grid: Grid?
  /// The logarithm of the factor between kernel space and the parameter's own.
  let logScale: Double
  private let scale: Double
  private let distribution: Distribution

  /// The values low, low + step, … of a discrete parameter.
  struct Grid {
    let low: Double
    let step: Double
    let count: Int
  }

  /// What the density at a discrete value is the probability of, in kernel space.
  struct Cell {
    var middle: Double
    var width: Double
    /// The value's place in the grid; −1 if it is not on it.
    var index: Int
  }

  /// Creates the dimension of a parameter; nil for a categorical one.
  init?(_ distribution: Distribution, parameter: Int) {
    guard let (low, high) = distribution.box else { return nil }
    self.parameter = parameter
    self.distribution = distribution
    let width = high - low
    scale = width > 0x1p1022 ? 0.25 : width < 0x1p-900 ? 0x1p900 : 1
    logScale = log(scale)
    self.low = low * scale
    self.high = high * scale
    self.width = self.high - self.low
    switch distribution {
    case .float(let d):
      isLogarithmic = d.log
      grid = d.step.map {
        Grid(low: d.low, step: $0, count: Int(clamping: ((d.high - d.low) / $0).rounded()) + 1)
      }
    case .int(let d):
      isLogarithmic = d.log
      grid = Grid(low: Double(d.low), step: Double(d.step), count: (d.high - d.low) / d.step + 1)
    case .categorical: return nil
    }
  }

  /// The kernel coordinate of an internal value; not finite when it has none.
  func coordinate(of internalValue: Double) -> Double {
    isLogarithmic ? log(internalValue) : internalValue * scale
  }

  /// The internal value of a coordinate: on the grid and within the bounds.
  func internalValue(at coordinate: Double) -> Double {
    distribution.internalValue(ofBoxed: isLogarithmic ? coordinate : coordinate / scale)
  }

  /// The interval of the discrete value in kernel space.
  func cell(of internalValue: Double, in grid: Grid) -> Cell {
    let index = gridIndex(of: internalValue, in: grid)
    // Values that rounding moved off the grid share the cell of their grid point.
    let value = index >= 0 ? grid.low + Double(index) * grid.step : internalValue
    let half = grid.step / 2
    guard isLogarithmic else {
      return Cell(middle: value * scale, width: grid.step * scale, index: index)
    }
    let left = log(value - half)
    // As a logarithm of the quotient: beyond 2⁵² the two bounds' logarithms no longer differ.
    let width = log1p(grid.step / (value - half))
    return Cell(middle: left + 0.5 * width, width: width, index: index)
  }

  /// The coordinate of the grid's point at that place.
  func centre(at index: Int) -> Double {
    guard let grid else { return .nan }
    return coordinate(of: grid.low + Double(index) * grid.step)
  }

  /// The place of a value in the grid; −1 if it is not on it.
  func gridIndex(of internalValue: Double, in grid: Grid) -> Int {
    let place = (internalValue - grid.low) / grid.step
    let nearest = place.rounded()
    guard nearest >= 0, nearest < Double(grid.count), abs(place - nearest) < 1e-9 else { return -1 }
    return Int(nearest)
  }
}

extension Int {
  /// The whole number nearest to a finite or infinite value, within 32 bits.
  fileprivate init(clamping value: Double) {
    self = value < 0x1p31 ? Int(value) : 1 << 31
  }
}
