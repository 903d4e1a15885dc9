import Foundation
import LinearAlgebra
import Probability
import StudyModel
import Testing

@testable import Samplers

/// The parts of the Gaussian process that go beyond Optuna's, each against its definition.
@Suite struct GPModelTests {
  static func points(
    _ count: Int, _ dimension: Int, using generator: inout TrialGenerator
  ) -> FeaturePoints {
    FeaturePoints(
      features: Matrix(
        rows: dimension, columns: count,
        elements: (0..<count * dimension).map { _ in generator.uniform(-0.5, 0.5) }),
      parameterOf: Array(0..<dimension))
  }

  static let parameters = KernelParameters(
    inverseSquaredScales: [3, 1.5, 0.4], signal: 1.3, noise: 0.02)

  /// A model of ten observations, three poor points and two pending ones with four draws.
  static func model(_ seed: UInt64, parameters: KernelParameters = parameters) -> Surrogate {
    var generator = TrialGenerator(seed: seed, trial: 1)
    let all = points(15, 3, using: &generator)
    let scores = (0..<10).map { _ in generator.uniform(-1.5, 1.5) }
    let draws = Matrix(
      rows: 2, columns: 4, elements: (0..<8).map { _ in generator.uniform(-2, 2) })
    return Surrogate(
      all, scores: scores, poorCount: 3, ceiling: 0.1, draws: draws, parameters: parameters)
  }

  @Test(arguments: 0..<5 as Range<UInt64>)
  func poorAndPendingPointsAreConditionedOn(seed: UInt64) throws {
    var generator = TrialGenerator(seed: seed, trial: 1)
    let all = Self.points(15, 3, using: &generator)
    let scores = (0..<10).map { _ in generator.uniform(-1.5, 1.5) }
    let draws = Matrix(
      rows: 2, columns: 1, elements: (0..<2).map { _ in generator.uniform(-2, 2) })
    func model(_ numbers: [Int], _ scores: [Double]) -> Surrogate {
      Surrogate(
        all.selecting(numbers), scores: scores, poorCount: 0, ceiling: 0,
        draws: Matrix(zeros: 0, 1), parameters: Self.parameters)
    }
    // One step after the other: predict the poor points, then draw the pending ones, one by one.
    let first = model(Array(0..<10), scores)
    let predicted = first.predict(all.selecting([10, 11, 12])).means
    var known = scores + (0..<3).map { min(predicted[0, $0], 0.1) }
    for i in 0..<2 {
      let so = model(Array(0..<known.count), known).predict(all.selecting([known.count]))
      let deviation = (so.variances[0] - 1e-12 + Self.parameters.noise).squareRoot()
      known.append(so.means[0, 0] + deviation * draws[i, 0])
    }
    let stepwise = model(Array(0..<15), known)
    let atOnce = Surrogate(
      all, scores: scores, poorCount: 3, ceiling: 0.1, draws: draws, parameters: Self.parameters)
    let elsewhere = Self.points(6, 3, using: &generator)
    let (a, b) = (stepwise.predict(elsewhere), atOnce.predict(elsewhere))
    for j in 0..<6 {
      #expect(abs(a.means[0, j] - b.means[0, j]) < 1e-9)
      #expect(abs(a.variances[j] - b.variances[j]) < 1e-9)
    }
  }

  /// What two models with one draw each say of observations that agree with both.
  static func guide(_ sources: [Surrogate]) -> Guide {
    var generator = TrialGenerator(seed: 10, trial: 1)
    let seen = points(8, 3, using: &generator)
    let means = sources.map { $0.predict(seen).means }
    let scores = (0..<8).map { i in means.reduce(0) { $0 + $1[0, i] } }
    return Guide(
      sources, at: seen, scores: scores,
      model: Surrogate(
        seen, scores: scores, poorCount: 0, ceiling: 0, draws: Matrix(zeros: 0, 1),
        parameters: parameters))
  }

  /// A model of ten observations and nothing else.
  static func plainModel(_ seed: UInt64) -> Surrogate {
    var generator = TrialGenerator(seed: seed, trial: 2)
    return Surrogate(
      points(10, 3, using: &generator), scores: (0..<10).map { _ in generator.uniform(-1.5, 1.5) },
      poorCount: 0, ceiling: 0, draws: Matrix(zeros: 0, 1), parameters: parameters)
  }

