import Probability
import Testing

@Suite struct TrialGeneratorTests {
  /// The vectors `philox4x32 10` of the file `kat_vectors` in Random123 1.14.
  static let vectors: [(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, result: SIMD4<UInt32>)] = [
    ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ]

  @Test(arguments: vectors.indices)
  func matchesKnownAnswers(place: Int) {
    let vector = Self.vectors[place]
    #expect(TrialGenerator.philox(vector.counter, key: vector.key) == vector.result)
  }

  @Test("the first numbers of a trial are the blocks 0, 1, … under its key and number")
  func countsBlocks() {
    var generator = TrialGenerator(seed: 0x1234_5678_9abc_def0, trial: 7, stream: 3)
    for block in 0..<3 as Range<UInt32> {
      let words = TrialGenerator.philox([block, 3, 7, 0], key: [0x9abc_def0, 0x1234_5678])
      #expect(generator.next() == UInt64(words.y) << 32 | UInt64(words.x))
      #expect(generator.next() == UInt64(words.w) << 32 | UInt64(words.z))
    }
  }

  @Test("seeds, trials and streams are independent of each other")
  func separates() {
    var seen: Set<UInt64> = []
    for seed in 0..<4 as Range<UInt64> {
      for trial in [0, 1, 2, 1 << 40] {
        for stream in 0..<3 as Range<UInt32> {
          var generator = TrialGenerator(seed: seed, trial: trial, stream: stream)
          var again = generator
          let first = generator.next()
          #expect(first == again.next())
          seen.insert(first)
        }
      }
    }
    #expect(seen.count == 48)
  }

  /// 64 bins, 64,000 draws: χ² with 63 degrees of freedom is below 124 with probability 0.999995.
  @Test("numbers are uniform", arguments: 0..<10 as Range<UInt64>)
  func isUniform(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    var counts = Array(repeating: 0.0, count: 64)
    var whole = Array(repeating: 0.0, count: 7)
    for _ in 0..<64_000 {
      let u = generator.uniform()
      #expect(u >= 0 && u < 1)
      counts[Int(u * 64)] += 1
      whole[generator.integer(below: 7)] += 1
    }
    let chiSquare = counts.reduce(0) { $0 + ($1 - 1_000) * ($1 - 1_000) / 1_000 }
    #expect(chiSquare < 124)
    let expected = 64_000.0 / 7
    // 6 degrees of freedom: below 35 with probability 0.999995.
    #expect(whole.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected } < 35)
  }

  @Test("numbers between bounds stay there, also where the difference overflows")
  func staysBetweenBounds() {
    var generator = TrialGenerator(seed: 1, trial: 2)
    for (low, high) in [
      (-1.0, 1.0), (-1e308, 1e308), (5, 5.000000000000001), (0, .leastNonzeroMagnitude),
    ] {
      for _ in 0..<100 {
        let x = generator.uniform(low, high)
        #expect(x >= low && x < high, "\(low)..<\(high): \(x)")
      }
    }
    #expect(generator.uniform(3, 3) == 3)
    #expect(generator.integer(below: 1) == 0)
    for _ in 0..<100 {
      #expect((0..<Int.max).contains(generator.integer(below: .max)))
    }
  }
}
