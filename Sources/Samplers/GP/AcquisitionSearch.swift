internal import LinearAlgebra
internal import Probability
internal import System

/// Looks for the point of a space where an acquisition function is largest.
///
/// Many points are compared first, spread by Sobol's sequence and scattered about the best trials;
/// from the best of them numbers climb along the gradient, all starts in one batch, and the values
/// of grids and choices are tried one by one, in turns, until nothing changes.
struct AcquisitionSearch {
  let space: GPSpace
  let layout: FeatureLayout
  let acquisition: AcquisitionFunction
  /// The step of a number's search: its length scale.
  let lengthScales: [Double]
  /// What the user expects; nil for nothing.
  let belief: GPBelief?
  /// Whether a point may be suggested; nil when all may.
  let isAllowed: ((_ point: [Double]) -> Bool)?

  struct Candidate {
    /// A coordinate per parameter, inactive ones too.
    var point: [Double]
    var value: Double
  }

  /// A grid of at most that many values is searched value by value, a larger one as if continuous,
  /// and then about the value found.
  private static let largestListedGrid = 16.0

  /// The best points found, best first; at least one.
  ///
  /// - Parameters:
  ///   - anchors: Points about which to look more closely.
  ///   - effort: How many points are compared first; a power of two.
  func run(
    anchors: [[Double]], effort: Int, starts: Int, using generator: inout TrialGenerator
  ) -> [Candidate] {
    var points = spread(effort, using: &generator)
    for anchor in anchors {
      points.append(anchor)
      points += scatter(about: anchor, effort / 8, using: &generator)
    }
    if let isAllowed {
      let allowed = points.filter(isAllowed)
      // Without any, the coordinator looks for the nearest point that is possible.
      if !allowed.isEmpty { points = allowed }
    }
    let values = values(at: points)
    var candidates = points.indices.map { Candidate(point: points[$0], value: values[$0]) }
    candidates.sort(by: Self.isBetter)
    var best = chosen(candidates, starts)
    for round in 0..<3 {
      let before = best.first?.value ?? -.infinity
      best = climbed(best, iterations: round == 0 ? 30 : 15)
      best.sort(by: Self.isBetter)
      if space.kinds.contains(.continuous) { best = Array(best.prefix(max(1, starts / 2))) }
      let hasMoved = tryValues(&best)
      best.sort(by: Self.isBetter)
      if !hasMoved || (best.first?.value ?? -.infinity) <= before { break }
    }
    return (best + candidates.prefix(64)).sorted(by: Self.isBetter)
  }

  private static func isBetter(_ a: Candidate, _ b: Candidate) -> Bool {
    // NaN last.
    (a.value.isNaN ? -.infinity : a.value) > (b.value.isNaN ? -.infinity : b.value)
  }

  /// The starts: the best, those after it that are not its neighbours first.
  private func chosen(_ candidates: [Candidate], _ count: Int) -> [Candidate] {
    var chosen: [Candidate] = []
    var near: [Candidate] = []
    for candidate in candidates.prefix(40 * count) where chosen.count < count {
      let isNear = chosen.contains { distance($0.point, candidate.point) < 0.1 }
      if isNear { near.append(candidate) } else { chosen.append(candidate) }
    }
    return chosen + near.prefix(count - chosen.count)
  }

