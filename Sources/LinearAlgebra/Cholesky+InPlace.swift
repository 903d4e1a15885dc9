internal import COpenBLAS

/// Factorizations that reuse the memory of a matrix, for loops that factor many of one size.
extension Matrix {
  /// Replaces the lower triangle of this symmetric matrix by its Cholesky factor, and leaves what
  /// is above it. LAPACK `dpotrf`.
  ///
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(order:)``, also when an entry is NaN or a
  ///   result overflows; the matrix is then neither.
  package mutating func formLowerCholesky() throws(LinearAlgebraError) {
    precondition(rows == columns, "\(rows) × \(columns) is not square")
    guard rows > 0 else { return }
    let info = unsafe needletail_dpotrf(
      CChar(UInt8(ascii: "L")), Int32(rows), &elements, stride)
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    for j in 0..<rows where !(elements[j + j * rows].isFinite) {
      throw .notPositiveDefinite(order: j + 1)
    }
  }

  /// Replaces the lower triangle, a Cholesky factor L, by that of `(L Lᵀ)⁻¹`. LAPACK `dpotri`.
  package mutating func formLowerInverse() {
    precondition(rows == columns, "\(rows) × \(columns) is not square")
    guard rows > 0 else { return }
    let info = unsafe needletail_dpotri(
      CChar(UInt8(ascii: "L")), Int32(rows), &elements, stride)
    precondition(info == 0, "the factor has a zero on its diagonal at \(info)")
  }

  /// Replaces this matrix B by the solution of `L X = B`, or of `Lᵀ X = B`, for the lower triangle
  /// L of another, all right-hand sides at once. Level-3 BLAS `dtrsm`.
  package mutating func formSolution(ofLower l: Matrix, transposed: Bool = false) {
    precondition(
      l.rows == l.columns && rows == l.rows, "\(rows) rows on the right of \(l.rows) equations")
    guard rows > 0, columns > 0 else { return }
    unsafe cblas_dtrsm(
      CblasColMajor, CblasLeft, CblasLower, transposed ? CblasTrans : CblasNoTrans, CblasNonUnit,
      Int32(rows), Int32(columns), 1, l.elements, l.stride, &elements, stride)
  }
}
