internal import COpenBLAS

/// The decomposition `A = B diag(λ) Bᵀ` of a symmetric matrix, with orthonormal columns of B.
package struct SymmetricEigen: Sendable {
  /// The eigenvalues, ascending.
  package let values: [Double]
  /// The eigenvectors, column by column in the order of the values.
  package let vectors: Matrix

  /// Decomposes the matrix, of which only the lower triangle is read. LAPACK `dsyev`, with one
  /// thread, so that equal matrices give equal results.
  ///
  /// - Throws: ``LinearAlgebraError/noConvergence`` when an entry is not finite, or the iteration
  ///   fails.
  package init(of matrix: Matrix) throws(LinearAlgebraError) {
    precondition(
      matrix.rows == matrix.columns, "\(matrix.rows) × \(matrix.columns) is not square")
    let order = matrix.rows
    guard matrix.elements.allSatisfy(\.isFinite) else { throw .noConvergence }
    var vectors = matrix
    var values = [Double](repeating: 0, count: max(order, 1))
    if order > 0 {
      // 3n − 1 at least; more lets LAPACK work in blocks.
      var work = [Double](repeating: 0, count: 34 * order)
      let info = BLAS.withOneThread {
        unsafe needletail_dsyev(
          CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), Int32(order), &vectors.elements,
          Int32(max(order, 1)), &values, &work, Int32(work.count))
      }
      guard info == 0 else { throw .noConvergence }
    }
    self.values = Array(values.prefix(order))
    self.vectors = vectors
  }
}
