internal import LinearAlgebra

/// A Gaussian process given its evidence: observations, points of which only is known that they are
/// not good, and points whose value is being awaited.
///
/// Rasmussen and Williams (2006), algorithm 2.1. One factorization serves all kinds of evidence: a
/// point that is not good gets what the observations predict for it, or `ceiling` if that is lower;
/// a pending point gets a draw from the joint prediction, several times, so that there are several
/// posteriors with different means and one variance.
struct Surrogate {
  let parameters: KernelParameters
  /// The highest posterior mean at an observation or a pending point, per draw.
  private(set) var incumbents: [Double] = []
  /// The posterior means at the observations, averaged over the draws.
  private(set) var fittedMeans: [Double] = []
  /// How far each observation was from what those before it predicted, in standard deviations.
  private(set) var residuals: [Double] = []

  /// Per draw, the values drawn at the pending points.
  private(set) var drawnPending: [[Double]] = []

  private let points: FeaturePoints
  private let scaled: Matrix
  private let norms: [Double]
  fileprivate let factor: Matrix
  /// C⁻¹ y, a column per draw.
  private var weights: Matrix

  /// - Parameters:
  ///   - points: The observations, then the points that are not good, then the pending ones.
  ///   - scores: The values of the observations; larger is better.
  ///   - poorCount: How many points are not good.
  ///   - ceiling: The largest value that a point that is not good may have.
  ///   - draws: Standard normal numbers: a row per pending point, a column per draw; at least one
  ///     column.
  ///   - isEligible: Which observations may be the incumbent; nil for all.
  ///   - guide: What is added to the process at each point, which the scores and the ceiling are
  ///     counted with; empty for nothing.
  init(
    _ points: FeaturePoints, scores: [Double], poorCount: Int, ceiling: Double, draws: Matrix,
    parameters: KernelParameters, isEligible: [Bool]? = nil, guide: [Double] = []
  ) {
    let n = points.count
    let observed = scores.count
    let known = observed + poorCount
    let guide = guide.isEmpty ? Array(repeating: 0, count: n) : guide
    let scores = zip(scores, guide).map { $0 - $1 }
    precondition(n == known + draws.rows && draws.columns >= 1, "\(n) points")
    self.points = points
    (scaled, norms) = points.scaled(by: parameters)
    var kernel = Matrix(zeros: n, n)
    kernel.formLowerGram(of: scaled, scale: -2)
    MaternKernel.correlate(
      &kernel, rowNorms: norms, columnNorms: norms, scale: parameters.signal, isLower: true)
    (factor, self.parameters) = Self.factor(kernel, parameters)

    // Forward substitution up to the poor points, then up to the pending ones.
    var z = Matrix(rows: n, columns: 1, elements: scores + Array(repeating: 0, count: n - observed))
    z.formSolution(ofLower: factor)
    residuals = Array(z.elements[..<observed])
    if poorCount > 0 {
      var targets = scores
      for i in observed..<known {
        targets.append(
          min(Self.rowProduct(factor, i, z.elements, upTo: observed), ceiling - guide[i]))
      }
      z = Matrix(rows: n, columns: 1, elements: targets + Array(repeating: 0, count: n - known))
      z.formSolution(ofLower: factor)
    }
    weights = Matrix(zeros: n, draws.columns)
    for q in 0..<draws.columns {
      for i in 0..<known { weights.elements[i + q * n] = z.elements[i] }
      for i in known..<n { weights.elements[i + q * n] = draws[i - known, q] }
    }
    let forward = weights
    weights.formSolution(ofLower: factor, transposed: true)
    let noise = self.parameters.noise
    fittedMeans = Array(repeating: 0, count: observed)
    for q in 0..<draws.columns {
      // K α = y − τ² α: the posterior means at the points themselves.
      var best = -Double.infinity
      for i in 0..<observed {
        let mean = guide[i] + scores[i] - noise * weights.elements[i + q * n]
        fittedMeans[i] += mean / Double(draws.columns)
        if isEligible?[i] ?? true { best = max(best, mean) }
      }
      let whitened = Array(forward.elements[q * n..<(q + 1) * n])
      let drawn = (known..<n).map { i in
        guide[i] + Self.rowProduct(factor, i, whitened, upTo: i + 1)
          - noise * weights.elements[i + q * n]
      }
      drawnPending.append(drawn)
      // Whether a pending point keeps the constraints is not known.
      if isEligible == nil { best = max(best, drawn.max() ?? best) }
      incumbents.append(best)
    }
  }

