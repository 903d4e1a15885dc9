internal import JSON
internal import LinearAlgebra
internal import Probability
internal import StudyModel
internal import System

/// The models of a study's objectives and constraints, fitted and given the evidence.
struct GPModel {
  private let space: GPSpace
  private let evidence: Evidence
  private let history: TrialHistory
  /// The points of the observed trials.
  private let points: [[Double]]
  /// What is modelled: the objectives, or one scalar of them.
  private var objectives: [GPSeries] = []
  private var constraints: [GPSeries] = []
  private var objectiveFits: [GPFit] = []
  private var constraintFits: [GPFit] = []
  /// Of trials with a result and trials that failed; nil while none has failed.
  private var success: GPSeries?
  private var successFit: GPFit?
  private let settings: GPSampler.Settings
  private let earlier: EarlierModels?

  /// Whether this suggestion is made by a model that expects more of what is unknown.
  ///
  /// A model that has promised improvements for long and not found any is too sure of itself. Every
  /// other suggestion then takes losses as they are, so that small gains near the best count
  /// little, and halves the length scales: Berkenkamp, Schoellig and Krause, "No-Regret Bayesian
  /// Optimization with Unknown Hyperparameters", JMLR 20, 2019.
  private let isDoubting: Bool

  init(
    _ observations: GPObservations, _ history: TrialHistory, for trial: Int,
    _ settings: GPSampler.Settings = GPSampler.Settings(), earlier: EarlierModels? = nil
  ) {
    self.earlier = earlier
    self.settings = settings
    space = observations.space
    evidence = observations.evidence
    points = observations.points
    self.history = history
    isDoubting =
      trial % 2 == 1 && evidence.losses.count == 1
      && evidence.sinceProgress >= Self.patience + space.count
  }

  /// Observations, beyond one per parameter, without progress from which on the model is doubted.
  private static let patience = 10

  /// What a search needs.
  struct Built {
    let layout: FeatureLayout
    let acquisition: AcquisitionFunction
    let lengthScales: [Double]
    /// The points of which only is known that they are not good.
    let poor: [[Double]]
    /// The best points so far.
    let anchors: [[Double]]
    /// What the model is made of, for people.
    let account: [JSONValue.Member]
  }

  // MARK: Fitting

  mutating func fit(_ fits: inout GPFits, using generator: inout TrialGenerator) {
    if evidence.losses.count > 2 {
      objectives = [scalarized(using: &generator)]
    } else {
      let isAlone = evidence.losses.count == 1
      objectives = evidence.losses.enumerated().map { k, losses in
        GPSeries(
          head: "objective \(k)\(isDoubting ? ", plain" : "")", points: points, losses: losses,
          unit: evidence.unit(ofObjective: k), finishedUpTo: evidence.finishedUpTo,
          scoring: isAlone && !isDoubting ? .warped : .tamed)
      }
    }
    let finishedUpTo = evidence.finishedUpTo
    constraints = evidence.constraints.map { constraint in
      let rows = constraint.values.indices.filter { !constraint.values[$0].isNaN }
      return GPSeries(
        head: "constraint \(constraint.name)", points: rows.map { points[$0] },
        losses: Self.tamed(rows.map { constraint.values[$0] }), unit: nil,
        finishedUpTo: rows.map { finishedUpTo[$0] }, scoring: .plain)
    }.filter { !$0.losses.isEmpty }
    let count = GPFitting.checkpoint(points.count)
    objectiveFits = objectives.map { GPFitting.fit($0, first: count, space, history, &fits) }
    constraintFits = constraints.map {
      GPFitting.fit($0, first: GPFitting.checkpoint($0.losses.count), space, history, &fits)
    }
    if settings.learnsFailures {
      success = GPSeries.success(evidence, points, in: space, history)
    }
    successFit = success.map {
      GPFitting.fit($0, first: GPFitting.checkpoint($0.losses.count), space, history, &fits)
    }
    if isDoubting {
      objectiveFits[0].parameters.inverseSquaredScales =
        objectiveFits[0].parameters.inverseSquaredScales.map { 4 * $0 }
    } else if count < points.count, points.count <= GPSampler.largestModel {
      for k in objectives.indices where isSurprised(k, since: count) {
        objectiveFits[k] = GPFitting.fit(objectives[k], first: points.count, space, history, &fits)
      }
    }
  }

