internal import LinearAlgebra
internal import Probability
internal import System

/// What a suggestion maximizes, in logarithms: the expected gain over what is known, times the
/// probability that the constraints hold.
struct AcquisitionFunction {
  /// What counts as a gain.
  enum Goal {
    /// A value above the best one, averaged over the draws of pending values.
    case improvement(Surrogate)
    /// A larger dominated area of two objectives, both maximized.
    case area(Surrogate, Surrogate, fronts: [ParetoStrips])
    /// Nothing yet: no trial is feasible, so that only feasibility counts.
    case feasibility

    /// For people.
    var name: String {
      switch self {
      case .improvement: "log expected improvement"
      case .area: "log expected gain of dominated area"
      case .feasibility: "log probability of feasibility"
      }
    }
  }

  let goal: Goal
  /// Per constraint, its model and the score from which on it holds.
  let constraints: [(model: Surrogate, threshold: Double)]
  /// What is added to the mean of the objective's model; nil for nothing.
  var guide: Guide?

  /// The values at a batch of points.
  func values(at points: FeaturePoints) -> [Double] {
    evaluate(points, withGradients: false).values
  }

  /// The values at a batch of points and the gradients by their features, a column per point.
  func valuesAndGradients(at points: FeaturePoints) -> (values: [Double], gradients: Matrix) {
    evaluate(points, withGradients: true)
  }

  private func evaluate(
    _ points: FeaturePoints, withGradients: Bool
  ) -> (values: [Double], gradients: Matrix) {
    var values = Array(repeating: 0.0, count: points.count)
    var gradients = Matrix(
      zeros: withGradients ? points.features.rows : 0, withGradients ? points.count : 0)
    func add(_ model: Surrogate, _ prediction: Surrogate.Prediction, _ slopes: Slopes) {
      guard withGradients else { return }
      gradients.add(
        model.gradients(of: prediction, byMeans: slopes.byMeans, byVariances: slopes.byVariances))
    }
    /// The gradient of what the guide adds to the means of all draws.
    func addSlopes(_ added: [Surrogate.Prediction], _ slopes: Slopes) {
      guard withGradients, let guide else { return }
      let sums = (0..<points.count).map { slopes.byMeans.column($0).reduce(0, +) }
      for ((model, factor), prediction) in zip(guide.models, added) {
        gradients.add(
          model.gradients(
            of: prediction,
            byMeans: Matrix(rows: 1, columns: sums.count, elements: sums.map { $0 * factor }),
            byVariances: Array(repeating: 0, count: sums.count)))
      }
    }
    switch goal {
    case .feasibility: break
    case .improvement(let model):
      var prediction = model.predict(points, withSlopes: withGradients)
      let added = addGuide(&prediction, points, withGradients)
      var slopes = Slopes(prediction)
      Self.improvement(prediction, over: model.incumbents, &values, &slopes)
      Self.discountReplicates(prediction, noise: model.parameters.noise, &values, &slopes)
      add(model, prediction, slopes)
      addSlopes(added, slopes)
    case .area(let first, let second, let fronts):
      let predictions = (
        first.predict(points, withSlopes: withGradients),
        second.predict(points, withSlopes: withGradients)
      )
      var slopes = (Slopes(predictions.0), Slopes(predictions.1))
      Self.area(predictions, fronts, &values, &slopes)
      add(first, predictions.0, slopes.0)
      add(second, predictions.1, slopes.1)
    }
    for (model, threshold) in constraints {
      let prediction = model.predict(points, withSlopes: withGradients)
      var slopes = Slopes(prediction)
      for j in values.indices {
        let deviation = prediction.variances[j].squareRoot()
        let z = (prediction.means[0, j] - threshold) / deviation
        let logProbability = StandardNormal.logCumulative(z)
        let slope = exp(StandardNormal.logDensity(z) - logProbability)
        values[j] += logProbability
        slopes.byMeans[0, j] = slope / deviation
        slopes.byVariances[j] = -0.5 * slope * z / prediction.variances[j]
      }
      add(model, prediction, slopes)
    }
    return (values, gradients)
  }

