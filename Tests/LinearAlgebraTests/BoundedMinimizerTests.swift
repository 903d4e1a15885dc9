import Foundation
import LinearAlgebra
import Testing

@Suite struct BoundedMinimizerTests {
  /// Minima that SciPy's L-BFGS-B finds; Fixtures/generate_minima.py writes them.
  struct Case: Decodable, Sendable {
    let kind: String
    let start, lower, upper, point: [Double]
    let value: Double
    let matrix: [[Double]]?
    let vector: [Double]?

    func evaluate(_ x: [Double]) -> (value: Double, gradient: [Double]) {
      var gradient = Array(repeating: 0.0, count: x.count)
      var value = 0.0
      if let matrix, let vector {
        for i in x.indices {
          let product = zip(matrix[i], x).reduce(0) { $0 + $1.0 * $1.1 }
          value += x[i] * (product / 2 - vector[i])
          gradient[i] = product - vector[i]
        }
        return (value, gradient)
      }
      for i in 0..<x.count - 1 {
        let valley = x[i + 1] - x[i] * x[i]
        value += 100 * valley * valley + (1 - x[i]) * (1 - x[i])
        gradient[i] += -400 * valley * x[i] - 2 * (1 - x[i])
        gradient[i + 1] += 200 * valley
      }
      return (value, gradient)
    }
  }

  static func cases() throws -> [Case] {
    struct Document: Decodable { let minima: [Case] }
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/minima.json")
    return try JSONDecoder().decode(Document.self, from: Data(contentsOf: url)).minima
  }

  @Test func findsTheMinimaOfSciPy() throws {
    let cases = try Self.cases()
    #expect(cases.count == 7)
    var limits = BoundedMinimizer.Limits()
    limits.gradient = 1e-9
    limits.relativeChange = 0
    limits.iterations = 2_000
    limits.evaluations = 5_000
    for one in cases {
      let found = BoundedMinimizer.minimize(
        from: one.start, lower: one.lower, upper: one.upper, limits: limits, one.evaluate)
      let name = "\(one.kind) of \(one.start.count)"
      #expect(found.value <= one.value + 1e-10 * max(1, abs(one.value)), "\(name): \(found.value)")
      for (x, y) in zip(found.point, one.point) { #expect(abs(x - y) < 1e-5, "\(name)") }
      #expect(found.evaluations < 700, "\(name): \(found.evaluations) evaluations")
    }
  }

  @Test func staysInTheBoxAndWithinItsLimits() {
    var limits = BoundedMinimizer.Limits()
    limits.evaluations = 7
    var seen = 0
    let found = BoundedMinimizer.minimize(
      from: [5, -5], lower: [-1, -1], upper: [1, 2], limits: limits
    ) { x in
      seen += 1
      #expect((-1...1).contains(x[0]) && (-1...2).contains(x[1]))
      return (x[0] * x[0] * x[0] * x[0] + exp(x[1]), [4 * x[0] * x[0] * x[0], exp(x[1])])
    }
    #expect(seen <= 7 && found.evaluations == seen)
    #expect(found.point[1] == -1)
  }

  @Test func givesUpWhereThereIsNothingToFollow() {
    let nowhere = BoundedMinimizer.minimize(from: [1], lower: [0], upper: [2]) { _ in (.nan, [0]) }
    #expect(nowhere.point == [1] && nowhere.evaluations == 1)
    // A wall of values that are not numbers is stepped back from.
    let walled = BoundedMinimizer.minimize(from: [1], lower: [-10], upper: [10]) { x in
      x[0] < 0.25 ? (.nan, [.nan]) : (x[0], [1])
    }
    #expect(walled.point[0] >= 0.25 && walled.point[0] < 0.3)
    let point = BoundedMinimizer.minimize(from: [3], lower: [3], upper: [3]) { x in (x[0], [1]) }
    #expect(point.point == [3] && point.evaluations == 1)
    #expect(
      BoundedMinimizer.minimize(from: [], lower: [], upper: []) { _ in (1, []) }.value == 1)
  }
}
