internal import StudyModel
internal import System

/// How losses become scores for a Gaussian process: larger is better, mean 0, variance 1.
///
/// Losses are counted from the best one in units of their median distance to it, so that neither
/// shift nor scale of the objective matters. A logarithm of adjustable width then spreads the good
/// values and draws the bad ones together; which width, or none, is learned as part of the model:
/// Snelson, Rasmussen and Ghahramani, "Warped Gaussian Processes", NeurIPS 2003.
struct OutputTransform: Sendable, Hashable {
  /// The distance to the best loss, in medians, around which the logarithm bends; infinite for
  /// losses as they are, of which only far outliers are drawn in.
  var width: Double

  /// The transforms that are compared, from no logarithm to a sharp one.
  static let all = [.infinity, 1, 0.1, 0.01].map { OutputTransform(width: $0) }

  /// The medians from the best loss at which an outlier begins.
  private static let outlierStart = 5.0

  /// The scores of finite losses, and the logarithm of the density that the transform adds to each.
  ///
  /// - Parameter unit: The unit of the losses, if it is known.
  func scores(
    of losses: [Double], unit: Double? = nil
  ) -> (scores: [Double], logJacobian: Double) {
    guard let best = losses.min() else { return ([], 0) }
    let distances = losses.map { $0 - best }
    let unit = unit ?? Self.unit(ofLosses: losses)
    var logJacobian = 0.0
    var transformed = distances.map { distance in
      let x = min(distance / unit, 1e300)
      if width.isFinite {
        logJacobian -= log(width + x)
        return log1p(x / width)
      }
      guard x > Self.outlierStart else { return x }
      logJacobian -= log1p(x - Self.outlierStart)
      return Self.outlierStart + log1p(x - Self.outlierStart)
    }
    let count = Double(losses.count)
    let mean = transformed.reduce(0, +) / count
    let variance = transformed.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let deviation = variance.squareRoot()
    guard deviation > 0 else { return (Array(repeating: 0, count: losses.count), 0) }
    for i in transformed.indices { transformed[i] = (mean - transformed[i]) / deviation }
    return (transformed, logJacobian - count * log(deviation))
  }

  /// The median distance of losses to the best one, or where most are 0 the median of the others;
  /// positive.
  static func unit(ofLosses losses: [Double]) -> Double {
    let sorted = losses.sorted()
    return unit(count: sorted.count, best: sorted.first ?? 0) { sorted[$0] }
  }

  /// The same of losses whose order is known, in time logarithmic in their number.
  static func unit(ofLosses losses: RankedValues) -> Double {
    let count = losses.numberCount
    return unit(count: count, best: count > 0 ? losses[0] : 0) { losses[$0] }
  }

  /// - Parameter loss: The loss of that rank, counted from 0 at the best.
  private static func unit(count: Int, best: Double, loss: (Int) -> Double) -> Double {
    guard count > 0 else { return 1 }
    let median = loss(count / 2) - best
    if median > 0 { return median }
    // The first rank behind all that are as good as the best.
    var (low, high) = (count / 2, count)
    while low < high {
      let middle = (low + high) / 2
      if loss(middle) - best > 0 { high = middle } else { low = middle + 1 }
    }
    return low < count ? loss(low + (count - low) / 2) - best : 1
  }
}
