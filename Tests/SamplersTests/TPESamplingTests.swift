import Probability
import StudyModel
import Testing

@testable import Samplers

/// Candidates must be drawn from the density that they are judged by.
@Suite struct TPESamplingTests {
  static let distributions: [Distribution] = {
    do {
      return [
        .float(try FloatDistribution(low: -2, high: 3)),
        .float(try FloatDistribution(low: 1e-3, high: 10, log: true)),
        .float(try FloatDistribution(low: 0, high: 1, step: 0.125)),
        .int(try IntDistribution(low: 0, high: 12, step: 3)),
        .int(try IntDistribution(low: 1, high: 30, log: true)),
        .categorical(try CategoricalDistribution(["a", "b", "c", "d"])),
      ]
    } catch {
      Issue.record(error)
      return []
    }
  }()

  /// χ² over equally wide bins, or over the values of a grid, at the 1e-6 quantile.
  @Test(arguments: distributions, [0, 1, 6])
  func drawsFromItsDensity(distribution: Distribution, observations: Int) {
    let parameter = Parameter("x", distribution)
    var generator = TrialGenerator(seed: 12, trial: observations)
    var estimator = ParzenEstimator([parameter], isUniform: true)
    for number in 0..<observations {
      estimator.insert(number, at: [distribution.sample(using: &generator)])
    }
    estimator.fit()
    let count = 20_000
    let batch = estimator.sample(count, using: &generator)
    let drawn = (0..<count).map { estimator.internalValues(of: $0, in: batch, [parameter])[0] }

    let (counts, shares) = histogram(drawn, distribution, &estimator)
    #expect(abs(shares.reduce(0, +) - 1) < 1e-3, "the density integrates to \(shares.reduce(0, +))")
    let chiSquare = zip(counts, shares).reduce(0) { sum, bin in
      let expected = bin.1 * Double(count)
      return sum + (bin.0 - expected) * (bin.0 - expected) / expected
    }
    // Wilson and Hilferty's approximation of the quantile, with z = 4.75.
    let freedom = Double(counts.count - 1)
    let root = 1 - 2 / (9 * freedom) + 4.75 * (2 / (9 * freedom)).squareRoot()
    #expect(chiSquare < freedom * root * root * root)
  }

  /// The draws per bin and the probability of each.
  private func histogram(
    _ drawn: [Double], _ distribution: Distribution, _ estimator: inout ParzenEstimator
  ) -> (counts: [Double], shares: [Double]) {
    guard let dimension = KernelDimension(distribution, parameter: 0), dimension.grid == nil else {
      let values = Set(drawn).sorted()
      let batch = CandidateBatch(values.map { [$0] }, for: estimator)
      let shares = estimator.logDensities(at: batch).map { exponential($0) }
      return (values.map { value in Double(drawn.count { $0 == value }) }, shares)
    }
    let bins = 25
    let parts = 200  // per bin, for the integral by the midpoint rule
    let width = dimension.width / Double(bins)
    var counts = Array(repeating: 0.0, count: bins)
    for value in drawn {
      let place = Int((dimension.coordinate(of: value) - dimension.low) / width)
      counts[min(max(place, 0), bins - 1)] += 1
    }
    let points = (0..<bins * parts).map { part in
      let x = dimension.low + (Double(part) + 0.5) * width / Double(parts)
      return [distribution.internalValue(ofBoxed: dimension.boxed(x))]
    }
    let densities = estimator.logDensities(at: CandidateBatch(points, for: estimator))
      .map { exponential($0) * width / Double(parts) }
    return (
      counts, (0..<bins).map { bin in densities[(bin * parts)..<(bin + 1) * parts].reduce(0, +) }
    )
  }

  /// eˣ from the standard library alone.
  private func exponential(_ x: Double) -> Double {
    var (term, sum) = (1.0, 1.0)
    let scaled = x / 1_024
    for k in 1...20 {
      term *= scaled / Double(k)
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }

  @Test("a choice keeps its observations when the list of choices is ordered anew")
  func followsChoices() throws {
    let before = Distribution.categorical(try CategoricalDistribution(["a", "b", "c"]))
    let after = Distribution.categorical(try CategoricalDistribution(["c", "b", "a", "d"]))
    func history(_ distribution: Distribution) throws -> TrialHistory {
      var history = TrialHistory(directions: [.minimize])
      for (number, choice) in (["a", "a", "b", "c", "a", "b"] as [ParameterValue]).enumerated() {
        let trial = TrialReference(id: number, number: number)
        let value = try #require(distribution.internalValue(of: choice))
        for event: TrialChange.Event in [
          .created(.running, at: nil),
          .parameterSet(ParameterAssignment("x", distribution, internalValue: value)),
          .finished(.completed, values: [Double(number)], at: Timestamp(microseconds: 0)),
        ] { history.apply(TrialChange(trial, event)) }
      }
      return history
    }
    let points = [[0.0], [1], [2], [3]]
    let sampler = TPESampler()
    let changed = sampler.logDensities(
      at: points, in: [Parameter("x", after)], for: 6, given: try history(before))
    let always = sampler.logDensities(
      at: points, in: [Parameter("x", after)], for: 6, given: try history(after))
    #expect(changed.map(\.good) == always.map(\.good))
    #expect(changed.map(\.rest) == always.map(\.rest))
    #expect(Set(changed.map(\.rest)).count == 3)  // a and b alike, c, d
  }

  @Test("bandwidths after any insertions and removals are those of a fresh fit")
  func incrementalEqualsFresh() throws {
    let parameters = Self.distributions.enumerated().map { Parameter("x\($0.offset)", $0.element) }
    for (seed, isUniform) in [(1, false), (2, true), (3, false)] {
      var generator = TrialGenerator(seed: UInt64(seed), trial: 0)
      var kept = ParzenEstimator(parameters, isUniform: isUniform)
      var held: [Int: (point: [Double], isActive: Bool)] = [:]
      for round in 0..<260 {
        let number = generator.integer(below: 400)
        if let known = held[number] {
          if generator.uniform() < 0.4 {
            kept.remove(number)
            held[number] = nil
          } else {
            kept.setActive(!known.isActive, number)
            held[number] = (known.point, !known.isActive)
          }
        } else {
          // Rounded, so that many coordinates are equal.
          let point = parameters.map { parameter in
            let x = parameter.distribution.sample(using: &generator)
            return parameter.distribution.isOnContinuum ? max((x * 8).rounded() / 8, 0.125) : x
          }
          held[number] = (point, true)
          kept.insert(number, at: point)
        }
        if round % 20 == 19 || round < 20 {
          kept.fit()
          var fresh = ParzenEstimator(parameters, isUniform: isUniform)
          if round.isMultiple(of: 2) { fresh.expect(1_000) }
          for (number, entry) in held.sorted(by: { $0.key < $1.key }) {
            fresh.insert(number, at: entry.point, isActive: entry.isActive)
          }
          fresh.fit()
          #expect(fresh.logScales == kept.logScales)
          #expect(fresh.inactiveSlots == kept.inactiveSlots)
          let points = (0..<5).map { _ in
            parameters.map { $0.distribution.sample(using: &generator) }
          }
          let batch = CandidateBatch(points, for: fresh)
          #expect(fresh.logDensities(at: batch) == kept.logDensities(at: batch))
        }
      }
    }
  }
}

extension Distribution {
  fileprivate var isOnContinuum: Bool {
    if case .float(let distribution) = self { distribution.step == nil } else { false }
  }
}
