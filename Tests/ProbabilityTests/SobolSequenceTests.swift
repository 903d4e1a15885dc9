import Foundation
import Probability
import Testing

@Suite struct SobolSequenceTests {
  @Test func equalsThatOfSciPy() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/sobol.json")
    let golden = try JSONDecoder().decode([String: [Double]].self, from: Data(contentsOf: url))
    let points = SobolSequence.unscrambledPoints(256, dimension: 64)
    #expect(golden.count == 8 && points[0].allSatisfy { $0 == 0 })
    for (place, point) in golden { #expect(points[Int(place) ?? 0] == point, "point \(place)") }
  }

  /// Of 2ᵐ points each of 2ᵐ equal parts of a coordinate has one; in the first two coordinates
  /// together so has every rectangle of that size that halving makes.
  @Test(arguments: 0..<5 as Range<UInt64>)
  func scramblingKeepsTheNet(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    let points = SobolSequence.points(64, dimension: 70, scrambledBy: &generator)
    #expect(points.count == 64 * 70 && points.allSatisfy { (0..<1).contains($0) })
    for j in 0..<70 {
      #expect(Set((0..<64).map { Int(points[$0 * 70 + j] * 64) }).count == 64, "coordinate \(j)")
    }
    for power in 0...6 {
      let (wide, high) = (Double(1 << power), Double(64 >> power))
      let cells = (0..<64).map {
        Int(points[$0 * 70] * wide) * 64 + Int(points[$0 * 70 + 1] * high)
      }
      #expect(Set(cells).count == 64, "\(wide) × \(high)")
    }
  }

  @Test func scramblingsDifferAndAreUniform() {
    var sum = 0.0
    var first: Set<Double> = []
    for seed in 0..<400 as Range<UInt64> {
      var generator = TrialGenerator(seed: seed, trial: 3)
      let points = SobolSequence.points(1, dimension: 2, scrambledBy: &generator)
      first.insert(points[1])
      sum += points[1]
    }
    #expect(first.count == 400)
    // The mean of 400 uniform numbers has the deviation 1 / √4800 = 0.0144.
    #expect(abs(sum / 400 - 0.5) < 0.06)
    var generator = TrialGenerator(seed: 1, trial: 1)
    #expect(SobolSequence.points(0, dimension: 3, scrambledBy: &generator).isEmpty)
    #expect(SobolSequence.points(3, dimension: 0, scrambledBy: &generator).isEmpty)
  }
}
