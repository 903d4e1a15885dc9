import Foundation
import LinearAlgebra
import Testing

@testable import Samplers

/// Kernels, likelihoods, posteriors and improvements against those of Optuna 5 and, through the
/// script that wrote them, of scikit-learn: Fixtures/gp.py.
@Suite struct GPGoldenTests {
  struct Case: Decodable, Sendable {
    let choices: [Int]
    let points: [[Double]]
    let scores, inverseSquaredScales: [Double]
    let signal, noise, logLikelihood, logPrior, threshold: Double
    let gradient: [Double]
    let candidates: [[Double]]
    let means, variances, logImprovements: [Double]
    /// Of the improvements by the numbers; nil where Optuna has none.
    let slopes: [[Double?]]

    var parameters: KernelParameters {
      KernelParameters(
        inverseSquaredScales: inverseSquaredScales, signal: signal, noise: noise)
    }

    /// The points as the model sees them.
    func features(_ points: [[Double]]) -> FeaturePoints {
      var parameterOf: [Int] = []
      for (j, count) in choices.enumerated() {
        parameterOf += Array(repeating: j, count: max(count, 1))
      }
      var elements: [Double] = []
      for point in points {
        for (j, count) in choices.enumerated() {
          if count == 0 { elements.append(point[j] - 0.5) }
          for c in 0..<count { elements.append(point[j] == Double(c) ? 0.5.squareRoot() : 0) }
        }
      }
      return FeaturePoints(
        features: Matrix(rows: parameterOf.count, columns: points.count, elements: elements),
        parameterOf: parameterOf)
    }

    func model() -> Surrogate {
      Surrogate(
        features(points), scores: scores, poorCount: 0, ceiling: 0, draws: Matrix(zeros: 0, 1),
        parameters: parameters)
    }
  }

  struct Document: Decodable {
    let cases: [Case]
    let z, logStandard: [Double]
  }

  static func document() throws -> Document {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/gp.json")
    return try JSONDecoder().decode(Document.self, from: Data(contentsOf: url))
  }

  /// The kernel matrix amplifies rounding by the ratio of signal to noise.
  static func tolerance(_ one: Case) -> Double { max(1e-10, 1e-14 * one.signal / one.noise) }

  @Test func likelihoodAndPriorAreOptunas() throws {
    let cases = try Self.document().cases
    #expect(cases.count == 5)
    for one in cases {
      let parameters = one.parameters
      #expect(abs(parameters.logPrior(.optuna) - one.logPrior) < 1e-11 * (1 + abs(one.logPrior)))
      var likelihood = MarginalLikelihood(
        one.features(one.points), scores: one.scores, prior: .optuna)
      let (value, gradient) = likelihood.evaluate(parameters)
      let expected = -one.logLikelihood - one.logPrior
      let tolerance = Self.tolerance(one)
      #expect(abs(value - expected) < tolerance * (1 + abs(expected)), "\(value), \(expected)")
      let largest = one.gradient.map { abs($0) }.max() ?? 1
      for (a, b) in zip(gradient, one.gradient) {
        #expect(abs(a - b) < 10 * tolerance * (1 + largest), "\(gradient), \(one.gradient)")
      }
    }
  }

  @Test func posteriorIsOptunas() throws {
    for one in try Self.document().cases {
      let prediction = one.model().predict(one.features(one.candidates))
      for j in one.means.indices {
        let tolerance = Self.tolerance(one)
        #expect(abs(prediction.means[0, j] - one.means[j]) < tolerance * (1 + abs(one.means[j])))
        #expect(abs(prediction.variances[j] - 1e-12 - one.variances[j]) < tolerance)
      }
    }
  }

  @Test func improvementAndItsSlopesAreOptunas() throws {
    for one in try Self.document().cases {
      // Optuna's threshold is the best observation.
      let model = one.model()
      let points = one.features(one.candidates)
      let prediction = model.predict(points, withSlopes: true)
      var byMeans = Matrix(zeros: 1, one.means.count)
      var byVariances = one.means
      for j in one.means.indices {
        let deviation = prediction.variances[j].squareRoot()
        let excess = LogImprovement.excess(
          mean: prediction.means[0, j], deviation: deviation, over: one.threshold)
        let expected = one.logImprovements[j]
        // ln EI falls like −z² / 2, so the errors of mean and variance enter multiplied by z.
        let z = abs(one.means[j] - one.threshold) / deviation
        #expect(
          abs(excess.value - expected) < Self.tolerance(one) * (1 + z * z)
            / min(1, one.variances[j]),
          "\(excess.value), \(expected)")
        byMeans[0, j] = excess.byMean
        byVariances[j] = 0.5 * excess.byDeviation / deviation
      }
      let gradients = model.gradients(of: prediction, byMeans: byMeans, byVariances: byVariances)
      var feature = 0
      for (k, count) in one.choices.enumerated() {
        defer { feature += max(count, 1) }
        guard count == 0 else { continue }
        for j in one.means.indices {
          let slope = gradients[feature, j]
          guard let expected = one.slopes[j][k] else { continue }
          #expect(abs(slope - expected) < 1e-6 * (1 + abs(expected)), "\(slope), \(expected)")
        }
      }
    }
  }

  @Test func standardImprovementIsOptunas() throws {
    let document = try Self.document()
    #expect(document.z.count == 83)
    for (z, expected) in zip(document.z, document.logStandard) {
      // Both lose digits to cancellation: Optuna's far left, as 1 / z² of its 16 digits.
      let tolerance = max(1e-10, 4e-16 * z * z)
      let value = LogImprovement.logStandard(z)
      #expect(abs(value - expected) < tolerance * max(1, abs(expected)), "\(z)")
    }
  }
}
