internal import System

/// What a Gaussian process learns about its kernel: a length scale per parameter, signal and noise.
struct KernelParameters: Sendable, Hashable {
  /// 1 / ℓ² per parameter, in the unit cube.
  var inverseSquaredScales: [Double]
  /// The variance of the function.
  var signal = 1.0
  /// The variance of the noise; at least ``smallestNoise``.
  var noise = 1.0

  /// What keeps the kernel matrix positive definite: Optuna 5's value.
  static let smallestNoise = 1e-6

  init(parameterCount: Int) {
    inverseSquaredScales = Array(repeating: 1, count: parameterCount)
  }

  init(inverseSquaredScales: [Double], signal: Double, noise: Double) {
    self.inverseSquaredScales = inverseSquaredScales
    self.signal = signal
    self.noise = noise
  }

  /// ℓ per parameter; the unit is the width of the parameter's range.
  var lengthScales: [Double] { inverseSquaredScales.map { 1 / $0.squareRoot() } }

  /// The free variables of a fit: the logarithms of 1 / ℓ², the signal and the noise above its
  /// minimum.
  var logarithms: [Double] {
    inverseSquaredScales.map { log($0) } + [log(signal), log(noise - 0.99 * Self.smallestNoise)]
  }

  /// The parameters with these free variables.
  init(logarithms: [Double]) {
    let count = logarithms.count - 2
    inverseSquaredScales = logarithms[..<count].map { exp($0) }
    signal = exp(logarithms[count])
    noise = exp(logarithms[count + 1]) + Self.smallestNoise
  }

  /// The bounds of the free variables in a fit: wide enough that the prior decides.
  static func bounds(parameterCount: Int) -> (lower: [Double], upper: [Double]) {
    (
      Array(repeating: -12, count: parameterCount) + [-7, -18],
      Array(repeating: 10, count: parameterCount) + [5, 3]
    )
  }

  /// What is believed of the parameters before there are observations.
  enum Prior: Sendable {
    /// Each length scale is log-normal about half the width of its range: ln ℓ has the mean ln ½
    /// and the variance ½. Of the kind of Hvarfner, Hellsten and Nardi, "Vanilla Bayesian
    /// Optimization Performs Great in High Dimensions", ICML 2024, whose median grows with the
    /// number of parameters.
    case logNormal
    /// 0.1 a + 0.1 / a against extreme length scales, a = 1 / ℓ², as in Optuna 5.
    case optuna
    /// As ``logNormal``, with noise of any size: Gamma(1.1, 1).
    case openNoise
  }

  private static let meanLogScale = -0.693147180559945309
  private static let logScaleVariance = 0.5

  /// The logarithm of the prior density, without constants: that of the length scales, Gamma(2, 1)
  /// for the signal and Gamma(1.1, 30) for the noise, the latter two as in Optuna 5.
  func logPrior(_ prior: Prior) -> Double {
    var sum = log(signal) - signal + 0.1 * log(noise) - prior.noiseRate * noise
    for a in inverseSquaredScales {
      switch prior {
      case .optuna: sum -= 0.1 / a + 0.1 * a
      case .logNormal, .openNoise:
        let distance = -0.5 * log(a) - Self.meanLogScale
        sum -= distance * distance / (2 * Self.logScaleVariance)
      }
    }
    return sum
  }

  /// The derivatives of ``logPrior(_:)`` by the free variables.
  func logPriorGradient(_ prior: Prior) -> [Double] {
    let scaleSlopes = inverseSquaredScales.map { a in
      switch prior {
      case .optuna: 0.1 / a - 0.1 * a
      case .logNormal, .openNoise: 0.5 * (-0.5 * log(a) - Self.meanLogScale) / Self.logScaleVariance
      }
    }
    let noiseSlope = (0.1 / noise - prior.noiseRate) * (noise - Self.smallestNoise)
    return scaleSlopes + [1 - signal, noiseSlope]
  }
}

extension KernelParameters.Prior {
  /// The rate of the noise's Gamma distribution.
  fileprivate var noiseRate: Double { self == .openNoise ? 1 : 30 }
}
