internal import LinearAlgebra
internal import Probability
package import StudyModel
internal import System

/// What a Gaussian process believes of the trials that a study has completed: how good each would
/// be without noise, and how likely each is the best of them.
///
/// A trial's value is its worth and noise, so the luckiest trial of many is seldom the best one.
/// What lies near it tells how lucky it was: the process weighs a trial with its neighbours, and
/// with its repetitions. How much of the differences is noise is not known either, so the
/// posteriors of several lengths and shares of noise are mixed by how likely they make the values:
/// Rasmussen and Williams (2006), §5.2; of the variance the most likely value is taken, and the
/// length scales are those of a fit times a few factors.
package struct TrialBelief: Sendable {
  /// What is believed of the trials at one point.
  package struct Entry: Sendable {
    /// The numbers of the trials at that point, ascending.
    package let trials: [Int]
    /// The mean of the worth, in the objective's unit.
    package let expected: Double
    /// Where the worth lies with 95 %: the least and the greatest value.
    package let interval: ClosedRange<Double>
    /// The probability that no other trial is better, from 0 to 1.
    package let probability: Double
  }

  /// The feasible points that are expected to be the best ones, the best first; at least one.
  package let entries: [Entry]

  /// The least number of completed trials that a belief is made of.
  package static let leastTrials = 10
  /// The most trials that enter the model, and the most points among which the best one is sought.
  private static let largestModel = 384
  private static let candidateLimit = 96
  /// How many entries there are at most.
  private static let entryLimit = 20
  private static let drawCount = 2_000

  /// The belief about the completed trials with a finite value of the first objective.
  ///
  /// nil when they are fewer than ``leastTrials``, when none is feasible, or when their parameters
  /// do not tell them apart.
  package init?(_ trials: [Trial], direction: Direction) {
    var completed: [(trial: Trial, loss: Double)] = []
    for trial in trials where trial.state == .completed {
      guard let value = trial.values.first, value.isFinite else { continue }
      completed.append((trial, min(max(direction.loss(value), -1e300), 1e300)))
    }
    guard completed.count >= Self.leastTrials else { return nil }
    let rows = Self.selection(completed.map(\.loss))
    let chosen = rows.map { completed[$0] }
    guard let space = Self.space(of: chosen.map(\.trial), direction) else { return nil }
    let losses = TamedLosses(chosen.map(\.loss))
    let points = chosen.indices.map { space.space.point(of: $0, in: space.history) }
    let features = FeatureLayout(space.space, seen: points).points(points)
    let model = WorthModel(features, scores: losses.scores, parameterCount: space.space.count)

    var groups: [[UInt64]: [Int]] = [:]
    for row in points.indices { groups[points[row].map(\.bitPattern), default: []].append(row) }
    let feasible = groups.values.filter { rows in
      rows.contains { Trial.violation(of: chosen[$0].trial.systemAttributes) <= 0 }
    }
    let means = model.means()
    // The best by the model, and the luckiest of all.
    var candidates = feasible.sorted {
      (means[$1[0]], $0[0]) < (means[$0[0]], $1[0])
    }
    guard !candidates.isEmpty else { return nil }
    func bestScore(_ rows: [Int]) -> Double { rows.map { losses.scores[$0] }.max() ?? 0 }
    let luckiest = candidates.indices.max {
      (bestScore(candidates[$0]), candidates[$1][0]) < (
        bestScore(candidates[$1]), candidates[$0][0]
      )
    }
    if let luckiest, luckiest >= Self.candidateLimit {
      candidates.swapAt(luckiest, Self.candidateLimit - 1)
    }
    candidates = Array(candidates.prefix(Self.candidateLimit))
    let drawn = model.draws(Self.drawCount, at: candidates.map { $0[0] })

    let order = candidates.indices.sorted { (drawn.means[$1], $0) < (drawn.means[$0], $1) }
    var shown = Array(order.prefix(Self.entryLimit))
    if let place = candidates.indices.max(by: {
      bestScore(candidates[$0]) < bestScore(candidates[$1])
    }), !shown.contains(place) {
      shown.append(place)
    }
    entries = shown.map { place in
      let values = drawn.values[place].sorted()
      func value(_ score: Double) -> Double { direction.loss(losses.loss(of: score)) }
      // A larger score is a smaller loss; which end is the greater value is the direction's matter.
      let ends = [0.025, 0.975].map { share in
        value(values[Int(clamped: (share * Double(values.count - 1)).rounded())])
      }
      return Entry(
        trials: candidates[place].map { chosen[$0].trial.number }.sorted(),
        expected: value(drawn.means[place]),
        interval: min(ends[0], ends[1])...max(ends[0], ends[1]),
        probability: drawn.shares[place])
    }
  }

  /// The trials that enter the model: all of a moderate number; of many the best half of the limit,
  /// and the rest evenly spread over time.
  private static func selection(_ losses: [Double]) -> [Int] {
    guard losses.count > largestModel else { return Array(losses.indices) }
    let order = losses.indices.sorted { (losses[$0], $0) < (losses[$1], $1) }
    let top = Set(order.prefix(largestModel / 2))
    let rest = losses.indices.filter { !top.contains($0) }
    let wanted = largestModel - top.count
    return (Array(top) + (0..<wanted).map { rest[$0 * rest.count / wanted] }).sorted()
  }

  /// The space of the trials' parameters, with a history in which the trials are numbered anew; nil
  /// where no parameter has several values.
  private static func space(
    of trials: [Trial], _ direction: Direction
  ) -> (space: GPSpace, history: TrialHistory)? {
    var history = TrialHistory(directions: [direction])
    for row in trials.indices { _ = history.loadTrial(row, as: .completed) }
    for (row, trial) in trials.enumerated() {
      for assignment in trial.parameters where assignment.internalValue.isFinite {
        let column = history.loadColumn(named: assignment.name)
        let distribution = history.loadDistribution(assignment.distribution)
        history.loadValue(assignment.internalValue, of: distribution, in: column, for: row)
      }
    }
    let space = GPSpace(of: Array(trials.indices), in: history)
    return space.count > 0 ? (space, history) : nil
  }
}

