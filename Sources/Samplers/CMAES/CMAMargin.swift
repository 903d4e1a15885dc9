internal import Probability
package import StudyModel
internal import System

/// Keeps the discrete coordinates of CMA-ES from getting stuck on one value: the values beside the
/// mean's keep at least some probability.
///
/// Hamano, Saito, Nomura and Shirakawa, "CMA-ES with Margin: Lower-Bounding Marginal Probability
/// for Mixed-Integer Black-Box Optimization", GECCO 2022, §4.
package struct CMAMargin: Sendable {
  /// The least probability, α; of one side of a value in the middle half of it.
  package let margin: Double
  /// By coordinate the discrete parameter; nil for a continuous one.
  private let boxes: [UnitBox?]
  /// The diagonal of A, which stretches what is drawn before it is rounded.
  package private(set) var stretch: [Double]

  /// Starts without any stretch.
  package init(_ distributions: [Distribution], margin: Double) {
    self.margin = margin
    boxes = distributions.map { $0.isDiscrete ? $0.unitBox : nil }
    stretch = distributions.map { _ in 1 }
  }

  /// Whether values of this coordinate, counted from 0, lie on a grid.
  package func isDiscrete(_ coordinate: Int) -> Bool { boxes[coordinate] != nil }

  /// Where a drawn point comes to lie: on the grid of each discrete coordinate.
  package func rounded(_ point: [Double], mean: [Double]) -> [Double] {
    point.indices.map { i in
      guard let box = boxes[i] else { return point[i] }
      let stretched = (point[i] - mean[i]) * stretch[i] + mean[i]
      return box.cell(at: stretched).centre
    }
  }

  /// Moves the mean and the stretch after an update of the distribution: equations 8 to 17.
  package mutating func apply(to distribution: inout CMADistribution) {
    for i in boxes.indices {
      guard let box = boxes[i] else { continue }
      let mean = distribution.mean[i]
      let cell = box.cell(at: mean)
      guard let below = cell.low ?? cell.high, let above = cell.high ?? cell.low else { continue }
      let deviation = distribution.deviation(of: i)
      let scale = deviation * stretch[i]
      guard scale > 0, scale.isFinite else { continue }
      let low = StandardNormal.cumulative((below - mean) / scale)
      let high = 1 - StandardNormal.cumulative((above - mean) / scale)
      if max(low, high) > 0.5 {
        // At the end of the range: towards the only boundary there is.
        guard min(low, high) < margin else { continue }
        let side = mean > above ? 1.0 : mean < above ? -1 : 0
        distribution.mean[i] = above + side * scale * Self.quantile(margin)
        continue
      }
      let middle = 1 - (low + high)
      let (least, most) = (max(low, margin / 2), max(high, margin / 2))
      let excess = (1 - least - most - middle) / (least + middle + most - 3 * margin / 2)
      func modified(_ p: Double) -> Double {
        min(max(p + excess * (p - margin / 2), 1e-10), 0.5 - 1e-10)
      }
      let (zLow, zHigh) = (Self.quantile(modified(least)), Self.quantile(modified(most)))
      stretch[i] = (above - below) / ((zLow + zHigh) * deviation)
      distribution.mean[i] = (below * zHigh + above * zLow) / (zLow + zHigh)
    }
  }

  /// How many deviations away from the mean a probability `p` lies beyond.
  private static func quantile(_ p: Double) -> Double { -StandardNormal.quantile(p) }
}

extension UnitBox {
  /// The grid's value at a place from 0 to 1: its own place, and the boundaries to its neighbours;
  /// nil where there is none.
  func cell(at unit: Double) -> (low: Double?, centre: Double, high: Double?) {
    let value = value(unit)
    let (first, last, step): (Double, Double, Double)
    switch distribution {
    case .float(let d): (first, last, step) = (d.low, d.high, d.step ?? 0)
    case .int(let d): (first, last, step) = (Double(d.low), Double(d.high), Double(d.step))
    case .categorical(let d): (first, last, step) = (0, Double(d.choices.count - 1), 1)
    case .opaque: return (nil, unit, nil)
    }
    return (
      value > first ? boundary(value - step / 2) : nil, self.unit(value),
      value < last ? boundary(value + step / 2) : nil
    )
  }
}
