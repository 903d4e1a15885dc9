/// A dense matrix of doubles, stored column by column.
///
/// Shapes are promises of the caller: operations on shapes that do not fit stop the program. Either
/// dimension may be 0.
package struct Matrix: Sendable, Equatable {
  /// At least 0.
  package let rows: Int
  /// At least 0.
  package let columns: Int
  /// The entries, those of a column next to each other: `(i, j)` at `i + j * rows`. They may be
  /// changed, but their number must stay.
  package var elements: [Double]

  /// Creates a matrix from its entries, column by column.
  package init(rows: Int, columns: Int, elements: [Double]) {
    precondition(
      rows >= 0 && columns >= 0 && elements.count == rows * columns,
      "\(elements.count) elements for \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// Creates a matrix of zeros.
  package init(zeros rows: Int, _ columns: Int) {
    precondition(rows >= 0 && columns >= 0, "\(rows) × \(columns) is no shape")
    self.init(
      rows: rows, columns: columns, elements: [Double](repeating: 0, count: rows * columns))
  }

  /// Creates the identity of that order.
  package init(identity order: Int) {
    self.init(zeros: order, order)
    for i in 0..<order { elements[i + i * order] = 1 }
  }

  /// The entry in row `i` and column `j`, both counted from 0.
  package subscript(i: Int, j: Int) -> Double {
    get { elements[index(i, j)] }
    set { elements[index(i, j)] = newValue }
  }

  /// The entries of column `j`.
  package func column(_ j: Int) -> ArraySlice<Double> {
    precondition((0..<columns).contains(j), "column \(j) of \(columns)")
    return elements[j * rows..<(j + 1) * rows]
  }

  /// The matrix of the columns with those numbers, in that order; a number may be repeated.
  package func selectingColumns(_ numbers: some Sequence<Int>) -> Matrix {
    var selected: [Double] = []
    var count = 0
    for number in numbers {
      selected += column(number)
      count += 1
    }
    return Matrix(rows: rows, columns: count, elements: selected)
  }

  /// The matrix with rows and columns exchanged.
  package func transposed() -> Matrix {
    var result = Matrix(zeros: columns, rows)
    for j in 0..<columns {
      for i in 0..<rows { result[j, i] = self[i, j] }
    }
    return result
  }

  private func index(_ i: Int, _ j: Int) -> Int {
    precondition(
      (0..<rows).contains(i) && (0..<columns).contains(j), "(\(i), \(j)) of \(rows) × \(columns)")
    return i + j * rows
  }

  /// The leading dimension that BLAS wants: the rows, but at least 1.
  var stride: Int32 { Int32(max(rows, 1)) }
}
