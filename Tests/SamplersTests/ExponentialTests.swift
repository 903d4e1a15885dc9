import Probability
import System
import Testing

@testable import Samplers

@Suite struct ExponentialTests {
  @Test("eight exponentials at a time agree with the C library's")
  func agreesWithTheCLibrary() {
    var generator = TrialGenerator(seed: 1, trial: 0)
    for _ in 0..<20_000 {
      let x = SIMD8<Double>(
        (0..<8).map { _ in generator.uniform(-700, generator.uniform(-699, 700)) })
      let found = x.exponential()
      for lane in 0..<8 {
        let expected = exp(x[lane])
        #expect(abs(found[lane] - expected) <= 1e-14 * expected, "e to \(x[lane])")
      }
    }
  }

  @Test("far below it is 0, and at 0 it is 1")
  func hasItsEnds() {
    let found = SIMD8<Double>(0, -0.0, -.infinity, -1e300, -701, -745, -1e-300, 1e-300)
      .exponential()
    #expect(found == SIMD8<Double>(1, 1, 0, 0, 0, 0, 1, 1))
  }
}
