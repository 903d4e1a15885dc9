import JSON
import StudyModel
import Testing

/// Distributions against Optuna 5.0.0: `Fixtures/distributions.py` made the cases.
@Suite struct DistributionTests {
  let document: JSONValue

  init() throws {
    document = try Fixture.json("distributions.json")
    #expect(document["optuna"]?.string == "5.0.0")
  }

  /// What a constructor gives, in the form of the fixtures; null when it throws.
  private func result(_ make: () throws -> Distribution) -> JSONValue {
    do {
      let distribution = try make()
      return [
        "json": .string(distribution.json.text()), "single": .bool(distribution.isSingleValued),
      ]
    } catch {
      return .null
    }
  }

  @Test func adjustsFloatsLikeOptuna() throws {
    let cases = try Fixture.cases("floats", in: document)
    #expect(cases.count > 290)
    for item in cases {
      let low = try #require(item["low"]?.number)
      let high = try #require(item["high"]?.number)
      let log = item["log"] == .bool(true)
      let found = result {
        .float(try FloatDistribution(low: low, high: high, step: item["step"]?.number, log: log))
      }
      #expect(found == item["result"], "\(item.text())")
    }
  }

  @Test func adjustsIntsLikeOptuna() throws {
    let cases = try Fixture.cases("ints", in: document)
    #expect(cases.count > 100)
    for item in cases {
      guard case .integer(let low) = item["low"], case .integer(let high) = item["high"],
        case .integer(let step) = item["step"], case .bool(let log) = item["log"]
      else {
        Issue.record("\(item.text())")
        continue
      }
      let found = result {
        .int(try IntDistribution(low: low, high: high, step: step, log: log))
      }
      #expect(found == item["result"], "\(item.text())")
    }
  }

  @Test func keepsChoicesLikeOptuna() throws {
    let cases = try Fixture.cases("categoricals", in: document)
    #expect(cases.count > 70)
    for item in cases {
      let choices = try #require(item["choices"]?.array).compactMap(\.parameterValue)
      let found = result { .categorical(try CategoricalDistribution(choices)) }
      #expect(found == item["result"], "\(item.text())")
      // The text of a distribution leads back to it.
      if let text = found["json"]?.string {
        let read = try Distribution(json: try JSONValue(parsing: text))
        #expect(read.json.text() == text)
      }
    }
  }

  @Test func numbersValuesLikeOptuna() throws {
    let cases = try Fixture.cases("representations", in: document)
    #expect(cases.count > 900)
    for item in cases {
      let distribution = try Distribution(
        json: try JSONValue(parsing: try #require(item["json"]?.string)))
      let value = try #require(item["value"]?.parameterValue)
      // Optuna's floats and ints also take text that reads as a number, and cut fractions off.
      if case .string = value, !distribution.isCategorical { continue }
      if case .int = distribution, value.number != value.number?.rounded() { continue }
      // It refuses what has no logarithm here, where bounds are not our question yet.
      if distribution.isLogarithmic, let number = value.number, number <= 0 { continue }
      // And it takes infinity for a whole number.
      if case .int = distribution, value.number?.isInfinite == true { continue }
      let found = distribution.internalValue(of: value)
      guard let expected = item["internal"]?.number else {
        #expect(found == nil, "\(item.text())")
        continue
      }
      // In a list with equal choices of several kinds we take the one of the value's own kind.
      if let found, found != expected, case .categorical(let list) = distribution {
        #expect(list.choices[Int(found)] == value, "\(item.text())")
        #expect(list.choices[Int(expected)].isEquivalent(to: value), "\(item.text())")
        continue
      }
      #expect(found == expected, "\(item.text())")
      #expect(distribution.contains(expected) == item["contained"]?.bool, "\(item.text())")
      if let external = item["external"]?.array?.first?.parameterValue {
        #expect(distribution.value(of: expected) == external, "\(item.text())")
      }
    }
  }

  @Test func comparesLikeOptuna() throws {
    let cases = try Fixture.cases("equal", in: document)
    #expect(cases.count > 500)
    for item in cases {
      let (a, b) = (
        try Distribution(json: try JSONValue(parsing: try #require(item["a"]?.string))),
        try Distribution(json: try JSONValue(parsing: try #require(item["b"]?.string)))
      )
      #expect((a == b) == item["equal"]?.bool, "\(item.text())")
      if a == b { #expect(a.hashValue == b.hashValue, "\(item.text())") }
      #expect(a.isCompatible(with: b) == item["compatible"]?.bool, "\(item.text())")
    }
  }

  @Test func readsOldAndShortForms() throws {
    for item in try Fixture.cases("old", in: document) {
      var found: String?
      do {
        let text = try #require(item["text"]?.string)
        found = try Distribution(json: try JSONValue(parsing: text)).json.text()
      } catch is SearchSpaceError {}
      #expect(found == item["result"]?.string, "\(item.text())")
    }
  }

  /// What no distribution can be is an error of one sentence.
  @Test func refusesNonsense() throws {
    let refusals: [SearchSpaceError?] = try [
      refusal { .float(try FloatDistribution(low: .nan, high: 1)) },
      refusal { .float(try FloatDistribution(low: 0, high: .infinity)) },
      refusal { .float(try FloatDistribution(low: 0, high: 1, step: .infinity)) },
      refusal { .int(try IntDistribution(low: 0, high: .max)) },
      refusal { .int(try IntDistribution(low: .min, high: 0)) },
      refusal { .categorical(try CategoricalDistribution([])) },
      refusal {
        try Distribution(json: [
          "name": "FloatDistribution", "attributes": ["low": "0", "high": 1],
        ])
      },
      refusal {
        try Distribution(json: ["name": "IntDistribution", "attributes": ["low": 0.5, "high": 1]])
      },
      refusal {
        try Distribution(json: ["name": "CategoricalDistribution", "attributes": ["choices": 1]])
      },
      refusal { .float(try FloatDistribution(low: -1e308, high: 1e308, step: 0.5)) },
    ]
    for refusal in refusals {
      let text = try #require(refusal).description
      #expect(!text.contains("\n") && !text.isEmpty)
    }
  }

  private func refusal(_ make: () throws -> Distribution) throws -> SearchSpaceError? {
    do {
      _ = try make()
      return nil
    } catch let error as SearchSpaceError {
      return error
    }
  }

  /// An internal value that is none has no value outside; null is a choice like others.
  @Test func tellsNullFromNothing() throws {
    let choices = Distribution.categorical(try CategoricalDistribution([nil, "a"]))
    #expect(choices.value(of: 0) == .some(.null))
    for index in [-1, 2, 9, .infinity, .nan] { #expect(choices.value(of: index) == Optional.none) }
    let float = Distribution.float(try FloatDistribution(low: 0, high: 1))
    #expect(float.value(of: .nan) == Optional.none)
    let int = Distribution.int(try IntDistribution(low: 0, high: 1))
    for value in [Double.nan, .infinity] { #expect(int.value(of: value) == Optional.none) }
    // Optuna stores a queued value, however large.
    #expect(int.value(of: 0x1p64)?.description == "18446744073709551616")
  }
}

extension Distribution {
  fileprivate var isLogarithmic: Bool {
    switch self {
    case .float(let distribution): distribution.log
    case .int(let distribution): distribution.log
    case .categorical, .opaque: false
    }
  }

  fileprivate var isCategorical: Bool {
    if case .categorical = self { true } else { false }
  }
}
