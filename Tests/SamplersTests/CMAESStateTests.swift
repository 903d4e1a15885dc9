import Foundation
import JSON
import LinearAlgebra
import Samplers
import StudyModel
import Testing

/// Holds CMA-ES against the package that Optuna uses; Fixtures/cmaes_states.py made the values.
@Suite struct CMAESStateTests {
  private func fixture(_ name: String) throws -> [JSONValue] {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/cmaes_states.json")
    let document = try JSONValue(parsing: String(contentsOf: path, encoding: .utf8))
    return try #require(document[name]?.array)
  }

  private func numbers(_ value: JSONValue?) throws -> [Double] {
    try #require(value?.array).map { try #require($0.number) }
  }

  /// Relative to the largest of them, since rounding is.
  private func expectClose(
    _ own: [Double], _ expected: [Double], _ tolerance: Double, _ place: Comment
  ) {
    #expect(own.count == expected.count, place)
    let scale = expected.reduce(1e-300) { max($0, $1.magnitude) }
    for (a, b) in zip(own, expected) {
      #expect(abs(a - b) <= tolerance * scale, "\(place.rawValue): \(a) and \(b)")
    }
  }

  @Test func constantsAgree() throws {
    for one in try fixture("constants") {
      let dimension = try Int(#require(one["dimension"]?.number))
      let size = try Int(#require(one["size"]?.number))
      if one["given"] == false {
        #expect(CMAParameters.defaultPopulation(of: dimension) == size)
      }
      let own = CMAParameters(dimension: dimension, populationSize: size)
      let place = Comment(rawValue: "dimension \(dimension), population \(size)")
      expectClose(own.weights, try numbers(one["weights"]), 1e-14, place)
      let scalars = [
        own.effectiveParents, own.rankOneRate, own.rankMuRate, own.stepRate, own.stepDamping,
        own.pathRate, own.expectedNorm,
      ]
      let names = ["mu_eff", "c1", "cmu", "c_sigma", "d_sigma", "cc", "chi"]
      for (value, name) in zip(scalars, names) {
        expectClose([value], [try #require(one[name]?.number)], 1e-13, place)
      }
    }
  }

  @Test func statesAgreeOverGenerations() throws {
    for (index, run) in try fixture("runs").enumerated() {
      var own = CMADistribution(
        mean: try numbers(run["mean"]), step: try #require(run["sigma"]?.number))
      for (number, step) in try #require(run["steps"]?.array).enumerated() {
        own.update(with: try #require(step["points"]?.array).map(numbers))
        try expectAgreement(own, step, "run \(index), generation \(number)")
      }
    }
  }

  private func expectAgreement(
    _ own: CMADistribution, _ step: JSONValue, _ place: Comment
  ) throws {
    // Rounding grows with the generations.
    expectClose(own.mean, try numbers(step["mean"]), 1e-10, place)
    expectClose([own.step], [try #require(step["sigma"]?.number)], 1e-10, place)
    let rows = try #require(step["covariance"]?.array).map(numbers)
    expectClose(own.covariance.elements, rows.flatMap { $0 }, 1e-9, place)
    expectClose(own.covariancePath, try numbers(step["path"]), 1e-9, place)
  }

  @Test func marginsAgree() throws {
    for (index, run) in try fixture("margins").enumerated() {
      let distributions = try numbers(run["counts"]).map { count -> Distribution in
        count > 0
          ? .int(try IntDistribution(low: 0, high: Int(count) - 1))
          : .float(try FloatDistribution(low: 0, high: 1))
      }
      var own = CMADistribution(
        mean: try numbers(run["mean"]), step: try #require(run["sigma"]?.number))
      var margin = CMAMargin(distributions, margin: try #require(run["margin"]?.number))
      for (number, step) in try #require(run["steps"]?.array).enumerated() {
        let place = Comment(rawValue: "run \(index), generation \(number)")
        let points = try #require(step["points"]?.array).map(numbers)
        for (point, shown) in zip(points, try #require(step["shown"]?.array)) {
          expectClose(margin.rounded(point, mean: own.mean), try numbers(shown), 1e-9, place)
        }
        own.update(with: points)
        margin.apply(to: &own)
        try expectAgreement(own, step, place)
        expectClose(margin.stretch, try numbers(step["stretch"]), 1e-8, place)
      }
    }
  }

  @Test func promisingRegionsAgree() throws {
    for one in try fixture("warm") {
      let points = try #require(one["points"]?.array).map(numbers)
      let own = try #require(CMADistribution.promising(points))
      expectClose(own.mean, try numbers(one["mean"]), 1e-12, "mean")
      expectClose([own.step], [try #require(one["sigma"]?.number)], 1e-12, "step")
      let rows = try #require(one["covariance"]?.array).map(numbers)
      expectClose(own.covariance.elements, rows.flatMap { $0 }, 1e-11, "covariance")
    }
  }
}
