import Probability
import Testing

@testable import StudyModel

@Suite struct ParetoFrontsTests {
  @Test(
    "after each vector the groups are those of sorting anew", arguments: 1...4,
    0..<6 as Range<UInt64>)
  func agreesWithSortingAnew(objectives: Int, seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: objectives)
    var fronts = ParetoFronts(objectiveCount: objectives)
    var losses: [[Double]] = []
    // Keys come in any order, as trials finish.
    let keys = (0..<80).map { ($0 * 37) % 80 }
    var known: [Int: [Double]] = [:]
    for key in keys {
      let vector = (0..<objectives).map { _ in
        generator.uniform() < 0.1
          ? .infinity
          : generator.uniform() < 0.4
            ? Double(generator.integer(below: 5)) : generator.uniform(0, 5)
      }
      fronts.insert(key, vector)
      known[key] = vector
      let ordered = known.keys.sorted()
      losses = ordered.map { known[$0] ?? [] }
      let count = 1 + generator.integer(below: ordered.count)
      let expected = ParetoOrder.ranks(losses, atLeast: count).map { $0.map { ordered[$0] } }
      #expect(fronts.ranks(atLeast: count) == expected)
    }
    #expect(fronts.count == keys.count)
  }
}
