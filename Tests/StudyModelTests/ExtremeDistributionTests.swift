import JSON
import Probability
import StudyModel
import Testing

/// Distributions of extreme numbers: whatever is accepted keeps its meaning in a store and on the
/// wire, and has no derived number that ends a process.
@Suite struct ExtremeDistributionTests {
  static let doubles: [Double] = {
    let magnitudes: [Double] = [
      0, .leastNonzeroMagnitude, .leastNonzeroMagnitude * 3, .leastNormalMagnitude.nextDown,
      .leastNormalMagnitude, 1e-300, 1e-5, 0.1, 0.3, 1.0.nextDown, 1, 1.0.nextUp, 0.1 + 0.2, 3,
      0x1p52 + 0.5, 0x1p53 - 1, 0x1p53, 0x1p53 + 2, 1e16, 0x1p63, 1e300, 1e308,
      .greatestFiniteMagnitude.nextDown, .greatestFiniteMagnitude,
    ]
    return magnitudes.flatMap { [$0, -$0] } + [.infinity, -.infinity, .nan]
  }()

  /// What is asked of each distribution.
  private static let probes: [Double] = [
    0, -.leastNonzeroMagnitude, 1e-300, 0.3, -1, 1.0.nextUp, 3, -0x1p53, 1e16, 1e300,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, -.infinity, .nan,
  ]

  static let integers: [Int] = {
    let magnitudes = [
      0, 1, 2, 3, 7, 1_000_003, 1 << 31, 1 << 52, 1 << 53 - 1, 1 << 53, 1 << 53 + 1, 1 << 62,
      .max - 1, .max,
    ]
    return magnitudes.flatMap { [$0, -$0] } + [.min, .min + 1]
  }()

