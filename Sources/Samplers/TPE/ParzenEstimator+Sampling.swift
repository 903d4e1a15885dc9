internal import Probability
internal import StudyModel

extension ParzenEstimator {
  /// Draws points: a kernel by weight, then each parameter from its factor.
  ///
  /// All points must weigh the same.
  func sample(_ count: Int, using generator: inout TrialGenerator) -> CandidateBatch {
    precondition(isUniform, "only equally weighted points are sampled from")
    var batch = CandidateBatch(count: count, for: self)
    let active = numbers.indices.filter { logScales[$0] > -.infinity }
    for c in 0..<count {
      let pick = generator.integer(below: active.count + 1)
      let slot: Int? = pick < active.count ? active[pick] : nil
      for (d, dimension) in dimensions.enumerated() {
        let u = generator.uniform()
        let x = draw(u, from: slot, d)
        if let grid = dimension.grid {
          let value = dimension.internalValue(at: x)
          batch.setCell(dimension.cell(of: value, in: grid), d, c, self)
        } else {
          batch.coordinates[d * count + c] = x
        }
      }
      for (k, category) in categories.enumerated() {
        let u = generator.uniform()
        batch.choices[k * count + c] = drawChoice(u, from: slot, k, category.choiceCount)
      }
    }
    batch.computePriors(self)
    return batch
  }

  /// The coordinate below which the share `u` of a kernel lies.
  private func draw(_ u: Double, from slot: Int?, _ d: Int) -> Double {
    let dimension = dimensions[d]
    guard let slot else {
      return TruncatedNormal(
        mean: 0.5 * (dimension.low + dimension.high), sigma: dimension.width, low: dimension.low,
        high: dimension.high
      ).quantile(u)
    }
    let at = place(slot, d)
    let bandwidth = kernels[at + Self.blockSize]
    let sigma = d < continuousCount ? 0.5.squareRoot() / bandwidth : bandwidth
    return TruncatedNormal(
      mean: kernels[at], sigma: sigma, low: dimension.low, high: dimension.high
    ).quantile(u)
  }

  /// The observed choice with its probability, else any.
  private func drawChoice(_ u: Double, from slot: Int?, _ k: Int, _ choiceCount: Int) -> Int32 {
    // The row is a mixture: the observed choice alone, and all of them alike.
    let alone = slot == nil ? 0 : Double(activeCount + 1) / Double(activeCount + 1 + choiceCount)
    if let slot, u < alone { return choices[k][slot] }
    let rest = (u - alone) / (1 - alone)
    return Int32(min(Double(choiceCount - 1), (rest * Double(choiceCount)).rounded(.down)))
  }

  /// The internal values of a point of a batch that was drawn, in the order of the space.
  func internalValues(of c: Int, in batch: borrowing CandidateBatch) -> [Double] {
    var values = Array(repeating: 0.0, count: parameterCount)
    for (d, dimension) in dimensions.enumerated() {
      let coordinate = batch.coordinates[d * batch.count + c]
      values[dimension.parameter] = dimension.internalValue(at: coordinate)
    }
    for (k, category) in categories.enumerated() {
      values[category.parameter] = Double(batch.choices[k * batch.count + c])
    }
    return values
  }
}
