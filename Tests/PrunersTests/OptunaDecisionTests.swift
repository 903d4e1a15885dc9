import Foundation
import JSON
import Pruners
import StudyModel
import Testing

/// Replays random studies in which Optuna 5.0.0 decided; Fixtures/generate_decisions.py made them.
@Suite struct OptunaDecisionTests {
  /// The figures are those that the generator prints.
  @Test(arguments: [
    ("decisions", Tally(decisions: 10_439, prunings: 194 + 497 + 1_034, rungs: 1_891)),
    ("decisions_more", Tally(decisions: 2_829 + 1_431, prunings: 146 + 307, rungs: 0)),
    ("decisions_brackets", Tally(decisions: 3_005 + 1_659, prunings: 677 + 126, rungs: 1_239)),
  ])
  func everyDecisionAgrees(name: String, expected: Tally) throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(name).json")
    let fixture = try JSONValue(parsing: String(contentsOf: path, encoding: .utf8))
    let studies = try #require(fixture["studies"]?.array)
    var tally = Tally()
    for (index, study) in studies.enumerated() {
      try replay(study, index: index, counting: &tally)
    }
    #expect(tally == expected)
  }

  struct Tally: Equatable, Sendable {
    var decisions = 0
    var prunings = 0
    var rungs = 0
  }

  private func replay(_ study: JSONValue, index: Int, counting tally: inout Tally) throws {
    let pruner = try makePruner(study)
    let direction = try #require(study["direction"]?.string.flatMap(Direction.init))
    var history = TrialHistory(
      directions: [direction], studyName: study["name"]?.string ?? "")
    for (position, event) in try #require(study["events"]?.array).enumerated() {
      let fields = try #require(event.array)
      let kind = try #require(fields[0].string)
      let number = kind == "+" ? history.count : try Int(#require(fields[1].number))
      let trial = TrialReference(id: number + 1, number: number)
      switch kind {
      case "+": history.apply(TrialChange(trial, .created(.running, at: nil)))
      case "r":
        let step = try Int(#require(fields[2].number))
        let report = try IntermediateValue(step: step, value: #require(fields[3].number))
        history.apply(TrialChange(trial, .reported(report)))
      case "a":
        let attribute = try Attribute(
          "completed_rung_\(#require(fields[2].number.map(Int.init)))", fields[3])
        history.apply(TrialChange(trial, .systemAttributeSet(attribute)))
      case "=":
        let states: [String: TrialState] = ["c": .completed, "p": .pruned, "f": .failed]
        let state = try #require(fields[2].string.flatMap { states[$0] })
        let values = fields[3].number.map { [$0] } ?? []
        let end = TrialChange.Event.finished(state, values: values, at: Timestamp(microseconds: 0))
        history.apply(TrialChange(trial, end))
      case "?":
        let decision = pruner.decide(on: number, given: history)
        let place = Comment("study \(index), event \(position), \(decision)")
        #expect(decision.isPruning == (fields[2].number == 1), place)
        let rungs = try #require(fields[3].array).map { pair in
          let (rung, value) = try (#require(pair.array?[0].number), #require(pair.array?[1].number))
          return PruningDecision.Rung(number: Int(rung), value: value)
        }
        #expect(decision.completedRungs == rungs, place)
        for rung in rungs {
          let attribute = Attribute("completed_rung_\(rung.number)", .float(rung.value))
          history.apply(TrialChange(trial, .systemAttributeSet(attribute)))
        }
        tally.decisions += 1
        tally.prunings += decision.isPruning ? 1 : 0
        tally.rungs += rungs.count
      default: Issue.record("unknown event \(kind)")
      }
    }
  }

  private func makePruner(_ study: JSONValue) throws -> any Pruner {
    let settings = try #require(study["settings"])
    func integer(_ name: String) throws -> Int { try Int(#require(settings[name]?.number)) }
    switch study["pruner"]?.string {
    case "median":
      return try MedianPruner(
        startupTrials: integer("n_startup_trials"), warmupSteps: integer("n_warmup_steps"),
        interval: integer("interval_steps"), minimumTrials: integer("n_min_trials"))
    case "percentile":
      return try PercentilePruner(
        percentile: #require(settings["percentile"]?.number),
        startupTrials: integer("n_startup_trials"), warmupSteps: integer("n_warmup_steps"),
        interval: integer("interval_steps"), minimumTrials: integer("n_min_trials"))
    case "threshold":
      return try ThresholdPruner(
        lower: settings["lower"]?.number ?? -.infinity, upper: #require(settings["upper"]?.number),
        warmupSteps: integer("n_warmup_steps"), interval: integer("interval_steps"))
    case "patient":
      let wrapped: (any Pruner)? =
        settings["wrapped"] == true ? try MedianPruner(startupTrials: 1) : nil
      return try PatientPruner(
        wrapped, patience: integer("patience"),
        minimumDelta: #require(settings["min_delta"]?.number))
    case "hyperband":
      return try HyperbandPruner(
        minResource: integer("min_resource"),
        maxResource: settings["max_resource"]?.number.map { Int($0) },
        reductionFactor: integer("reduction_factor"), bootstrapCount: integer("bootstrap_count"))
    case "wilcoxon":
      return try WilcoxonPruner(
        threshold: #require(settings["p_threshold"]?.number),
        startupSteps: integer("n_startup_steps"))
    case let name:
      #expect(name == "successive_halving")
      let resource = settings["min_resource"]?.number.map { Int($0) }
      return try SuccessiveHalvingPruner(
        minResource: resource.map { .steps($0) } ?? .automatic,
        reductionFactor: integer("reduction_factor"),
        minEarlyStoppingRate: integer("min_early_stopping_rate"),
        bootstrapCount: integer("bootstrap_count"))
    }
  }
}