/// Losses as scores: larger is better, mean 0, variance 1, far outliers drawn in, which nothing
/// near the best depends on.
private struct TamedLosses {
  let scores: [Double]
  private let best: Double
  private let unit: Double
  private let mean: Double
  private let deviation: Double

  /// The medians from the best loss at which an outlier begins.
  private static let outlierStart = 5.0

  init(_ losses: [Double]) {
    let best = losses.min() ?? 0
    let unit = OutputTransform.unit(ofLosses: losses)
    let distances = losses.map { loss in
      let x = min((loss - best) / unit, 1e300)
      return x > Self.outlierStart ? Self.outlierStart + log1p(x - Self.outlierStart) : x
    }
    let count = Double(max(losses.count, 1))
    let mean = distances.reduce(0, +) / count
    let variance = distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let deviation = variance > 0 ? variance.squareRoot() : 1
    scores = distances.map { (mean - $0) / deviation }
    (self.best, self.unit, self.mean, self.deviation) = (best, unit, mean, deviation)
  }

  /// The loss of a score; of one beyond the best it goes on as a line.
  func loss(of score: Double) -> Double {
    let x = mean - score * deviation
    let distance = x > Self.outlierStart ? Self.outlierStart + expm1(x - Self.outlierStart) : x
    return best + distance * unit
  }
}

/// A mixture of Gaussian processes over a few length scales and shares of noise.
private struct WorthModel {
  private let features: FeaturePoints
  private let scores: [Double]
  private var parts: [Part] = []

  /// One pair of hyperparameters with its share of the mixture.
  private struct Part {
    var parameters: KernelParameters
    /// The variance of the noise in units of the signal's.
    var noise: Double
    /// The variance of the signal.
    var signal: Double
    var weight: Double
  }

  private static let factors = [0.5, 1, 2]
  private static let noises = [1e-6, 1e-3, 0.03, 0.1, 0.3, 1, 3, 10]

  init(_ features: FeaturePoints, scores: [Double], parameterCount: Int) {
    self.features = features
    self.scores = scores
    let fitted = Self.fitted(features, scores, parameterCount)
    var weights: [Double] = []
    for factor in Self.factors {
      var own = fitted
      own.inverseSquaredScales = own.inverseSquaredScales.map { $0 / (factor * factor) }
      own.signal = 1
      let kernel = Self.kernel(features, features, own)
      for noise in Self.noises {
        guard let lower = Self.factor(kernel, noise) else { continue }
        var z = Matrix(rows: scores.count, columns: 1, elements: scores)
        z.formSolution(ofLower: lower)
        let square = z.elements.reduce(0) { $0 + $1 * $1 }
        // As if two observations had said that signal and noise together are as large as the
        // scores.
        let count = Double(scores.count) + 2
        let signal = (square + 2 / (1 + noise)) / count
        let logarithm = (0..<scores.count).reduce(0.0) { $0 + log(lower[$1, $1]) }
        weights.append(-0.5 * count * log(signal) - logarithm)
        parts.append(Part(parameters: own, noise: noise, signal: signal, weight: 0))
      }
    }
    let greatest = weights.max() ?? 0
    let total = weights.reduce(0) { $0 + exp($1 - greatest) }
    for place in parts.indices { parts[place].weight = exp(weights[place] - greatest) / total }
  }

