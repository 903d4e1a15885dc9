internal import LinearAlgebra
internal import Probability
internal import StudyModel
internal import System

/// What earlier studies say about a space: a Gaussian process for each.
struct EarlierModels: Sendable {
  /// One study's points and scores in the space, and what was fitted to them.
  struct Source: Sendable {
    let points: [[Double]]
    let scores: [Double]
    let parameters: KernelParameters
  }

  /// The parameters of the space, by which the models are kept.
  let parameters: [Parameter]
  let sources: [Source]

  /// The fewest trials that a model of a study is made of.
  private static let fewestTrials = 5
  /// The most studies that count; the first ones of those given.
  private static let mostStudies = 32

  /// Fits a model to each study that has some trials in the space.
  init(_ studies: [EarlierStudy], in space: GPSpace) {
    parameters = space.parameters
    sources = studies.prefix(Self.mostStudies).compactMap { study in
      let rows = study.modelled.map { (space.point(of: $0.values), $0.loss) }
        .filter { $0.0.contains { !$0.isNaN } }
      guard rows.count >= Self.fewestTrials, Set(rows.map(\.1)).count > 1 else { return nil }
      let series = GPSeries(
        head: nil, points: rows.map(\.0), losses: rows.map(\.1), unit: nil,
        finishedUpTo: Array(1...rows.count), scoring: .warped)
      let fit = GPFitting.fit(series, in: space)
      return Source(
        points: series.points, scores: fit.transform.scores(of: series.losses).scores,
        parameters: fit.parameters)
    }
  }

  /// The posteriors, for points that have these features.
  func surrogates(_ layout: FeatureLayout) -> [Surrogate] {
    sources.map {
      Surrogate(
        layout.points($0.points), scores: $0.scores, poorCount: 0, ceiling: 0,
        draws: Matrix(zeros: 0, 1), parameters: $0.parameters)
    }
  }

  /// The most observations to which the studies add something; a model of more needs no help.
  private static let largestGuided = 128

  /// What the studies add to a model of observations, and the parameters of the kernel fitted to
  /// the rest; nil when they add nothing.
  func guide(
    _ layout: FeatureLayout, _ points: [[Double]], scores: [Double],
    _ parameters: inout KernelParameters
  ) -> Guide? {
    guard points.count <= Self.largestGuided else { return nil }
    let features = layout.points(points)
    let alone = Surrogate(
      features, scores: scores, poorCount: 0, ceiling: 0, draws: Matrix(zeros: 0, 1),
      parameters: parameters)
    let guide = Guide(surrogates(layout), at: features, scores: scores, model: alone)
    guard !guide.isEmpty else { return nil }
    let rest = zip(scores, guide.values(at: features)).map { $0 - $1 }
    var limits = BoundedMinimizer.Limits()
    limits.gradient = 1e-2
    limits.relativeChange = 1e-6
    limits.iterations = 15
    limits.evaluations = 30
    parameters =
      MarginalLikelihood.fit(features, scores: rest, from: parameters, limits: limits).parameters
    return guide
  }

  /// The order in which the best configurations of the studies are tried: each is the one that,
  /// with those before it, promises most over all studies, the best of them counting in each.
  /// Feurer, Springenberg and Hutter, "Initializing Bayesian Hyperparameter Optimization via
  /// Meta-Learning", AAAI 2015, choose by the likeness of data sets; here models tell what they are
  /// worth elsewhere.
  static func order(of candidates: [[Double]], in space: GPSpace, _ models: Self) -> [Int] {
    let all = models.sources.flatMap(\.points) + candidates
    let layout = FeatureLayout(space, seen: all)
    let features = layout.points(candidates)
    let worth = models.surrogates(layout).map { $0.predict(features).means.elements }
    var best = Array(repeating: -1e3, count: worth.count)
    var left = Array(candidates.indices)
    var order: [Int] = []
    while !left.isEmpty {
      let sums = left.map { c in
        worth.indices.reduce(0.0) { $0 + max(best[$1], worth[$1][c]) }
      }
      guard let place = sums.indices.max(by: { sums[$0] < sums[$1] }) else { break }
      let chosen = left.remove(at: place)
      for k in worth.indices { best[k] = max(best[k], worth[k][chosen]) }
      order.append(chosen)
    }
    return order
  }
}

/// The mean of earlier studies' models, as far as the trials of this one agree with them: what the
/// model of this study is added to.
///
/// A study's weight is the rank correlation of what its model predicts with what was observed, less
/// what chance would give (the ranking loss of Feurer et al., arXiv:1802.02219, serves the same
/// end); so strangers soon count nothing. One factor for all of them is fitted with the kernel.
struct Guide {
  /// The models that count, and the factor of each.
  private(set) var models: [(model: Surrogate, factor: Double)] = []
  /// What is subtracted.
  private(set) var shift = 0.0

  /// The rank correlation that is expected before there are observations, and how many observations
  /// that is worth.
  private static let expected = (correlation: 0.3, count: 5.0)
  /// What is believed of the common factor: its mean and its deviation.
  private static let factor = (mean: 0.6, deviation: 0.4)

  /// Whether nothing is added.
  var isEmpty: Bool { models.isEmpty }

  /// - Parameters:
  ///   - points: The observed points; at least one.
  ///   - scores: What was observed there.
  ///   - model: A model of this study alone.
  init(
    _ surrogates: [Surrogate], at points: FeaturePoints, scores: [Double], model: Surrogate
  ) {
    let n = Double(scores.count)
    let predicted = surrogates.map { $0.predict(points).means.elements }
    // The deviation of Kendall's correlation of strangers.
    let chance = n > 1 ? (2 * (2 * n + 5) / (9 * n * (n - 1))).squareRoot() : 0
    let weights = predicted.map { means in
      let prior = Self.expected
      let sum = n * (Self.correlation(means, scores) - chance) + prior.count * prior.correlation
      return max(0, sum / (n + prior.count))
    }
    let total = weights.reduce(0, +)
    guard total > 0 else { return }
    var mean = Array(repeating: 0.0, count: scores.count)
    for (weight, means) in zip(weights, predicted) where weight > 0 {
      for i in mean.indices { mean[i] += weight / total * means[i] }
    }
    shift = mean.reduce(0, +) / n
    let columns = model.whitened(
      Matrix(rows: scores.count, columns: 2, elements: scores + mean.map { $0 - shift }))
    let (y, m) = (Array(columns.column(0)), Array(columns.column(1)))
    let precision = 1 / (Self.factor.deviation * Self.factor.deviation)
    var (above, below) = (Self.factor.mean * precision, precision)
    for i in y.indices {
      above += m[i] * y[i]
      below += m[i] * m[i]
    }
    let factor = min(max(above / below, 0), 2)
    guard factor > 0.01 else { return }
    shift *= factor
    for (weight, model) in zip(weights, surrogates) where weight > 0 {
      models.append((model, factor * weight / total))
    }
  }

  /// What is added at points.
  func values(at points: FeaturePoints) -> [Double] {
    var values = Array(repeating: -shift, count: points.count)
    for (model, factor) in models {
      let means = model.predict(points).means.elements
      for i in values.indices { values[i] += factor * means[i] }
    }
    return values
  }

  /// Kendall's rank correlation; ties count half.
  static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices {
      for j in 0..<i {
        let product = (a[i] - a[j]) * (b[i] - b[j])
        sum += product > 0 ? 1 : product < 0 ? -1 : 0
      }
    }
    let pairs = Double(a.count * (a.count - 1)) / 2
    return pairs > 0 ? sum / pairs : 0
  }
}
