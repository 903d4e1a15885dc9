internal import StudyModel
internal import System

extension RankedValues {
  /// The quantile of the numbers, interpolated linearly between neighbours; NaN without any.
  ///
  /// Definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
  /// Statistician 50 (1996). The order of operations is numpy's: beside an infinite neighbour,
  /// also one of weight 0, the result is NaN, which pruners take for "no answer".
  ///
  /// - Parameter share: From 0, the smallest, to 1, the largest.
  func quantile(_ share: Double) -> Double {
    guard numberCount > 0 else { return .nan }
    let place = Double(numberCount - 1) * share
    let index = min(Int(clamped: place), numberCount - 1)
    let low = self[index]
    let high = index + 1 < numberCount ? self[index + 1] : low
    let weight = place - Double(index)
    let difference = high - low
    return weight < 0.5 ? low + difference * weight : high - difference * (1 - weight)
  }
}