  /// What the store, the wire and strict JSON make of a distribution.
  private func check(_ distribution: Distribution) throws {
    let text = distribution.json.text()
    let read = try Distribution(json: try JSONValue(parsing: text))
    // The first that fails is shown; the others would be like it.
    try #require(read == distribution, "\(text)")
    #expect(read.json.text() == text)
    #expect(try Distribution(stored: try JSONValue(parsing: text)) == distribution, "\(text)")
    #expect(distribution.isCompatible(with: read))
    let first = distribution.firstInternalValue
    #expect(distribution.contains(first), "\(text): \(first)")
    #expect(distribution.value(of: first).flatMap(distribution.internalValue(of:)) == first)
    for value in Self.probes {
      // Whatever is stored or queued beside it, it is answered and not trapped on.
      _ = distribution.contains(value)
      _ = distribution.value(of: value)
      switch distribution {
      case .float(let d):
        let nearest = d.nearest(to: value)
        try #require(
          d.low <= nearest && nearest <= d.high && distribution.contains(nearest), "\(text)")
        try #require(d.nearest(to: nearest) == nearest, "\(text): \(value)")
      case .int(let d):
        let nearest = d.nearest(to: value)
        try #require(distribution.contains(Double(nearest)), "\(text): \(value)")
      case .categorical, .opaque: break
      }
    }
    for value in Self.integers { _ = distribution.internalValue(of: .int(value)) }
  }

  /// The number of accepted distributions, each of them checked.
  private func accepted(_ make: () throws(SearchSpaceError) -> Distribution) throws -> Int {
    let distribution: Distribution
    do throws(SearchSpaceError) {
      distribution = try make()
    } catch {
      #expect(!error.description.contains("\n"))
      return 0
    }
    try check(distribution)
    return 1
  }

  @Test func floatsKeepTheirMeaning() throws {
    var count = 0
    for low in Self.doubles {
      for high in Self.doubles {
        count += try accepted { () throws(SearchSpaceError) in
          .float(try FloatDistribution(low: low, high: high))
        }
        count += try accepted { () throws(SearchSpaceError) in
          .float(try FloatDistribution(low: low, high: high, log: true))
        }
      }
    }
    #expect(count > 1_000)
  }

  @Test(arguments: 0..<4)
  func floatsWithStepsKeepTheirMeaning(part: Int) throws {
    var count = 0
    for (place, low) in Self.doubles.enumerated() where place % 4 == part {
      for high in Self.doubles {
        for step in Self.doubles where step > 0 {
          count += try accepted { () throws(SearchSpaceError) in
            .float(try FloatDistribution(low: low, high: high, step: step))
          }
        }
      }
    }
    #expect(count > 500)
  }

  @Test func stepsArePositive() {
    for step in Self.doubles where !(step > 0) {
      #expect(throws: SearchSpaceError.self) { try FloatDistribution(low: 0, high: 1, step: step) }
    }
    for step in Self.integers where step <= 0 {
      #expect(throws: SearchSpaceError.self) { try IntDistribution(low: 0, high: 1, step: step) }
    }
  }

  /// Numbers of any exponent and of few digits alike, with steps that divide the range and that do
  /// not.
  @Test func drawnFloatsKeepTheirMeaning() throws {
    var generator = TrialGenerator(seed: 1, trial: 0)
    func number() -> Double {
      if generator.integer(below: 2) == 0 {
        let bits = generator.next()
        let drawn = Double(bitPattern: bits)
        return drawn.isFinite ? drawn : 1
      }
      let digits = Double(generator.integer(below: 100_000)) - 50_000
      return Double("\(digits)e\(generator.integer(below: 12) - 8)") ?? 1
    }
    var count = 0
    for _ in 0..<6_000 {
      let (a, b) = (number(), number())
      let width = abs(b - a)
      let step =
        generator.integer(below: 3) == 0
        ? abs(number()) : width / Double(1 + generator.integer(below: 1_000))
      count += try accepted { () throws(SearchSpaceError) in
        .float(try FloatDistribution(low: min(a, b), high: max(a, b), step: step))
      }
    }
    #expect(count > 1_500)
  }

  @Test func integersKeepTheirMeaning() throws {
    var count = 0
    for low in Self.integers {
      for high in Self.integers {
        for step in Self.integers where step > 0 {
          count += try accepted { () throws(SearchSpaceError) in
            .int(try IntDistribution(low: low, high: high, step: step))
          }
        }
        count += try accepted { () throws(SearchSpaceError) in
          .int(try IntDistribution(low: low, high: high, log: true))
        }
      }
    }
    #expect(count > 500)
  }

  /// What ended a store and a process once.
  @Test func poisonIsRefusedOrKept() throws {
    #expect(throws: SearchSpaceError.tooManySteps(low: "-1e+308", high: "1e+308", step: "0.5")) {
      try FloatDistribution(low: -1e308, high: 1e308, step: 0.5)
    }
    let single = try IntDistribution(low: -1, high: -1, step: .max)
    try check(.int(single))
    #expect(single.isSingleValued)
    let pair = try FloatDistribution(low: 0, high: .leastNonzeroMagnitude)
    try check(.float(pair))
    #expect(!pair.isSingleValued)
    let whole = try FloatDistribution(
      low: -.greatestFiniteMagnitude, high: .greatestFiniteMagnitude, step: 1e300)
    try check(.float(whole))
    #expect(whole.lastPlace ?? 0 > 300_000_000)
  }

  /// Choices of every kind, lists and mappings among them, keep their places.
  @Test func choicesKeepTheirMeaning() throws {
    let text = """
      {"name": "CategoricalDistribution", "attributes": {"choices": [1, 1.5, true, "1", null, NaN, \
      Infinity, "", [64, 32], [], {}, {"a": [NaN, {"b": null}]}, 9223372036854775808, \
      -100000000000000000000000000000000000000000, [64.0, 32], 9007199254740993]}}
      """
    let distribution = try Distribution(json: try JSONValue(parsing: text))
    #expect(distribution.json.text() == text)
    try check(distribution)
    guard case .categorical(let list) = distribution else { throw SearchSpaceError.noChoices }
    for (place, choice) in list.choices.enumerated() {
      #expect(distribution.internalValue(of: choice) == Double(place), "\(choice)")
      #expect(distribution.value(of: Double(place)) == choice)
    }
    #expect(list.choices[8].description == "[64, 32]")
    #expect(list.choices[12].description == "9223372036854775808")
    #expect(
      list.choices[8] != list.choices[14] && list.choices[8].isEquivalent(to: list.choices[14]))
    #expect(!ParameterValue.int(1 << 53 + 1).isEquivalent(to: .int(1 << 53)))
    #expect(!ParameterValue.int(1 << 53 + 1).isEquivalent(to: .float(0x1p53)))
    // The members of a mapping have no order, those of a list have.
    func value(_ text: String) throws -> ParameterValue {
      try JSONValue(parsing: text).parameterValue
    }
    #expect(try value(#"{"a": 1, "b": 2}"#).isEquivalent(to: value(#"{"b": 2.0, "a": true}"#)))
    #expect(try value(#"{"a": 1, "b": 2}"#) != value(#"{"b": 2, "a": 1}"#))
    #expect(try !value("[1, 2]").isEquivalent(to: value("[2, 1]")))
    #expect(try !value("[1]").isEquivalent(to: value("1")))
    #expect(try !value(#"["1"]"#).isEquivalent(to: value("[1]")))
  }

  /// What another program stored and nothing here draws from stays as it is.
  @Test(arguments: [
    (
      #"{"name": "FloatDistribution", "attributes": {"step": null, "low": -Infinity, "#
        + #""high": Infinity, "log": false}}"#, "its bound -inf is not finite"
    ),
    (
      #"{"name": "FloatDistribution", "attributes": {"step": 0.5, "low": -1e+308, "high": 1e+308, "#
        + #""log": false}}"#, "it has more than 2^53 steps"
    ),
    (
      #"{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "#
        + #""high": 1152921504606846976}}"#, "its bound 1152921504606846976 is beyond 2^53"
    ),
    (
      #"{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "#
        + #""high": 10000000000000000000000000000000}}"#,
      "its bound 10000000000000000000000000000000 is beyond 2^53"
    ),
    (#"{"name": "GaussianDistribution", "attributes": {"mean": 0.0}}"#, "its kind is unknown here"),
    (
      #"{"name": "FloatDistribution", "attributes": {"low": 0.0, "high": 1.0, "base": 10}}"#,
      "its attribute 'base' is unknown here"
    ),
  ])
  func opaqueDistributionsStayAsStored(text: String, reason: String) throws {
    let json = try JSONValue(parsing: text)
    #expect(throws: SearchSpaceError.self) { try Distribution(json: json) }
    let distribution = try Distribution(stored: json)
    #expect(distribution.json.text() == text)
    #expect(distribution.opaqueReason == reason)
    #expect(!distribution.isModelled && !distribution.isSingleValued)
    #expect(try Distribution(stored: JSONValue(parsing: distribution.json.text())) == distribution)
    for value: Double in [0, 1.5, 4.17022004702574e+29, -.infinity] {
      let shown = try #require(distribution.value(of: value))
      #expect(distribution.internalValue(of: shown) == value, "\(shown)")
      #expect(distribution.contains(value))
    }
    #expect(distribution.value(of: .nan) == Optional.none)
    #expect(throws: SearchSpaceError.opaque(name: "x", reason: reason)) {
      try SearchSpace([Parameter("x", distribution)])
    }
  }

  /// A whole number that a double holds has the digits that Python gives it.
  @Test func wholeNumbersHaveAllTheirDigits() {
    let cases: [(Double, String?)] = [
      (0, "0"), (-3, "-3"), (0x1p62, "4611686018427387904"), (0x1p63, "9223372036854775808"),
      (-0x1p63, "-9223372036854775808"), (4.17022004702574e+29, "417022004702574007337116237824"),
      (1e40, "10000000000000000303786028427003666890752"), (0.5, nil), (.infinity, nil),
      (.nan, nil),
    ]
    for (value, text) in cases { #expect(JSONValue(wholeNumber: value)?.text() == text) }
    let greatest = JSONValue(wholeNumber: .greatestFiniteMagnitude)?.text() ?? ""
    #expect(
      greatest.count == 309 && greatest.hasPrefix("17976931348623157081452742373170435679807"))
  }

  /// What is a distribution of a known kind but says nothing is still a mistake.
  @Test(arguments: [
    #"{"name": "FloatDistribution", "attributes": {"low": "a", "high": 1}}"#,
    #"{"name": "IntDistribution", "attributes": {"low": 3, "high": 1}}"#,
    #"{"name": "CategoricalDistribution", "attributes": {"choices": []}}"#,
    #"{"name": "CategoricalDistribution", "attributes": {}}"#, "[1]", "{}",
  ])
  func nonsenseIsRefusedEvenIfStored(text: String) throws {
    let json = try JSONValue(parsing: text)
    #expect(throws: SearchSpaceError.self) { try Distribution(stored: json) }
  }
}
