internal import LinearAlgebra
internal import Probability

extension GPSampler {
  /// Times what fitting costs, for benchmarks: one evaluation of the likelihood with its gradient,
  /// and one Cholesky factorization of a matrix of the same order, both on one thread; the shortest
  /// of several.
  public static func fittingCost(
    observations count: Int, parameters: Int
  ) -> (evaluation: Duration, factorization: Duration) {
    var generator = TrialGenerator(seed: 1, trial: 0)
    let elements = (0..<count * parameters).map { _ in generator.uniform(-0.5, 0.5) }
    let points = FeaturePoints(
      features: Matrix(rows: parameters, columns: count, elements: elements),
      parameterOf: Array(0..<parameters))
    let scores = (0..<count).map { _ in generator.uniform(-1.5, 1.5) }
    var likelihood = MarginalLikelihood(points, scores: scores)
    var matrix = Matrix(identity: count)
    for j in 0..<count { matrix[j, j] = Double(2 * count) }
    for i in 1..<max(count, 2) where i < count { matrix[i, i - 1] = generator.uniform(-1, 1) }
    return BLAS.withOneThread {
      let clock = ContinuousClock()
      var evaluations: [Duration] = []
      var factorizations: [Duration] = []
      for _ in 0..<5 {
        let kernel = KernelParameters(parameterCount: parameters)
        evaluations.append(clock.measure { _ = likelihood.evaluate(kernel) })
        var factor = matrix
        factorizations.append(
          clock.measure {
            do throws(LinearAlgebraError) {
              try factor.formLowerCholesky()
            } catch { preconditionFailure("\(error)") }
          })
      }
      return (evaluations.min() ?? .zero, factorizations.min() ?? .zero)
    }
  }
}
