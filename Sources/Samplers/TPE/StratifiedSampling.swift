internal import Probability
internal import StudyModel
internal import System

extension Parameter {
  /// Draws an internal value from a part of the range that the trials so far have visited least.
  ///
  /// The box of the distribution, or its prior, is cut into `parts` equally likely ones, a
  /// categorical into its choices;
  /// one of the least visited is drawn and the value uniformly within it. So the first `parts`
  /// trials make a Latin hypercube: McKay, Beckman and Conover, Technometrics 21(2), 1979, §2.
  /// Running and failed trials count as visits.
  func sampleStratified(
    _ parts: Int, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) -> Double {
    guard let column = history.column(named: name), parts > 1, distribution.isModelled else {
      return distribution.sample(using: &generator)
    }
    // Weights leave nothing to be spread.
    if let weights = distribution.choiceTraits?.weights, !weights.isEmpty {
      return distribution.sample(using: &generator)
    }
    let box = distribution.box
    let drawing = Drawing(distribution)
    var count = parts
    if case .categorical(let d) = distribution { count = d.choices.count }
    var visits = Array(repeating: 0, count: count)
    for (number, value) in column.values.enumerated()
    where number != trial && column.distributionIDs[number] >= 0 {
      guard distribution.contains(value) else { continue }
      let place =
        if let drawing {
          drawing.unit(value) * Double(count)
        } else if let box { box.share(of: distribution.boxed(value)) * Double(count) } else {
          value
        }
      visits[Int(clamped: place, to: 0...count - 1)] += 1
    }
    let fewest = visits.min() ?? 0
    let candidates = visits.indices.filter { visits[$0] == fewest }
    let part = candidates[generator.integer(below: candidates.count)]
    guard let box else { return Double(part) }
    let u = (Double(part) + generator.uniform()) / Double(count)
    return drawing?.value(u) ?? distribution.internalValue(ofBoxed: box.point(at: u))
  }
}
