import JSON
import Pruners
import StudyModel
import Testing

@Suite struct PrunerSettingsTests {
  @Test("settings that make no sense are refused with one sentence")
  func badSettings() {
    expect("the pruner's setting 'percentile' cannot be nan; give a number from 0 to 100") {
      _ = try PercentilePruner(percentile: .nan)
    }
    expect("the pruner's setting 'percentile' cannot be 100.5; give a number from 0 to 100") {
      _ = try PercentilePruner(percentile: 100.5)
    }
    expect("the pruner's setting 'startup_trials' cannot be -1; give an integer from 0 on") {
      _ = try MedianPruner(startupTrials: -1)
    }
    expect("the pruner's setting 'warmup_steps' cannot be -2; give an integer from 0 on") {
      _ = try MedianPruner(warmupSteps: -2)
    }
    expect("the pruner's setting 'interval' cannot be 0; give an integer from 1 on") {
      _ = try MedianPruner(interval: 0)
    }
    expect("the pruner's setting 'minimum_trials' cannot be 0; give an integer from 1 on") {
      _ = try PercentilePruner(percentile: 10, minimumTrials: 0)
    }
    expect("the pruner's setting 'min_resource' cannot be 0; give an integer from 1 on") {
      _ = try SuccessiveHalvingPruner(minResource: .steps(0))
    }
    expect("the pruner's setting 'reduction_factor' cannot be 1; give an integer from 2 on") {
      _ = try SuccessiveHalvingPruner(reductionFactor: 1)
    }
    expect("the pruner's setting 'min_early_stopping_rate' cannot be -1; give an integer from 0 on")
    {
      _ = try SuccessiveHalvingPruner(minEarlyStoppingRate: -1)
    }
    expect(
      "the pruner's setting 'bootstrap_count' cannot be 2; "
        + "set min_resource to a number of steps, or leave bootstrap_count at 0"
    ) { _ = try SuccessiveHalvingPruner(bootstrapCount: 2) }
  }

  @Test("limits and patience that make no sense are refused with one sentence")
  func badLimits() {
    expect("the pruner's setting 'lower' cannot be 2.0; give numbers, lower below upper") {
      _ = try ThresholdPruner(lower: 2, upper: 1)
    }
    expect("the pruner's setting 'lower' cannot be -inf; give numbers, lower below upper") {
      _ = try ThresholdPruner(upper: .nan)
    }
    expect("the pruner's setting 'upper' cannot be inf; give lower or upper") {
      _ = try ThresholdPruner()
    }
    expect("the pruner's setting 'threshold' cannot be nan; give a number from 0 to 1") {
      _ = try PredictivePruner(threshold: .nan)
    }
    expect("the pruner's setting 'patience' cannot be -1; give an integer from 0 on") {
      _ = try PatientPruner(patience: -1)
    }
    expect("the pruner's setting 'min_delta' cannot be nan; give 0 or more") {
      _ = try PatientPruner(patience: 1, minimumDelta: .nan)
    }
  }

  @Test("brackets and tests that make no sense are refused with one sentence")
  func badBrackets() {
    expect("the pruner's setting 'max_resource' cannot be 3; give an integer from 4 on") {
      _ = try HyperbandPruner(minResource: 4, maxResource: 3)
    }
    expect(
      "the pruner's setting 'bootstrap_count' cannot be 1; "
        + "set max_resource to a number of steps, or leave bootstrap_count at 0"
    ) { _ = try HyperbandPruner(bootstrapCount: 1) }
    expect("the pruner's setting 'p_threshold' cannot be nan; give a number from 0 to 1") {
      _ = try WilcoxonPruner(threshold: .nan)
    }
    expect("the pruner's setting 'startup_steps' cannot be -1; give an integer from 0 on") {
      _ = try WilcoxonPruner(startupSteps: -1)
    }
  }

  private func expect(_ sentence: String, _ make: () throws -> Void) {
    let error = #expect(throws: PrunerError.self) { try make() }
    #expect(error?.description == sentence)
  }

  @Test("extreme settings neither overflow nor prune")
  func extremeSettings() throws {
    let history = study(values: [0.1, 0.2, 0.3])
    let pruners: [any Pruner] = [
      try MedianPruner(startupTrials: .max, warmupSteps: .max, interval: .max),
      try SuccessiveHalvingPruner(minResource: .steps(.max), minEarlyStoppingRate: .max),
      try SuccessiveHalvingPruner(reductionFactor: .max, minEarlyStoppingRate: 62),
      try PatientPruner(patience: .max), try ThresholdPruner(upper: 0, warmupSteps: .max),
      try HyperbandPruner(minResource: 2, maxResource: .max, reductionFactor: .max),
      try HyperbandPruner(minResource: .max, maxResource: .max, reductionFactor: 2),
      try WilcoxonPruner(threshold: 1, startupSteps: .max),
    ]
    for pruner in pruners { #expect(pruner.decide(on: 3, given: history) == .keepRunning) }
  }

  @Test("a reason names the value, the limit and the place")
  func reasons() throws {
    let history = study(values: [0.1, 0.2, 0.3])
    #expect(
      try MedianPruner(startupTrials: 3).decide(on: 3, given: history).reason
        == "its best report 0.25 is behind the median 0.2 at step 1")
    let halving = try SuccessiveHalvingPruner(minResource: .steps(1))
    #expect(
      halving.decide(on: 3, given: history)
        == PruningDecision(
          reason: "0.25 at rung 0 is outranked by 2 of 3 trials, and 1 goes on",
          completedRungs: [.init(number: 0, value: 0.25)]))
  }

  /// Completed trials with these values at step 1 and rung 0, and a running one with 0.25.
  private func study(values: [Double]) -> TrialHistory {
    var history = TrialHistory(directions: [.minimize])
    for (number, value) in (values + [0.25]).enumerated() {
      let trial = TrialReference(id: number + 1, number: number)
      var events: [TrialChange.Event] = [
        .created(.running, at: nil), .reported(IntermediateValue(step: 1, value: value)),
      ]
      if number < values.count {
        events.append(.systemAttributeSet(Attribute("completed_rung_0", .float(value))))
        events.append(.finished(.completed, values: [value], at: Timestamp(microseconds: 0)))
      }
      for event in events { history.apply(TrialChange(trial, event)) }
    }
    return history
  }
}