  /// Length scales of a fit to the best of many observations and some of the others.
  private static func fitted(
    _ features: FeaturePoints, _ scores: [Double], _ parameterCount: Int
  ) -> KernelParameters {
    let limit = 160
    var rows = Array(scores.indices)
    if rows.count > limit { rows = (0..<limit).map { $0 * rows.count / limit } }
    let own = rows.map { scores[$0] }
    let selected = features.selecting(rows)
    var limits = BoundedMinimizer.Limits()
    limits.gradient = 1e-2
    limits.relativeChange = 1e-6
    limits.iterations = 30
    limits.evaluations = 60
    var best: (parameters: KernelParameters, value: Double)?
    for noise in [0.5, 0.01] {
      var start = KernelParameters(parameterCount: parameterCount)
      start.noise = noise
      let found = MarginalLikelihood.fit(
        selected, scores: own, from: start, limits: limits, prior: .openNoise)
      if found.value < best?.value ?? .infinity { best = (found.parameters, found.value) }
    }
    return best?.parameters ?? KernelParameters(parameterCount: parameterCount)
  }

  /// The kernel between two lists of points, with a signal of 1.
  private static func kernel(
    _ first: FeaturePoints, _ second: FeaturePoints, _ parameters: KernelParameters
  ) -> Matrix {
    let (a, b) = (first.scaled(by: parameters), second.scaled(by: parameters))
    var kernel = Matrix(zeros: first.count, second.count)
    kernel.formProduct(a.features, b.features, transposing: .first, scale: -2)
    MaternKernel.correlate(&kernel, rowNorms: a.norms, columnNorms: b.norms, scale: 1)
    return kernel
  }

  /// The lower factor of a kernel with noise; nil where rounding leaves it none.
  private static func factor(_ kernel: Matrix, _ noise: Double) -> Matrix? {
    var matrix = kernel
    for j in 0..<matrix.rows { matrix[j, j] += noise + 1e-9 }
    do throws(LinearAlgebraError) {
      try matrix.formLowerCholesky()
      return matrix
    } catch {
      return nil
    }
  }

  /// The posterior means of all observations under the likeliest part.
  func means() -> [Double] {
    guard let part = parts.max(by: { $0.weight < $1.weight }) else { return scores }
    let kernel = Self.kernel(features, features, part.parameters)
    guard let lower = Self.factor(kernel, part.noise) else { return scores }
    var z = Matrix(rows: scores.count, columns: 1, elements: scores)
    z.formSolution(ofLower: lower)
    z.formSolution(ofLower: lower, transposed: true)
    return kernel * z.elements
  }

  /// What is drawn at some observations from the mixture.
  struct Drawn {
    /// The mean of each.
    var means: [Double]
    /// The draws of each.
    var values: [[Double]]
    /// In which share of the draws each is the best.
    var shares: [Double]
  }

  /// Joint draws at the observations of those rows.
  func draws(_ count: Int, at rows: [Int]) -> Drawn {
    let m = rows.count
    var drawn = Drawn(
      means: Array(repeating: 0, count: m), values: Array(repeating: [], count: m),
      shares: Array(repeating: 0, count: m))
    let own = features.selecting(rows)
    var generator = TrialGenerator(seed: 0x6265_7374, trial: 0)
    // The rounded shares of the parts, so that each has its due number of draws.
    var (given, cumulated) = (0, 0.0)
    for part in parts {
      cumulated += part.weight
      let many = Int(clamped: (cumulated * Double(count)).rounded()) - given
      guard many > 0,
        let lower = Self.factor(Self.kernel(features, features, part.parameters), part.noise)
      else { continue }
      given += many
      var cross = Self.kernel(features, own, part.parameters)
      cross.formSolution(ofLower: lower)
      var z = Matrix(rows: scores.count, columns: 1, elements: scores)
      z.formSolution(ofLower: lower)
      let means = Matrix.product(cross, z, transposing: .first)
      var covariance = Self.kernel(own, own, part.parameters)
      covariance.formProduct(cross, cross, transposing: .first, scale: -1, keeping: 1)
      guard let root = Self.factor(covariance, 1e-7) else { continue }
      var lowerRoot = root
      for j in 0..<m { for i in 0..<j { lowerRoot[i, j] = 0 } }
      let normals = Matrix(
        rows: m, columns: many,
        elements: (0..<m * many).map { _ in
          StandardNormal.quantile(min(max(generator.uniform(), 0x1p-40), 1 - 0x1p-40))
        })
      let deviations = Matrix.product(lowerRoot, normals)
      let scale = part.signal.squareRoot()
      for q in 0..<many {
        var best = (place: 0, value: -Double.infinity)
        for i in 0..<m {
          let value = means.elements[i] + scale * deviations.elements[i + q * m]
          drawn.values[i].append(value)
          drawn.means[i] += value
          if value > best.value { best = (i, value) }
        }
        drawn.shares[best.place] += 1
      }
    }
    let total = Double(max(drawn.values.first?.count ?? 0, 1))
    for i in 0..<m {
      drawn.means[i] /= total
      drawn.shares[i] /= total
    }
    return drawn
  }
}
