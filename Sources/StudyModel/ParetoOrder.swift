/// Non-domination ranks of loss vectors, all of them minimized.
package enum ParetoOrder {
  /// Whether `a` is nowhere worse than `b` and somewhere better.
  package static func dominates(_ a: [Double], _ b: [Double]) -> Bool {
    var isBetter = false
    for (x, y) in zip(a, b) {
      if x > y { return false }
      if x < y { isBetter = true }
    }
    return isBetter
  }

  /// The places of the vectors in groups: those that nothing dominates, then those that nothing
  /// else dominates without the first group, and so on. Equal vectors share a group; places ascend
  /// in it.
  ///
  /// Stops with the group that reaches `count` vectors.
  ///
  /// - Parameters:
  ///   - losses: Vectors of one length, without NaN.
  ///   - count: How many vectors the groups must hold at least.
  package static func ranks(_ losses: [[Double]], atLeast count: Int) -> [[Int]] {
    var left = sortedUnique(losses)
    var groups: [[Int]] = []
    var held = 0
    if losses.first?.count == 1 {
      // One objective: a group per value.
      for item in left where held < count {
        groups.append(item.places)
        held += item.places.count
      }
      return groups
    }
    while !left.isEmpty, held < count {
      var front: [(losses: [Double], places: [Int])] = []
      var rest: [(losses: [Double], places: [Int])] = []
      var smallestLast = Double.infinity
      for item in left {
        // In lexicographic order only earlier vectors can dominate. With two objectives the latest
        // of the front is the one to compare with.
        let isDominated: Bool
        if item.losses.count == 2 {
          isDominated = !front.isEmpty && smallestLast <= item.losses[1]
        } else {
          isDominated = front.contains { dominates($0.losses, item.losses) }
        }
        if isDominated {
          rest.append(item)
        } else {
          smallestLast = min(smallestLast, item.losses.last ?? 0)
          front.append(item)
        }
      }
      groups.append(front.flatMap(\.places).sorted())
      held += groups.last?.count ?? 0
      left = rest
    }
    return groups
  }

  /// The places of the best vectors, best first: of one objective all of them by ascending loss; of
  /// several those that no other one beats, by the first objective, then by the next. Equal ones by
  /// place.
  ///
  /// - Parameter losses: Vectors of one length, without NaN.
  package static func best(_ losses: [[Double]]) -> [Int] {
    let isSingle = losses.first?.count == 1
    let places = isSingle ? Array(losses.indices) : ranks(losses, atLeast: 1).first ?? []
    return places.sorted { a, b in
      losses[a] == losses[b] ? a < b : losses[a].lexicographicallyPrecedes(losses[b])
    }
  }

  /// The distinct vectors in lexicographic order, each with the ascending places where it stands.
  package static func sortedUnique(
    _ losses: [[Double]]
  ) -> [(losses: [Double], places: [Int])] {
    let order = losses.indices.sorted {
      losses[$0] == losses[$1] ? $0 < $1 : losses[$0].lexicographicallyPrecedes(losses[$1])
    }
    var unique: [(losses: [Double], places: [Int])] = []
    for place in order {
      if let last = unique.last, last.losses == losses[place] {
        unique[unique.count - 1].places.append(place)
      } else {
        unique.append((losses[place], [place]))
      }
    }
    return unique
  }
}
