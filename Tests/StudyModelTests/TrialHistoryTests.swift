import JSON
import StudyModel
import Testing

@Suite struct TrialHistoryTests {
  private let moment = Timestamp(microseconds: 0)
  private let range: Distribution

  init() throws {
    range = .float(try FloatDistribution(low: 0, high: 1))
  }

  private func change(_ number: Int, _ event: TrialChange.Event) -> TrialChange {
    TrialChange(TrialReference(id: number + 100, number: number), event)
  }

  private func parameter(_ name: String, _ value: Double) -> TrialChange.Event {
    .parameterSet(ParameterAssignment(name, range, internalValue: value))
  }

  private func report(_ step: Int, _ value: Double) -> TrialChange.Event {
    .reported(IntermediateValue(step: step, value: value))
  }

  /// Five trials: completed, pruned, failed, running after a restart, waiting.
  private var changes: [TrialChange] {
    [
      change(0, .created(.running, at: moment)), change(0, parameter("x", 0.25)),
      change(1, .created(.running, at: moment)), change(0, report(3, 7)),
      change(1, parameter("x", 0.5)), change(1, parameter("y", 0.75)), change(0, report(1, 8)),
      change(0, .systemAttributeSet(Attribute("constraints", [0.5, -1.0, 2.0]))),
      change(0, .finished(.completed, values: [4], at: moment)),
      change(2, .created(.running, at: moment)), change(1, report(0, .infinity)),
      change(1, .systemAttributeSet(Attribute("completed_rung_1", 0.125))),
      change(1, .finished(.pruned, values: [6], at: moment)),
      change(2, .finished(.failed, values: [], at: moment)),
      change(3, .created(.waiting, at: nil)),
      change(3, .systemAttributeSet(Attribute("fixed_params", ["x": 1]))),
      change(3, .started(at: moment)), change(3, report(0, 1)),
      change(3, .systemAttributeSet(Attribute("completed_rung_0", 1.0))),
      change(3, .restarted(at: moment)), change(3, report(0, 2)), change(3, report(2, .nan)),
      change(4, .created(.waiting, at: nil)),
    ]
  }

  private func fold(_ changes: [TrialChange]) -> TrialHistory {
    var history = TrialHistory(directions: [.minimize])
    for change in changes { history.apply(change) }
    return history
  }

