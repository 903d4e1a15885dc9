internal import COpenBLAS

extension Matrix {
  /// The factors of a product that enter it transposed.
  package struct Factors: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The left factor.
    package static let first = Factors(rawValue: 1)
    /// The right factor.
    package static let second = Factors(rawValue: 2)
  }

  /// Replaces this matrix, C, by `scale · A B + keeping · C`. Level-3 BLAS `dgemm`; the entries of
  /// C do not matter when `keeping` is 0.
  package mutating func formProduct(
    _ a: Matrix, _ b: Matrix, transposing: Factors = [], scale: Double = 1, keeping: Double = 0
  ) {
    let (first, second) = (transposing.contains(.first), transposing.contains(.second))
    let (m, k) = first ? (a.columns, a.rows) : (a.rows, a.columns)
    let (l, n) = second ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(k == l, "\(m) × \(k) times \(l) × \(n)")
    precondition(m == rows && n == columns, "\(m) × \(n) into \(rows) × \(columns)")
    guard m > 0, n > 0 else { return }
    unsafe cblas_dgemm(
      CblasColMajor, first ? CblasTrans : CblasNoTrans, second ? CblasTrans : CblasNoTrans,
      Int32(m), Int32(n), Int32(k), scale, a.elements, a.stride, b.elements, b.stride, keeping,
      &elements, stride)
  }

  /// The product of two matrices.
  package static func product(
    _ a: Matrix, _ b: Matrix, transposing: Factors = []
  ) -> Matrix {
    var result = Matrix(
      zeros: transposing.contains(.first) ? a.columns : a.rows,
      transposing.contains(.second) ? b.rows : b.columns)
    result.formProduct(a, b, transposing: transposing)
    return result
  }

  /// The product with a column vector.
  package static func * (a: Matrix, x: [Double]) -> [Double] {
    precondition(a.columns == x.count, "\(a.rows) × \(a.columns) times \(x.count)")
    var result = [Double](repeating: 0, count: a.rows)
    guard a.rows > 0, a.columns > 0 else { return result }
    unsafe cblas_dgemv(
      CblasColMajor, CblasNoTrans, Int32(a.rows), Int32(a.columns), 1, a.elements, a.stride,
      x, 1, 0, &result, 1)
    return result
  }

  /// The symmetric product `A Aᵀ`. Level-3 BLAS `dsyrk`: half the work of a product.
  package func timesItsTranspose() -> Matrix {
    var result = Matrix(zeros: rows, rows)
    guard rows > 0 else { return result }
    unsafe cblas_dsyrk(
      CblasColMajor, CblasLower, CblasNoTrans, Int32(rows), Int32(columns), 1, elements, stride,
      0, &result.elements, result.stride)
    for j in 0..<rows {
      for i in 0..<j { result[i, j] = result[j, i] }
    }
    return result
  }

  /// Adds `scale` times the other matrix of the same shape.
  package mutating func add(_ other: Matrix, times scale: Double = 1) {
    precondition(
      rows == other.rows && columns == other.columns,
      "\(other.rows) × \(other.columns) onto \(rows) × \(columns)")
    unsafe cblas_daxpy(
      Int32(elements.count), scale, other.elements, 1, &elements, 1)
  }

  /// Adds the vector to each column.
  package mutating func addToColumns(_ vector: [Double]) {
    precondition(vector.count == rows, "\(vector.count) entries onto columns of \(rows)")
    for j in 0..<columns {
      for i in 0..<rows { elements[i + j * rows] += vector[i] }
    }
  }

  /// The sum of each row.
  package func rowSums() -> [Double] {
    self * [Double](repeating: 1, count: columns)
  }
}

extension Matrix {
  /// Replaces the lower triangle of this square matrix by that of `scale · Aᵀ A`; what is above it
  /// stays. Level-3 BLAS `dsyrk`.
  package mutating func formLowerGram(of a: Matrix, scale: Double = 1) {
    precondition(
      rows == a.columns && columns == a.columns, "\(rows) × \(columns) for \(a.columns) columns")
    guard rows > 0 else { return }
    unsafe cblas_dsyrk(
      CblasColMajor, CblasLower, CblasTrans, Int32(rows), Int32(a.rows), scale, a.elements,
      a.stride, 0, &elements, stride)
  }

  /// Replaces this matrix by `A S` for a symmetric matrix S, of which only the lower triangle is
  /// read. Level-3 BLAS `dsymm`.
  package mutating func formProduct(_ a: Matrix, symmetric s: Matrix) {
    precondition(
      s.rows == s.columns && a.columns == s.rows && rows == a.rows && columns == a.columns,
      "\(a.rows) × \(a.columns) times \(s.rows) × \(s.columns) into \(rows) × \(columns)")
    guard rows > 0, columns > 0 else { return }
    unsafe cblas_dsymm(
      CblasColMajor, CblasRight, CblasLower, Int32(rows), Int32(columns), 1, s.elements, s.stride,
      a.elements, a.stride, 0, &elements, stride)
  }
}
