internal import Probability
internal import StudyModel
internal import System

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
      let slot = pick < active.count ? active[pick] : -1
      for d in 0..<dimensions.count {
        let x = draw(generator.uniform(), from: slot, d)
        if let grid = dimensions[d].grid {
          batch.setCell(dimensions[d].cell(nearest: x, in: grid), d, c, self)
        } else {
          batch.coordinates[d * count + c] = x
        }
      }
      for k in 0..<categories.count {
        batch.choices[k * count + c] = drawChoice(generator.uniform(), from: slot, k)
      }
    }
    batch.complete(self)
    return batch
  }

  /// The coordinate below which the share `u` of a kernel lies; slot −1 is the prior's.
  private func draw(_ u: Double, from slot: Int, _ d: Int) -> Double {
    let (low, high) = (dimensions[d].low, dimensions[d].high)
    guard slot >= 0 else {
      if let (centre, sigma) = dimensions[d].belief {
        return TruncatedNormal(mean: centre, sigma: sigma, low: low, high: high).quantile(u)
      }
      let (middle, width) = (dimensions[d].middle, dimensions[d].width)
      // The prior's tails are Φ(−½) and the rest.
      let z = StandardNormal.quantile(0.3085375387259869 + u * 0.38292492254802624)
      return min(max(middle + width * z, low), high)
    }
    let at = place(slot, d)
    let (centre, bandwidth) = (kernels[at], kernels[at + Self.blockSize])
    let sigma = d < continuousCount ? 0.5.squareRoot() / bandwidth : bandwidth
    let tail = lowerTails[slot * dimensions.count + d]
    guard !tail.isNaN else {
      return TruncatedNormal(mean: centre, sigma: sigma, low: low, high: high).quantile(u)
    }
    let p = tail + u * masses[slot * dimensions.count + d]
    return min(max(centre + sigma * StandardNormal.quantile(min(p, 1)), low), high)
  }

  /// The observed choice with its probability, else any.
  private func drawChoice(_ u: Double, from slot: Int, _ k: Int) -> Int32 {
    let choiceCount = Double(categories[k].choiceCount)
    // The row is a mixture: the observed choice alone, and all of them alike.
    let m = Double(activeCount)
    let alone = slot < 0 ? 0 : (m + 1) / (m + 1 + choiceCount)
    if u < alone { return choices[k][slot] }
    let rest = (u - alone) / (1 - alone)
    if !categories[k].weights.isEmpty {
      return Int32(clamping: Distribution.choice(at: rest, categories[k].weights))
    }
    return Int32(clamped: min(choiceCount - 1, (rest * choiceCount).rounded(.down)))
  }

  /// The internal values of a point of a batch that was drawn, in the order of the parameters.
  func internalValues(
    of c: Int, in batch: borrowing CandidateBatch, _ parameters: [Parameter]
  ) -> [Double] {
    var values = Array(repeating: 0.0, count: parameters.count)
    for d in 0..<dimensions.count {
      let coordinate = batch.coordinates[d * batch.count + c]
      let parameter = dimensions[d].parameter
      values[parameter] = parameters[parameter].distribution
        .internalValue(ofBoxed: dimensions[d].boxed(coordinate))
    }
    for k in 0..<categories.count {
      values[categories[k].parameter] = Double(batch.choices[k * batch.count + c])
    }
    return values
  }
}
