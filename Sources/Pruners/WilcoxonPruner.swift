internal import Probability
public import StudyModel

/// Stops a trial whose reports are worse, step by step, than those of the best trial.
///
/// For objectives that are a mean over instances, such as folds of a cross-validation: each step is
/// an instance, in any order. A trial is stopped when the one-sided signed-rank test of its values
/// against the best trial's on the steps they share gives a p-value below the threshold, and its
/// mean is worse than the best trial's. Wilcoxon, "Individual Comparisons by Ranking Methods",
/// Biometrics Bulletin 1(6), 1945, with zeros split; p-values and decisions are those of Optuna 5
/// and SciPy. A trial with a report that is not finite goes on, and so do all while the best trial
/// has one. A study with several objectives is never pruned.
public struct WilcoxonPruner: Pruner {
  public let name = "wilcoxon"
  public let readsHistory = true

  /// The p-value below which a trial is stopped; from 0 to 1.
  public let threshold: Double
  /// Steps shared with the best trial before the first decision; two are always needed.
  public let startupSteps: Int

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a threshold outside 0 to 1 or a
  ///   negative count.
  public init(threshold: Double = 0.1, startupSteps: Int = 2) throws(PrunerError) {
    guard threshold >= 0 && threshold <= 1 else {
      throw .badSetting(
        name: "p_threshold", value: "\(threshold)", fix: "give a number from 0 to 1")
    }
    try require(startupSteps, atLeast: 0, as: "startup_steps")
    self.threshold = threshold
    self.startupSteps = startupSteps
  }

  /// Decides in the time it takes to read the values of all trials once.
  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      history.reports[trial].count >= 2, let best = history.bestFeasibleTrial
    else { return .keepRunning }
    let own = history.reports[trial]
    let others = history.reports[best]
    guard !others.isEmpty, (own + others).allSatisfy(\.value.isFinite) else { return .keepRunning }

    let differences = SignedRanks.differences(own, others).map(history.direction.loss)
    guard differences.count >= max(2, startupSteps) else { return .keepRunning }
    let p = SignedRanks.probability(ofAtLeast: differences)
    let (mean, bestMean) = (own.mean, others.mean)
    guard p < threshold, history.direction.isBetter(bestMean, than: mean) else {
      return .keepRunning
    }
    return .prune(
      because: "it is worse than trial \(best) on \(differences.count) common steps, "
        + "with p = \(p.text(significantDigits: 3))")
  }
}

extension [IntermediateValue] {
  fileprivate var mean: Double { reduce(0) { $0 + $1.value } / Double(count) }
}

extension TrialHistory {
  /// The completed trial without violated constraints whose value is best, the first of equals; nil
  /// without one.
  var bestFeasibleTrial: Int? {
    var best: Int?
    for (number, state) in states.enumerated()
    where state == .completed && (constraints[number] == nil || violation(of: number) == 0) {
      guard let known = best else {
        best = number
        continue
      }
      if direction.isBetter(values[number], than: values[known]) { best = number }
    }
    return best
  }
}

/// Wilcoxon's signed-rank statistic.
package enum SignedRanks {
  /// The differences of the values at the steps that both have; both by ascending step.
  static func differences(
    _ left: [IntermediateValue], _ right: [IntermediateValue]
  ) -> [Double] {
    var differences: [Double] = []
    var place = 0
    for report in left {
      while place < right.count, right[place].step < report.step { place += 1 }
      guard place < right.count else { break }
      if right[place].step == report.step { differences.append(report.value - right[place].value) }
    }
    return differences
  }

  /// The probability of a sum of positive ranks at least as large as that of `differences`, if each
  /// sign were equally likely; half the ranks of zeros count as positive.
  ///
  /// Exact up to 50 differences, or 13 when some are equal or zero; beyond that by the normal
  /// approximation without continuity correction: the choice of SciPy 1.17.
  ///
  /// - Parameter differences: At least one; finite.
  package static func probability(ofAtLeast differences: [Double]) -> Double {
    let sizes = differences.map(\.magnitude)
    let order = sizes.indices.sorted { sizes[$0] < sizes[$1] }
    // Ranks in quarters, so that those of ties and half those of zeros are whole.
    var quarters = Array(repeating: 0, count: sizes.count)
    var tieCorrection = 0.0
    var hasTies = false
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, sizes[order[end + 1]] == sizes[order[start]] { end += 1 }
      for place in start...end { quarters[order[place]] = 2 * (start + end + 2) }
      let tied = Double(end - start + 1)
      tieCorrection += tied * tied * tied - tied
      hasTies = hasTies || end > start || sizes[order[start]] == 0
      start = end + 1
    }
    var observed = 0
    for (difference, rank) in zip(differences, quarters) {
      observed += difference > 0 ? rank : difference == 0 ? rank / 2 : 0
    }
    let count = Double(sizes.count)
    guard sizes.count <= (hasTies ? 13 : 50) else {
      let mean = count * (count + 1) / 4
      let variance = (count * (count + 1) * (2 * count + 1) - tieCorrection / 2) / 24
      return StandardNormal.cumulative(-(Double(observed) / 4 - mean) / variance.squareRoot())
    }
    // The number of sign patterns with each sum: a whole number below 2⁵³.
    var patterns = [1.0]
    for (difference, rank) in zip(differences, quarters) {
      let (without, with) = difference == 0 ? (rank / 2, rank / 2) : (0, rank)
      var next = Array(repeating: 0.0, count: patterns.count + with)
      for (sum, ways) in patterns.enumerated() where ways > 0 {
        next[sum + without] += ways
        next[sum + with] += ways
      }
      patterns = next
    }
    let all = patterns.reduce(0, +)
    return observed < patterns.count ? patterns[observed...].reduce(0, +) / all : 0
  }
}
