internal import Probability
internal import StudyModel
internal import System

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
  /// Whether the kernel space is logarithmic, nothing more to it.
  let isLogarithmic: Bool
  /// The centre and the bandwidth of the prior kernel where the parameter has a prior of its own;
  /// nil for the middle and the width.
  let belief: (centre: Double, sigma: Double)?
  /// The grid of a discrete parameter in its own units; nil for a continuum.
  let grid: Grid?
  /// The logarithm of the factor between kernel space and the parameter's own.
  let logScale: Double
  private let scale: Double
  /// The scale of the kernel space where it is not plain, nor a plain logarithm.
  private let special: NumberScale?

  /// The values low, low + step, … of a discrete parameter.
  struct Grid {
    let low: Double
    let step: Double
    /// The place of the last point, a whole number.
    let last: Double
  }

  /// What the density at a discrete value is the probability of, in kernel space.
  struct Cell {
    var middle: Double
    var width: Double
    /// The value's place in the grid; −1 if it is not on it, or beyond 32 bits.
    var index: Int32
  }

  /// Creates the dimension of a parameter; nil for a categorical one.
  init?(_ distribution: Distribution, parameter: Int) {
    guard let box = distribution.box else { return nil }
    let (low, high) = (box.low, box.high)
    self.parameter = parameter
    let width = high - low
    scale = width > 0x1p1022 ? 0.25 : width < 0x1p-900 ? 0x1p900 : 1
    logScale = log(scale)
    self.low = low * scale
    self.high = high * scale
    self.width = self.high - self.low
    if case .normal(let mean, let deviation)? = distribution.belief {
      belief = (mean * scale, deviation * scale)
    } else {
      belief = nil
    }
    switch distribution.scale {
    case .linear, .logarithmic(least: 0): special = nil
    case let other: special = other
    }
    switch distribution {
    case .float(let d):
      isLogarithmic = d.log
      grid = d.step.map {
        Grid(low: d.low, step: $0, last: Double(d.lastPlace ?? 0))
      }
    case .int(let d):
      isLogarithmic = d.log
      grid = Grid(low: Double(d.low), step: Double(d.step), last: Double(d.lastPlace))
    case .categorical(let d):
      isLogarithmic = false
      grid = Grid(low: 0, step: 1, last: Double(d.choices.count - 1))
    case .opaque: return nil
    }
  }

  /// The middle of the bounds, the centre of the prior kernel.
  var middle: Double { 0.5 * low + 0.5 * high }

  /// The logarithm of what the prior kernel of a prior of its own is divided by, as a density by
  /// its share of the width; 0 without one.
  var beliefLogScale: Double {
    guard let (centre, sigma) = belief else { return 0 }
    let logMass = StandardNormal.logMass(
      from: (low - centre) / sigma, to: (high - centre) / sigma)
    return -logMass - (grid == nil ? log(sigma / width) : 0)
  }

  /// The kernel coordinate of an internal value; not finite when it has none.
  func coordinate(of internalValue: Double) -> Double {
    if let special { return special.point(internalValue) * scale }
    return isLogarithmic ? log(internalValue) : internalValue * scale
  }

  /// A coordinate in units of the width, from the lower bound on; what is far outside is moved
  /// nearer.
  func filterUnits(_ coordinate: Double) -> Float {
    Float(min(max((coordinate - low) / width, -1_000), 1_000))
  }

  /// The point of the distribution's box at a coordinate.
  func boxed(_ coordinate: Double) -> Double {
    isLogarithmic && special == nil ? coordinate : coordinate / scale
  }

  /// The cell of the grid's point nearest to a coordinate.
  func cell(nearest coordinate: Double, in grid: Grid) -> Cell {
    let value =
      special?.value(coordinate / scale)
      ?? (isLogarithmic ? exp(coordinate) : coordinate / scale)
    let place = ((value - grid.low) / grid.step + 0.5).rounded(.down)
    return cell(at: min(max(place, 0), grid.last), in: grid)
  }

  /// The cell of an internal value; values that rounding moved off the grid share that of their
  /// point.
  func cell(of internalValue: Double, in grid: Grid) -> Cell {
    let index = gridIndex(of: internalValue, in: grid)
    if index >= 0 { return cell(at: Double(index), in: grid) }
    return cell(around: internalValue, grid.step, -1)
  }

  private func cell(at place: Double, in grid: Grid) -> Cell {
    let index = place < 0x1p31 ? Int32(clamped: place) : -1
    return cell(around: grid.low + place * grid.step, grid.step, index)
  }

  private func cell(around value: Double, _ step: Double, _ index: Int32) -> Cell {
    if special != nil {
      let (left, right) = (
        max(coordinate(of: value - step / 2), low), min(coordinate(of: value + step / 2), high)
      )
      // The cells at the ends go as far as values are drawn.
      let width = max(right - left, self.width * 1e-12)
      return Cell(middle: left + width / 2, width: width, index: index)
    }
    guard isLogarithmic else {
      return Cell(middle: value * scale, width: step * scale, index: index)
    }
    let left = value - 0.5 * step
    // As a logarithm of the quotient: beyond 2⁵² the two bounds' logarithms no longer differ.
    let width = log1p(step / left)
    return Cell(middle: log(left) + 0.5 * width, width: width, index: index)
  }

  /// The place of a value in the grid; −1 if it is not on it, or beyond 32 bits.
  func gridIndex(of internalValue: Double, in grid: Grid) -> Int32 {
    let place = (internalValue - grid.low) / grid.step
    let nearest = place.rounded()
    guard nearest >= 0, nearest <= grid.last, nearest < 0x1p31, abs(place - nearest) < 1e-9 else {
      return -1
    }
    return Int32(clamped: nearest)
  }

  /// The coordinate of the grid's point at that place.
  func centre(at index: Int32) -> Double {
    guard let grid else { return .nan }
    return coordinate(of: grid.low + Double(index) * grid.step)
  }
}
