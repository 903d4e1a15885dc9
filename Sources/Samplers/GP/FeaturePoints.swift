internal import LinearAlgebra

/// Points as columns of features, whose weighted squared distances are those of the kernel.
///
/// A number is one feature, a categorical one per choice (1 / √2 at the chosen one, so that
/// different choices are at distance 1), an inactive parameter zeros throughout.
struct FeaturePoints: Sendable {
  /// A column per point.
  var features: Matrix
  /// The parameter that each feature belongs to.
  let parameterOf: [Int]

  var count: Int { features.columns }

  /// The features times the square roots of the inverse squared length scales, and the squared norm
  /// of each column.
  func scaled(by parameters: KernelParameters) -> (features: Matrix, norms: [Double]) {
    let weights = parameterOf.map { parameters.inverseSquaredScales[$0].squareRoot() }
    var scaled = features
    var norms = Array(repeating: 0.0, count: features.columns)
    let rows = features.rows
    scaled.elements.withUnsafeMutableBufferPointer { elements in
      weights.withUnsafeBufferPointer { weights in
        for j in 0..<norms.count {
          var sum = 0.0
          for e in 0..<rows {
            let x = elements[e + j * rows] * weights[e]
            elements[e + j * rows] = x
            sum += x * x
          }
          norms[j] = sum
        }
      }
    }
    return (scaled, norms)
  }

  /// The points with those numbers.
  func selecting(_ numbers: [Int]) -> FeaturePoints {
    FeaturePoints(features: features.selectingColumns(numbers), parameterOf: parameterOf)
  }
}
