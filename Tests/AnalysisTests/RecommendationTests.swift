import Analysis
import JSON
import Probability
import StudyModel
import Testing

/// Which trial to use of noisy ones.
@Suite struct RecommendationTests {
  /// A study of random points of a bowl in two dimensions with noise; the true values beside it.
  private static func noisyBowl(
    _ count: Int, noise: Double, run: Int, direction: Direction = .minimize
  ) throws -> (trials: [Trial], worths: [Double]) {
    var generator = TrialGenerator(seed: 11, trial: run)
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1))
    let center = (generator.uniform(0.2, 0.8), generator.uniform(0.2, 0.8))
    var worths: [Double] = []
    let trials = (0..<count).map { number in
      let (x, y) = (generator.uniform(), generator.uniform())
      let worth = 3 * (x - center.0) * (x - center.0) + (y - center.1) * (y - center.1)
      worths.append(direction.loss(worth))
      let value = worth + noise * StandardNormal.quantile(max(generator.uniform(), 1e-12))
      var trial = Trial(
        TrialReference(id: number + 1, number: number), state: .completed,
        values: [direction.loss(value)])
      trial.parameters = [("x", x), ("y", y)].map {
        ParameterAssignment($0, range, internalValue: $1)
      }
      return trial
    }
    return (trials, worths)
  }

  @Test("over many noisy studies the chosen trial is better than the luckiest, and P(best) is true")
  func calibration() throws {
    var (chosen, luckiest, claimed, hits, inside) = (0.0, 0.0, 0.0, 0.0, 0.0)
    let runs = 60
    for run in 0..<runs {
      let (trials, worths) = try Self.noisyBowl(30, noise: [0.1, 0.3][run % 2], run: run)
      let found = try #require(Recommendation.assess(trials, direction: .minimize))
      let belief = try #require(found.chosen.belief)
      chosen += worths[found.chosen.number]
      luckiest += worths[found.luckiest.number]
      claimed += belief.probabilityOfBest
      if worths[found.chosen.number] == worths.min() { hits += 1 }
      if belief.interval.contains(worths[found.chosen.number]) { inside += 1 }
    }
    let count = Double(runs)
    let report = """
      chosen \(chosen / count), luckiest \(luckiest / count), claimed \(claimed / count), \
      true \(hits / count), inside \(inside / count)
      """
    #expect(chosen < 0.9 * luckiest, "\(report)")
    // Three standard deviations of that many runs.
    #expect((claimed - hits).magnitude / count < 3 * 0.5 / count.squareRoot(), "\(report)")
    #expect(inside / count > 0.8, "\(report)")
  }

  @Test("without noise the best trial is the one to use, and its worth is its value")
  func noiseless() throws {
    for direction in [Direction.minimize, .maximize] {
      let (trials, worths) = try Self.noisyBowl(40, noise: 0, run: 3, direction: direction)
      let found = try #require(Recommendation.assess(trials, direction: direction))
      let best = worths.indices.min { direction.loss(worths[$0]) < direction.loss(worths[$1]) }
      #expect(found.chosen.number == best && found.luckiest.number == best)
      let belief = try #require(found.chosen.belief)
      #expect(belief.probabilityOfBest > 0.5)
      #expect((belief.expected - found.chosen.value).magnitude < 0.01)
      #expect(belief.interval.upperBound - belief.interval.lowerBound < 0.02)
      #expect(found.completed == 40 && found.candidates.count <= 20)
    }
  }

  @Test("repetitions of a point count as one point with less noise")
  func repetitions() throws {
    var (trials, _) = try Self.noisyBowl(30, noise: 0.05, run: 5)
    let best = try #require(Recommendation.assess(trials, direction: .minimize)).chosen
    for number in 30..<34 {
      var again = trials[best.number]
      again = Trial(
        TrialReference(id: number + 1, number: number), state: .completed,
        values: [best.value + Double(number - 31) * 0.01])
      again.parameters = trials[best.number].parameters
      trials.append(again)
    }
    let found = try #require(Recommendation.assess(trials, direction: .minimize))
    let repeated = try #require(found.candidates.first { $0.repetitions.contains(best.number) })
    #expect(repeated.repetitions == [best.number, 30, 31, 32, 33])
    #expect(repeated.number == 30)
  }

  @Test("few trials, none, no parameters, infinite values: the best there is, or none")
  func odd() throws {
    #expect(Recommendation.assess([], direction: .minimize) == nil)
    var (trials, _) = try Self.noisyBowl(5, noise: 0, run: 1)
    let few = try #require(Recommendation.assess(trials, direction: .minimize))
    #expect(few.chosen.number == few.luckiest.number && few.chosen.belief == nil)
    for index in trials.indices { trials[index].state = .failed }
    #expect(Recommendation.assess(trials, direction: .minimize) == nil)
    (trials, _) = try Self.noisyBowl(20, noise: 0, run: 1)
    for index in trials.indices { trials[index].parameters = [] }
    let bare = try #require(Recommendation.assess(trials, direction: .minimize))
    #expect(bare.chosen.belief == nil)
    (trials, _) = try Self.noisyBowl(20, noise: 0, run: 1)
    trials[4].values = [.infinity]
    trials[5].values = [.nan]
    trials[6].values = [-.infinity]
    let infinite = try #require(Recommendation.assess(trials, direction: .minimize))
    #expect(infinite.completed == 17 && infinite.luckiest.number == 6)
    for index in trials.indices { trials[index].values = [0.5] }
    let equal = try #require(Recommendation.assess(trials, direction: .minimize))
    #expect(equal.chosen.value == 0.5 && equal.chosen.belief?.expected.isFinite == true)
    // What keeps no constraint is not used.
    (trials, _) = try Self.noisyBowl(20, noise: 0, run: 2)
    let first = try #require(Recommendation.assess(trials, direction: .minimize)).chosen.number
    trials[first].systemAttributes = [Attribute("constraints", [0.5])]
    let other = try #require(Recommendation.assess(trials, direction: .minimize))
    #expect(other.chosen.number != first && other.luckiest.number != first)
  }

  @Test("the answer depends on the trials alone")
  func repeatable() throws {
    let (trials, _) = try Self.noisyBowl(30, noise: 0.2, run: 9)
    let answers = (0..<2).compactMap { _ in Recommendation.assess(trials, direction: .minimize) }
    #expect(answers[0].chosen.belief?.expected == answers[1].chosen.belief?.expected)
    #expect(
      answers[0].chosen.belief?.probabilityOfBest == answers[1].chosen.belief?.probabilityOfBest)
  }
}
