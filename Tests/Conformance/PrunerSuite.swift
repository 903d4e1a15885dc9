import JSON
internal import Probability
package import Pruners
internal import StudyModel
internal import Testing

/// What every pruner must do, and the list of all pruners that must do it.
package enum PrunerSuite {
  /// Every pruner with its defaults, and with settings that make it decide early.
  package static func all() throws(PrunerError) -> [any Pruner] {
    [
      NopPruner(), MedianPruner(), try MedianPruner(startupTrials: 0, interval: 2),
      try PercentilePruner(percentile: 25, startupTrials: 1, warmupSteps: 2),
      try ThresholdPruner(lower: -1, upper: 1), try PatientPruner(patience: 1),
      try PatientPruner(MedianPruner(), patience: 2, minimumDelta: 0.5),
      try SuccessiveHalvingPruner(), try SuccessiveHalvingPruner(reductionFactor: 2),
      try SuccessiveHalvingPruner(minResource: .steps(2), reductionFactor: 3, bootstrapCount: 1),
      try HyperbandPruner(), try HyperbandPruner(maxResource: 8, reductionFactor: 2),
      try HyperbandPruner(minResource: 2, maxResource: 9, bootstrapCount: 1),
      try SuccessiveHalvingPruner(rungs: [1, 3, 4], resource: .reports),
      try SuccessiveHalvingPruner(minResource: .steps(1), reductionFactor: 2, resource: .reports),
      try BanditPruner(slack: .factor(0.1)), try BanditPruner(slack: .amount(0.25), interval: 2),
      try TruncationPruner(percentage: 40),
      try TruncationPruner(percentage: 60, excludesFinished: true, interval: 1, delay: 2),
      try WilcoxonPruner(), try WilcoxonPruner(threshold: 0.5, startupSteps: 1),
      PredictivePruner(), try PredictivePruner(threshold: 0.5, startupTrials: 0, warmupSteps: 1),
    ]
  }

  /// A trial of an empty study, one without reports, one that does not exist and the only one of
  /// its study go on; so do all trials of a study with several objectives.
  package static func keepsWhatCannotBeCompared(_ pruner: some Pruner) {
    let empty = TrialHistory(directions: [.minimize])
    for number in [0, 7, -1] {
      #expect(pruner.decide(on: number, given: empty) == .keepRunning, "\(pruner.name)")
    }
    var silent = history(seed: 1, flipped: false, directions: [.minimize])
    let number = silent.count
    silent.apply(TrialChange(reference(number), .created(.running, at: nil)))
    #expect(pruner.decide(on: number, given: silent) == .keepRunning, "\(pruner.name)")
    let several = history(seed: 1, flipped: false, directions: [.minimize, .maximize])
    for number in several.running {
      #expect(pruner.decide(on: number, given: several) == .keepRunning, "\(pruner.name)")
    }
  }

  /// A trial whose reports are all NaN never records a rung, and a pruner that stops it says why.
  package static func survivesNotANumber(_ pruner: some Pruner) {
    for seed in 0..<20 as Range<UInt64> {
      var study = history(seed: seed, flipped: false, directions: [.maximize])
      let number = study.count
      study.apply(TrialChange(reference(number), .created(.running, at: nil)))
      for step in 0..<5 {
        study.apply(
          TrialChange(reference(number), .reported(IntermediateValue(step: step, value: .nan))))
        let decision = pruner.decide(on: number, given: study)
        #expect(decision.completedRungs.isEmpty, "\(pruner.name), seed \(seed)")
        #expect(decision.reason != "", "\(pruner.name), seed \(seed)")
      }
    }
  }

  /// Flipping every value together with the direction changes no decision, and asking twice
  /// neither.
  package static func decidesAlikeWhenFlipped(_ pruner: some Pruner, seed: UInt64) {
    let study = history(seed: seed, flipped: false, directions: [.minimize])
    let mirror = history(seed: seed, flipped: true, directions: [.maximize])
    for number in study.running {
      let decision = pruner.decide(on: number, given: study)
      let mirrored = pruner.decide(on: number, given: mirror)
      #expect(
        decision == pruner.decide(on: number, given: study), "\(pruner.name), seed \(seed)")
      #expect(decision.isPruning == mirrored.isPruning, "\(pruner.name), seed \(seed)")
      #expect(
        decision.completedRungs
          == mirrored.completedRungs.map { .init(number: $0.number, value: -$0.value) },
        "\(pruner.name), seed \(seed)")
    }
  }

  /// A random study of completed, pruned, failed and running trials with reports and rungs.
  private static func history(
    seed: UInt64, flipped: Bool, directions: [Direction]
  ) -> TrialHistory {
    var history = TrialHistory(directions: directions)
    for number in 0..<16 {
      var generator = TrialGenerator(seed: seed, trial: number)
      let trial = reference(number)
      let quality = generator.uniform(-1, 1)
      func drawn() -> Double {
        (flipped ? -1 : 1) * (quality + generator.uniform(-0.5, 0.5))
      }
      history.apply(TrialChange(trial, .created(.running, at: nil)))
      for step in 0..<(1 + generator.integer(below: 8)) {
        history.apply(TrialChange(trial, .reported(IntermediateValue(step: step, value: drawn()))))
      }
      for rung in 0..<generator.integer(below: 3) {
        let attribute = Attribute("completed_rung_\(rung)", .float(drawn()))
        history.apply(TrialChange(trial, .systemAttributeSet(attribute)))
      }
      let states: [TrialState] = [.completed, .completed, .pruned, .failed, .running]
      let state = number == 0 ? .completed : states[generator.integer(below: states.count)]
      guard state.isFinished else { continue }
      let values = state == .completed ? directions.map { _ in drawn() } : []
      let end = TrialChange.Event.finished(state, values: values, at: Timestamp(microseconds: 0))
      history.apply(TrialChange(trial, end))
    }
    return history
  }

  private static func reference(_ number: Int) -> TrialReference {
    TrialReference(id: number + 1, number: number)
  }
}
