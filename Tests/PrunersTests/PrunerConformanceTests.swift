import Conformance
import Pruners
import Testing

@Suite struct PrunerConformanceTests {
  @Test func keepWhatCannotBeCompared() throws {
    for pruner in try PrunerSuite.all() { PrunerSuite.keepsWhatCannotBeCompared(pruner) }
  }

  @Test func surviveNotANumber() throws {
    for pruner in try PrunerSuite.all() { PrunerSuite.survivesNotANumber(pruner) }
  }

  @Test(arguments: 0..<60 as Range<UInt64>)
  func decideAlikeWhenFlipped(seed: UInt64) throws {
    for pruner in try PrunerSuite.all() {
      PrunerSuite.decidesAlikeWhenFlipped(pruner, seed: seed)
    }
  }
}
