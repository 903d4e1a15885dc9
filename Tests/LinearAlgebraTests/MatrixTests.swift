import LinearAlgebra
import Testing

@Suite struct MatrixTests {
  @Test func storesColumnByColumn() {
    let matrix = Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6])
    #expect(matrix[1, 0] == 2)
    #expect(matrix[0, 2] == 5)
    #expect(Array(matrix.column(1)) == [3, 4])
    #expect(matrix.transposed() == Matrix([[1, 2], [3, 4], [5, 6]]))
    #expect(matrix.selectingColumns([2, 0, 2]) == Matrix([[5, 1, 5], [6, 2, 6]]))
  }

  @Test("agrees with NumPy's products, whatever is transposed")
  func agreesWithNumPy() throws {
    let cases = try Golden.read().products
    #expect(cases.count == 16)
    for golden in cases {
      var c = Matrix(golden.c)
      let transposed = (golden.aIsTransposed, golden.bIsTransposed)
      let factors: [Matrix.Factors] =
        (transposed.0 ? [.first] : []) + (transposed.1 ? [.second] : [])
      c.formProduct(
        Matrix(golden.a), Matrix(golden.b), transposing: Matrix.Factors(factors), scale: 1.5,
        keeping: -0.5)
      // Sums of at most 9 products of numbers around 1: a few units in the last place.
      #expect(c.relativeDistance(to: Matrix(golden.result)) < 1e-14)
    }
  }

  @Test func leavesZerosForAnEmptyInnerDimension() {
    var c = Matrix([[1, 2], [3, 4]])
    c.formProduct(Matrix(zeros: 2, 0), Matrix(zeros: 0, 2))
    #expect(c == Matrix(zeros: 2, 2))
    #expect(Matrix.product(Matrix(zeros: 0, 3), Matrix(zeros: 3, 2)) == Matrix(zeros: 0, 2))
    #expect(Matrix(zeros: 2, 0) * [] == [0, 0])
    #expect(Matrix(zeros: 2, 0).timesItsTranspose() == Matrix(zeros: 2, 2))
  }

  @Test("keeping 0 does not read what was there")
  func ignoresTheOldEntries() {
    var c = Matrix([[.nan]])
    c.formProduct(Matrix([[2]]), Matrix([[3]]))
    #expect(c[0, 0] == 6)
  }

  @Test func multipliesByVectorsAndItself() {
    let a = Matrix([[1, 2, 3], [4, 5, 6]])
    #expect(a * [1, 0, -1] == [-2, -2])
    #expect(a.rowSums() == [6, 15])
    #expect(a.timesItsTranspose() == Matrix([[14, 32], [32, 77]]))
  }

  @Test func addsInPlace() {
    var a = Matrix([[1, 2], [3, 4]])
    a.add(Matrix(identity: 2), times: 10)
    #expect(a == Matrix([[11, 2], [3, 14]]))
    a.addToColumns([1, -1])
    #expect(a == Matrix([[12, 3], [2, 13]]))
  }

  @Test func valuesDoNotShareStorage() {
    let original = Matrix(identity: 2)
    var copy = original
    copy.formProduct(original, original, scale: 2, keeping: 1)
    #expect(original == Matrix(identity: 2))
    #expect(copy == Matrix([[3, 0], [0, 3]]))
  }
}
