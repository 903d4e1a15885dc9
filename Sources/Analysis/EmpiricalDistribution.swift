/// The share of values up to a point, at evenly spaced points: an empirical distribution function.
public struct EmpiricalDistribution: Sendable, Hashable {
  /// Where the shares are taken, ascending.
  public let points: [Double]
  /// From 0 to 1, one per point.
  public let shares: [Double]

  /// Evenly spaced points from the least to the greatest of the finite values; none without values.
  ///
  /// - Parameter count: At least 2.
  public static func points(across values: some Sequence<Double>, count: Int = 100) -> [Double] {
    var (least, greatest) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite {
      least = min(least, value)
      greatest = max(greatest, value)
    }
    guard least <= greatest else { return [] }
    let spacing = (greatest - least) / Double(count - 1)
    // Halves: the difference of the extremes can overflow.
    let half = (greatest / 2 - least / 2) / Double(count - 1)
    return (0..<count).map { index in
      index == count - 1
        ? greatest
        : spacing.isFinite
          ? Double(index) * spacing + least : (Double(index) * half + least / 2) * 2
    }
  }

  /// The distribution of the finite values at those ascending points.
  public init(of values: some Sequence<Double>, at points: [Double]) {
    let sorted = values.filter(\.isFinite).sorted()
    self.points = points
    var place = 0
    shares = points.map { point in
      while place < sorted.count, sorted[place] <= point { place += 1 }
      return sorted.isEmpty ? 0 : Double(place) / Double(sorted.count)
    }
  }
}