  /// Adds the guide to the means of a prediction, and returns the predictions it is made of.
  private func addGuide(
    _ prediction: inout Surrogate.Prediction, _ points: FeaturePoints, _ withGradients: Bool
  ) -> [Surrogate.Prediction] {
    guard let guide else { return [] }
    let added = guide.models.map { $0.model.predict(points, withSlopes: withGradients) }
    let draws = prediction.means.rows
    for j in 0..<points.count {
      var sum = -guide.shift
      for (one, (_, factor)) in zip(added, guide.models) { sum += factor * one.means[0, j] }
      for q in 0..<draws { prediction.means.elements[q + j * draws] += sum }
    }
    return added
  }

  /// Derivatives of the values by the means and variances of one model.
  private struct Slopes {
    var byMeans: Matrix
    var byVariances: [Double]

    init(_ prediction: Surrogate.Prediction) {
      byMeans = Matrix(zeros: prediction.means.rows, prediction.means.columns)
      byVariances = Array(repeating: 0, count: prediction.variances.count)
    }
  }

  /// The logarithm of the improvement averaged over the draws.
  private static func improvement(
    _ prediction: Surrogate.Prediction, over incumbents: [Double], _ values: inout [Double],
    _ slopes: inout Slopes
  ) {
    let draws = incumbents.count
    var logs = Array(repeating: 0.0, count: draws)
    var byDeviation = logs
    for j in values.indices {
      let deviation = prediction.variances[j].squareRoot()
      for q in 0..<draws {
        let one = LogImprovement.excess(
          mean: prediction.means.elements[q + j * draws], deviation: deviation,
          over: incumbents[q])
        logs[q] = one.value
        slopes.byMeans.elements[q + j * draws] = one.byMean
        byDeviation[q] = one.byDeviation
      }
      let total = logs.logSumOfExponentials
      values[j] += total - log(Double(draws))
      var sum = 0.0
      for q in 0..<draws {
        let share = exp(logs[q] - total)
        slopes.byMeans.elements[q + j * draws] *= share
        sum += share * byDeviation[q]
      }
      slopes.byVariances[j] = 0.5 * sum / deviation
    }
  }

  /// Discounts points about which the model knows more than one more noisy value would tell: the
  /// factor 1 − τ / √(σ² + τ²) of augmented expected improvement. Without it a noisy objective is
  /// measured at its best point again and again. Huang, Allen, Notz and Zeng, "Global Optimization
  /// of Stochastic Black-Box Systems via Sequential Kriging Meta-Models", J. Global Optimization
  /// 34(3), 2006, equation 12.
  private static func discountReplicates(
    _ prediction: Surrogate.Prediction, noise: Double, _ values: inout [Double],
    _ slopes: inout Slopes
  ) {
    let tau = noise.squareRoot()
    for j in values.indices {
      let variance = prediction.variances[j]
      let whole = (variance + noise).squareRoot()
      // 1 − τ / r = σ² / (r (r + τ)), without cancellation.
      values[j] += log(variance) - log(whole) - log(whole + tau)
      slopes.byVariances[j] +=
        1 / variance - 0.5 / (whole * whole) - 0.5 / (whole * (whole + tau))
    }
  }

  /// The logarithm of the expected gain of area, averaged over the draws.
  private static func area(
    _ predictions: (Surrogate.Prediction, Surrogate.Prediction), _ fronts: [ParetoStrips],
    _ values: inout [Double], _ slopes: inout (Slopes, Slopes)
  ) {
    let draws = fronts.count
    for j in values.indices {
      let first = predictions.0.variances[j].squareRoot()
      let second = predictions.1.variances[j].squareRoot()
      let gains = fronts.indices.map { q in
        fronts[q].logGain(
          means: (predictions.0.means[q, j], predictions.1.means[q, j]), deviations: (first, second)
        )
      }
      let total = gains.map(\.value).logSumOfExponentials
      values[j] += total - log(Double(draws))
      for (q, gain) in gains.enumerated() {
        let share = exp(gain.value - total)
        slopes.0.byMeans[q, j] = share * gain.byMeans.0
        slopes.1.byMeans[q, j] = share * gain.byMeans.1
        slopes.0.byVariances[j] += 0.5 * share * gain.byDeviations.0 / first
        slopes.1.byVariances[j] += 0.5 * share * gain.byDeviations.1 / second
      }
    }
  }
}

extension [Double] {
  /// ln Σ exp, without overflow; −∞ when there is nothing to add.
  var logSumOfExponentials: Double {
    let largest = self.max() ?? -.infinity
    guard largest.isFinite else { return largest }
    return largest + log(reduce(0) { $0 + exp($1 - largest) })
  }
}