  /// The factor of K + τ² I; with more noise where that is not positive definite.
  private static func factor(
    _ kernel: Matrix, _ parameters: KernelParameters
  ) -> (Matrix, KernelParameters) {
    var noisy = parameters
    while true {
      var matrix = kernel
      for j in 0..<matrix.rows { matrix.elements[j + j * matrix.rows] += noisy.noise }
      do throws(LinearAlgebraError) {
        try matrix.formLowerCholesky()
        return (matrix, noisy)
      } catch {
        // A diagonal that dominates its rows is positive definite whatever the kernel.
        precondition(
          noisy.noise < 1e3 * (noisy.signal + 1) * Double(matrix.rows),
          "a kernel that is not finite")
        noisy.noise *= 10
      }
    }
  }

  private static func rowProduct(
    _ lower: Matrix, _ row: Int, _ vector: [Double], upTo count: Int
  ) -> Double {
    lower.elements.withUnsafeBufferPointer { elements in
      var sum = 0.0
      for j in 0..<count { sum += elements[row + j * lower.rows] * vector[j] }
      return sum
    }
  }

  /// Posteriors at a batch of points.
  struct Prediction {
    /// A row per draw, a column per point.
    var means: Matrix
    /// The variance of the function without noise; at least 1e-12.
    var variances: [Double]
    fileprivate var slopes: Matrix
    fileprivate var halfSolved: Matrix
    fileprivate var scaled: Matrix
  }

  /// Posteriors at a batch of points.
  ///
  /// - Parameter withSlopes: Whether gradients will be asked for.
  func predict(_ candidates: FeaturePoints, withSlopes: Bool = false) -> Prediction {
    let (other, otherNorms) = candidates.scaled(by: parameters)
    let (n, m) = (points.count, candidates.count)
    var kernel = Matrix(zeros: n, m)
    kernel.formProduct(scaled, other, transposing: .first, scale: -2)
    var slopes = Matrix(zeros: withSlopes ? n : 0, withSlopes ? m : 0)
    slopes.elements.withUnsafeMutableBufferPointer { slopes in
      MaternKernel.correlate(
        &kernel, rowNorms: norms, columnNorms: otherNorms, scale: parameters.signal,
        derivative: withSlopes ? slopes.baseAddress : nil)
    }
    let means = Matrix.product(weights, kernel, transposing: .first)
    kernel.formSolution(ofLower: factor)
    var variances = Array(repeating: parameters.signal, count: m)
    kernel.elements.withUnsafeBufferPointer { elements in
      for j in 0..<m {
        var sum = 0.0
        for place in (j * n)..<((j + 1) * n) { sum += elements[place] * elements[place] }
        variances[j] = max(parameters.signal - sum, 0) + 1e-12
      }
    }
    return Prediction(
      means: means, variances: variances, slopes: slopes, halfSolved: kernel, scaled: other)
  }

  /// The gradients by the features of the points, given those by the means and the variances of a
  /// prediction that was made with slopes: a column per point.
  func gradients(
    of prediction: Prediction, byMeans: Matrix, byVariances: [Double]
  ) -> Matrix {
    let (n, m) = (points.count, byVariances.count)
    var back = prediction.halfSolved
    back.formSolution(ofLower: factor, transposed: true)
    // Σ_q α_iq ∂/∂μ_q − 2 β_i ∂/∂σ², times k′.
    var coefficients = Matrix.product(weights, byMeans)
    var sums = Array(repeating: 0.0, count: m)
    coefficients.elements.withUnsafeMutableBufferPointer { coefficients in
      back.elements.withUnsafeBufferPointer { back in
        prediction.slopes.elements.withUnsafeBufferPointer { slopes in
          for j in 0..<m {
            let weight = 2 * byVariances[j]
            var sum = 0.0
            for place in (j * n)..<((j + 1) * n) {
              let value = (coefficients[place] - weight * back[place]) * slopes[place]
              coefficients[place] = value
              sum += value
            }
            sums[j] = sum
          }
        }
      }
    }
    var gradients = Matrix.product(scaled, coefficients)
    let p = gradients.rows
    let roots = points.parameterOf.map { parameters.inverseSquaredScales[$0].squareRoot() }
    gradients.elements.withUnsafeMutableBufferPointer { gradients in
      prediction.scaled.elements.withUnsafeBufferPointer { other in
        for j in 0..<m {
          for e in 0..<p {
            let place = e + j * p
            gradients[place] = 2 * roots[e] * (other[place] * sums[j] - gradients[place])
          }
        }
      }
    }
    return gradients
  }
}

extension Surrogate {
  /// The solution Z of `L Z = B`, with a row of B per point: what of each column the model did not
  /// expect.
  func whitened(_ columns: Matrix) -> Matrix {
    var z = columns
    z.formSolution(ofLower: factor)
    return z
  }
}