  /// Whether the observations since the fit are on average more than two standard deviations from
  /// what those before predicted.
  private func isSurprised(_ k: Int, since count: Int) -> Bool {
    let model = Surrogate(
      FeatureLayout(space, seen: points).points(points),
      scores: objectiveFits[k].transform.scores(
        of: objectives[k].losses, unit: objectives[k].unit
      ).scores, poorCount: 0,
      ceiling: 0, draws: Matrix(zeros: 0, 1), parameters: objectiveFits[k].parameters)
    let latest = model.residuals[count...]
    return latest.reduce(0) { $0 + $1 * $1 } > 4 * Double(latest.count)
  }

  /// Several objectives as one, by random weights: the augmented Chebyshev distance to the best
  /// values. Knowles (2006), equation 2, with ρ = 0.05.
  private func scalarized(using generator: inout TrialGenerator) -> GPSeries {
    var weights = evidence.losses.map { _ in -log(1 - generator.uniform()) }
    let total = weights.reduce(0, +)
    weights = weights.map { $0 / total }
    var scalars = Array(repeating: 0.0, count: points.count)
    var sums = scalars
    for (k, (weight, losses)) in zip(weights, evidence.losses).enumerated() {
      let scores = OutputTransform(width: .infinity).scores(
        of: losses, unit: evidence.unit(ofObjective: k)
      ).scores
      let best = scores.max() ?? 0
      for i in scores.indices {
        let distance = weight * (best - scores[i])
        scalars[i] = max(scalars[i], distance)
        sums[i] += distance
      }
    }
    return GPSeries(
      head: nil, points: points, losses: zip(scalars, sums).map { $0 + 0.05 * $1 }, unit: nil,
      finishedUpTo: evidence.finishedUpTo, scoring: .tamed)
  }

  /// Constraint values with those far from the border drawn in, so that what counts is where it is.
  private static func tamed(_ values: [Double]) -> [Double] {
    let sizes = values.map { abs($0) }.filter { $0 > 0 }.sorted()
    let unit = sizes.isEmpty ? 1 : sizes[sizes.count / 2]
    return values.map { value in
      let size = min(abs(value) / unit, 1e300)
      let drawn = size <= 3 ? size : 3 + log1p(size - 3)
      return value < 0 ? -drawn : drawn
    }
  }

  // MARK: Building

