internal import Probability
internal import StudyModel
internal import System

/// One study's CMA-ES: a fold over finished trials, with restarts.
///
/// Filling its population → updated → filling …; stuck → restarted. Trials are taken in as they
/// finish; each that completes a population moves the distribution.
struct CMASearch {
  /// What is asked of it.
  struct Settings: Hashable, Sendable {
    var populationSize: Int?
    var step = 1.0 / 6
    var restarts = CMAESSampler.Restarts.bipop
    var isWarmStarted = true
  }

  /// A finished trial in the unit cube.
  struct Point {
    let coordinates: [Double]
    /// The better, the earlier: violation, then losses.
    let violation: Double
    let losses: [Double]
    /// The generation it was drawn in; nil for a trial of another sampler.
    let generation: Int?
  }

  private let settings: Settings
  private let dimension: Int
  private let distributions: [Distribution]
  private var margin: CMAMargin
  private let seed: TrialGenerator
  private(set) var distribution: CMADistribution
  /// Counts updates and restarts; a trial keeps that of its drawing.
  private(set) var generation = 0
  /// The generation in which the present run began.
  private var runStart = 0
  private var buffer: [Point] = []
  /// Trials of other samplers before the first of this one.
  private var earlier: [Point] = []
  private var hasBegun = false
  /// How often it was restarted with a larger population, and the trials used by either kind of
  /// run.
  private var enlargements = 0
  private var trialsOfLarge = 0
  private var trialsOfSmall = 0
  private var isLarge = true

  /// Earlier trials from which a promising region can be told.
  private static let fewestEarlier = 10

  /// - Parameters:
  ///   - distributions: The numeric parameters that span the cube.
  ///   - seed: Equal for all trials of the study.
  init(_ distributions: [Distribution], _ settings: Settings, seed: TrialGenerator) {
    self.settings = settings
    self.seed = seed
    let first = CMADistribution(
      mean: distributions.map { _ in 0.5 }, step: settings.step,
      populationSize: settings.populationSize)
    dimension = distributions.count
    self.distributions = distributions
    margin = Self.margin(distributions, first)
    distribution = first
  }

  /// Takes in a finished trial.
  mutating func insert(_ point: Point) {
    if point.generation == nil, !hasBegun {
      earlier.append(point)
      return
    }
    begin()
    // A point of an earlier run says nothing about this one.
    if let drawn = point.generation, drawn < runStart { return }
    buffer.append(point)
    guard buffer.count == distribution.parameters.populationSize else { return }
    let order = Self.order(of: buffer)
    let sorted = order.map { buffer[$0] }
    distribution.update(
      with: sorted.map(\.coordinates), strangers: sorted.map { $0.generation != generation })
    let losses = sorted.map { $0.violation > 0 ? .infinity : $0.losses[0] }
      .filter { $0.isFinite }
    if let low = losses.min(), let high = losses.max() { distribution.note(low...high) }
    if isLarge { trialsOfLarge += buffer.count } else { trialsOfSmall += buffer.count }
    buffer = []
    generation += 1
    margin.apply(to: &distribution)
    if distribution.isStuck, settings.restarts != .none || !distribution.step.isFinite { restart() }
  }

  /// The first trial of this sampler is about to be drawn: what went before may say where to begin.
  mutating func begin() {
    guard !hasBegun else { return }
    hasBegun = true
    defer { earlier = [] }
    guard settings.isWarmStarted, earlier.count >= Self.fewestEarlier else { return }
    let sorted = Self.order(of: earlier).map { earlier[$0].coordinates }
    if let (mean, step, covariance) = CMADistribution.promising(sorted) {
      distribution = CMADistribution(
        mean: mean, step: step, covariance: covariance,
        populationSize: settings.populationSize)
    }
  }

  private static func margin(
    _ distributions: [Distribution], _ distribution: CMADistribution
  ) -> CMAMargin {
    let size = distribution.parameters.populationSize
    return CMAMargin(distributions, margin: 1 / Double(distributions.count * size))
  }

  /// Draws a point, and where it comes to lie in the cube: its discrete coordinates on their grids.
  ///
  /// The trials of a study are spread evenly over the distribution, by the points of a scrambled
  /// Sobol sequence; those outside the cube are drawn anew at random. Teytaud and Gelly, "DCMA: Yet
  /// Another Derandomization in Covariance-Matrix-Adaptation", GECCO 2007.
  func draw(
    for trial: Int, using generator: inout TrialGenerator
  ) -> (drawn: [Double], shown: [Double]) {
    var drawn: [Double] = []
    for attempt in 0..<(10 * dimension) {
      if attempt == 0, dimension <= SobolSequence.largestDimension {
        var scramble = seed
        drawn = distribution.point(
          at: SobolSequence.point(trial, dimension: dimension, scrambledBy: &scramble))
      } else {
        drawn = distribution.draw(using: &generator)
      }
      let isInside = drawn.indices.allSatisfy {
        margin.isDiscrete($0) || (0...1).contains(drawn[$0])
      }
      if isInside { break }
    }
    for i in drawn.indices where !margin.isDiscrete(i) { drawn[i] = min(max(drawn[i], 0), 1) }
    return (drawn, margin.rounded(drawn, mean: distribution.mean))
  }

  /// Begins a new run elsewhere: IPOP doubles the population each time (Auger and Hansen, "A
  /// Restart CMA Evolution Strategy with Increasing Population Size", CEC 2005); BIPOP alternates
  /// that with small populations and steps, each getting as many trials (Hansen, "Benchmarking a
  /// BI-Population CMA-ES on the BBOB-2009 Function Testbed", GECCO 2009).
  private mutating func restart() {
    var generator = seed
    for _ in 0..<(2 * generation) { _ = generator.next() }
    let n = dimension
    let base = settings.populationSize ?? CMAParameters.defaultPopulation(of: n)
    isLarge = settings.restarts != .bipop || trialsOfLarge <= trialsOfSmall
    var size = base
    var step = settings.step
    if isLarge {
      enlargements = min(enlargements + 1, 9)
      size = base << enlargements
    } else {
      let u = generator.uniform()
      let ratio = Double(base << enlargements) / Double(base)
      size = max(base, Int(clamped: Double(base) * pow(0.5 * ratio, u * u)))
      step *= pow(10, -2 * generator.uniform())
    }
    let mean = (0..<n).map { _ in generator.uniform() }
    distribution = CMADistribution(mean: mean, step: step, populationSize: size)
    margin = Self.margin(distributions, distribution)
    runStart = generation
  }

  /// The places of the points, the best first: feasible before infeasible, by loss; with several
  /// objectives by rank and crowding. The first of equals comes first.
  private static func order(of points: [Point]) -> [Int] {
    let individuals = points.enumerated().map {
      Selection.Individual(number: $0, losses: $1.losses, violation: $1.violation)
    }
    guard points[0].losses.count > 1 else {
      return points.indices.sorted { a, b in
        let (x, y) = (points[a], points[b])
        if x.violation != y.violation { return x.violation < y.violation }
        return x.losses[0] == y.losses[0] ? a < b : x.losses[0] < y.losses[0]
      }
    }
    return Selection.elite(individuals, count: individuals.count).map(\.place)
  }
}
