public import StudyModel

/// Stops trials by asynchronous successive halving; a stopped trial is never resumed.
///
/// A trial that reaches rung `k`, step `minResource · reductionFactor^(minEarlyStoppingRate + k)`,
/// goes on only while its latest report is among the best `1 / reductionFactor` that trials in any
/// state recorded there. Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys
/// 2020, algorithm 2, in its stopping form, as Optuna 5 decides: what counts at a rung is the
/// latest report, not the one at the rung's own step, and ties go on. A study with several
/// objectives is never pruned. The rungs may also be given, and be counted in reports instead of
/// steps, as W&B does.
///
/// One deviation: Optuna fixes the automatic ``MinimumResource/automatic`` when a process first
/// needs it, so that workers can differ; here it follows from the history, each time anew.
public struct SuccessiveHalvingPruner: Pruner {
  /// The step of the first rung.
  public enum MinimumResource: Sendable, Hashable {
    /// A hundredth of the largest last step of completed trials, at least 1; none is pruned before
    /// one trial has completed.
    case automatic
    /// That many steps; at least 1.
    case steps(Int)
  }

  /// What rungs are counted in.
  public enum Resource: String, Sendable, Hashable, CaseIterable {
    /// The step of the latest report.
    case steps
    /// How many reports a trial has made.
    case reports
  }

  public let name = "asha"
  public let readsHistory = true

  /// The step of the first rung (`r` in the paper).
  public let minResource: MinimumResource
  /// Inverse of the fraction kept at each rung (`η` in the paper); at least 2.
  public let reductionFactor: Int
  /// How many rungs are left out at the beginning (`s` in the paper).
  public let minEarlyStoppingRate: Int
  /// Trials that must reach a rung before any goes beyond it.
  public let bootstrapCount: Int
  /// The rungs, ascending; empty for those that follow from the other settings.
  public let rungs: [Int]
  /// What rungs are counted in.
  public let resource: Resource

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a `minResource` below 1, a
  ///   `reductionFactor` below 2, a negative count, a bootstrap count or reports with an automatic
  ///   resource, and for rungs that do not ascend from 1 or stand beside a `minResource` or a
  ///   `minEarlyStoppingRate`.
  public init(
    minResource: MinimumResource = .automatic, reductionFactor: Int = 4,
    minEarlyStoppingRate: Int = 0, bootstrapCount: Int = 0, rungs: [Int] = [],
    resource: Resource = .steps
  ) throws(PrunerError) {
    try Self.check(rungs, minResource, minEarlyStoppingRate)
    if resource == .reports, rungs.isEmpty, minResource == .automatic {
      throw .badSetting(
        name: "resource", value: "reports", fix: "set min_resource or rungs to numbers of reports")
    }
    if case .steps(let steps) = minResource {
      try require(steps, atLeast: 1, as: "min_resource")
    }
    try require(reductionFactor, atLeast: 2, as: "reduction_factor")
    try require(minEarlyStoppingRate, atLeast: 0, as: "min_early_stopping_rate")
    try require(bootstrapCount, atLeast: 0, as: "bootstrap_count")
    if bootstrapCount > 0 && minResource == .automatic && rungs.isEmpty {
      throw .badSetting(
        name: "bootstrap_count", value: String(bootstrapCount),
        fix: "set min_resource to a number of steps, or leave bootstrap_count at 0")
    }
    self.minResource = minResource
    self.reductionFactor = reductionFactor
    self.minEarlyStoppingRate = minEarlyStoppingRate
    self.bootstrapCount = bootstrapCount
    self.rungs = rungs
    self.resource = resource
  }

  private static func check(
    _ rungs: [Int], _ minResource: MinimumResource, _ rate: Int
  ) throws(PrunerError) {
    guard !rungs.isEmpty else { return }
    guard rungs[0] >= 1, zip(rungs, rungs.dropFirst()).allSatisfy(<) else {
      throw .badSetting(
        name: "rungs", value: rungs.map(String.init).joined(separator: ", "),
        fix: "give ascending numbers from 1 on")
    }
    guard minResource == .automatic, rate == 0 else {
      throw .badSetting(
        name: "rungs", value: rungs.map(String.init).joined(separator: ", "),
        fix: "remove them, or min_resource and min_early_stopping_rate")
    }
  }

  /// Creates the pruner of a bracket from settings that were checked.
  init(
    checkedResource: Int, _ reductionFactor: Int, _ minEarlyStoppingRate: Int,
    _ bootstrapCount: Int
  ) {
    minResource = .steps(checkedResource)
    self.reductionFactor = reductionFactor
    self.minEarlyStoppingRate = minEarlyStoppingRate
    self.bootstrapCount = bootstrapCount
    rungs = []
    resource = .steps
  }

  /// Decides in time logarithmic in the number of trials.
  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    decide(on: trial, given: history) { value, rung in
      let tables = history.rungs.tables
      guard rung < tables.count else { return (0, 0) }
      return (tables[rung].count(betterThan: value, history.direction), tables[rung].count)
    }
  }

  /// The same among trials of which `standing` tells, for a value and a rung, how many have a
  /// better one there, and how many have any.
  func decide(
    on trial: Int, given history: TrialHistory,
    among standing: (_ value: Double, _ rung: Int) -> (better: Int, count: Int)
  ) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      let report = history.reports[trial].last
    else { return .keepRunning }
    let reached = resource == .steps ? report.step : history.reports[trial].count
    guard let base = firstRungStep(reachedBy: reached, in: history) else { return .keepRunning }

    var rung = history.rungs.firstOpen(of: trial)
    var decision = PruningDecision.keepRunning
    while let step = rungStep(rung, from: base), reached >= step {
      if report.value.isNaN {
        decision.reason = "it reported NaN at rung \(rung), step \(report.step)"
        return decision
      }
      decision.completedRungs.append(.init(number: rung, value: report.value))
      decision.reason = reason(
        against: report.value, at: rung, among: standing(report.value, rung))
      if decision.isPruning { return decision }
      rung += 1
    }
    return decision
  }

  /// The resource `r`, or nil when it cannot be known yet or the step is before every rung.
  private func firstRungStep(reachedBy step: Int, in history: TrialHistory) -> Int? {
    if let first = rungs.first { return step >= first ? first : nil }
    switch minResource {
    case .steps(let steps): return steps
    case .automatic:
      guard let least = rungStep(0, from: 1), step >= least else { return nil }
      return history.largestCompletedStep.map { max($0 / 100, 1) }
    }
  }

  /// The step of a rung; nil when it is beyond all integers.
  private func rungStep(_ rung: Int, from base: Int) -> Int? {
    guard rungs.isEmpty else { return rungs.indices.contains(rung) ? rungs[rung] : nil }
    guard minEarlyStoppingRate < Int.bitWidth else { return nil }
    var step = base
    for _ in 0..<(minEarlyStoppingRate + rung) {
      let (product, overflows) = step.multipliedReportingOverflow(by: reductionFactor)
      if overflows { return nil }
      step = product
    }
    return step
  }

  /// Why a trial with `value` stops at the rung; nil when it goes on.
  private func reason(
    against value: Double, at rung: Int, among others: (better: Int, count: Int)
  ) -> String? {
    let count = others.count + 1
    if count <= bootstrapCount {
      return "the first \(bootstrapCount) trials stop at rung \(rung)"
    }
    let kept = max(1, count / reductionFactor)
    guard others.better >= kept else { return nil }
    return
      "\(value.text(significantDigits: 6)) at rung \(rung) is outranked by \(others.better) of "
      + "\(others.count) trials, and \(kept) \(kept == 1 ? "goes" : "go") on"
  }
}