  /// The largest difference of two points in any coordinate, in length scales.
  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    var largest = 0.0
    for j in a.indices where !a[j].isNaN && !b[j].isNaN {
      if case .categorical = space.kinds[j] {
        largest = a[j] == b[j] ? largest : 1
      } else {
        largest = max(largest, abs(a[j] - b[j]) / min(lengthScales[j], 1))
      }
    }
    return largest
  }

  func features(_ points: [[Double]]) -> FeaturePoints {
    layout.points(points.map(space.activated))
  }

  /// What is maximized, at points.
  private func values(at points: [[Double]]) -> [Double] {
    var values = acquisition.values(at: features(points))
    if let belief {
      for place in points.indices { values[place] += belief.value(at: points[place]) }
    }
    return values
  }

  // MARK: First points

  private func spread(_ count: Int, using generator: inout TrialGenerator) -> [[Double]] {
    let d = space.count
    let cube = SobolSequence.points(count, dimension: d, scrambledBy: &generator)
    return (0..<count).map { i in
      (0..<d).map { j in space.coordinate(ofUniform: cube[i * d + j], j) }
    }
  }

  /// Points that differ from the anchor in some coordinates, by little or by much.
  private func scatter(
    about anchor: [Double], _ count: Int, using generator: inout TrialGenerator
  ) -> [[Double]] {
    let d = space.count
    return (0..<count).map { i in
      // In small spaces all coordinates move, in large ones some: Regis and Shoemaker, "Combining
      // Radial Basis Function Surrogates and Dynamic Coordinate Search", Engineering Optimization
      // 45(5), 2013.
      let share = min(1, max(2, 20 * generator.uniform()) / Double(d))
      let width = [0.3, 0.1, 0.03, 0.01][i % 4]
      var point = anchor
      for j in 0..<d {
        guard generator.uniform() < share else { continue }
        if case .categorical(let choices) = space.kinds[j] {
          if generator.uniform() < 0.5 {
            point[j] = Double(generator.integer(below: choices))
          }
        } else {
          let noise = StandardNormal.quantile(max(generator.uniform(), 0x1p-54))
          point[j] = space.snapped(point[j] + width * min(lengthScales[j], 1) * noise, j)
        }
      }
      return point
    }
  }

  // MARK: Climbing

  private func isClimbable(_ j: Int) -> Bool {
    switch space.kinds[j] {
    case .continuous: true
    case .grid(let count): count > Self.largestListedGrid
    case .categorical: false
    }
  }

  /// Climbs along the gradient from all starts at once, then snaps to the grids.
  private func climbed(_ starts: [Candidate], iterations: Int) -> [Candidate] {
    let variables = space.kinds.indices.filter(isClimbable)
    guard !variables.isEmpty else { return starts }
    let scales = variables.map { min(max(lengthScales[$0], 0.01), 1) }
    var limits = BoundedMinimizer.Limits()
    limits.iterations = iterations
    limits.evaluations = 2 * iterations
    limits.gradient = 1e-3
    limits.relativeChange = 1e-5
    var searches = starts.map { start in
      BoundedMinimizer(
        from: variables.indices.map { start.point[variables[$0]] / scales[$0] },
        lower: variables.map { _ in 0 }, upper: scales.map { 1 / $0 }, limits: limits)
    }
    func point(_ k: Int) -> [Double] {
      var point = starts[k].point
      for (v, j) in variables.enumerated() { point[j] = searches[k].point[v] * scales[v] }
      return point
    }
    while true {
      let open = searches.indices.filter { !searches[$0].isFinished }
      if open.isEmpty { break }
      let points = open.map(point)
      let (values, gradients) = acquisition.valuesAndGradients(at: features(points))
      for (place, k) in open.enumerated() {
        var value = -values[place]
        var gradient = variables.indices.map {
          -gradients[layout.feature(ofNumber: variables[$0]), place] * scales[$0]
        }
        if let belief {
          value -= belief.value(at: points[place])
          for (v, j) in variables.enumerated() {
            gradient[v] -= belief.slope(at: points[place], by: j) * scales[v]
          }
        }
        searches[k].receive(value, gradient: gradient)
      }
    }
    let points = searches.indices.map { k in
      var end = point(k)
      for j in variables { end[j] = space.snapped(end[j], j) }
      return end
    }
    let values = values(at: points)
    // Rounding to a grid can lose what climbing gained, and climbing can leave what is allowed.
    return points.indices.map {
      values[$0] > starts[$0].value && isAllowed?(points[$0]) ?? true
        ? Candidate(point: points[$0], value: values[$0]) : starts[$0]
    }
  }

  // MARK: Values one by one

  /// Moves every candidate to the best of the points that differ in the value of one grid or
  /// choice, until there is no better one; whether any moved.
  private func tryValues(_ candidates: inout [Candidate]) -> Bool {
    let listed = space.kinds.indices.filter { space.kinds[$0] != .continuous }
    guard !listed.isEmpty else { return false }
    let choices = listed.map { j -> [Double] in
      guard case .categorical = space.kinds[j] else { return [] }
      return layout.distinctChoices(of: j).map(Double.init)
    }
    var hasMoved = false
    var open = Array(candidates.indices)
    for _ in 0..<6 where !open.isEmpty {
      var points: [[Double]] = []
      var owners: [Int] = []
      for k in open {
        for (place, j) in listed.enumerated() {
          let own = candidates[k].point[j]
          for value in alternatives(to: own, j, choices[place]) where value != own {
            var point = candidates[k].point
            point[j] = value
            guard isAllowed?(point) ?? true else { continue }
            points.append(point)
            owners.append(k)
          }
        }
      }
      guard !points.isEmpty else { break }
      let values = values(at: points)
      var moved: [Int] = []
      for place in points.indices {
        let k = owners[place]
        guard values[place] > candidates[k].value + 1e-9 else { continue }
        candidates[k] = Candidate(point: points[place], value: values[place])
        if moved.last != k { moved.append(k) }
      }
      hasMoved = hasMoved || !moved.isEmpty
      open = moved
    }
    return hasMoved
  }

  /// All values of a small grid or of a categorical, or the neighbours at 1, 2, 4, … steps
  /// (1, 8, 64, … on a grid of many values).
  private func alternatives(to own: Double, _ j: Int, _ choices: [Double]) -> [Double] {
    guard case .grid(let count) = space.kinds[j] else { return choices }
    if count <= Self.largestListedGrid {
      return (0..<Int(clamped: count)).map { space.coordinate(ofGridPlace: Double($0), j) }
    }
    let place = space.gridPlace(of: own, j)
    var values: [Double] = []
    var step = 1.0
    let factor = count <= 256 ? 2.0 : 8.0
    while step < count / 2 {
      if place >= step { values.append(space.coordinate(ofGridPlace: place - step, j)) }
      if place + step < count { values.append(space.coordinate(ofGridPlace: place + step, j)) }
      step *= factor
    }
    return values
  }
}
