internal import StudyModel
internal import System

/// Importance as the Pearson divergence between the densities of the best trials and of all trials.
///
/// Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
/// Arbitrary Subspaces", IJCAI 2023; "Conditional PED-ANOVA", KDD 2026, theorem 4.2. The settings
/// are those of Optuna 5.0, which gives the same numbers.
struct PedANOVA {
  /// The share of the trials that count as good (γ' in the paper).
  var targetQuantile = 0.1
  /// How many trials must have a parameter with one distribution for it to count.
  var leastTrials = 2

  func assess(_ evidence: Evidence) -> RawImportances {
    let zeros = evidence.columns.map { (name: $0.name, value: 0.0) }
    let count = evidence.losses.count
    guard count > 1 else {
      let note = "Fewer than two completed trials have finite values, so all shares are equal."
      return RawImportances(entries: zeros, notes: zeros.count > 1 ? [note] : [])
    }
    let isGood = goodTrials(evidence.losses)
    let good = isGood.count { $0 }
    guard good < count else {
      let note = "The best tenth are all trials, so all shares are equal."
      return RawImportances(entries: zeros, notes: [note])
    }
    var notes: [String] = []
    if good < 5 {
      notes.append("Only \(good) of \(count) trials count as good; more would say more.")
    }
    let share = Double(good) / Double(count)
    let entries = evidence.columns.map { column in
      (name: column.name, value: importance(of: column, isGood, good: good) * share * share)
    }
    return RawImportances(entries: entries, notes: notes)
  }

  /// Which trials are good: those as good as the one at the quantile, and of several objectives the
  /// best fronts, of the last one those that dominate most.
  private func goodTrials(_ losses: [[Double]]) -> [Bool] {
    let size = Int(clamped: (targetQuantile * Double(losses.count)).rounded(.up))
    if losses[0].count == 1 {
      let cutoff = losses.map { $0[0] }.sorted()[size - 1]
      return losses.map { $0[0] <= cutoff }
    }
    var isGood = [Bool](repeating: false, count: losses.count)
    var held = 0
    for group in ParetoOrder.ranks(losses, atLeast: size) {
      let front = group.map { losses[$0] }
      let chosen =
        held + group.count <= size
        ? Array(group.indices)
        : Hypervolume.subset(
          front, count: size - held, below: Hypervolume.referencePoint(of: front))
      for place in chosen { isGood[group[place]] = true }
      held += chosen.count
    }
    return isGood
  }

  /// The sum over the parameter's distributions of α² / β times the divergence there.
  private func importance(
    of column: Evidence.Column, _ isGood: [Bool], good: Int
  ) -> Double {
    var sum = 0.0
    for (kind, distribution) in column.distributions.enumerated()
    where distribution.isModelled {
      let cells = column.cells.filter { $0.distribution == kind }
      let best = cells.filter { isGood[$0.trial] }
      guard cells.count >= leastTrials, !best.isEmpty else { continue }
      let alpha = Double(best.count) / Double(good)
      let beta = Double(cells.count) / Double(isGood.count)
      let p = GridDensity(of: distribution, at: best.map(\.value)).masses
      let q = GridDensity(of: distribution, at: cells.map(\.value)).masses
      let divergence = zip(p, q).reduce(0.0) { total, masses in
        let (p, q) = (masses.0 + 1e-12, masses.1 + 1e-12)
        return total + q * (p / q - 1) * (p / q - 1)
      }
      sum += alpha * alpha / beta * divergence
    }
    return sum
  }
}
