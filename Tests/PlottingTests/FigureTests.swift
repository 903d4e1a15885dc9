import Analysis
import JSON
import StudyModel
import Testing

@testable import Plotting

@Suite struct FigureTests {
  @Test("the line follows the best feasible value, and steps where it is found")
  func bestSoFar() throws {
    var study = Samples.completed([3, 5, 1, 2, 0.5])
    study.trials[2].systemAttributes = [Attribute("constraints", [0.0, 1.0])]
    let figure = Figure.history([study], scale: .linear)
    let line = try #require(figure.layers.first { $0.mark == .line(width: 2) })
    #expect(
      line.runs == [
        [Point(0, 3), Point(3, 3), Point(3, 2), Point(4, 2), Point(4, 0.5), Point(4, 0.5)]
      ])
    let crosses = try #require(figure.layers.first { $0.ink == .muted })
    #expect(crosses.runs == [[Point(2, 1)]])
    #expect(figure.legend.map(\.name) == ["completed", "best so far", "infeasible"])
    #expect(figure.subtitle == "5 trials: 5 completed · best 0.5 in trial 4")
  }

  @Test("maximized, the line climbs")
  func bestSoFarMaximized() throws {
    let figure = Figure.history([Samples.completed([1, 3, 2], direction: .maximize)])
    let line = try #require(figure.layers.first { $0.mark == .line(width: 2) })
    #expect(line.runs == [[Point(0, 1), Point(1, 1), Point(1, 3), Point(2, 3)]])
    #expect(figure.panels[0].y.label == "objective value (maximized)")
  }

  @Test func pastConstraintSpellingsAreRead() {
    var trial = Samples.completed([1]).trials[0]
    #expect(trial.isFeasible)
    trial.systemAttributes = [Attribute("constraints", [-1.0, 0.0])]
    #expect(trial.isFeasible)
    trial.systemAttributes = [Attribute("constraints", [.float(.nan)])]
    #expect(!trial.isFeasible)
    trial.systemAttributes = [Attribute("constraints", nil)]
    #expect(!trial.isFeasible)
    trial.systemAttributes = [Attribute("constraints:memory", 2.0)]
    #expect(!trial.isFeasible)
    trial.systemAttributes = [Attribute("constraints:memory", -2.0), Attribute("other", 2.0)]
    #expect(trial.isFeasible)
  }

  @Test("a figure without anything to show says why")
  func emptyReasons() throws {
    let reasons: [(Figure, String)] = [
      (.history([]), "Nothing to show: no study was given."),
      (.history([Samples.completed([])]), "The study has no trials yet."),
      (
        .history([Samples.completed([]), Samples.completed([])]),
        "None of the 2 studies has trials yet."
      ),
      (
        .history([Samples.unfinished(9, state: .failed)]),
        "No trial has completed, so there is no value to show."
      ),
      (.history([Samples.completed([.infinity])]), "No completed trial has a finite value."),
      (
        .history([Samples.completed([0, -1])], scale: .logarithmic),
        "No value is above 0, so a logarithmic axis has no place for any."
      ),
      (
        .history([Samples.completed([1], name: "a")], objective: 2),
        "The study 'a' has 1 objective, so there is none with the index 2."
      ),
      (.intermediate(Samples.completed([])), "The study has no trials yet."),
      (.intermediate(Samples.completed([1])), "No trial has reported an intermediate value."),
      (.intermediate(Samples.reporting([.nan, .infinity])), "No report has a finite value."),
      (
        .intermediate(Samples.reporting([0]), scale: .logarithmic),
        "No report is above 0, so a logarithmic axis has no place for any."
      ),
    ]
    for (figure, reason) in reasons { #expect(figure.emptyReason == reason) }
  }

  @Test("what is left out is said")
  func notes() {
    #expect(
      Figure.history([Samples.completed([1, .infinity, -.infinity, 2])]).notes
        == ["2 completed trials have a value that is not finite and are not drawn."])
    #expect(
      Figure.history([Samples.completed([1, 0, 2])], scale: .logarithmic).notes
        == ["1 value not above 0 has no place on the logarithmic axis."])
    #expect(
      Figure.intermediate(Samples.reporting([1, .nan, 2])).notes
        == ["1 report is not finite and left out."])
  }

  @Test("a report that is left out breaks the curve")
  func brokenCurve() throws {
    let figure = Figure.intermediate(Samples.reporting([1, 2, .nan, 3]))
    let curve = try #require(figure.layers.first)
    #expect(curve.runs == [[Point(0, 1), Point(1, 2)], [Point(3, 3)]])
    #expect(curve.rows == [0, 1, 3])
    #expect(figure.data.columns.map(\.name) == ["trial", "state", "step", "value"])
  }

  @Test("pruned curves end in a cross, the best one stands out")
  func curvesByState() throws {
    let figure = Figure.intermediate(try Samples.study(40, steps: 6))
    let pruned = try Samples.study(40, steps: 6).trials.filter { $0.state == .pruned }
    let crosses = figure.layers.filter { if case .crosses = $0.mark { true } else { false } }
    #expect(crosses.flatMap { $0.runs.flatMap(\.self) }.count == pruned.count)
    #expect(figure.layers.last?.ink == .vermillion)
    #expect(figure.legend.last?.name.hasPrefix("best: trial ") == true)
  }

  @Test("100,000 points are thinned out, keep the extremes and say so")
  func thinning() throws {
    var study = try Samples.study(100_000)
    study.trials[54_321].state = .completed
    study.trials[54_321].values = [-17]
    let figure = Figure.history([study])
    let drawn = figure.layers.filter { $0.ink == .blue }.flatMap { $0.runs.flatMap(\.self) }
    #expect(drawn.count <= Figure.pointLimit && drawn.count > Figure.pointLimit / 2)
    #expect(drawn.contains(Point(54_321, -17)))
    let best = try #require(study.bestTrial(objective: 0))
    #expect(drawn.contains { $0.x == Double(best) })
    #expect(figure.notes.count == 2 && figure.notes[0].contains("about 10,000 are drawn"))
    let strokes = figure.layers.filter { $0.rugLane != nil }.reduce(0) { $0 + $1.rows.count }
    #expect(strokes <= 2 * Figure.strokeLimit)
    #expect(figure.notes[1].hasSuffix("pruned and failed trials \(strokes.grouped) are marked."))
    #expect(figure.data.count == 100_000)
    #expect(figure.svg().utf8.count < 250_000)
  }

  @Test("10,000 curves are thinned out, keep the best and the extremes and say so")
  func thinningCurves() throws {
    var study = try Samples.study(10_000, steps: 5)
    study.trials[4_321].intermediateValues = [IntermediateValue(step: 2, value: 9)]
    let figure = Figure.intermediate(study)
    let drawn = figure.layers.flatMap { $0.runs.flatMap(\.self) }
    #expect(drawn.contains(Point(2, 9)))
    #expect(figure.notes.count == 1 && figure.notes[0].contains("Of 10,000 trials"))
    var long = Samples.reporting((0..<50_000).map { Double($0 % 97) })
    long.trials[0].intermediateValues[777] = IntermediateValue(step: 777, value: 1e4)
    let curve = Figure.intermediate(long, scale: .linear)
    #expect(curve.layers.flatMap { $0.runs.flatMap(\.self) }.contains(Point(777, 1e4)))
    #expect(curve.notes == ["Long curves are drawn with their turning points only."])
  }

  @Test func thinnedIndicesAscendWithinTheLimit() {
    for count in [0, 3, 4, 5, 100, 1_001] {
      let values = (0..<count).map { Double(($0 * 7_919) % 101) }
      let kept = thinned(values, to: 40)
      #expect(kept.count <= 40 || count <= 40)
      #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 })
      #expect(kept.map { values[$0] }.min() == values.min())
      #expect(kept.map { values[$0] }.max() == values.max())
      #expect(kept.first == values.indices.first && kept.last == values.indices.last)
    }
  }

  @Test("rows are the trials of all studies, with all their parameters")
  func table() throws {
    var second = Samples.completed([4], name: "b")
    let distribution = Distribution.int(try IntDistribution(low: 1, high: 9))
    second.trials[0].parameters = [ParameterAssignment("layers", distribution, internalValue: 3)]
    let table = Figure.history([Samples.completed([1, 2], name: "a"), second]).data
    #expect(table.count == 3)
    #expect(table.columns.map(\.name) == ["study", "trial", "state", "value", "best", "layers"])
    #expect(table.columns[0].cells == ["a", "a", "b"])
    #expect(table.columns[1].cells == [0, 1, 0])
    #expect(table.columns[3].cells == [1.0, 2.0, 4.0])
    #expect(table.columns[4].cells == [1.0, 1.0, 4.0])
    #expect(table.columns[5].cells == [nil, nil, 3])
  }

  @Test func trialsInAnyOrderGiveTheSameFigure() throws {
    let study = try Samples.study(50, steps: 4)
    let shuffled = StudySeries(
      name: study.name, directions: study.directions, trials: study.trials.reversed(),
      metric: study.metric)
    #expect(Figure.history([study]).html() == Figure.history([shuffled]).html())
    #expect(Figure.intermediate(study).svg() == Figure.intermediate(shuffled).svg())
  }
}
