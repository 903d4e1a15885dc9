import Probability
import Testing

@testable import StudyModel

@Suite struct HypervolumeTests {
  /// The volume by inclusion and exclusion over all subsets.
  private func inclusionExclusion(_ points: [[Double]], _ reference: [Double]) -> Double {
    var volume = 0.0
    for subset in 1..<(1 << points.count) {
      var corner = Array(repeating: -Double.infinity, count: reference.count)
      for (place, point) in points.enumerated() where subset >> place & 1 == 1 {
        corner = zip(corner, point).map { max($0, $1) }
      }
      let box = zip(corner, reference).reduce(1) { $0 * max(0, $1.1 - $1.0) }
      volume += subset.nonzeroBitCount.isMultiple(of: 2) ? -box : box
    }
    return volume
  }

  private func points(
    _ count: Int, _ objectives: Int, _ generator: inout TrialGenerator
  ) -> [[Double]] {
    (0..<count).map { _ in
      (0..<objectives).map { _ in
        // Some coordinates coincide, and some lie beyond the reference.
        generator.uniform() < 0.3
          ? Double(generator.integer(below: 4)) / 4 : generator.uniform(0, 1.2)
      }
    }
  }

  @Test("agrees with inclusion and exclusion", arguments: 1...5, 0..<8 as Range<UInt64>)
  func agreesWithInclusionExclusion(objectives: Int, seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: objectives)
    let points = points(7, objectives, &generator)
    let reference = Array(repeating: 1.0, count: objectives)
    let volume = Hypervolume.volume(points, below: reference)
    #expect(abs(volume - inclusionExclusion(points, reference)) < 1e-12)
    let added = Hypervolume.contribution(
      of: points[0], to: Array(points.dropFirst()), below: reference)
    let rest = inclusionExclusion(Array(points.dropFirst()), reference)
    #expect(abs(added - (volume - rest)) < 1e-12)
  }

  @Test("each choice adds the most that is left", arguments: 2...4, 0..<6 as Range<UInt64>)
  func choosesGreedily(objectives: Int, seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 100 + objectives)
    let all = points(24, objectives, &generator).map { $0.map { min($0, 0.99) } }
    let front = ParetoOrder.ranks(all, atLeast: 1)[0].map { all[$0] }
    let unique = ParetoOrder.sortedUnique(front).map(\.losses)
    let reference = Array(repeating: 1.1, count: objectives)
    let count = max(1, unique.count / 2)
    let chosen = Hypervolume.subset(unique, count: count, below: reference)
    #expect(Set(chosen).count == min(count, unique.count))
    var selected: [[Double]] = []
    for place in chosen where count < unique.count {
      let before = inclusionExclusion(selected, reference)
      let gains = unique.map { inclusionExclusion(selected + [$0], reference) - before }
      #expect(gains[place] >= (gains.max() ?? 0) - 1e-12)
      selected.append(unique[place])
    }
  }

  @Test("groups hold what only earlier groups dominate", arguments: 1...4)
  func ranksByDomination(objectives: Int) {
    var generator = TrialGenerator(seed: 3, trial: objectives)
    let all = points(60, objectives, &generator)
    let groups = ParetoOrder.ranks(all, atLeast: all.count)
    #expect(groups.flatMap(\.self).sorted() == Array(all.indices))
    for (rank, group) in groups.enumerated() {
      let later = groups[rank...].flatMap(\.self)
      for place in group {
        #expect(!later.contains { ParetoOrder.dominates(all[$0], all[place]) })
      }
      for place in rank > 0 ? group : [] {
        #expect(groups[rank - 1].contains { ParetoOrder.dominates(all[$0], all[place]) })
      }
    }
    #expect(ParetoOrder.ranks(all, atLeast: 1).count == 1)
  }

  @Test func repeatedVectorsComeLast() {
    let losses = [[1.0, 2], [2, 1], [1, 2], [2, 1]]
    #expect(Hypervolume.subset(losses, count: 2, below: [3, 3]).sorted() == [0, 1])
    #expect(Hypervolume.subset(losses, count: 3, below: [3, 3]).sorted() == [0, 1, 2])
    #expect(Hypervolume.subset(losses, count: 1, below: [.infinity, 3]) == [0])
  }
}
