import Pruners
import StudyModel
import Testing

@Suite struct PredictivePrunerTests {
  /// Completed trials of ten steps whose losses fall from `early` to `final` in a straight line.
  private func study(_ curves: [(early: Double, final: Double)]) -> TrialHistory {
    var history = TrialHistory(directions: [.minimize])
    for (number, curve) in curves.enumerated() {
      let trial = TrialReference(id: number + 1, number: number)
      history.apply(TrialChange(trial, .created(.running, at: nil)))
      for step in 1...10 {
        let value = curve.early + (curve.final - curve.early) * Double(step - 1) / 9
        history.apply(
          TrialChange(trial, .reported(IntermediateValue(step: step, value: value))))
      }
      history.apply(
        TrialChange(
          trial, .finished(.completed, values: [curve.final], at: Timestamp(microseconds: 0))))
    }
    return history
  }

  private func decide(
    _ value: Double, at step: Int, in study: TrialHistory, by pruner: PredictivePruner = .init()
  ) -> PruningDecision {
    var study = study
    let trial = TrialReference(id: study.count + 1, number: study.count)
    study.apply(TrialChange(trial, .created(.running, at: nil)))
    study.apply(TrialChange(trial, .reported(IntermediateValue(step: step, value: value))))
    return pruner.decide(on: trial.number, given: study)
  }

  /// Early losses that tell the final ones, give or take a little.
  private var telling: TrialHistory {
    study([(3, 1.4), (2.5, 1.1), (4, 2.1), (3.2, 1.7), (2.9, 1.2)])
  }

  /// The probabilities are those of CurveForecastTests: 0.0084 at 3.5, 0.737 at 2.4.
  @Test func stopsWhatHasNoChance() {
    #expect(
      decide(3.5, at: 1, in: telling).reason
        == "at step 1 it is expected to end at 1.769, which leaves a chance of 0.0084 to become the "
        + "best")
    #expect(!decide(2.4, at: 1, in: telling).isPruning)
  }

  @Test("slow starters go on where early reports say nothing of the end")
  func slowStarters() {
    let study = study([(3, 1.2), (2.5, 2.1), (4, 1.1), (3.2, 1.7), (2.9, 1.4)])
    #expect(!decide(4, at: 1, in: study).isPruning)
  }

  @Test func leavesAlone() throws {
    #expect(!decide(.infinity, at: 1, in: telling).isPruning)
    #expect(!decide(.nan, at: 1, in: telling).isPruning)
    // At the last step there is nothing left to save; of step 11 nothing is known.
    #expect(!decide(9, at: 10, in: telling).isPruning)
    #expect(!decide(9, at: 11, in: telling).isPruning)
    #expect(!decide(9, at: 1, in: study([(3, 1.4), (2.5, 1.1)])).isPruning)
    let patient = try PredictivePruner(startupTrials: 6)
    #expect(!decide(9, at: 1, in: telling, by: patient).isPruning)
    let late = try PredictivePruner(warmupSteps: 2)
    #expect(!decide(9, at: 1, in: telling, by: late).isPruning)
    #expect(decide(9, at: 2, in: telling, by: late).isPruning)
  }

  @Test("what a decision asks for falls with the chance of a fresh trial")
  func lateInAStudy() {
    // 0.0084 is less than 0.3 / 35, and more than 0.3 / 36.
    for (prunedCount, isPruned) in [(0, true), (29, true), (30, false)] {
      var study = telling
      for _ in 0..<prunedCount {
        let trial = TrialReference(id: study.count + 1, number: study.count)
        study.apply(TrialChange(trial, .created(.running, at: nil)))
        study.apply(
          TrialChange(trial, .finished(.pruned, values: [9], at: Timestamp(microseconds: 0))))
      }
      #expect(decide(3.5, at: 1, in: study).isPruning == isPruned, "after \(prunedCount)")
    }
  }

  @Test("a trial abreast of the best one at its own step goes on, whatever the others tell")
  func abreast() throws {
    let study = study([
      (4, 1), (3, 2), (2.9, 2.1), (2.8, 1.9), (3.1, 2.05), (2.7, 1.95), (3.2, 2.1), (2.6, 2),
    ])
    let strict = try PredictivePruner(threshold: 1)
    #expect(!decide(4, at: 1, in: study, by: strict).isPruning)
    #expect(decide(4.01, at: 1, in: study, by: strict).isPruning)
  }
}
