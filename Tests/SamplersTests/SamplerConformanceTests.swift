import Conformance
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
}
