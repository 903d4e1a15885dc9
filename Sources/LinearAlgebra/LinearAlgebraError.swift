/// Why a factorization has no answer.
package enum LinearAlgebraError: Error, Hashable {
  /// The leading minor of that order, counted from 1, is not positive (or not a number), so there
  /// is no Cholesky factor.
  case notPositiveDefinite(order: Int)
  /// The eigenvalues of a matrix were not found: an entry is not finite, or the iteration failed.
  case noConvergence
}

extension LinearAlgebraError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notPositiveDefinite(let order):
      "the matrix is not positive definite: its leading minor of order \(order) is not positive; "
        + "add a larger value to its diagonal"
    case .noConvergence: "the eigenvalues of the matrix were not found; check its entries"
    }
  }
}