  func build(pending: [[Double]], using generator: inout TrialGenerator) -> Built {
    let rows = selectedRows()
    let poor = evidence.poor.map { space.point(of: $0, in: history) }
      .filter { $0.contains { !$0.isNaN } }
    let chosen = rows.map { points[$0] }
    let all = chosen + poor + pending
    let others = (earlier?.sources ?? []).flatMap(\.points) + (success?.points ?? [])
    let layout = FeatureLayout(space, seen: all + others)
    let features = layout.points(all)
    let allFeasible = evidence.isFeasible
    let isFeasible = rows.map { allFeasible[$0] }
    let isConstrained = !constraints.isEmpty
    var models: [Surrogate] = []
    var guide: Guide?
    for (series, var fit) in zip(objectives, objectiveFits) {
      let scores = fit.transform.scores(of: series.losses, unit: series.unit).scores
      let own = rows.map { scores[$0] }
      let draws = normals(pending.count, using: &generator)
      if let earlier, objectives.count == 1, evidence.losses.count == 1 {
        guide = earlier.guide(layout, chosen, scores: own, &fit.parameters)
      }
      models.append(
        Surrogate(
          features, scores: own, poorCount: poor.count, ceiling: own.sorted()[own.count / 2],
          draws: draws, parameters: fit.parameters, isEligible: isConstrained ? isFeasible : nil,
          guide: guide?.values(at: features) ?? []))
    }
    let goal: AcquisitionFunction.Goal
    if isConstrained, !isFeasible.contains(true) {
      goal = .feasibility
    } else if models.count == 2 {
      goal = .area(models[0], models[1], fronts: fronts(models, rows, isFeasible))
    } else {
      goal = .improvement(models[0])
    }
    var account: [JSONValue.Member] = [
      .init("sampler", "gp"), .init("phase", "model"),
      .init("observations", .integer(points.count)),
      .init("in_model", .integer(rows.count)), .init("not_good", .integer(poor.count)),
      .init("pending", .integer(pending.count)),
      .init("fitted_to", .integer(GPFitting.checkpoint(points.count))),
    ]
    account.append(.init("goal", .string(goal.name)))
    let parameters = models[0].parameters
    account.append(
      .init(
        "length_scales",
        .object(
          zip(space.parameters, parameters.lengthScales).map {
            .init($0.name, .rounded($1))
          })))
    if isDoubting { account.append(.init("length_scales_halved", true)) }
    account.append(.init("signal", .rounded(parameters.signal)))
    account.append(.init("noise", .rounded(parameters.noise)))
    let width = objectiveFits[0].transform.width
    account.append(.init("output", width.isFinite ? .string("log \(width)") : "linear"))
    if success != nil { account.append(.init("failed", .integer(evidence.failures.count))) }
    if let guide {
      account.append(.init("earlier_studies", .array(guide.models.map { .rounded($0.factor) })))
    }
    return Built(
      layout: layout,
      acquisition: AcquisitionFunction(
        goal: goal, constraints: constraintModels(layout), guide: guide),
      lengthScales: parameters.lengthScales,
      poor: poor, anchors: anchors(models, rows, isFeasible), account: account)
  }

  private func normals(_ count: Int, using generator: inout TrialGenerator) -> Matrix {
    guard count > 0 else { return Matrix(zeros: 0, 1) }
    // A gain of area is summed over the whole front for each draw.
    let draws = evidence.losses.count == 2 ? 4 : 16
    let cube = SobolSequence.points(draws, dimension: count, scrambledBy: &generator)
    return Matrix(
      rows: count, columns: draws,
      elements: cube.map { StandardNormal.quantile(max($0, 0x1p-33)) })
  }

  /// The observations that the model holds: all of a moderate number; of many the best fifth of the
  /// limit, as many more nearest to the best one as make seven tenths, and the rest evenly spread
  /// over time.
  private func selectedRows() -> [Int] {
    let limit = GPSampler.largestModel
    guard points.count > limit else { return Array(points.indices) }
    var taken = Array(repeating: false, count: points.count)
    let losses = objectives[0].losses
    let isFeasible = evidence.isFeasible
    func isBetter(_ a: Int, _ b: Int) -> Bool {
      isFeasible[a] == isFeasible[b] ? (losses[a], a) < (losses[b], b) : isFeasible[a]
    }
    let top = Array(points.indices).smallest(limit / 5, by: isBetter)
    for i in top { taken[i] = true }
    let scales = objectiveFits[0].parameters.inverseSquaredScales
    let center = points[top.min(by: isBetter) ?? 0]
    var distances: [Double] = []
    for point in points {
      var sum = 0.0
      for j in point.indices where !point[j].isNaN && !center[j].isNaN {
        let difference = point[j] - center[j]
        if case .categorical = space.kinds[j] {
          sum += difference == 0 ? 0 : scales[j]
        } else {
          sum += scales[j] * difference * difference
        }
      }
      distances.append(sum)
    }
    let near = points.indices.filter { !taken[$0] }.smallest(limit / 2) {
      (distances[$0], $0) < (distances[$1], $1)
    }
    for i in near { taken[i] = true }
    let rest = points.indices.filter { !taken[$0] }
    let wanted = limit - limit / 5 - limit / 2
    for k in 0..<wanted { taken[rest[k * rest.count / wanted]] = true }
    return points.indices.filter { taken[$0] }
  }

