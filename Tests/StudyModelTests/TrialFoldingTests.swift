import JSON
import Probability
import StudyModel
import Testing

/// A trial's fold and the history's columns say the same after every sequence of changes.
@Suite struct TrialFoldingTests {
  private let distributions: [Distribution]

  init() throws {
    distributions = [
      .float(try FloatDistribution(low: 0, high: 1)), .int(try IntDistribution(low: 0, high: 9)),
    ]
  }

  /// A change of a trial, often one that is known already, comes too late or makes no difference.
  private func event(using generator: inout TrialGenerator) -> TrialChange.Event {
    let moment = Timestamp(microseconds: 1 + Int64(generator.integer(below: 5)))
    let key = ["a", "b", "constraints", "constraints:c", "completed_rung_0"][
      generator.integer(below: 5)]
    let value: JSONValue = .float(Double(generator.integer(below: 3)))
    switch generator.integer(below: 14) {
    case 0: return .created(.running, at: moment)
    case 1: return .started(at: moment)
    case 2: return .restarted(at: moment)
    case 3...5:
      let name = ["x", "y", "z"][generator.integer(below: 3)]
      let distribution = distributions[generator.integer(below: 2)]
      return .parameterSet(
        ParameterAssignment(
          name, distribution, internalValue: Double(generator.integer(below: 2))))
    case 6...9:
      return .reported(
        IntermediateValue(
          step: generator.integer(below: 6), value: Double(generator.integer(below: 4))))
    case 10: return .userAttributeSet(Attribute(key, value))
    case 11, 12: return .systemAttributeSet(Attribute(key, value))
    default:
      let state: TrialState = [.completed, .pruned, .failed][generator.integer(below: 3)]
      return .finished(state, values: state == .failed ? [] : [generator.uniform()], at: moment)
    }
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func columnsAgreeWithTheTrials(seed: UInt64) throws {
    var generator = TrialGenerator(seed: seed, trial: 0)
    var history = TrialHistory(directions: [.minimize])
    var trials: [Trial] = []
    for _ in 0..<200 {
      if trials.count < 2 || generator.integer(below: 12) == 0 {
        let reference = TrialReference(id: trials.count + 100, number: trials.count)
        let isWaiting = generator.integer(below: 3) == 0
        let moment = Timestamp(microseconds: 7)
        trials.append(
          Trial(
            reference, state: isWaiting ? .waiting : .running,
            startedAt: isWaiting ? nil : moment))
        history.apply(
          TrialChange(reference, .created(isWaiting ? .waiting : .running, at: moment)))
        continue
      }
      let number = trials.count - 1 - generator.integer(below: min(trials.count, 4))
      let event = event(using: &generator)
      let version = history.version
      history.apply(TrialChange(trials[number].reference, event))
      let isOther = trials[number].apply(event)
      if case .userAttributeSet = event { continue }  // no column has them
      #expect(isOther == (history.version > version), "\(event)")
    }
    for trial in trials { expect(history, has: trial) }
    #expect(
      history.finishedOrder.sorted() == trials.filter(\.state.isFinished).map(\.number))
    #expect(history.running == trials.filter { $0.state == .running }.map(\.number))
  }

  private func expect(_ history: TrialHistory, has trial: Trial) {
    let number = trial.number
    #expect(history.states[number] == trial.state)
    #expect(history.values[number].bitPattern == (trial.value ?? .nan).bitPattern)
    #expect(history.reports[number] == trial.intermediateValues)
    #expect(
      history.assignments(of: number).sorted { $0.name < $1.name }
        == trial.parameters.sorted { $0.name < $1.name })
    let pending = trial.state.isFinished ? [] : trial.systemAttributes
    #expect(history.pendingAttributes[number] ?? [] == pending)
    #expect(history.violation(of: number) == Trial.violation(of: trial.systemAttributes))
    #expect(seconds(history.startTimes[number]) == trial.startedAt?.microseconds)
    #expect(seconds(history.endTimes[number]) == trial.completedAt?.microseconds)
    let rung = trial.systemAttributes.first { $0.key == "completed_rung_0" }?.value.number
    #expect(history.rungs.tables.first.flatMap { $0[number] } == rung)
    for report in trial.intermediateValues {
      let column = history.reportsByStep[report.step]
      let place = column?.trials.firstIndex(of: number)
      #expect(place.flatMap { column?.values[$0] } == report.value)
    }
  }

  /// The microseconds of a column's seconds; nil for none.
  private func seconds(_ value: Double) -> Int64? {
    value.isNaN ? nil : Int64((value * 1e6).rounded())
  }

  /// What is said twice or after the end changes nothing, and says so.
  @Test func keepsWhatIsFinal() {
    let moment = Timestamp(microseconds: 3)
    var trial = Trial(TrialReference(id: 1, number: 0), state: .running)
    func apply(_ event: TrialChange.Event) -> Bool { trial.apply(event) }
    let report = IntermediateValue(step: 2, value: 1)
    #expect(apply(.reported(report)))
    #expect(apply(.reported(IntermediateValue(step: 0, value: 5))))
    #expect(!apply(.reported(IntermediateValue(step: 2, value: 9))))
    #expect(trial.intermediateValues.map(\.value) == [5, 1])
    #expect(apply(.userAttributeSet(Attribute("k", 1))))
    #expect(apply(.userAttributeSet(Attribute("l", 1))))
    #expect(apply(.userAttributeSet(Attribute("k", 2))))
    #expect(!apply(.userAttributeSet(Attribute("k", 2))))
    #expect(trial.userAttributes == [Attribute("k", 2), Attribute("l", 1)])
    #expect(apply(.finished(.pruned, values: [1], at: moment)))
    let ended = trial
    for late: TrialChange.Event in [
      .restarted(at: moment), .reported(IntermediateValue(step: 7, value: 0)),
      .userAttributeSet(Attribute("k", 3)), .systemAttributeSet(Attribute("k", 3)),
      .finished(.failed, values: [], at: moment), .started(at: moment),
    ] {
      #expect(!apply(late))
      #expect(trial == ended)
    }
  }
}
