import JSON
import Probability
import StudyModel
import Testing

/// After every sequence of changes the tables of rungs are what the trials say.
@Suite struct RungTablesTests {
  private static let values: [JSONValue] = [
    0.5, 0.5, 1.0, 0.0, .float(-0.0), 2, -3, .float(.nan), .float(.infinity), .float(-.infinity),
    "text", .null, [0.5],
  ]

  /// A change of a trial that often concerns rungs: again and again the same ones, now and then
  /// with the value that is there or was there in an attempt before.
  private func event(using generator: inout TrialGenerator) -> TrialChange.Event {
    let moment = Timestamp(microseconds: 1)
    switch generator.integer(below: 20) {
    case 0: return .started(at: moment)
    case 1...3: return .restarted(at: moment)
    case 4...6:
      return .reported(
        IntermediateValue(step: generator.integer(below: 4), value: generator.uniform()))
    case 7:
      let states: [TrialState] = [.completed, .pruned, .failed]
      return .finished(states[generator.integer(below: 3)], values: [1], at: moment)
    default:
      // The last four are no rungs, as Optuna would not find them either.
      let rungs = ["0", "1", "2", "0", "1", "7", "01", "+1", "x", "1000"]
      let key = "completed_rung_\(rungs[generator.integer(below: rungs.count)])"
      return .systemAttributeSet(
        Attribute(key, Self.values[generator.integer(below: Self.values.count)]))
    }
  }

  @Test(arguments: 0..<60 as Range<UInt64>, Direction.allCases)
  func tablesAreWhatTheTrialsSay(seed: UInt64, direction: Direction) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    var history = TrialHistory(directions: [direction])
    var trials: [Trial] = []
    for turn in 0..<400 {
      if trials.count < 3 || generator.integer(below: 15) == 0 {
        let reference = TrialReference(id: trials.count + 100, number: trials.count)
        let state: TrialState = generator.integer(below: 4) == 0 ? .waiting : .running
        trials.append(Trial(reference, state: state))
        history.apply(TrialChange(reference, .created(state, at: nil)))
      }
      let number = trials.count - 1 - generator.integer(below: min(trials.count, 8))
      let event = event(using: &generator)
      history.apply(TrialChange(trials[number].reference, event))
      trials[number].apply(event)
      if turn % 40 == 0 { expect(history, agreesWith: trials) }
    }
    expect(history, agreesWith: trials)
    expect(imported(trials, direction), agreesWith: trials)
    expect(loaded(trials, direction), agreesWith: trials)
    expectReplay(of: history)
  }

  private func expect(_ history: TrialHistory, agreesWith trials: [Trial]) {
    var probes = Self.values.compactMap(\.number)
    probes.append(0.75)
    for rung in 0..<8 {
      let named = trials.map { trial in
        trial.systemAttributes.first { $0.key == "completed_rung_\(rung)" }?.value.number
      }
      let table = rung < history.rungs.tables.count ? history.rungs.tables[rung] : nil
      let values = named.compactMap(\.self)
      #expect(table?.count ?? 0 == values.count)
      let own = trials.map { trial in table.flatMap { $0[trial.number] } }
      #expect(own.map(same) == named.map(same))
      for probe in probes {
        #expect(
          table?.count(betterThan: probe, history.direction) ?? 0
            == values.count { history.direction.isBetter($0, than: probe) })
      }
    }
    for trial in trials {
      let rungs = Set(
        trial.systemAttributes.filter { $0.value.number != nil }.map(\.key)
      )
      let open = (0...).first { !rungs.contains("completed_rung_\($0)") }
      #expect(history.rungs.firstOpen(of: trial.number) == open)
    }
    #expect(
      history.largestCompletedStep
        == trials.filter { $0.state == .completed }.compactMap(\.intermediateValues.last?.step)
        .max())
  }

  /// A value that is equal to itself, also when it is NaN.
  private func same(_ value: Double?) -> IntermediateValue? {
    value.map { IntermediateValue(step: 0, value: $0) }
  }

  /// The trials as a reader meets them that begins now.
  private func imported(_ trials: [Trial], _ direction: Direction) -> TrialHistory {
    var history = TrialHistory(directions: [direction])
    for trial in trials {
      for change in trial.changes(isNew: true, isRestarted: false) { history.apply(change) }
    }
    return history
  }

  /// The same table by table.
  private func loaded(_ trials: [Trial], _ direction: Direction) -> TrialHistory {
    var history = TrialHistory(directions: [direction])
    for trial in trials { _ = history.loadTrial(trial.number, as: trial.state) }
    for trial in trials {
      for attribute in trial.systemAttributes {
        history.loadSystemAttribute(attribute, of: trial.number)
      }
      for report in trial.intermediateValues { history.loadReport(report, of: trial.number) }
    }
    for trial in trials where trial.state.isFinished {
      history.finishLoading(trial.number, values: trial.values)
    }
    return history
  }

  /// A pruner that follows the records has the same tables, and two histories that differ in a
  /// record differ in its fingerprint.
  private func expectReplay(of history: TrialHistory) {
    var tables: [Int: [Int: Double]] = [:]
    for record in history.rungs.records {
      #expect(tables[record.rung]?[record.trial]?.bitPattern == record.old?.bitPattern)
      tables[record.rung, default: [:]][record.trial] = record.new
    }
    for (rung, values) in tables {
      #expect(history.rungs.tables[rung].count == values.count)
      for (trial, value) in values {
        #expect(history.rungs.tables[rung][trial]?.bitPattern == value.bitPattern)
      }
    }
    let fingerprints = history.rungs.records.map(\.fingerprint)
    #expect(Set(fingerprints).count == fingerprints.count)
  }

  /// An attempt that comes to a rung with the value of the attempt before counts there.
  @Test func countsEachAttempt() {
    var history = TrialHistory(directions: [.minimize])
    let trial = TrialReference(id: 1, number: 0)
    let moment = Timestamp(microseconds: 1)
    for event: TrialChange.Event in [
      .created(.running, at: nil), .reported(IntermediateValue(step: 1, value: 0.5)),
      .systemAttributeSet(Attribute("completed_rung_0", 0.5)), .restarted(at: moment),
    ] { history.apply(TrialChange(trial, event)) }
    #expect(history.rungs.tables[0].count == 0)
    #expect(history.rungs.firstOpen(of: 0) == 0)
    history.apply(TrialChange(trial, .systemAttributeSet(Attribute("completed_rung_0", 0.5))))
    #expect(history.rungs.tables[0][0] == 0.5)
    #expect(history.rungs.firstOpen(of: 0) == 1)
  }
}
