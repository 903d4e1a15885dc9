import Foundation
import LinearAlgebra
import Probability

/// The golden values of NumPy and SciPy; Fixtures/generate.py writes them.
struct Golden: Decodable {
  struct Product: Decodable, Sendable {
    let a, b, c, result: [[Double]]
    let aIsTransposed, bIsTransposed: Bool
  }
  struct Factorization: Decodable, Sendable {
    let a, b, lower, solution, lowerSolution, upperSolution: [[Double]]
    let logDeterminant: Double
  }
  let products: [Product]
  let factorizations: [Factorization]

  static func read() throws -> Golden {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/linear_algebra.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }
}

extension Matrix {
  /// The matrix with these rows.
  init(_ rows: [[Double]]) {
    self.init(zeros: rows.count, rows.first?.count ?? 0)
    for i in 0..<self.rows {
      for j in 0..<columns { self[i, j] = rows[i][j] }
    }
  }

  /// A matrix of numbers uniform in [−1, 1).
  static func uniform(
    rows: Int, columns: Int, using generator: inout TrialGenerator
  ) -> Matrix {
    let elements = (0..<rows * columns).map { _ in generator.uniform(-1, 1) }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }

  /// The largest difference between the two, relative to the largest entry of the other.
  func relativeDistance(to other: Matrix) -> Double {
    guard rows == other.rows, columns == other.columns else { return .infinity }
    let scale = other.elements.reduce(0) { max($0, abs($1)) }
    var distance = 0.0
    for (a, b) in zip(elements, other.elements) {
      guard !(a - b).isNaN else { return .infinity }
      distance = max(distance, abs(a - b))
    }
    return distance == 0 ? 0 : distance / scale
  }
}
