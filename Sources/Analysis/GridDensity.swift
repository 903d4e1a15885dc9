internal import Probability
internal import StudyModel
internal import System

/// A Parzen estimate of one parameter's values on a grid of at most 50 points.
///
/// The bandwidth follows Scott, "Multivariate Density Estimation" (1992); the prior is one more
/// kernel of weight 1 that covers the whole grid.
struct GridDensity {
  /// The probability of each point of the grid, or of each choice.
  let masses: [Double]

  private static let pointLimit = 50
  private static let priorWeight = 1.0

  /// - Parameters:
  ///   - distribution: Of more than one value.
  ///   - values: Internal values; at least one.
  init(of distribution: Distribution, at values: [Double]) {
    if case .categorical(let categorical) = distribution, !distribution.isOrdered {
      masses = Self.categoricalMasses(choices: categorical.choices.count, values)
    } else {
      masses = Self.numericMasses(Self.counts(values, on: Grid(distribution)))
    }
  }

  /// Evenly spaced points from a bound to the other, on a logarithmic scale if the parameter is.
  private struct Grid {
    let isLogarithmic: Bool
    let low: Double
    let high: Double
    var points = pointLimit

    init(_ distribution: Distribution) {
      var (low, high) = (0.0, 1.0)
      switch distribution {
      case .float(let float):
        isLogarithmic = float.log || (distribution.isLogarithmic && float.low > 0)
        (low, high) = (float.low, float.high)
        if let last = float.lastPlace { points = Self.fewer(points, than: Double(last)) }
      case .int(let int):
        isLogarithmic = int.log
        (low, high) = (Double(int.low), Double(int.high))
        let count =
          int.log
          ? (log(high - low + 1) / log(2)).rounded(.up)
          : ((high - low) / Double(int.step)).rounded(.toNearestOrEven)
        points = Self.fewer(points, than: count)
      case .categorical(let categorical):
        isLogarithmic = false
        high = Double(categorical.choices.count - 1)
        points = Self.fewer(points, than: high)
      case .opaque: isLogarithmic = false
      }
      self.low = isLogarithmic ? log(low) : low
      self.high = isLogarithmic ? log(high) : high
    }

    /// The points of a grid of so many steps, at most `limit`; the steps may be more than an `Int`
    /// holds.
    private static func fewer(_ limit: Int, than steps: Double) -> Int {
      min(Int(clamped: steps, to: 0...limit) + 1, limit)
    }
  }

  /// How many values are nearest to each point; in the middle between two, the lower one counts.
  private static func counts(_ values: [Double], on grid: Grid) -> [Int] {
    // Halves keep the difference of huge bounds finite.
    let unit = (grid.high - grid.low).isFinite ? 1 : 0.5
    let spacing = (grid.high * unit - grid.low * unit) / Double(grid.points - 1)
    var counts = [Int](repeating: 0, count: grid.points)
    for value in values {
      let place = grid.isLogarithmic ? log(value) : value
      let position = (place * unit - grid.low * unit) / spacing - 0.5
      counts[Int(clamped: position.rounded(.up), to: 0...grid.points - 1)] += 1
    }
    return counts
  }

  private static func numericMasses(_ counts: [Int]) -> [Double] {
    let points = counts.indices.filter { counts[$0] > 0 }
    let size = Double(counts.count)
    let total = points.reduce(0) { $0 + counts[$1] }
    var kernels = points.map { (middle: Double($0), weight: Double(counts[$0])) }
    let mean = kernels.reduce(0) { $0 + $1.middle * $1.weight } / Double(total)
    let squares = kernels.reduce(0) { $0 + ($1.middle - mean) * ($1.middle - mean) * $1.weight }
    let deviation = (squares / Double(max(1, total - 1))).squareRoot()

    var cumulated: [Int] = []
    for point in points { cumulated.append((cumulated.last ?? 0) + counts[point]) }
    let first = cumulated.firstIndex { $0 >= total / 4 } ?? 0
    let third = cumulated.firstIndex { $0 > total * 3 / 4 } ?? points.count - 1
    let range = Double(points[third] - points[first])
    let scott = 1.059 * min(range / 1.34, deviation) * pow(Double(total), -0.2)
    // 90 % of a kernel lies within one cell at least.
    let bandwidth = max(scott, 0.5 / 1.64)

    kernels.append((middle: (size - 1) / 2, weight: priorWeight))
    var masses = [Double](repeating: 0, count: counts.count)
    for (index, kernel) in kernels.enumerated() {
      let width = index < points.count ? bandwidth : size
      let inside = StandardNormal.logMass(
        from: (-0.5 - kernel.middle) / width, to: (size - 0.5 - kernel.middle) / width)
      let weight = kernel.weight / (Double(total) + priorWeight)
      for point in masses.indices {
        let distance = Double(point) - kernel.middle
        let mass = StandardNormal.logMass(
          from: (distance - 0.5) / width, to: (distance + 0.5) / width)
        masses[point] += weight * exp(mass - inside)
      }
    }
    return masses
  }

  private static func categoricalMasses(choices: Int, _ values: [Double]) -> [Double] {
    var counts = [Int](repeating: 0, count: choices)
    for value in values where value > -1 && value < Double(choices) {
      counts[Int(clamped: value, to: 0...choices - 1)] += 1
    }
    let observed = counts.indices.filter { counts[$0] > 0 }
    let kernels = Double(observed.count + 1)
    let total = Double(counts.reduce(0, +)) + priorWeight
    let base = priorWeight / kernels
    // A kernel per observed choice, smoothed with the prior; the last one is the prior alone.
    let rest = base / (Double(choices) * base + 1)
    let peak = (1 + base) / (Double(choices) * base + 1)
    var masses = [Double](
      repeating: priorWeight / total / Double(choices), count: choices)
    for choice in observed {
      let weight = Double(counts[choice]) / total
      for other in masses.indices { masses[other] += weight * (other == choice ? peak : rest) }
    }
    return masses
  }
}
