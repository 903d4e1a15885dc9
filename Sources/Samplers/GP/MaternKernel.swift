internal import LinearAlgebra
internal import System

/// The Matérn 5/2 kernel `(1 + u + u² / 3) exp(−u)` with `u = √(5 d²)`: Rasmussen and Williams
/// (2006), equation 4.17.
enum MaternKernel {
  /// The correlation at a squared distance.
  @inline(__always) static func correlation(_ squaredDistance: Double) -> Double {
    let u = (5 * squaredDistance).squareRoot()
    return (1 + u + u * u / 3) * exp(-u)
  }

  /// Turns inner products into correlations: `matrix[i, j]` is −2 aᵢ·bⱼ on entry.
  ///
  /// - Parameters:
  ///   - rowNorms: aᵢ·aᵢ.
  ///   - columnNorms: bⱼ·bⱼ.
  ///   - derivative: Gets `−5/6 (1 + u) exp(−u)`, the derivative by the squared distance; nil when
  ///     it is not needed.
  ///   - isLower: Whether only the lower triangle counts, on whose diagonal the distance is 0.
  static func correlate(
    _ matrix: inout Matrix, rowNorms: [Double], columnNorms: [Double], scale: Double,
    derivative: UnsafeMutablePointer<Double>? = nil, isLower: Bool = false
  ) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    precondition(rowNorms.count == rows && columnNorms.count == columns, "norms of another shape")
    matrix.elements.withUnsafeMutableBufferPointer { elements in
      rowNorms.withUnsafeBufferPointer { rowNorms in
        for j in 0..<columns {
          let norm = columnNorms[j]
          let start = isLower ? j : 0
          for i in start..<rows {
            let place = i + j * rows
            // Rounding can dip below zero.
            let distance = isLower && i == j ? 0 : max(0, elements[place] + rowNorms[i] + norm)
            let u = (5 * distance).squareRoot()
            let decay = scale * exp(-u)
            elements[place] = (1 + u + u * u * (1.0 / 3)) * decay
            derivative?[place] = -5.0 / 6 * (1 + u) * decay
          }
        }
      }
    }
  }
}
