package import LinearAlgebra
package import Probability
internal import System

/// The normal distribution that CMA-ES moves: mean m, step size σ, covariance C, and its two paths.
///
/// Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, 2016; equation numbers are
/// those there.
package struct CMADistribution: Sendable {
  /// The constants of the strategy.
  package let parameters: CMAParameters
  /// n, the number of coordinates; at least 1.
  package let dimension: Int
  /// m, where points are drawn around; n numbers.
  package internal(set) var mean: [Double]
  /// σ, the overall standard deviation; positive.
  package internal(set) var step: Double
  /// C, the n × n shape of the distribution without σ².
  package private(set) var covariance: Matrix
  /// p_c, from which the rank-one update comes; n numbers.
  package private(set) var covariancePath: [Double]
  /// p_σ, whose length tells whether σ grows; n numbers.
  package private(set) var stepPath: [Double]
  /// How often it was updated.
  package private(set) var generation = 0

  private let isSeparable: Bool
  /// The square roots of the covariance's eigenvalues, and its eigenvectors.
  private var scales: [Double]
  private var axes: Matrix?
  /// The best and the worst rank of recent generations have values for ``isStuck(tolerance:)``.
  private var recent: [ClosedRange<Double>] = []

  /// Beyond, only the diagonal of the covariance is learned: the decomposition would take too long.
  private static let largestFullDimension = 150
  private static let largestStep = 1e32

  /// - Parameter covariance: Symmetric and positive definite; nil for the identity.
  package init(mean: [Double], step: Double, covariance: Matrix? = nil, populationSize: Int? = nil)
  {
    dimension = mean.count
    isSeparable = dimension > Self.largestFullDimension
    parameters = CMAParameters(
      dimension: dimension,
      populationSize: populationSize ?? CMAParameters.defaultPopulation(of: dimension),
      isSeparable: isSeparable)
    self.mean = mean
    self.step = step
    self.covariance = covariance ?? Matrix(identity: dimension)
    covariancePath = Array(repeating: 0, count: dimension)
    stepPath = covariancePath
    scales = Array(repeating: 1, count: dimension)
    decompose()
  }

  /// Draws a point. 39 to 40.
  package func draw(using generator: inout TrialGenerator) -> [Double] {
    point(at: scales.map { _ in generator.uniform() })
  }

  /// The point to which a place in the unit cube corresponds.
  package func point(at place: [Double]) -> [Double] {
    let z = zip(scales, place).map { scale, uniform in
      // A uniform number of 0 has no quantile.
      scale * StandardNormal.quantile(max(uniform, 0x1p-54))
    }
    return zip(mean, rotated(z)).map { $0 + step * $1 }
  }

  /// The standard deviation of a coordinate.
  package func deviation(of coordinate: Int) -> Double {
    step * max(covariance[coordinate, coordinate], 0).squareRoot()
  }

  /// Takes in a generation.
  ///
  /// - Parameters:
  ///   - points: As many as ``CMAParameters/populationSize``, the best first.
  ///   - strangers: Which of them were not drawn from this distribution, such as those of earlier
  ///     generations: they count for at most so long a way. Hansen, "Injecting External Solutions
  ///     into CMA-ES", 2011, equation 4.
  package mutating func update(with points: [[Double]], strangers: [Bool]? = nil) {
    let p = parameters
    precondition(points.count == p.populationSize, "\(points.count) points")
    let n = Double(dimension)
    generation += 1
    let longest = n.squareRoot() + 2 * n / (n + 2)
    var ways: [[Double]] = []
    var lengths: [Double] = []
    for (place, point) in points.enumerated() {
      var way = zip(point, mean).map { ($0 - $1) / step }
      var length = norm(whitened(way))
      if strangers?[place] == true, length > longest {
        way = way.map { $0 * longest / length }
        length = longest
      }
      ways.append(way)
      lengths.append(length)
    }
    var shift = Array(repeating: 0.0, count: dimension)
    for (way, weight) in zip(ways.prefix(p.parentCount), p.weights) {
      for i in shift.indices { shift[i] += weight * way[i] }  // 41
    }
    for i in mean.indices { mean[i] += step * shift[i] }  // 42

    let stepGain = (p.stepRate * (2 - p.stepRate) * p.effectiveParents).squareRoot()
    stepPath = zip(stepPath, whitened(shift)).map { (1 - p.stepRate) * $0 + stepGain * $1 }  // 43
    let length = norm(stepPath)
    step *= exp(p.stepRate / p.stepDamping * (length / p.expectedNorm - 1))  // 44
    step = min(step, Self.largestStep)

    let fading = 1 - pow(1 - p.stepRate, 2 * Double(generation + 1))
    let isSteady = length / fading.squareRoot() < (1.4 + 2 / (n + 1)) * p.expectedNorm
    let pathGain =
      isSteady ? (p.pathRate * (2 - p.pathRate) * p.effectiveParents).squareRoot() : 0
    covariancePath = zip(covariancePath, shift).map { (1 - p.pathRate) * $0 + pathGain * $1 }  // 45
    let correction = isSteady ? 0 : p.pathRate * (2 - p.pathRate)
    let kept =
      1 + p.rankOneRate * correction - p.rankOneRate - p.rankMuRate * p.weights.reduce(0, +)
    let weights = zip(p.weights, lengths).map { weight, length in
      weight >= 0 ? weight : weight * n / (length * length + 1e-8)  // 46
    }
    for j in 0..<dimension {
      for i in j..<dimension where !isSeparable || i == j {
        var sum = 0.0
        for (way, weight) in zip(ways, weights) { sum += weight * way[i] * way[j] }
        let value =
          kept * covariance[i, j] + p.rankOneRate * covariancePath[i] * covariancePath[j]
          + p.rankMuRate * sum  // 47
        covariance[i, j] = value
        covariance[j, i] = value
      }
    }
    decompose()
  }

  /// Remembers the range of losses of a generation.
  mutating func note(_ losses: ClosedRange<Double>) {
    recent.append(losses)
    let length =
      10 + Int(clamped: (30 * Double(dimension) / Double(parameters.populationSize)).rounded(.up))
    if recent.count > length { recent.removeFirst() }
  }

  /// Whether going on makes no sense: the step is too small or too large, the covariance
  /// degenerate, or the losses of many generations all equal. Hansen, 2016, B.3, with tolerances
  /// for the unit cube.
  var isStuck: Bool {
    let largest = scales.max() ?? 0
    if !(step * largest > 1e-9) || step * largest > 1e4 { return true }
    if !(largest / (scales.min() ?? 0) < 1e7) || !step.isFinite { return true }
    let length =
      10 + Int(clamped: (30 * Double(dimension) / Double(parameters.populationSize)).rounded(.up))
    guard recent.count >= length, let low = recent.map(\.lowerBound).min(),
      let high = recent.map(\.upperBound).max()
    else { return false }
    return high - low <= 1e-12 * max(abs(low), abs(high))
  }

  // MARK: The covariance's axes

  private mutating func decompose() {
    guard !isSeparable else {
      scales = (0..<dimension).map { max(covariance[$0, $0], 1e-8).squareRoot() }
      return
    }
    do {
      let eigen = try SymmetricEigen(of: covariance)
      scales = eigen.values.map { ($0 < 0 ? 1e-8 : $0).squareRoot() }
      axes = eigen.vectors
      // What rounding made negative is lifted, in the covariance as well.
      if eigen.values.contains(where: { $0 < 0 }) {
        for i in 0..<dimension {
          for j in 0..<dimension {
            covariance[i, j] = (0..<dimension).reduce(0) { sum, k in
              sum + eigen.vectors[i, k] * scales[k] * scales[k] * eigen.vectors[j, k]
            }
          }
        }
      }
    } catch {
      // Not finite: begin anew from a round one; the step is stuck then, which restarts the search.
      covariance = Matrix(identity: dimension)
      axes = nil
      scales = Array(repeating: 1, count: dimension)
      step = .infinity
    }
  }

  /// B z.
  private func rotated(_ z: [Double]) -> [Double] {
    guard let axes else { return z }
    var result = Array(repeating: 0.0, count: dimension)
    for j in 0..<dimension {
      let column = axes.column(j)
      for (i, entry) in zip(result.indices, column) { result[i] += entry * z[j] }
    }
    return result
  }

  /// C^(−1/2) y.
  private func whitened(_ y: [Double]) -> [Double] {
    guard let axes else { return zip(y, scales).map { $0 / $1 } }
    var inner = Array(repeating: 0.0, count: dimension)
    for j in 0..<dimension {
      for (entry, y) in zip(axes.column(j), y) { inner[j] += entry * y }
      inner[j] /= scales[j]
    }
    return rotated(inner)
  }

  private func norm(_ vector: [Double]) -> Double {
    vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// A distribution around the best of earlier points: their mean and covariance, widened by
  /// `width`.
  ///
  /// Nomura, Watanabe, Akimoto, Ozaki and Onishi, "Warm Starting CMA-ES for Hyperparameter
  /// Optimization", AAAI 2021, equation 6.
  ///
  /// - Parameters:
  ///   - points: The best first; at least one.
  ///   - share: γ, the share of them that counts; at least one point.
  ///   - width: α, in units of the cube; positive.
  /// - Returns: Mean, step size and covariance of determinant 1; nil if that overflows.
  package static func promising(
    _ points: [[Double]], share: Double = 0.1, width: Double = 0.1
  ) -> (mean: [Double], step: Double, covariance: Matrix)? {
    let count = max(1, Int(clamped: (Double(points.count) * share).rounded(.down)))
    let n = points[0].count
    let best = points.prefix(count)
    let mean = (0..<n).map { i in best.reduce(0) { $0 + $1[i] } / Double(count) }
    var sigma = Matrix(zeros: n, n)
    for i in 0..<n {
      for j in 0..<n {
        sigma[i, j] =
          (i == j ? width * width : 0)
          + best.reduce(0) { $0 + $1[i] * $1[j] } / Double(count) - mean[i] * mean[j]
      }
    }
    do {
      let logDeterminant = try Cholesky(factoring: sigma).logDeterminant
      let scale = exp(logDeterminant / Double(n))
      guard scale.isFinite, scale > 0 else { return nil }
      for k in sigma.elements.indices { sigma.elements[k] /= scale }
      return (mean, scale.squareRoot(), sigma)
    } catch {
      return nil
    }
  }
}
