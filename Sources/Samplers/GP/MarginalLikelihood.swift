internal import LinearAlgebra
internal import System

/// How well a kernel explains observations: the negative logarithm of the marginal likelihood and
/// of the prior, with its gradient.
///
/// ½ ln det C + ½ yᵀ C⁻¹ y − ln prior with C = K + τ² I: Rasmussen and Williams (2006), equations
/// 5.8 and 5.9, without the constant. An evaluation costs about four Cholesky factorizations.
struct MarginalLikelihood {
  private let points: FeaturePoints
  private let scores: [Double]
  private let prior: KernelParameters.Prior
  /// The features, and a row of ones.
  private let featuresAndOnes: Matrix
  // Work space, kept between evaluations.
  private var covariance: Matrix
  private var slope: Matrix
  private var kernel: Matrix
  private var weighted: Matrix

  init(
    _ points: FeaturePoints, scores: [Double], prior: KernelParameters.Prior = .logNormal
  ) {
    precondition(points.count == scores.count, "\(scores.count) scores of \(points.count) points")
    self.points = points
    self.scores = scores
    self.prior = prior
    let (p, n) = (points.features.rows, points.count)
    var extended = Matrix(zeros: p + 1, n)
    for j in 0..<n {
      for e in 0..<p { extended.elements[e + j * (p + 1)] = points.features.elements[e + j * p] }
      extended.elements[p + j * (p + 1)] = 1
    }
    featuresAndOnes = extended
    covariance = Matrix(zeros: n, n)
    slope = covariance
    kernel = covariance
    weighted = Matrix(zeros: p + 1, n)
  }

  /// The value and the gradient by the free variables of the parameters; infinite where the kernel
  /// matrix is not positive definite.
  mutating func evaluate(_ parameters: KernelParameters) -> (value: Double, gradient: [Double]) {
    let n = points.count
    let (scaled, norms) = points.scaled(by: parameters)
    kernel.formLowerGram(of: scaled, scale: -2)
    slope.elements.withUnsafeMutableBufferPointer { slope in
      MaternKernel.correlate(
        &kernel, rowNorms: norms, columnNorms: norms, scale: parameters.signal,
        derivative: slope.baseAddress, isLower: true)
    }
    covariance.elements.withUnsafeMutableBufferPointer { target in
      kernel.elements.withUnsafeBufferPointer { source in
        for j in 0..<n {
          for place in (j + j * n)..<(n + j * n) { target[place] = source[place] }
          target[j + j * n] += parameters.noise
        }
      }
    }
    do throws(LinearAlgebraError) {
      try covariance.formLowerCholesky()
    } catch {
      let count = parameters.inverseSquaredScales.count
      return (.infinity, Array(repeating: .nan, count: count + 2))
    }
    var value = 0.0
    for j in 0..<n { value += log(covariance.elements[j + j * n]) }
    var alpha = Matrix(rows: n, columns: 1, elements: scores)
    alpha.formSolution(ofLower: covariance)
    for z in alpha.elements { value += 0.5 * z * z }
    alpha.formSolution(ofLower: covariance, transposed: true)
    covariance.formLowerInverse()
    value -= parameters.logPrior(prior)
    let gradient = gradient(at: parameters, alpha.elements)
    return (value, gradient)
  }

  /// ½ tr((C⁻¹ − α αᵀ) ∂C) for each variable, from the inverse in the lower triangle of
  /// `covariance`.
  private mutating func gradient(
    at parameters: KernelParameters, _ alpha: [Double]
  ) -> [Double] {
    let n = points.count
    var signalSlope = 0.0
    var trace = 0.0
    covariance.elements.withUnsafeBufferPointer { inverse in
      slope.elements.withUnsafeMutableBufferPointer { slope in
        kernel.elements.withUnsafeBufferPointer { kernel in
          alpha.withUnsafeBufferPointer { alpha in
            for j in 0..<n {
              let a = alpha[j]
              let diagonal = j + j * n
              let own = 0.5 * (inverse[diagonal] - a * a)
              trace += own
              signalSlope += own * kernel[diagonal]
              slope[diagonal] = 0
              var sum = 0.0
              for i in (j + 1)..<max(n, j + 1) {
                let place = i + j * n
                let g = 0.5 * (inverse[place] - alpha[i] * a)
                sum += g * kernel[place]
                slope[place] *= g
              }
              signalSlope += 2 * sum
            }
          }
        }
      }
    }
    // With W = (C⁻¹ − α αᵀ) / 2 ∘ k′ the sum of Wᵢₖ (fᵢ − fₖ)² is 2 Σ rᵢ fᵢ² − 2 fᵀ W f, r = W 1.
    weighted.formProduct(featuresAndOnes, symmetric: slope)
    let p = featuresAndOnes.rows
    var byFeature = Array(repeating: 0.0, count: p - 1)
    byFeature.withUnsafeMutableBufferPointer { byFeature in
      featuresAndOnes.elements.withUnsafeBufferPointer { features in
        weighted.elements.withUnsafeBufferPointer { weighted in
          for j in 0..<n {
            let rowSum = weighted[p - 1 + j * p]
            for e in 0..<(p - 1) {
              let f = features[e + j * p]
              byFeature[e] += 2 * f * (f * rowSum - weighted[e + j * p])
            }
          }
        }
      }
    }
    var gradient = parameters.logPriorGradient(prior).map { -$0 }
    let count = parameters.inverseSquaredScales.count
    for (e, sum) in byFeature.enumerated() {
      let parameter = points.parameterOf[e]
      gradient[parameter] += sum * parameters.inverseSquaredScales[parameter]
    }
    gradient[count] += signalSlope
    gradient[count + 1] += trace * (parameters.noise - KernelParameters.smallestNoise)
    return gradient
  }

  /// The parameters of the largest posterior density that a search from `start` finds.
  static func fit(
    _ points: FeaturePoints, scores: [Double], from start: KernelParameters,
    limits: BoundedMinimizer.Limits, prior: KernelParameters.Prior = .logNormal
  ) -> (parameters: KernelParameters, value: Double, evaluations: Int) {
    var likelihood = MarginalLikelihood(points, scores: scores, prior: prior)
    let bounds = KernelParameters.bounds(parameterCount: start.inverseSquaredScales.count)
    let found = BoundedMinimizer.minimize(
      from: start.logarithms, lower: bounds.lower, upper: bounds.upper, limits: limits
    ) { likelihood.evaluate(KernelParameters(logarithms: $0)) }
    return (KernelParameters(logarithms: found.point), found.value, found.evaluations)
  }
}
