import LinearAlgebra
import Probability
import Testing

@Suite struct SymmetricEigenTests {
  @Test("values and vectors give the matrix again", arguments: [1, 2, 7, 40])
  func reconstructs(order: Int) throws {
    var generator = TrialGenerator(seed: 5, trial: order)
    var matrix = Matrix(zeros: order, order)
    for j in 0..<order {
      for i in j..<order {
        matrix[i, j] = generator.uniform(-1, 1)
        matrix[j, i] = matrix[i, j]
      }
    }
    let eigen = try SymmetricEigen(of: matrix)
    #expect(eigen.values == eigen.values.sorted())
    for i in 0..<order {
      for j in 0..<order {
        var (sum, product) = (0.0, 0.0)
        for k in 0..<order {
          sum += eigen.vectors[i, k] * eigen.values[k] * eigen.vectors[j, k]
          product += eigen.vectors[k, i] * eigen.vectors[k, j]
        }
        // Rounding of as many terms as there are rows.
        #expect(abs(sum - matrix[i, j]) < 1e-14 * Double(order + 1))
        #expect(abs(product - (i == j ? 1 : 0)) < 1e-14 * Double(order + 1))
      }
    }
  }

  /// By hand: 2 ± 1 along (1, 1) and (1, −1).
  @Test func knownMatrix() throws {
    let eigen = try SymmetricEigen(of: Matrix(rows: 2, columns: 2, elements: [2, 1, 1, 2]))
    #expect(abs(eigen.values[0] - 1) < 1e-15 && abs(eigen.values[1] - 3) < 1e-15)
    #expect(abs(eigen.vectors[0, 1] - eigen.vectors[1, 1]) < 1e-15)
  }

  @Test func refusesWhatIsNotFinite() {
    for bad in [Double.nan, .infinity] {
      #expect(throws: LinearAlgebraError.noConvergence) {
        try SymmetricEigen(of: Matrix(rows: 2, columns: 2, elements: [1, bad, bad, 1]))
      }
    }
    #expect(throws: Never.self) { try SymmetricEigen(of: Matrix(zeros: 0, 0)) }
  }
}
