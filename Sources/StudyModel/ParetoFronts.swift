/// Loss vectors in groups of equal non-domination rank, kept up to date as vectors are added.
///
/// The groups are those of ``ParetoOrder/ranks(_:atLeast:)`` at every moment. A new vector goes
/// into the first group that does not dominate it, which is found by bisection, and what it
/// dominates there moves down: Li, Deb, Zhang and Zhang, "Efficient Nondomination Level Update
/// Method for Steady-State Evolutionary Multiobjective Optimization", IEEE Transactions on
/// Cybernetics 47(9), 2017.
package struct ParetoFronts: Sendable {
  private let objectiveCount: Int
  /// All vectors, one after the other, in the order in which they came.
  private var losses: [Double] = []
  /// The keys that they came with.
  private var keys: [Int] = []
  /// The places of the vectors of each group.
  private var groups: [[Int]] = []

  /// - Parameter objectiveCount: The length of the vectors; at least 1.
  package init(objectiveCount: Int) { self.objectiveCount = objectiveCount }

  /// The number of vectors.
  package var count: Int { keys.count }

  /// Adds a vector under a key by which it is found again.
  ///
  /// - Parameter losses: As many as there are objectives; not NaN.
  package mutating func insert(_ key: Int, _ losses: [Double]) {
    let place = keys.count
    keys.append(key)
    self.losses += losses
    // A group that dominates the vector stands behind others that do.
    var (low, high) = (0, groups.count)
    while low < high {
      let middle = (low + high) / 2
      if groups[middle].contains(where: { dominates($0, place) }) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    var moving = [place]
    while !moving.isEmpty {
      if low == groups.count { groups.append([]) }
      let next = groups[low].filter { member in moving.contains { dominates($0, member) } }
      if !next.isEmpty { groups[low].removeAll { next.contains($0) } }
      groups[low] += moving
      moving = next
      low += 1
    }
  }

  /// The keys of the first groups, ascending in each, up to that which reaches `count` vectors.
  package func ranks(atLeast count: Int) -> [[Int]] {
    var held = 0
    var ranks: [[Int]] = []
    for group in groups where held < count {
      ranks.append(group.map { keys[$0] }.sorted())
      held += group.count
    }
    return ranks
  }

  private func dominates(_ a: Int, _ b: Int) -> Bool {
    var isBetter = false
    for objective in 0..<objectiveCount {
      let (x, y) = (
        losses[a * objectiveCount + objective], losses[b * objectiveCount + objective]
      )
      if x > y { return false }
      if x < y { isBetter = true }
    }
    return isBetter
  }
}
