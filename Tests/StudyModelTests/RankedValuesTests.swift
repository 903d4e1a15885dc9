import Probability
import StudyModel
import Testing

@Suite struct RankedValuesTests {
  /// Against an array that is sorted anew each time: many equal values, infinities, both zeros,
  /// NaN.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func ranksAsASortedArrayDoes(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    var ranked = RankedValues()
    var values: [Double] = []
    let special: [Double] = [.nan, .infinity, -.infinity, 0, -0.0, 1]
    // The first half mostly grows through many blocks, the second mostly shrinks to nothing.
    for turn in 0..<8_000 {
      let isGrowing = generator.uniform() < (turn < 4_000 ? 0.9 : 0.05)
      if isGrowing || values.isEmpty {
        let place = generator.integer(below: 12)
        let value =
          place < special.count
          ? special[place] : Double(generator.integer(below: seed < 4 ? 50 : 1_000_000))
        ranked.insert(value)
        values.append(value)
      } else {
        ranked.remove(values.remove(at: generator.integer(below: values.count)))
      }
      guard turn % 97 == 0 || values.count < 3 else { continue }
      let numbers = values.filter { !$0.isNaN }.sorted()
      #expect(ranked.count == values.count)
      #expect(ranked.numberCount == numbers.count)
      #expect(numbers.indices.map { ranked[$0] } == numbers)
      for probe in special + [Double(generator.integer(below: 60)), 2.5, 1e9] {
        for direction in Direction.allCases {
          #expect(
            ranked.count(betterThan: probe, direction)
              == values.count { direction.isBetter($0, than: probe) })
        }
      }
    }
    for value in values { ranked.remove(value) }
    #expect(ranked.count == 0)
  }

  /// What a rank costs hardly grows: four more numbers are looked at for ten times as many values.
  @Test(arguments: [1_000, 10_000, 100_000])
  func looksAtFewNumbers(count: Int) {
    var generator = TrialGenerator(seed: 1, trial: 0)
    var ranked = RankedValues()
    for _ in 0..<count { ranked.insert(generator.uniform()) }
    let bits = Int.bitWidth - count.leadingZeroBitCount
    for probe in [-1, 0.25, 0.5, 0.999, 2] {
      var looks = 0
      _ = ranked.count {
        looks += 1
        return $0 < probe
      }
      #expect(looks <= bits + 4, "\(probe)")
    }
  }

  /// A copy keeps what it has.
  @Test func copiesAreApart() {
    var ranked = RankedValues()
    for value in 0..<2_000 { ranked.insert(Double(value)) }
    let copy = ranked
    for value in 0..<1_000 { ranked.remove(Double(value)) }
    #expect(copy.count(betterThan: 1_500, .minimize) == 1_500)
    #expect(ranked.count(betterThan: 1_500, .minimize) == 500)
  }
}
