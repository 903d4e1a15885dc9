import Probability
import Testing

@testable import Plotting

@Suite struct AxisTests {
  /// Ranges with the labels that one would write by hand.
  static let golden: [(values: [Double], labels: [String])] = [
    ([0, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ([-3, 4], ["−2", "0", "2", "4"]),
    ([0.001, 0.0045], ["0.001", "0.002", "0.003", "0.004"]),
    ([1.2e-7, 3.1e-7], ["1.5e−7", "2e−7", "2.5e−7", "3e−7"]),
    ([0, 3_000_000], ["0", "1e6", "2e6", "3e6"]),
    ([98_000, 99_500], ["98000", "98500", "99000", "99500"]),
  ]

  @Test(arguments: golden)
  func writesRoundNumbers(values: [Double], labels: [String]) {
    let shown = Axis("", covering: values).ticks(about: 5)
    #expect(shown.map(\.label) == labels)
  }

  @Test func integersStayIntegers() {
    let axis = Axis("", covering: [0, 2], isInteger: true)
    #expect(axis.ticks(about: 8).map(\.label) == ["0", "1", "2"])
    let long = Axis("", covering: [0, 9_999], isInteger: true)
    #expect(
      long.ticks(about: 5).map(\.label) == ["0", "2,000", "4,000", "6,000", "8,000", "10,000"])
  }

  @Test func powersOfTenHaveShortLabels() {
    for (value, label) in [
      (1e-4, "1e−4"), (1, "1e0"), (1e12, "1e12"), (1e-300, "1e−300"), (2e-4, nil), (0, nil),
      (-10, nil), (.infinity, nil), (.nan, nil),
    ] as [(Double, String?)] {
      #expect(Axis.powerLabel(of: value) == label, "\(value)")
    }
  }

  @Test func logarithmicTicksArePowersOfTen() {
    let axis = Axis("", covering: [1e-6, 2e3], scale: .logarithmic)
    #expect(
      axis.ticks(about: 10).map(\.label)
        == ["1e−6", "0.00001", "0.0001", "0.001", "0.01", "0.1", "1", "10", "100", "1000"])
    let short = Axis("", covering: [0.9, 55], scale: .logarithmic)
    #expect(short.ticks(about: 5).map(\.label) == ["1", "2", "5", "10", "20", "50"])
  }

  @Test(
    "any range has ascending ticks within reach, and positions within the axis", arguments: 0..<300)
  func anyRange(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    func number() -> Double {
      let exponent = generator.integer(below: 2_000) < 1_500 ? 20 : 307
      let size = Double(generator.integer(below: 2 * exponent) - exponent)
      return generator.uniform(-1, 1) * _pow10(size)
    }
    let values = (0..<1 + generator.integer(below: 3)).map { _ in number() }
    for axis in [
      Axis("", covering: values), Axis("", covering: values.map(\.magnitude), scale: .logarithmic),
    ] {
      #expect(axis.low < axis.high && axis.low.isFinite && axis.high.isFinite)
      let ticks = axis.ticks(about: 6)
      #expect(ticks.count >= 1 && ticks.count <= 20, "seed \(seed): \(axis), \(ticks.map(\.label))")
      #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0.value < $1.value }, "seed \(seed)")
      #expect(Set(ticks.map(\.label)).count == ticks.count, "seed \(seed): \(ticks.map(\.label))")
      for value in values where axis.scale == .linear || value > 0 {
        #expect((0...1).contains(axis.position(of: value)), "seed \(seed): \(value) in \(axis)")
      }
    }
  }

  private func _pow10(_ exponent: Double) -> Double {
    Double("1e\(Int(exponent))") ?? 1
  }
}
