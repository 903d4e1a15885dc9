import JSON
import StudyModel
import Testing

/// The one rule of which trials are the best.
@Suite struct BestTrialsTests {
  private func trial(
    _ number: Int, _ values: [Double], _ state: TrialState = .completed, violation: Double? = nil
  ) -> Trial {
    Trial(
      TrialReference(id: number, number: number), state: state, values: values,
      systemAttributes: violation.map { [Attribute("constraints:c", .float($0))] } ?? [])
  }

  @Test func ofOneObjectiveByValue() {
    let trials = [
      trial(0, [3]), trial(1, [1], violation: 2), trial(2, [2]), trial(3, [0], .pruned),
      trial(4, [2]), trial(5, [.nan]), trial(6, [.infinity]), trial(7, [1], violation: 0),
      trial(8, [], .failed),
    ]
    let least = BestTrials(of: trials, [.minimize])
    #expect(least.trials.map(\.number) == [7, 2, 4, 0, 6])
    #expect(least.notes == ["1 completed trial violates a constraint and is left out"])
    #expect(BestTrials(of: trials, [.maximize]).trials.map(\.number) == [6, 0, 2, 4, 7])
    #expect(BestTrials(of: [trial(0, [3])], [.minimize]).notes.isEmpty)
  }

  @Test func ofSeveralObjectivesTheFront() {
    let trials = [
      trial(0, [4, 9]), trial(1, [6, 1]), trial(2, [1, 5]), trial(3, [0, 99], violation: 0.5),
      trial(4, [2, 7]), trial(5, [3, 6]), trial(6, [1, 5]),
    ]
    let best = BestTrials(of: trials, [.minimize, .maximize])
    #expect(best.trials.map(\.number) == [2, 6, 4, 0])
    #expect(
      best.notes == [
        "the best of 2 objectives are the 4 trials that no other one beats, in the order of the first "
          + "objective",
        "1 completed trial violates a constraint and is left out",
      ])
  }

  /// Nothing that is listed is beaten by anything feasible, and nothing unbeaten is missing.
  @Test(arguments: 0..<200 as Range<UInt64>) func isTheFront(seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(below bound: UInt64) -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double((state >> 33) % bound)
    }
    let directions: [Direction] =
      seed % 2 == 0 ? [.minimize, .maximize] : [.maximize, .maximize, .minimize]
    let trials = (0..<12).map { number in
      trial(number, directions.map { _ in next(below: 5) }, violation: next(below: 3) - 1)
    }
    let feasible = trials.filter { Trial.violation(of: $0.systemAttributes) <= 0 }
    func beats(_ a: Trial, _ b: Trial) -> Bool {
      let pairs = zip(directions, zip(a.values, b.values))
      return pairs.allSatisfy { $0 == .minimize ? $1.0 <= $1.1 : $1.0 >= $1.1 }
        && a.values != b.values
    }
    let unbeaten = feasible.filter { one in !feasible.contains { beats($0, one) } }
    let best = BestTrials(of: trials, directions).trials
    #expect(Set(best.map(\.number)) == Set(unbeaten.map(\.number)))
    for (a, b) in zip(best, best.dropFirst()) {
      let isOrdered =
        directions[0] == .minimize ? a.values[0] <= b.values[0] : a.values[0] >= b.values[0]
      #expect(isOrdered)
    }
  }
}