  /// Central differences of every kind of acquisition function.
  @Test(arguments: ["improvement", "area", "feasibility", "guided improvement"])
  func acquisitionSlopesAreItsDifferences(kind: String) {
    var other = Self.parameters
    other.inverseSquaredScales = [0.7, 2, 5]
    let goal: AcquisitionFunction.Goal
    switch kind {
    case "improvement", "guided improvement": goal = .improvement(Self.model(3))
    case "area":
      let fronts = [[(0.4, -0.2), (0.1, 0.5)], [(0.4, -0.2)], [], [(-0.3, 0.9), (0.9, -0.9)]]
      goal = .area(
        Self.model(3), Self.model(4, parameters: other),
        fronts: fronts.map { ParetoStrips($0, reference: (-1, -1.1)) })
    default: goal = .feasibility
    }
    var function = AcquisitionFunction(
      goal: goal, constraints: [(Self.model(5, parameters: other), 0.2)])
    if kind == "guided improvement" {
      let sources = [Self.plainModel(6), Self.plainModel(7)]
      let guide = Self.guide(sources)
      #expect(guide.models.count == 2)
      function.guide = guide
    }
    var generator = TrialGenerator(seed: 9, trial: 0)
    let points = Self.points(5, 3, using: &generator)
    let (values, gradients) = function.valuesAndGradients(at: points)
    #expect(values == function.values(at: points))
    for place in points.features.elements.indices {
      let step = 1e-5
      var (up, down) = (points, points)
      up.features.elements[place] += step
      down.features.elements[place] -= step
      let j = place / 3
      let difference = (function.values(at: up)[j] - function.values(at: down)[j]) / (2 * step)
      #expect(
        abs(gradients.elements[place] - difference) < 1e-5 * (1 + abs(difference)),
        "\(kind): \(gradients.elements[place]), \(difference)")
    }
  }

  /// The expected gain of area against its mean over many draws, counted by the hypervolume.
  @Test func expectedAreaIsTheMeanOfGains() {
    let front = [(0.2, 1.0), (0.6, 0.7), (1.1, -0.1), (0.5, 0.6)]
    let strips = ParetoStrips(front, reference: (-0.5, -0.4))
    let losses = front.map { [-$0.0, -$0.1] }
    let before = Hypervolume.volume(losses, below: [0.5, 0.4])
    var generator = TrialGenerator(seed: 1, trial: 0)
    let cube = SobolSequence.points(1 << 14, dimension: 2, scrambledBy: &generator)
    for (means, deviations) in [((0.4, 0.5), (0.5, 0.3)), ((1.0, 0.9), (0.1, 0.2))] {
      var sum = 0.0
      for i in 0..<(1 << 14) {
        let y = [
          means.0 + deviations.0 * StandardNormal.quantile(max(cube[2 * i], 1e-9)),
          means.1 + deviations.1 * StandardNormal.quantile(max(cube[2 * i + 1], 1e-9)),
        ]
        guard y[0] > -0.5, y[1] > -0.4 else { continue }
        sum += Hypervolume.volume(losses + [[-y[0], -y[1]]], below: [0.5, 0.4]) - before
      }
      let expected = sum / Double(1 << 14)
      let gain = exp(strips.logGain(means: means, deviations: deviations).value)
      // The points of Sobol's sequence are within 1 % here.
      #expect(abs(gain - expected) < 0.01 * expected, "\(gain), \(expected)")
    }
  }

  @Test func transformsKeepOrderAndIgnoreShiftAndScale() {
    var generator = TrialGenerator(seed: 2, trial: 0)
    let losses = (0..<30).map { _ in generator.uniform(-3, 40) }
    for transform in OutputTransform.all {
      let (scores, _) = transform.scores(of: losses)
      #expect(abs(scores.reduce(0, +)) < 1e-9)
      #expect(abs(scores.reduce(0) { $0 + $1 * $1 } / 30 - 1) < 1e-9)
      let order = losses.indices.sorted { losses[$0] < losses[$1] }
      for (a, b) in zip(order, order.dropFirst()) { #expect(scores[a] > scores[b]) }
      let moved = transform.scores(of: losses.map { 1e3 * $0 - 17 }).scores
      for (a, b) in zip(scores, moved) { #expect(abs(a - b) < 1e-9) }
    }
    #expect(OutputTransform(width: 1).scores(of: [4, 4, 4]).scores == [0, 0, 0])
    for score in OutputTransform(width: 1).scores(of: [-1e307, 1e307, 0]).scores {
      #expect(score.isFinite)
    }
  }

  @Test func likelihoodSlopesAreItsDifferences() {
    var generator = TrialGenerator(seed: 4, trial: 0)
    let points = Self.points(12, 3, using: &generator)
    let scores = (0..<12).map { _ in generator.uniform(-1.5, 1.5) }
    var likelihood = MarginalLikelihood(points, scores: scores)
    let at = Self.parameters.logarithms
    let gradient = likelihood.evaluate(KernelParameters(logarithms: at)).gradient
    for i in at.indices {
      var (up, down) = (at, at)
      up[i] += 1e-5
      down[i] -= 1e-5
      let rise = likelihood.evaluate(KernelParameters(logarithms: up)).value
      let fall = likelihood.evaluate(KernelParameters(logarithms: down)).value
      #expect(abs(gradient[i] - (rise - fall) / 2e-5) < 1e-6 * (1 + abs(gradient[i])), "\(i)")
    }
  }

  /// Which parameter another depends on is seen from the trials, along chains and for numbers too.
  @Test func conditionsAreLearned() throws {
    var history = TrialHistory(directions: [.minimize])
    let kind = Distribution.categorical(try CategoricalDistribution(["a", "b", "c"]))
    let number = Distribution.float(try FloatDistribution(low: 0, high: 1))
    let layers = Distribution.int(try IntDistribution(low: 1, high: 4))
    for trial in 0..<24 {
      let reference = TrialReference(id: trial, number: trial)
      history.apply(TrialChange(reference, .created(.running, at: nil)))
      func set(_ name: String, _ distribution: Distribution, _ value: Double) {
        history.apply(
          TrialChange(
            reference,
            .parameterSet(ParameterAssignment(name, distribution, internalValue: value))))
      }
      set("kind", kind, Double(trial % 3))
      set("x", number, 0.5)
      if trial % 3 == 1 {
        set("layers", layers, Double(1 + trial % 4))
        if trial % 4 >= 2 { set("third", number, 0.25) }
      }
      history.apply(
        TrialChange(
          reference, .finished(.completed, values: [1], at: Timestamp(microseconds: 0))))
    }
    let space = GPSpace(of: Array(0..<24), in: history)
    #expect(space.parameters.map(\.name) == ["kind", "layers", "third", "x"])
    func active(_ kind: Double, _ layers: Double) -> [Bool] {
      let layers = space.coordinate(ofInternal: layers, 1)
      return space.activated([kind, layers, 0.5, 0.5]).map { !$0.isNaN }
    }
    #expect(active(0, 4) == [true, false, false, true])
    #expect(active(1, 1) == [true, true, false, true])
    #expect(active(1, 3) == [true, true, true, true])
    #expect(active(2, 4) == [true, false, false, true])
    // Inactive parameters carry no distance: only the kind differs.
    let layout = FeatureLayout(
      space, seen: [[0, .nan, .nan, 0.5], [1, 0.1, 0.2, 0.5], [2, .nan, .nan, 0.5]])
    let points = layout.points([[0, .nan, .nan, 0.3], [2, .nan, .nan, 0.3]])
    let (scaled, norms) = points.scaled(by: KernelParameters(parameterCount: 4))
    let product = zip(scaled.column(0), scaled.column(1)).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(norms[0] + norms[1] - 2 * product - 1) < 1e-12)
  }

  @Test func fitsAreChainsThatEndWhereTheyBegan() {
    #expect(GPFitting.checkpoint(1) == 1 && GPFitting.checkpoint(32) == 32)
    for count in 1...3_000 {
      let checkpoint = GPFitting.checkpoint(count)
      #expect(checkpoint <= count && count - checkpoint <= max(2, count / 16))
      #expect(GPFitting.checkpoint(checkpoint) == checkpoint)
    }
  }
}
