import LinearAlgebra
import Probability
import Testing

@Suite struct CholeskyTests {
  @Test func agreesWithSciPy() throws {
    let cases = try Golden.read().factorizations
    #expect(cases.count == 4)
    for golden in cases {
      let factor = try Matrix(golden.a).cholesky()
      let b = Matrix(golden.b)
      // The condition numbers are below 10³, which leaves 12 of 16 digits.
      let tolerance = 1e-12
      #expect(factor.lower.relativeDistance(to: Matrix(golden.lower)) < tolerance)
      #expect(factor.solving(b).relativeDistance(to: Matrix(golden.solution)) < tolerance)
      #expect(factor.solvingLower(b).relativeDistance(to: Matrix(golden.lowerSolution)) < tolerance)
      #expect(factor.solvingUpper(b).relativeDistance(to: Matrix(golden.upperSolution)) < tolerance)
      #expect(abs(factor.logDeterminant - golden.logDeterminant) < tolerance * Double(factor.order))
    }
  }

  /// `A = X Xᵀ + 0.1 I`: positive definite whatever X is.
  static func positiveDefinite(order: Int, seed: UInt64) -> Matrix {
    var generator = TrialGenerator(seed: seed, trial: 0)
    var a = Matrix.uniform(rows: order, columns: order, using: &generator).timesItsTranspose()
    a.add(Matrix(identity: order), times: 0.1)
    return a
  }

  @Test("the factor times its transpose is the matrix", arguments: 0..<20 as Range<UInt64>)
  func reproduces(seed: UInt64) throws {
    let a = Self.positiveDefinite(order: 1 + Int(seed) * 3, seed: seed)
    let factor = try a.cholesky()
    #expect(factor.lower.timesItsTranspose().relativeDistance(to: a) < 1e-14)
  }

  @Test("appending rows is factoring the whole", arguments: 0..<20 as Range<UInt64>)
  func appends(seed: UInt64) throws {
    let (old, new) = (Int(seed) % 7, 1 + Int(seed) % 4)
    let a = Self.positiveDefinite(order: old + new, seed: seed)
    func part(_ rows: Range<Int>, _ columns: Range<Int>) -> Matrix {
      var result = Matrix(zeros: rows.count, columns.count)
      for (i, row) in rows.enumerated() {
        for (j, column) in columns.enumerated() { result[i, j] = a[row, column] }
      }
      return result
    }
    var factor = try part(0..<old, 0..<old).cholesky()
    let all = old..<old + new
    try factor.append(part(all, 0..<old), corner: part(all, all))
    #expect(try factor.lower.relativeDistance(to: a.cholesky().lower) < 1e-12)
  }

  @Test func refusesWhatIsNotPositiveDefinite() throws {
    let singular = Matrix([[1, 0, 0], [0, 4, 2], [0, 2, 1]])
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 3)) { try singular.cholesky() }
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 2)) {
      try Matrix([[1, 0], [0, -1]]).cholesky()
    }
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 1)) {
      try Matrix([[.nan]]).cholesky()
    }
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 2)) {
      try Matrix([[1, .nan], [.nan, 1]]).cholesky()
    }
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 1)) {
      try Matrix([[.infinity]]).cholesky()
    }
  }

  @Test func staysAsItWasWhenAppendingFails() throws {
    var factor = try Matrix([[4, 0], [0, 9]]).cholesky()
    let before = factor
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 3)) {
      try factor.append(Matrix([[2, 3]]), corner: Matrix([[2]]))  // 2 − 1 − 1 = 0
    }
    #expect(factor == before)
    try factor.append(Matrix([[2, 3]]), corner: Matrix([[3]]))
    #expect(factor.lower == Matrix([[2, 0, 0], [0, 3, 0], [1, 1, 1]]))
    #expect(factor.solving([4, 9, 5]) == [1, 1, 0])
  }

  @Test func factorsTheEmptyMatrix() throws {
    let factor = try Matrix(zeros: 0, 0).cholesky()
    #expect(factor.order == 0)
    #expect(factor.logDeterminant == 0)
    #expect(factor.solving([]) == [])
  }

  @Test func saysWhatIsWrong() {
    #expect(
      LinearAlgebraError.notPositiveDefinite(order: 3).description
        == "the matrix is not positive definite: its leading minor of order 3 is not positive; "
        + "add a larger value to its diagonal")
  }
}

@Suite struct BLASTests {
  @Test func tellsWhatItIs() {
    BLAS.setThreads()
    #expect(BLAS.threads == 1)
    #expect(BLAS.configuration.contains("OpenBLAS"))
    #expect(!BLAS.coreName.isEmpty)
  }
}
