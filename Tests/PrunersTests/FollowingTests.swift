import JSON
import Probability
import StudyModel
import Testing

@testable import Pruners

/// Pruners that follow a study decide as if they read all of it each time.
@Suite struct FollowingTests {
  private static let name = "a study"

  /// What decides about rungs as algorithm 2 of the paper is written: by reading all trials.
  private struct Reference {
    let reductionFactor: Int
    let bootstrapCount: Int
    let isCompetitor: (Int) -> Bool

    /// The better ones of a rung's competitors, all of them, and whether the trial stops there.
    func decide(
      _ value: Double, _ rung: Int, _ trials: [Trial], _ direction: Direction
    ) -> (better: Int, count: Int, stops: Bool) {
      let others = trials.filter { isCompetitor($0.number) }.compactMap { trial in
        trial.systemAttributes.first { $0.key == "completed_rung_\(rung)" }?.value.number
      }
      let better = others.count { direction.isBetter($0, than: value) }
      let count = others.count + 1
      return (
        better, others.count,
        count <= bootstrapCount || better >= max(1, count / reductionFactor)
      )
    }
  }

  /// A study as its coordinator sees it: reports, decisions, rungs, ends, restarts and imports.
  private struct Scenario {
    var history: TrialHistory
    var trials: [Trial] = []
    var generator: TrialGenerator

    init(seed: UInt64, _ direction: Direction, name: String = FollowingTests.name) {
      history = TrialHistory(directions: [direction], studyName: name)
      generator = TrialGenerator(seed: seed, trial: 0)
    }

    mutating func apply(_ event: TrialChange.Event, to number: Int) {
      history.apply(TrialChange(trials[number].reference, event))
      trials[number].apply(event)
    }

    mutating func value() -> Double {
      let special: [Double] = [.nan, .infinity, -.infinity, 0, -0.0]
      let place = generator.integer(below: 40)
      // Few different ones, so that there are ties.
      return place < special.count ? special[place] : Double(generator.integer(below: 30)) / 10
    }

    /// Makes a change; returns the trial that reported.
    mutating func step() -> Int? {
      if trials.count < 6 || generator.integer(below: 6) == 0 {
        let reference = TrialReference(id: trials.count + 1, number: trials.count)
        trials.append(Trial(reference, state: .running))
        history.apply(TrialChange(reference, .created(.running, at: nil)))
        // One that comes from elsewhere with its rungs.
        if generator.integer(below: 8) == 0 {
          for rung in 0..<generator.integer(below: 4) {
            let value = value()
            apply(.systemAttributeSet(.completedRung(rung, value)), to: reference.number)
          }
        }
      }
      let number = trials.count - 1 - generator.integer(below: min(trials.count, 10))
      guard trials[number].state == .running else { return nil }
      switch generator.integer(below: 12) {
      case 0:
        apply(.restarted(at: Timestamp(microseconds: 1)), to: number)
        return nil
      case 1:
        let states: [TrialState] = [.completed, .completed, .pruned, .failed]
        let state = states[generator.integer(below: states.count)]
        let value = value()
        apply(
          .finished(state, values: state == .completed ? [value] : [], at: .init(microseconds: 1)),
          to: number)
        return nil
      default:
        let last = trials[number].intermediateValues.last?.step ?? 0
        let value = value()
        apply(
          .reported(
            IntermediateValue(step: last + 1 + generator.integer(below: 3), value: value)),
          to: number)
        return number
      }
    }

    /// Checks a decision against the reference and records its rungs.
    mutating func expect(
      _ pruner: some Pruner, _ number: Int, stopsAs reference: Reference
    ) {
      let decision = pruner.decide(on: number, given: history)
      for rung in decision.completedRungs {
        let told = reference.decide(rung.value, rung.number, trials, history.direction)
        let isLast = rung == decision.completedRungs.last
        #expect((isLast && decision.isPruning) == told.stops, "\(decision)")
        if told.stops, told.count + 1 > reference.bootstrapCount {
          let account = "outranked by \(told.better) of \(told.count) trials"
          #expect(decision.reason?.contains(account) == true, "\(decision), \(account)")
        }
      }
      for rung in decision.completedRungs {
        apply(.systemAttributeSet(.completedRung(rung.number, rung.value)), to: number)
      }
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>, Direction.allCases)
  func successiveHalving(seed: UInt64, direction: Direction) throws {
    var scenario = Scenario(seed: seed, direction)
    let bootstrap = seed % 3 == 0 ? 2 : 0
    let pruner = try SuccessiveHalvingPruner(
      minResource: .steps(1), reductionFactor: 2 + Int(seed % 3), bootstrapCount: bootstrap)
    let reference = Reference(
      reductionFactor: 2 + Int(seed % 3), bootstrapCount: bootstrap, isCompetitor: { _ in true })
    var decisions = 0
    for _ in 0..<300 {
      guard let number = scenario.step() else { continue }
      scenario.expect(pruner, number, stopsAs: reference)
      decisions += 1
    }
    #expect(decisions > 100)
  }

