import Analysis
import JSON
import Probability
import StudyModel
import Testing

@testable import Plotting

/// Figures of how a study was run.
@Suite struct OperationFigureTests {
  private func moment(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: Int64(1_750_000_000_000_000 + (seconds * 1e6).rounded()))
  }

  private func cells(_ name: String, of figure: Figure) throws -> [JSONValue] {
    try #require(figure.data.columns.first { $0.name == name }, "\(name)").cells
  }

  /// Trials of random lengths in any state, some of them started long after their number's turn.
  private func study(_ count: Int, seed: UInt64, direction: Direction) -> StudySeries {
    var generator = TrialGenerator(seed: seed, trial: 0)
    let trials = (0..<count).map { number in
      let fate = generator.uniform()
      let state: TrialState =
        fate < 0.7
        ? .completed
        : fate < 0.8 ? .pruned : fate < 0.9 ? .failed : fate < 0.95 ? .running : .waiting
      var trial = Trial(TrialReference(id: number + 1, number: number), state: state)
      // Whole seconds, so that some trials begin in the moment in which others end.
      let start = (Double(number) / 3 + 4 * generator.uniform()).rounded()
      if state != .waiting { trial.startedAt = moment(start) }
      if state != .waiting, state != .running {
        trial.completedAt = moment(start + Double(generator.integer(below: 6)))
      }
      if state == .completed {
        trial.values = [generator.uniform() < 0.1 ? .infinity : generator.uniform(-1, 1)]
        if generator.uniform() < 0.2 {
          trial.systemAttributes = [Attribute("constraints", [0.5])]
        }
      }
      return trial
    }
    return StudySeries(name: "parallel", directions: [direction], trials: trials)
  }

  @Test("what was known at each start is what counting over all pairs of trials says")
  func parallelism() throws {
    for seed in 1...40 as ClosedRange<UInt64> {
      let direction: Direction = seed.isMultiple(of: 2) ? .minimize : .maximize
      let study = study(60, seed: seed, direction: direction)
      let figure = Figure.of(.parallelism, [study])
      #expect(figure.emptyReason == nil)
      let started = study.trials.filter { $0.startedAt != nil }
      #expect(try cells("trial", of: figure) == started.map { .integer($0.number) })
      func best(_ trials: [Trial]) -> Double? {
        let values = trials.filter { $0.state == .completed && $0.isFeasible }
          .compactMap { $0.value(of: 0) }.filter(\.isFinite)
        return direction == .minimize ? values.min() : values.max()
      }
      func cell(_ value: Double?) -> JSONValue { value.map { .float($0) } ?? .null }
      var (running, known, earlier, regrets): ([JSONValue], [JSONValue], [JSONValue], [JSONValue]) =
        ([], [], [], [])
      for trial in started {
        let start = try #require(trial.startedAt)
        let before = started.filter { $0.number < trial.number }
        let ended = before.filter { $0.completedAt.map { $0 <= start } ?? false }
        running.append(.integer(before.count - ended.count))
        known.append(cell(best(ended)))
        earlier.append(cell(best(before)))
        let regret = best(ended).flatMap { known in best(before).map { abs(known - $0) } }
        regrets.append(cell(regret))
      }
      #expect(try cells("running", of: figure) == running)
      #expect(try cells("best_known", of: figure) == known)
      #expect(try cells("best_earlier", of: figure) == earlier)
      #expect(try cells("regret", of: figure) == regrets)
    }
  }

  @Test("trials one after the other have no regret, two slots that wait for each other stand idle")
  func sequence() throws {
    var study = Samples.completed([3, 2, 4, 1])
    for number in study.trials.indices {
      study.trials[number].startedAt = moment(Double(number))
      study.trials[number].completedAt = moment(Double(number + 1))
    }
    let alone = Figure.of(.parallelism, [study])
    #expect(try cells("regret", of: alone) == [.null, .float(0), .float(0), .float(0)])
    #expect(alone.notes == ["Every trial was asked for with the best earlier value known."])
    // Pairs, of which one lasts a second and the other three.
    for number in study.trials.indices {
      let start = Double(number / 2 * 3)
      study.trials[number].startedAt = moment(start)
      study.trials[number].completedAt = moment(start + (number.isMultiple(of: 2) ? 1 : 3))
    }
    let pairs = Figure.of(.parallelism, [study])
    #expect(try cells("running", of: pairs) == [0, 1, 0, 1])
    #expect(try cells("regret", of: pairs) == [.null, .null, .float(0), .float(0)])
    #expect(pairs.notes.last?.contains("at most 2 at once") == true)
    // 8 of 12 seconds of two slots were used.
    #expect(pairs.notes.last?.hasSuffix("33 % stood idle.") == true, "\(pairs.notes)")
  }

  @Test("attempts are counted by how they ended, and those that others replaced are lost")
  func attempts() throws {
    var study = Samples.completed([1, 2, 3])
    study.trials[1].state = .failed
    study.trials[1].values = []
    study.trials[1].systemAttributes = [Attribute("needletail:outcome", "timed_out")]
    study.trials.append(Trial(TrialReference(id: 4, number: 3), state: .running))
    study.trials.append(Trial(TrialReference(id: 5, number: 4), state: .waiting))
    func attempt(
      _ trial: Int, _ number: Int, _ outcome: AttemptOutcome?, from start: Double, to end: Double?
    ) -> Attempt {
      Attempt(
        trialNumber: trial, number: number, worker: "w", startedAt: moment(start),
        deadline: moment(start + 60), outcome: outcome, reason: "", endedAt: end.map(moment),
        reports: [])
    }
    study.attempts = [
      attempt(0, 1, .lost, from: 0, to: 10), attempt(0, 2, .preempted, from: 10, to: 14),
      attempt(0, 3, .completed, from: 14, to: 34), attempt(1, 1, .failed, from: 0, to: 6),
      attempt(2, 1, .completed, from: 6, to: 20), attempt(3, 1, nil, from: 34, to: nil),
      attempt(4, 1, .tryAgain, from: 38, to: 40),
      // Of a trial that the study does not have any more.
      attempt(9, 1, .lost, from: 0, to: 1_000),
    ]
    let figure = Figure.of(.attempts, [study])
    #expect(figure.data.count == 7)
    #expect(
      try cells("fate", of: figure) == [
        "lost and repeated", "lost and repeated", "kept", "lost for good", "kept", "running",
        "lost and repeated",
      ])
    #expect(
      try cells("outcome", of: figure) == [
        "lost", "preempted", "completed", "timed out", "completed", "running", "try again",
      ])
    #expect(
      try cells("seconds", of: figure) == [10, 4, 20, 6, 14, 6, 2].map { JSONValue.float($0) })
    let rows = figure.makeTable(nil)
    #expect(
      rows.columns[0].cells == [
        "completed", "timed out", "preempted", "try again", "lost", "running",
      ])
    #expect(rows.columns[2].cells == [2, 1, 1, 1, 1, 1])
    #expect(
      figure.notes == [
        "3 attempts were repeated: 16 seconds, 26 % of all.",
        "1 attempt was given up: 6 seconds, 9.7 % of all.",
        "What went on from a checkpoint has lost less than its attempt's time.",
      ])
    // Every beam begins where the one before it ends.
    for layer in figure.layers { #expect(layer.runs.allSatisfy { $0[0].x <= $0[1].x }) }
    study.attempts = [attempt(2, 1, .completed, from: 6, to: 6)]
    let one = Figure.of(.attempts, [study])
    #expect(one.notes == ["No attempt was lost."] && one.svg().contains("completed"))
  }
}