  /// The Pareto fronts of the fitted means, one for all draws, and the reference point a tenth of
  /// the range of all observations below the worst of the front.
  private func fronts(
    _ models: [Surrogate], _ rows: [Int], _ isFeasible: [Bool]
  ) -> [ParetoStrips] {
    var values: [(Double, Double)] = []
    for i in rows.indices where constraints.isEmpty || isFeasible[i] {
      values.append((models[0].fittedMeans[i], models[1].fittedMeans[i]))
    }
    let losses = values.map { [-$0.0, -$0.1] }
    let front = ParetoOrder.ranks(losses, atLeast: 1).first ?? []
    func reference(_ front: [Double], _ all: [Double]) -> Double {
      let range = (all.max() ?? 0) - (all.min() ?? 0)
      return (front.min() ?? 0) - max(0.1 * range, 1e-3)
    }
    let corner = (
      reference(front.map { values[$0].0 }, models[0].fittedMeans),
      reference(front.map { values[$0].1 }, models[1].fittedMeans)
    )
    return models[0].incumbents.indices.map { q in
      let drawn = zip(models[0].drawnPending[q], models[1].drawnPending[q]).map { ($0, $1) }
      return ParetoStrips(front.map { values[$0] } + drawn, reference: corner)
    }
  }

  /// The points about which to look closely: the best by posterior mean, or of the Pareto front.
  private func anchors(
    _ models: [Surrogate], _ rows: [Int], _ isFeasible: [Bool]
  ) -> [[Double]] {
    let eligible = rows.indices.filter { isFeasible[$0] }
    let candidates = eligible.isEmpty ? Array(rows.indices) : eligible
    let means = models.map(\.fittedMeans)
    var best: [Int]
    if models.count == 2 {
      let front =
        ParetoOrder.ranks(candidates.map { [-means[0][$0], -means[1][$0]] }, atLeast: 1).first ?? []
      let sorted = front.map { candidates[$0] }.sorted { (means[0][$0], $0) < (means[0][$1], $1) }
      best = (0..<min(6, sorted.count)).map { sorted[$0 * sorted.count / min(6, sorted.count)] }
    } else {
      best = candidates.sorted { (means[0][$1], $0) < (means[0][$0], $1) }
      best = Array(best.prefix(4))
    }
    return best.map { i in
      points[rows[i]].enumerated().map { j, x in
        x.isNaN ? space.snapped(0.5, j) : space.snapped(x, j)
      }
    }
  }

  private func constraintModels(
    _ layout: FeatureLayout
  ) -> [(model: Surrogate, threshold: Double)] {
    let all = constraints + (success.map { [$0] } ?? [])
    let fits = constraintFits + (successFit.map { [$0] } ?? [])
    return zip(all, fits).map { series, fit in
      let count = series.losses.count
      let kept =
        count > GPSampler.largestModel
        ? (0..<GPSampler.largestModel).map { $0 * count / GPSampler.largestModel }
        : Array(0..<count)
      let losses = kept.map { series.losses[$0] }
      let (scores, mean, deviation) = GPSeries.standardized(losses)
      let selected = kept.map { series.points[$0] }
      return (
        Surrogate(
          layout.points(selected),
          scores: scores, poorCount: 0, ceiling: 0,
          draws: Matrix(zeros: 0, 1), parameters: fit.parameters),
        // Held by the deviation of its noise: the best trials are often at a border, and one that
        // is just beyond it is lost.
        mean / deviation + fit.parameters.noise.squareRoot()
      )
    }
  }
}