  /// One pruner follows three studies in turn, one of them also as it was before: an older copy.
  @Test(arguments: 0..<20 as Range<UInt64>, Direction.allCases)
  func hyperband(seed: UInt64, direction: Direction) throws {
    let pruner = try HyperbandPruner(
      minResource: 1, maxResource: 20, reductionFactor: 2 + Int(seed % 2))
    let shares = pruner.shares(upTo: 20)
    var scenarios = (0..<3).map {
      Scenario(seed: seed + UInt64(100 * $0), direction, name: "\(Self.name) \($0)")
    }
    var old: Scenario?
    for turn in 0..<600 {
      let place = turn < 300 ? 0 : turn / 10 % 3
      guard let number = scenarios[place].step() else { continue }
      let prefix = CRC32(of: scenarios[place].history.studyName + "_")
      let bracket = pruner.bracket(of: number, prefix, shares)
      let reference = Reference(
        reductionFactor: pruner.reductionFactor, bootstrapCount: 0,
        isCompetitor: { pruner.bracket(of: $0, prefix, shares) == bracket })
      scenarios[place].expect(pruner, number, stopsAs: reference)
      if turn == 150 { old = scenarios[0] }
      if turn == 299, var before = old {
        for _ in 0..<50 {
          guard let number = before.step() else { continue }
          let bracket = pruner.bracket(of: number, prefix, shares)
          before.expect(
            pruner, number,
            stopsAs: Reference(
              reductionFactor: pruner.reductionFactor, bootstrapCount: 0,
              isCompetitor: { pruner.bracket(of: $0, prefix, shares) == bracket }))
        }
      }
    }
  }

  /// Decisions of one pruner that follows are those of a new one that begins with each, also when
  /// the automatic resource grows and the brackets with it.
  @Test(arguments: 0..<10 as Range<UInt64>)
  func followersDecideAsNewcomers(seed: UInt64) throws {
    let followers: [any Pruner] = [
      try HyperbandPruner(reductionFactor: 2), MedianPruner(),
      try PercentilePruner(percentile: 30, startupTrials: 1, minimumTrials: 2),
    ]
    var scenario = Scenario(seed: seed, seed % 2 == 0 ? .minimize : .maximize)
    for _ in 0..<400 {
      guard let number = scenario.step() else { continue }
      let newcomers: [any Pruner] = [
        try HyperbandPruner(reductionFactor: 2), MedianPruner(),
        try PercentilePruner(percentile: 30, startupTrials: 1, minimumTrials: 2),
      ]
      for (follower, newcomer) in zip(followers, newcomers) {
        let decision = follower.decide(on: number, given: scenario.history)
        #expect(decision == newcomer.decide(on: number, given: scenario.history))
        for rung in decision.completedRungs {
          scenario.apply(.systemAttributeSet(.completedRung(rung.number, rung.value)), to: number)
        }
      }
    }
  }

  /// Whatever the number of decisions, each record and each trial is read once.
  @Test func readsEverythingOnce() throws {
    let hyperband = try HyperbandPruner(maxResource: 20, reductionFactor: 2)
    let percentile = try PercentilePruner(percentile: 50, startupTrials: 0)
    var scenario = Scenario(seed: 5, .minimize)
    for _ in 0..<600 {
      guard let number = scenario.step() else { continue }
      let decision = hyperband.decide(on: number, given: scenario.history)
      for rung in decision.completedRungs {
        scenario.apply(.systemAttributeSet(.completedRung(rung.number, rung.value)), to: number)
      }
      _ = percentile.decide(on: number, given: scenario.history)
      #expect(hyperband.recordsRead <= scenario.history.rungs.records.count)
      #expect(percentile.trialsRead <= scenario.history.finishedOrder.count)
    }
    #expect(hyperband.recordsRead > 100)
    #expect(percentile.trialsRead > 20)
  }
}
