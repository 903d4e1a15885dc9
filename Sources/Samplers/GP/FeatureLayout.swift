internal import LinearAlgebra
internal import System

/// Which features the points of a space have, given which choices were seen.
///
/// Choices that no trial had are alike to the model, and share one feature.
///
/// An inactive parameter is at the origin of its features, which is the middle of an active
/// number's range: two trials without it are at distance 0 in it, and the kernel stays positive
/// definite, because all distances are Euclidean. The embedding with the origin as the inactive
/// state is that of Hutter and Osborne, "A Kernel for Hierarchical Parameter Spaces", 2013, §3,
/// with a straight line for their arc; that the branches differ is what the parent's own distance
/// says.
struct FeatureLayout {
  private let firstFeature: [Int]
  /// Per categorical parameter, the feature of each choice.
  private let featureOfChoice: [[Int]]
  /// The parameter that each feature belongs to.
  let parameterOf: [Int]

  /// The value of the feature of a chosen choice.
  private static let rootHalf = 0.5.squareRoot()

  init(_ space: GPSpace, seen points: [[Double]]) {
    var first: [Int] = []
    var choices: [[Int]] = []
    var parameterOf: [Int] = []
    for (j, kind) in space.kinds.enumerated() {
      first.append(parameterOf.count)
      guard case .categorical(let count) = kind else {
        parameterOf.append(j)
        choices.append([])
        continue
      }
      var features = Array(repeating: -1, count: count)
      for point in points where !point[j].isNaN && features[Int(clamped: point[j])] < 0 {
        features[Int(clamped: point[j])] = parameterOf.count
        parameterOf.append(j)
      }
      if features.contains(-1) {
        features = features.map { $0 < 0 ? parameterOf.count : $0 }
        parameterOf.append(j)
      }
      choices.append(features)
    }
    firstFeature = first
    featureOfChoice = choices
    self.parameterOf = parameterOf
  }

  /// The feature of a number.
  func feature(ofNumber j: Int) -> Int { firstFeature[j] }

  /// The choices of a categorical that the model tells apart: those that were seen, and one of the
  /// others.
  func distinctChoices(of j: Int) -> [Int] {
    var known: Set<Int> = []
    return featureOfChoice[j].indices.filter { known.insert(featureOfChoice[j][$0]).inserted }
  }

  /// The choices that the model cannot tell from this one, itself among them.
  func choices(like choice: Int, of j: Int) -> [Int] {
    featureOfChoice[j].indices.filter { featureOfChoice[j][$0] == featureOfChoice[j][choice] }
  }

  /// The features of activated points.
  func points(_ points: [[Double]]) -> FeaturePoints {
    let rows = parameterOf.count
    var features = Matrix(zeros: rows, points.count)
    features.elements.withUnsafeMutableBufferPointer { elements in
      for (place, point) in points.enumerated() {
        for j in firstFeature.indices where !point[j].isNaN {
          if featureOfChoice[j].isEmpty {
            elements[firstFeature[j] + place * rows] = point[j] - 0.5
          } else {
            elements[featureOfChoice[j][Int(clamped: point[j])] + place * rows] = Self.rootHalf
          }
        }
      }
    }
    return FeaturePoints(features: features, parameterOf: parameterOf)
  }
}
