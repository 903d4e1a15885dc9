import Conformance
import LinearAlgebra
import Probability
import Samplers
import StudyModel
import Testing

@Suite struct SamplerConformanceTests {
  @Test(arguments: SamplerSuite.all, [1, 4])
  func staysWithin(maker: SamplerSuite.Maker, workers: Int) throws {
    try SamplerSuite.staysWithin(maker, seed: UInt64(workers), workers: workers)
  }

  @Test(arguments: SamplerSuite.all, [1, 3])
  func isReproducible(maker: SamplerSuite.Maker, workers: Int) throws {
    try SamplerSuite.isReproducible(maker, seed: UInt64(workers), workers: workers)
  }

  @Test(arguments: SamplerSuite.all)
  func drawsParametersApart(maker: SamplerSuite.Maker) throws {
    for seed in 0..<3 as Range<UInt64> { try SamplerSuite.drawsParametersApart(maker, seed: seed) }
  }

  @Test(arguments: SamplerSuite.all)
  func keepsStudiesApart(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.keepsStudiesApart(maker, seed: 4)
  }

  @Test(arguments: SamplerSuite.all)
  func survivesBadValues(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.survivesBadValues(maker)
  }

  @Test(arguments: SamplerSuite.all)
  func handlesSeveralObjectives(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.handlesSeveralObjectives(maker, seed: 6)
  }

  @Test(arguments: SamplerSuite.all)
  func followsChangedDistributions(maker: SamplerSuite.Maker) throws {
    for seed in 0..<5 as Range<UInt64> {
      try SamplerSuite.followsChangedDistributions(maker, seed: seed)
    }
  }

  @Test(arguments: SamplerSuite.all)
  func ignoresShiftAndFlip(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.ignoresShiftAndFlip(maker, seed: 5)
  }

  @Test(arguments: SamplerSuite.all)
  func ignoresScale(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.ignoresScale(maker, seed: 8)
  }

  @Test(arguments: SamplerSuite.all)
  func handlesWideSpaces(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.handlesWideSpaces(maker, seed: 9)
  }

  @Test(arguments: SamplerSuite.all)
  func survivesInfeasibility(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.survivesInfeasibility(maker, seed: 10)
  }

  @Test(arguments: SamplerSuite.all)
  func survivesRepeatedPoints(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.survivesRepeatedPoints(maker, seed: 11)
  }

  @Test(arguments: SamplerSuite.all)
  func survivesTinySpaces(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.survivesTinySpaces(maker, seed: 12)
  }

  @Test(arguments: SamplerSuite.all)
  func survivesExtremeSpaces(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.survivesExtremeSpaces(maker, seed: 14)
  }

  @Test(arguments: SamplerSuite.all)
  func leavesOpaqueParametersOut(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.leavesOpaqueParametersOut(maker, seed: 15)
  }

  /// The samplers that try each point once end after as many trials as there are points.
  @Test func exhaustiveSamplersEndInExtremeSpaces() throws {
    for distribution in try SamplerSuite.extremes() {
      let space = try SearchSpace([Parameter("p", distribution)])
      let samplers: [any Sampler] = [try GridSampler(divisions: 5), BruteForceSampler()]
      for sampler in samplers {
        var history = TrialHistory(directions: [.minimize])
        var seen: Set<Double> = []
        do throws(SamplerError) {
          for number in 0..<40 {
            var generator = TrialGenerator(seed: 3, trial: number)
            let plan = try sampler.plan(for: number, in: space, given: history, using: &generator)
            let value = plan.assignments[0].internalValue
            #expect(distribution.contains(value), "\(sampler.name), \(distribution.summary)")
            #expect(seen.insert(value).inserted, "\(distribution.summary): \(value) again")
            let reference = TrialReference(id: number, number: number)
            let end = Timestamp(microseconds: 0)
            for event: TrialChange.Event in [
              .created(.running, at: nil), .parameterSet(plan.assignments[0]),
              .finished(.completed, values: [0], at: end),
            ] { history.apply(TrialChange(reference, event)) }
          }
        } catch {
          switch error {
          case .exhausted: #expect(!seen.isEmpty && seen.count <= 20)
          case .endlessParameter, .tooManyPoints: #expect(seen.isEmpty)
          default: Issue.record("\(error)")
          }
        }
      }
    }
  }

  @Test(arguments: SamplerSuite.all)
  func ignoresTraitsThatSayNothing(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.ignoresTraitsThatSayNothing(maker, seed: 15)
  }

  @Test(arguments: SamplerSuite.all)
  func ignoresOrderOfParameters(maker: SamplerSuite.Maker) throws {
    try SamplerSuite.ignoresOrderOfParameters(maker, seed: 13)
  }

  @Test(
    "suggestions are the same bits with one, two and four BLAS threads", arguments: SamplerSuite.all
  )
  func ignoresThreads(maker: SamplerSuite.Maker) throws {
    let usual = BLAS.threads
    defer { BLAS.setThreads(usual) }
    try SamplerSuite.ignoresSurroundings(
      maker, seed: 14, [1, 2, 4].map { count in { BLAS.setThreads(count) } })
  }
}
