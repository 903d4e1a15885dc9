internal import Probability
internal import StudyModel
internal import System

/// The points of a declared space as the exhaustive samplers take them: each once.
struct FiniteSpace: Sendable {
  /// With constraints, every point is looked at; so many at most.
  private static let checkedLimit = 1 << 20

  let space: SearchSpace
  let points: PointSet
  private let count: Int
  /// The points at which the constraints hold, ascending; nil without constraints.
  private let allowed: [Int]?

  /// Lists a space for the sampler of that name.
  init(
    _ space: SearchSpace, divisions: Int?, for sampler: String
  ) throws(SamplerError) {
    guard let points = PointSet(space, dividingContinua: divisions) else {
      let endless = space.parameters.first { parameter in
        switch parameter.distribution {
        case .float(let d): return d.step == nil && !d.isSingleValued
        case .opaque: return true
        case .int, .categorical: return false
        }
      }
      guard let endless else { throw .tooManyPoints(sampler: sampler) }
      throw .endlessParameter(sampler: sampler, name: endless.name)
    }
    guard let count = points.count else { throw .tooManyPoints(sampler: sampler) }
    self.space = space
    self.points = points
    self.count = count
    if space.constraints.isEmpty {
      allowed = nil
    } else {
      guard count <= Self.checkedLimit else { throw .tooManyPoints(sampler: sampler) }
      allowed = (0..<count).filter { space.allows(points.point($0)) }
    }
  }

  /// The number of points that may be suggested.
  var size: Int { allowed?.count ?? count }

  /// How many trials a study can have in all.
  func trialLimit(given history: TrialHistory) -> Int {
    let visited = VisitedPoints(of: history, except: nil, in: space, points: points)
    return history.count + max(0, size - taken(visited) - visited.undecided)
  }

  /// One of the points that no other trial has; nil when there is none.
  func draw(
    for trial: Int, in order: GridSampler.Order = .random, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) -> [ParameterAssignment]? {
    let visited = VisitedPoints(of: history, except: trial, in: space, points: points)
    guard let allowed else {
      guard count > visited.numbers.count else { return nil }
      var place =
        order == .written ? 0 : generator.integer(below: count - visited.numbers.count)
      for number in visited.numbers where number <= place { place += 1 }
      return points.point(place)
    }
    let taken = Set(visited.numbers)
    let free = allowed.filter { !taken.contains($0) }
    if order == .written { return free.first.map(points.point) }
    return free.isEmpty ? nil : points.point(free[generator.integer(below: free.count)])
  }

  private func taken(_ visited: VisitedPoints) -> Int {
    guard let allowed else { return visited.numbers.count }
    let possible = Set(allowed)
    return visited.numbers.count(where: possible.contains)
  }
}

/// The space that a sampler listed last, kept by the sampler's copies.
final class FiniteSpaceCache: Sendable {
  private let state = Lock<FiniteSpace?>(nil)

  func list(
    _ space: SearchSpace, divisions: Int?, for sampler: String
  ) throws(SamplerError) -> FiniteSpace {
    if let known = state.withLock({ $0 }), known.space == space { return known }
    let listed = try FiniteSpace(space, divisions: divisions, for: sampler)
    state.withLock { $0 = listed }
    return listed
  }
}
