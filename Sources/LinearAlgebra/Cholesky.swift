internal import COpenBLAS
internal import System

/// The factor L of a symmetric positive definite matrix `A = L Lᵀ`.
package struct Cholesky: Sendable, Equatable {
  /// The lower triangle L; zeros above its diagonal.
  package private(set) var lower: Matrix

  /// Factors the matrix, of which only the lower triangle is read. LAPACK `dpotrf`.
  ///
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(order:)``, also when an entry is NaN or a
  ///   result overflows.
  package init(factoring matrix: Matrix) throws(LinearAlgebraError) {
    precondition(
      matrix.rows == matrix.columns, "\(matrix.rows) × \(matrix.columns) is not square")
    lower = matrix
    let n = matrix.rows
    guard n > 0 else { return }
    let info = unsafe needletail_dpotrf(
      CChar(UInt8(ascii: "L")), Int32(n), &lower.elements, lower.stride)
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    for j in 0..<n {
      // OpenBLAS compares pivots with ≤ 0, which lets NaN through.
      guard lower[j, j].isFinite else { throw .notPositiveDefinite(order: j + 1) }
      for i in 0..<j { lower[i, j] = 0 }
    }
  }

  /// The number of rows of A.
  package var order: Int { lower.rows }

  /// The logarithm of the determinant of A.
  package var logDeterminant: Double {
    (0..<order).reduce(0) { $0 + 2 * log(lower[$1, $1]) }
  }

  /// Extends A by rows and columns at its end, in O(order²) per row.
  ///
  /// - Parameters:
  ///   - coupling: The new rows of A up to the old order: one row per new row, `order` columns.
  ///   - corner: The new rows from there on: square.
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(order:)``; the factor is then as before.
  package mutating func append(
    _ coupling: Matrix, corner: Matrix
  ) throws(LinearAlgebraError) {
    precondition(
      coupling.columns == order && corner.rows == coupling.rows
        && corner.columns == coupling.rows,
      "\(coupling.rows) × \(coupling.columns) and \(corner.rows) × \(corner.columns) at \(order)")
    // [L₁₁ 0; L₂₁ L₂₂] with L₂₁ = A₂₁ L₁₁⁻ᵀ and L₂₂ L₂₂ᵀ = A₂₂ − L₂₁ L₂₁ᵀ:
    // Golub and Van Loan, "Matrix Computations", 4th ed., §4.2.
    let left = solvingLower(coupling.transposed()).transposed()
    var complement = corner
    complement.add(left.timesItsTranspose(), times: -1)
    let right: Cholesky
    do {
      right = try Cholesky(factoring: complement)
    } catch .notPositiveDefinite(let place) {
      throw .notPositiveDefinite(order: order + place)
    }
    var grown = Matrix(zeros: order + corner.rows, order + corner.rows)
    for j in 0..<order {
      for i in j..<order { grown[i, j] = lower[i, j] }
      for i in 0..<left.rows { grown[order + i, j] = left[i, j] }
    }
    for j in 0..<corner.rows {
      for i in j..<corner.rows { grown[order + i, order + j] = right.lower[i, j] }
    }
    lower = grown
  }

  /// The solution X of `A X = B`; one column per right-hand side.
  package func solving(_ b: Matrix) -> Matrix { solvingUpper(solvingLower(b)) }

  /// The solution x of `A x = b`.
  package func solving(_ b: [Double]) -> [Double] {
    solving(Matrix(rows: b.count, columns: 1, elements: b)).elements
  }

  /// The solution X of `L X = B`. Level-3 BLAS `dtrsm`.
  package func solvingLower(_ b: Matrix) -> Matrix { solvingTriangle(b, CblasNoTrans) }

  /// The solution X of `Lᵀ X = B`.
  package func solvingUpper(_ b: Matrix) -> Matrix { solvingTriangle(b, CblasTrans) }

  private func solvingTriangle(_ b: Matrix, _ transposition: CBLAS_TRANSPOSE) -> Matrix {
    precondition(b.rows == order, "\(b.rows) rows on the right of \(order) equations")
    var x = b
    guard b.rows > 0, b.columns > 0 else { return x }
    unsafe cblas_dtrsm(
      CblasColMajor, CblasLeft, CblasLower, transposition, CblasNonUnit, Int32(b.rows),
      Int32(b.columns), 1, lower.elements, lower.stride, &x.elements, x.stride)
    return x
  }
}

extension Matrix {
  /// The Cholesky factor of this symmetric matrix; see ``Cholesky/init(factoring:)``.
  package func cholesky() throws(LinearAlgebraError) -> Cholesky {
    try Cholesky(factoring: self)
  }
}
