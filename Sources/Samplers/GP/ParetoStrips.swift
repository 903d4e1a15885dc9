internal import System

/// The part of the plane that a Pareto front of two maximized objectives leaves, cut into strips.
///
/// The expected gain of dominated area of two independent normal values is a sum over the strips of
/// products of one-dimensional improvements: Yang, Emmerich, Deutz and Bäck, "Efficient Computation
/// of Expected Hypervolume Improvement Using Box Decomposition Algorithms", J. Global Optimization
/// 75, 2019, §4.
struct ParetoStrips {
  /// The lower limits of the strips in the first objective, descending; the upper limit of the
  /// first strip is infinite, that of any other the lower limit of the one before it.
  private var sides: [Double] = []
  /// Above which value of the second objective a point of the strip gains.
  private var floors: [Double] = []

  /// - Parameters:
  ///   - points: Values of both objectives.
  ///   - reference: The point above which area counts.
  init(_ points: [(Double, Double)], reference: (Double, Double)) {
    let sorted = points.filter { $0.0 > reference.0 && $0.1 > reference.1 }
      .sorted { $0.0 == $1.0 ? $0.1 > $1.1 : $0.0 > $1.0 }
    var floor = reference.1
    for point in sorted where point.1 > floor {
      sides.append(point.0)
      floors.append(floor)
      floor = point.1
    }
    sides.append(reference.0)
    floors.append(floor)
  }

  /// A logarithm with its derivatives by the means and the deviations of the two objectives.
  struct Gain {
    var value: Double
    var byMeans: (Double, Double)
    var byDeviations: (Double, Double)
  }

  /// The logarithm of the expected gain of area.
  func logGain(means: (Double, Double), deviations: (Double, Double)) -> Gain {
    // With ψ(l) = E max(0, Y − l) the strip from l to u gains (ψ₁(l) − ψ₁(u)) ψ₂(floor).
    var logs: [Double] = []
    var parts: [Gain] = []
    var upper: (value: Double, byMean: Double, byDeviation: Double) = (-.infinity, 0, 0)
    for (side, floor) in zip(sides, floors) {
      let lower = LogImprovement.excess(mean: means.0, deviation: deviations.0, over: side)
      let height = LogImprovement.excess(mean: means.1, deviation: deviations.1, over: floor)
      let ratio = exp(min(upper.value - lower.value, 0))
      let width = max(1 - ratio, 1e-15)
      let log = lower.value + log(width) + height.value
      logs.append(log)
      parts.append(
        Gain(
          value: log,
          byMeans: ((lower.byMean - ratio * upper.byMean) / width, height.byMean),
          byDeviations: (
            (lower.byDeviation - ratio * upper.byDeviation) / width, height.byDeviation
          )))
      upper = lower
    }
    let total = logs.logSumOfExponentials
    var gain = Gain(value: total, byMeans: (0, 0), byDeviations: (0, 0))
    for part in parts {
      let share = exp(part.value - total)
      gain.byMeans.0 += share * part.byMeans.0
      gain.byMeans.1 += share * part.byMeans.1
      gain.byDeviations.0 += share * part.byDeviations.0
      gain.byDeviations.1 += share * part.byDeviations.1
    }
    return gain
  }
}
