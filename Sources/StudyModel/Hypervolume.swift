/// The volume that loss vectors dominate, up to a reference point.
package enum Hypervolume {
  /// The volume dominated by at least one of the vectors.
  ///
  /// By sweeping for up to two objectives, else as the sum of what each vector adds to the later
  /// ones. While, Bradstreet and Barone, "A Fast Way of Calculating Exact Hypervolumes", IEEE TEVC
  /// 16(1), 2012, algorithm WFG. Exponential in the number of objectives at worst.
  ///
  /// - Parameters:
  ///   - losses: Vectors as long as `reference`, minimized; those beyond it in a coordinate count
  ///     for nothing.
  ///   - reference: Finite coordinates.
  package static func volume(_ losses: [[Double]], below reference: [Double]) -> Double {
    let inside = losses.filter { zip($0, reference).allSatisfy { $0 < $1 } }
    return exactVolume(front(inside), reference)
  }

  /// The volume that `point` adds to what `others` dominate.
  package static func contribution(
    of point: [Double], to others: [[Double]], below reference: [Double]
  ) -> Double {
    guard zip(point, reference).allSatisfy({ $0 < $1 }) else { return 0 }
    return exclusiveVolume(of: point, to: others[...], reference)
  }

  /// A point a tenth beyond the worst of each coordinate: the rule of Optuna 5.
  ///
  /// - Parameter losses: At least one vector.
  package static func referencePoint(of losses: [[Double]]) -> [Double] {
    (losses.first ?? []).indices.map { objective in
      let worst = losses.reduce(-.infinity) { max($0, $1[objective]) }
      let beyond = max(1.1 * worst, 0.9 * worst)
      return beyond == 0 ? 1e-12 : beyond
    }
  }

  private static func exactVolume(_ front: [[Double]], _ reference: [Double]) -> Double {
    guard let first = front.first else { return 0 }
    if front.count == 1 { return box(first, reference) }
    if reference.count == 1 { return reference[0] - first[0] }
    if reference.count == 2 {
      var volume = 0.0
      var ceiling = reference[1]
      for point in front {
        volume += (reference[0] - point[0]) * (ceiling - point[1])
        ceiling = point[1]
      }
      return volume
    }
    var volume = 0.0
    for place in front.indices {
      volume += exclusiveVolume(of: front[place], to: front[(place + 1)...], reference)
    }
    return volume
  }

  /// The volume of a point's box without what the others cover of it.
  private static func exclusiveVolume(
    of point: [Double], to others: ArraySlice<[Double]>, _ reference: [Double]
  ) -> Double {
    let covered = others.map { zip($0, point).map { max($0, $1) } }
      .filter { zip($0, reference).allSatisfy { $0 < $1 } }
    return box(point, reference) - exactVolume(front(covered), reference)
  }

  private static func box(_ point: [Double], _ reference: [Double]) -> Double {
    zip(point, reference).reduce(1) { $0 * ($1.1 - $1.0) }
  }

  /// The vectors that no other one dominates, each once, in lexicographic order.
  private static func front(_ losses: [[Double]]) -> [[Double]] {
    guard let first = ParetoOrder.ranks(losses, atLeast: 1).first else { return [] }
    return ParetoOrder.sortedUnique(first.map { losses[$0] }).map(\.losses)
  }

  /// Chooses `count` vectors so that the volume they dominate is large: greedily, each time the one
  /// that adds most, the first of equals. The greedy choice has at least 1 − 1/e of the largest
  /// volume.
  ///
  /// Guerreiro, Fonseca and Paquete, "Greedy Hypervolume Subset Selection in Low Dimensions",
  /// Evolutionary Computation 24(3), 2016. Volumes are recomputed only where an upper bound from an
  /// earlier round exceeds the best of this round, which submodularity allows.
  ///
  /// - Parameter losses: Vectors that do not dominate each other.
  /// - Returns: Places in `losses`, `count` of them or all there are. Equal vectors are considered
  ///   only after all others, and if the reference is not finite the lexicographically first are
  ///   taken.
  package static func subset(
    _ losses: [[Double]], count: Int, below reference: [Double]
  ) -> [Int] {
    guard count < losses.count else { return Array(losses.indices) }
    let unique = ParetoOrder.sortedUnique(losses)
    let firsts = unique.map { $0.places[0] }
    guard unique.count > count else {
      let repeated = unique.flatMap { $0.places.dropFirst() }.sorted()
      return firsts + repeated.prefix(count - unique.count)
    }
    guard reference.allSatisfy(\.isFinite) else { return Array(firsts.prefix(count)) }
    let vectors = unique.map(\.losses)
    let chosen =
      reference.count == 2
      ? subsetOfTwo(vectors, count, reference) : subsetOfMany(vectors, count, reference)
    return chosen.map { firsts[$0] }
  }

  /// With two objectives what a vector adds is a rectangle, bounded by the chosen ones beside it,
  /// so a choice changes only what lies between its neighbours.
  ///
  /// - Parameter vectors: In lexicographic order.
  private static func subsetOfTwo(
    _ vectors: [[Double]], _ count: Int, _ reference: [Double]
  ) -> [Int] {
    /// The vectors between two chosen ones, and the one of them that adds most.
    struct Gap {
      let places: Range<Int>
      let best: Int
      let added: Double
    }
    func gap(_ places: Range<Int>) -> Gap? {
      guard var best = places.first else { return nil }
      let top = places.lowerBound > 0 ? vectors[places.lowerBound - 1][1] : reference[1]
      let right =
        places.upperBound < vectors.count ? vectors[places.upperBound][0] : reference[0]
      var most = -Double.infinity
      for place in places {
        let added: Double = (right - vectors[place][0]) * (top - vectors[place][1])
        if added > most { (best, most) = (place, added) }
      }
      return Gap(places: places, best: best, added: most)
    }
    var gaps = [gap(vectors.indices)].compactMap(\.self)
    var chosen: [Int] = []
    while chosen.count < count {
      var widest = 0
      for place in gaps.indices where gaps[place].added > gaps[widest].added { widest = place }
      let (places, best) = (gaps[widest].places, gaps[widest].best)
      chosen.append(best)
      let parts = [gap(places.lowerBound..<best), gap(best + 1..<places.upperBound)]
      gaps.replaceSubrange(widest...widest, with: parts.compactMap(\.self))
    }
    return chosen
  }

  private static func subsetOfMany(
    _ vectors: [[Double]], _ count: Int, _ reference: [Double]
  ) -> [Int] {
    var left = Array(vectors.indices)
    var bounds = vectors.map { box($0, reference) }
    var chosen: [Int] = []
    while chosen.count < count {
      if !chosen.isEmpty {
        let selected = chosen.map { vectors[$0] }
        var best = 0.0
        for place in bounds.indices.sorted(by: { bounds[$0] > bounds[$1] }) {
          guard bounds[place] >= best else { break }
          bounds[place] = contribution(
            of: vectors[left[place]], to: selected, below: reference)
          best = max(best, bounds[place])
        }
      }
      let place = bounds.firstIndexOfMaximum
      chosen.append(left.remove(at: place))
      bounds.remove(at: place)
    }
    return chosen
  }
}

extension [Double] {
  /// The first place of the largest element; 0 for an empty array.
  fileprivate var firstIndexOfMaximum: Int {
    var best = 0
    for place in indices where self[place] > self[best] { best = place }
    return best
  }
}