  @Test func foldsChanges() throws {
    let history = fold(changes)
    #expect(history.count == 5)
    #expect(history.states == [.completed, .pruned, .failed, .running, .waiting])
    #expect(history.values[0] == 4)
    #expect(history.values[1] == 6)
    #expect(history.values[2].isNaN && history.values[3].isNaN)
    #expect(history.parameters.map(\.name) == ["x", "y"])
    #expect(history.column(named: "x")?.values.prefix(2) == [0.25, 0.5])
    #expect(history.column(named: "z") == nil)
    #expect(history.distributions == [range])
    #expect(history.assignments(of: 1).map(\.internalValue) == [0.5, 0.75])
    #expect(history.assignments(of: 3).isEmpty)
    #expect(history.reports[0].map(\.step) == [1, 3])
    #expect(
      history.reports[3] == [
        IntermediateValue(step: 0, value: 2), IntermediateValue(step: 2, value: .nan),
      ])
    #expect(history.reportsByStep[0]?.trials == [1, 3])
    #expect(history.reportsByStep[0]?.values == [.infinity, 2])
    #expect(history.constraints[0]?.map(\.key) == ["0", "1", "2"])
    #expect(history.violation(of: 0) == 2.5)
    #expect(history.violation(of: 1) == 0)
    #expect(history.rungs.tables.map(\.count) == [0, 1])
    #expect(history.rungs.tables[1][1] == 0.125)
    #expect(history.largestCompletedStep == 3)
    #expect(history.pendingAttributes[3]?.map(\.key) == ["fixed_params"])
    #expect(history.pendingAttributes[0] == nil)
    #expect(history.finishedOrder == [0, 1, 2])
    #expect(history.running == [3])
    #expect(history.counts[.completed] == 1)
    #expect(history.counts[.running] == 1)
    #expect(history.counts[.waiting] == 1)
  }

  /// What is known already changes nothing, so changes may come again, one by one or as a whole.
  @Test func ignoresWhatItKnows() {
    let once = fold(changes)
    // A report or a rung before a restart that comes again counts as one of the new attempt, so a
    // store leaves it out; all else may be repeated.
    let repeatable = changes.filter {
      $0 != change(3, report(0, 1)) && $0 != change(3, .restarted(at: moment))
        && $0 != change(3, .systemAttributeSet(Attribute("completed_rung_0", 1.0)))
    }
    var again = once
    for change in repeatable { again.apply(change) }
    #expect(again.version == once.version)
    #expect(again.finishedFingerprints == once.finishedFingerprints)
    var doubled = TrialHistory(directions: [.minimize])
    for change in repeatable {
      doubled.apply(change)
      doubled.apply(change)
    }
    #expect(doubled.version == fold(repeatable).version)
    #expect(doubled.finishedFingerprints == once.finishedFingerprints)
  }

  /// A finished trial never changes again, and the first value of a parameter or a step stays.
  @Test func keepsWhatIsFinal() {
    var history = fold(changes)
    for late in [
      change(0, parameter("z", 1)), change(0, report(9, 1)), change(0, .restarted(at: moment)),
      change(0, .finished(.failed, values: [], at: moment)), change(0, .started(at: moment)),
      change(3, report(0, 5)), change(9, report(0, 1)), change(9, parameter("x", 1)),
      change(-1, report(0, 1)),
    ] where late.trial.number >= 0 {
      let version = history.version
      history.apply(late)
      #expect(history.version == version)
    }
    #expect(history.states[0] == .completed)
    #expect(history.reports[3][0].value == 2)
  }

  /// Numbers that nobody has used are failed rows, until somebody uses them.
  @Test func fillsGaps() {
    var history = fold([
      change(4, .created(.running, at: moment)), change(4, parameter("x", 0.5)),
      change(1, .created(.waiting, at: nil)),
    ])
    #expect(history.states == [.failed, .waiting, .failed, .failed, .running])
    #expect(history.running == [4])
    history.apply(change(2, .created(.running, at: moment)))
    history.apply(change(2, parameter("x", 0.25)))
    history.apply(change(2, .finished(.completed, values: [1], at: moment)))
    #expect(history.states == [.failed, .waiting, .completed, .failed, .running])
    #expect(history.finishedOrder == [2])
    #expect(history.counts[.failed] == 2)
    #expect(history.column(named: "x")?.values[2] == 0.25)
    #expect(history.assignments(of: 0).isEmpty)
  }

  /// Loading table by table gives what the changes give.
  @Test func loadsWhatItWouldFold() {
    let wanted = fold(changes)
    var loaded = TrialHistory(directions: [.minimize])
    let states: [TrialState] = [.completed, .pruned, .failed, .running, .waiting]
    for (number, state) in states.enumerated() {
      let isNew = loaded.loadTrial(number, as: state)
      #expect(isNew)
    }
    let isNew = loaded.loadTrial(2, as: .completed)
    #expect(!isNew)
    for change in changes {
      let number = change.trial.number
      switch change.event {
      case .parameterSet(let assignment):
        let column = loaded.loadColumn(named: assignment.name)
        let distribution = loaded.loadDistribution(assignment.distribution)
        loaded.loadValue(assignment.internalValue, of: distribution, in: column, for: number)
      case .systemAttributeSet(let attribute)
      where number != 3 || attribute.key == "fixed_params":
        loaded.loadSystemAttribute(attribute, of: number)
      case .reported(let report) where number != 3 || report.value != 1:
        loaded.loadReport(report, of: number)
      default: break
      }
    }
    for (number, values) in [(0, [4.0]), (1, [6]), (2, [])] {
      loaded.finishLoading(number, values: values)
    }
    #expect(loaded.states == wanted.states)
    #expect(loaded.reports == wanted.reports)
    #expect(loaded.finishedOrder == wanted.finishedOrder)
    #expect(loaded.finishedFingerprints == wanted.finishedFingerprints)
    #expect(loaded.running == wanted.running)
    #expect(loaded.counts.filter { $0.value > 0 } == wanted.counts.filter { $0.value > 0 })
    for number in states.indices {
      #expect(loaded.assignments(of: number) == wanted.assignments(of: number))
      #expect(loaded.violation(of: number) == wanted.violation(of: number))
    }
  }

  /// The fingerprint depends on all that a model may read, and on nothing that came later.
  @Test func fingerprintsWhatModelsRead() {
    let base = fold(changes).finishedFingerprints
    #expect(Set(base).count == base.count)
    for (place, event) in [
      (1, parameter("x", 0.26)), (3, report(3, 7.5)),
      (7, .systemAttributeSet(Attribute("constraints", [0.6, -1.0, 2.0]))),
      (8, .finished(.completed, values: [4.5], at: moment)),
    ] {
      var other = changes
      other[place] = change(0, event)
      #expect(fold(other).finishedFingerprints[0] != base[0], "\(event)")
    }
    #expect(fold(changes.dropLast(8)).finishedFingerprints == base)
  }
}
