internal import StudyModel

/// Who survives: non-domination ranks and crowding distances.
///
/// Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
/// NSGA-II", IEEE TEVC 6(2), 2002, §III; ranks and distances are those of Optuna 5.
package enum Selection {
  /// What is compared of a trial.
  package struct Individual: Sendable, Hashable {
    /// The trial's number.
    package let number: Int
    /// Its objective values as losses; not NaN.
    package let losses: [Double]
    /// By how much it violates constraints; 0 if it does not.
    package let violation: Double

    package init(number: Int, losses: [Double], violation: Double) {
      self.number = number
      self.losses = losses
      self.violation = violation
    }

    /// Whether it is better by Deb's rule: feasible before infeasible, less violation before more,
    /// and else by domination.
    package func dominates(_ other: Individual) -> Bool {
      if violation > 0 || other.violation > 0 { return violation < other.violation }
      return ParetoOrder.dominates(losses, other.losses)
    }
  }

  /// The places of the individuals in groups of equal rank, the best first; ascending within a
  /// group.
  ///
  /// - Parameter count: How many individuals the groups must hold at least; what ranks below is
  ///   left out.
  package static func ranks(_ population: [Individual], atLeast count: Int = .max) -> [[Int]] {
    let feasible = population.indices.filter { population[$0].violation <= 0 }
    let fronts = ParetoOrder.ranks(
      feasible.map { population[$0].losses }, atLeast: min(count, feasible.count))
    var groups = fronts.map { front in front.map { feasible[$0] } }
    guard feasible.count < count else { return groups }
    let infeasible = population.indices.filter { population[$0].violation > 0 }
      .sorted { (population[$0].violation, $0) < (population[$1].violation, $1) }
    var last: Double?
    for place in infeasible {
      if population[place].violation == last {
        groups[groups.count - 1].append(place)
      } else {
        groups.append([place])
        last = population[place].violation
      }
    }
    return groups
  }

  /// How far each individual's neighbours in its group are apart, in units of the finite range and
  /// summed over the objectives; infinite at the ends. Equal infinities are no distance apart.
  package static func crowdingDistances(_ losses: [[Double]]) -> [Double] {
    var distances = Array(repeating: 0.0, count: losses.count)
    var order = Array(losses.indices)
    for objective in (losses.first ?? []).indices {
      // Equals keep the order of the objective before, as in Optuna.
      order = order.enumerated().sorted { a, b in
        let (x, y) = (losses[a.element][objective], losses[b.element][objective])
        return x == y ? a.offset < b.offset : x < y
      }.map(\.element)
      let sorted = order.map { losses[$0][objective] }
      guard let first = sorted.first, let last = sorted.last, first != last else { continue }
      let padded = [-.infinity] + sorted + [.infinity]
      let lowest = padded.first { $0 != -.infinity } ?? 0
      let highest = padded.last { $0 != .infinity } ?? 0
      let width = highest - lowest > 0 ? highest - lowest : 1
      for (place, individual) in order.enumerated() {
        let (below, above) = (padded[place], padded[place + 2])
        distances[individual] += below == above ? 0 : (above - below) / width
      }
    }
    return distances
  }

  /// The places of the best `count` individuals, with the rank and the crowding distance of each:
  /// rank by rank, and of the rank that is too large those that are least crowded.
  package static func elite(
    _ population: [Individual], count: Int
  ) -> [(place: Int, rank: Int, crowding: Double)] {
    var chosen: [(place: Int, rank: Int, crowding: Double)] = []
    for (rank, group) in ranks(population, atLeast: count).enumerated() where chosen.count < count {
      let distances = crowdingDistances(group.map { population[$0].losses })
      let members = zip(group, distances).map { (place: $0, rank: rank, crowding: $1) }
      let sorted = members.sorted { $0.crowding > $1.crowding }
      chosen += sorted.prefix(count - chosen.count)
    }
    return chosen
  }
}
