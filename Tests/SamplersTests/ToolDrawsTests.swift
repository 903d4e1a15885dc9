import Foundation
import JSON
import Probability
import Samplers
import StudyModel
import Testing

/// A parameter as another tool draws it: an entry of `tool_draws.json`, which its generator script
/// describes.
struct ToolDraws: Sendable, CustomStringConvertible {
  let json: JSONValue
  let description: String

  static let all: [ToolDraws] = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/tool_draws.json")
    do {
      let text = try String(contentsOf: url, encoding: .utf8)
      return (try JSONValue(parsing: text).array ?? []).map {
        ToolDraws(json: $0, description: "\($0["tool"]?.string ?? "") \($0["name"]?.string ?? "")")
      }
    } catch {
      Issue.record("\(url.path): \(error)")
      return []
    }
  }()

  /// The parameter as this program has it.
  func distribution() throws -> Distribution {
    let traits = try #require(json["traits"])
    func number(_ name: String) -> Double? { traits[name]?.number }
    if let weights = traits["weights"]?.array?.compactMap(\.number) {
      return .categorical(
        try CategoricalDistribution([1, 2, 3], traits: ChoiceTraits(weights: weights)))
    }
    let (mean, sd) = (number("mean") ?? .nan, number("sd") ?? .nan)
    let shape: NumberTraits.Shape =
      switch try #require(traits["shape"]?.string) {
      case "log_uniform": .logUniform
      case "normal": .normal(mean: mean, deviation: sd)
      case "log_normal": .logNormal(mean: mean, deviation: sd)
      case "beta": .beta(a: number("a") ?? .nan, b: number("b") ?? .nan)
      default: .uniform
      }
    let rounding = number("round_to").map {
      NumberTraits.Rounding(
        to: $0, rule: traits["rounding"]?.string == "floor" ? .floor : .nearest,
        isClipped: traits["clip"] == .bool(true))
    }
    return try .drawn(
      NumberTraits(shape, low: number("low"), high: number("high"), rounding: rounding),
      isWhole: json["whole"] == .bool(true))
  }

  /// Compares draws with those of the tool: by Kolmogorov and Smirnov's test of a continuum, else
  /// by χ², both at a level of about one in 100,000.
  func compare(_ values: [Double], _ by: String) throws {
    if let theirs = json["draws"]?.array?.compactMap(\.number) {
      let distance = Self.distance(values.sorted(), theirs)
      let (n, m) = (Double(values.count), Double(theirs.count))
      #expect(distance < 2.5 * ((n + m) / (n * m)).squareRoot(), "\(by): \(distance)")
      return
    }
    // Six digits, as the fixture has them.
    func key(_ value: Double) -> String { value.text(significantDigits: 6) }
    var counts: [String: (ours: Double, theirs: Double)] = [:]
    for pair in try #require(json["counts"]?.array) {
      let value = try #require(pair.array?.first?.number)
      counts[key(value)] = (0, pair.array?.last?.number ?? 0)
    }
    for value in values { counts[key(value), default: (0, 0)].ours += 1 }
    let (n, m) = (Double(values.count), counts.values.reduce(0) { $0 + $1.theirs })
    var (statistic, cells, rest) = (0.0, 0.0, (0.0, 0.0))
    func add(_ ours: Double, _ theirs: Double) {
      guard ours + theirs > 0 else { return }
      let difference = ours * (m / n).squareRoot() - theirs * (n / m).squareRoot()
      statistic += difference * difference / (ours + theirs)
      cells += 1
    }
    for (_, one) in counts.sorted(by: { $0.key < $1.key }) {
      if one.ours + one.theirs < 20 {
        rest = (rest.0 + one.ours, rest.1 + one.theirs)
      } else {
        add(one.ours, one.theirs)
      }
    }
    add(rest.0, rest.1)
    #expect(statistic < cells + 4.5 * (2 * cells).squareRoot() + 8, "\(by): χ² \(statistic)")
  }

  /// The largest difference of the two shares below a number.
  private static func distance(_ a: [Double], _ b: [Double]) -> Double {
    var (i, j, largest) = (0, 0, 0.0)
    while i < a.count, j < b.count {
      let x = min(a[i], b[j])
      while i < a.count, a[i] <= x { i += 1 }
      while j < b.count, b[j] <= x { j += 1 }
      largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
    }
    return largest
  }
}

@Suite struct ToolDrawsTests {
  private func values(_ distribution: Distribution, _ internalValues: [Double]) -> [Double] {
    internalValues.map { distribution.value(of: $0)?.number ?? .nan }
  }

  @Test func fixtureIsThere() { #expect(ToolDraws.all.count == 22) }

  /// What `random` and the coordinator draw.
  @Test(arguments: ToolDraws.all) func randomDrawsAsTheTool(tool: ToolDraws) throws {
    let distribution = try tool.distribution()
    var generator = TrialGenerator(seed: 1, trial: 0)
    let drawn = (0..<20_000).map { _ in distribution.sample(using: &generator) }
    #expect(drawn.allSatisfy(distribution.contains))
    try tool.compare(values(distribution, drawn), "random")
  }

  /// The startup trials of models, which are spread evenly over the prior; one by one, as a study
  /// asks for them.
  @Test(arguments: ToolDraws.all) func startupDrawsAsTheTool(tool: ToolDraws) throws {
    let distribution = try tool.distribution()
    let samplers: [any Sampler] = [
      { () -> TPESampler in
        var sampler = TPESampler()
        sampler.startupTrials = 1_000
        return sampler
      }(), QMCSampler(),
    ]
    for sampler in samplers {
      var history = TrialHistory(directions: [.minimize])
      var drawn: [Double] = []
      for number in 0..<250 {
        var generator = TrialGenerator(seed: 4, trial: number)
        let parameter = Parameter("x", distribution)
        let value = try sampler.sample(
          parameter, for: number, given: history, using: &generator)
        drawn.append(value)
        let reference = TrialReference(id: number, number: number)
        for event: TrialChange.Event in [
          .created(.running, at: nil),
          .parameterSet(ParameterAssignment("x", distribution, internalValue: value)),
          .finished(.completed, values: [0], at: Timestamp(microseconds: 0)),
        ] { history.apply(TrialChange(reference, event)) }
      }
      try tool.compare(values(distribution, drawn), sampler.name)
    }
  }

  /// The place of a drawn value leads back to it, and places and values rise together.
  @Test(arguments: ToolDraws.all) func drawsAreInverted(tool: ToolDraws) throws {
    let distribution = try tool.distribution()
    guard let box = distribution.unitBox else { return }
    var before = -Double.infinity
    for place in 0...400 {
      let u = Double(place) / 400
      let value = box.value(u)
      #expect(distribution.contains(value), "\(u): \(value)")
      #expect(value >= before)
      before = value
      let unit = box.unit(value)
      #expect((0...1).contains(unit))
      if distribution.isDiscrete || distribution.numberTraits?.rounding != nil {
        #expect(box.value(unit) == value, "\(value) at \(unit)")
      } else {
        #expect(abs(unit - u) < 1e-6, "\(value): \(unit) and not \(u)")
      }
    }
    // The scale on which models work, too.
    if let scale = distribution.box {
      for place in 0...400 {
        let value = distribution.internalValue(ofBoxed: scale.point(at: Double(place) / 400))
        #expect(distribution.contains(value))
        let again = distribution.internalValue(ofBoxed: distribution.boxed(value))
        #expect(again == value || abs(again - value) <= 1e-12 * abs(value), "\(value): \(again)")
      }
    }
  }
}
