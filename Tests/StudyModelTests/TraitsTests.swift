import JSON
import StudyModel
import Testing

@Suite struct TraitsTests {
  private static func drawn(
    _ shape: NumberTraits.Shape, _ low: Double? = nil, _ high: Double? = nil,
    _ rounding: NumberTraits.Rounding? = nil, isWhole: Bool = false, grid: [Double] = []
  ) throws -> Distribution {
    try .drawn(
      NumberTraits(shape, low: low, high: high, rounding: rounding, gridValues: grid),
      isWhole: isWhole)
  }

  /// Traits, and the kind, the bounds and the step that Optuna sees.
  static let supports: [(made: @Sendable () throws -> Distribution, support: String)] = [
    ({ try drawn(.uniform, 0.05, 1, .init(to: 0.1)) }, "float 0.0...1.0 step 0.1"),
    ({ try drawn(.uniform, 0, 10, .init(to: 3), isWhole: true) }, "int 0...9 step 3"),
    ({ try drawn(.logUniform, 9.5, 3_000.5, .init(to: 1)) }, "float 10.0...3000.0 step 1.0 log"),
    ({ try drawn(.logUniform, 1.5, 50.5, .init(to: 1), isWhole: true) }, "int 2...50 log"),
    (
      { try drawn(.uniform, 0.15, 0.95, .init(to: 0.2, isClipped: true)) },
      "float 0.15...0.95 rounded to 0.2"
    ),
    (
      { try drawn(.uniform, 0.2, 0.8, .init(to: 0.2, isClipped: true)) },
      "float 0.2...0.8 step 0.2 rounded to 0.2"
    ),
    ({ try drawn(.uniform, 15, 255, .init(to: 20, rule: .floor)) }, "float 0.0...240.0 step 20.0"),
    ({ try drawn(.uniform, 16, 256, .init(to: 16, rule: .floor)) }, "float 16.0...240.0 step 16.0"),
    (
      { try drawn(.logUniform, 64, 1_000, .init(to: 64, from: 64), isWhole: true) },
      "int 64...1024 step 64 log"
    ),
    ({ try drawn(.normal(mean: 0, deviation: 0.5)) }, "float -2.0...2.0 normal 0.0 ± 0.5"),
    (
      { try drawn(.normal(mean: 1, deviation: 1), 0, 3, isWhole: true) },
      "int 0...3 normal 1.0 ± 1.0"
    ),
    (
      { try drawn(.logNormal(mean: 0, deviation: 1), 1, 4) },
      "float 1.0...4.0 log log-normal 0.0 ± 1.0"
    ),
    (
      { try drawn(.beta(a: 2, b: 5), nil, nil, .init(to: 0.1)) },
      "float 0.0...1.0 step 0.1 beta 2.0, 5.0"
    ),
    ({ try drawn(.reverseLogUniform(pivot: 1), 0.5, 0.99) }, "float 0.5...0.99 log towards 1.0"),
    ({ try drawn(.uniform, 0, 1) }, "float 0.0...1.0"),
    ({ try drawn(.logUniform, 0.1, 1) }, "float 0.1...1.0 log"),
    ({ try drawn(.uniform, 0, 1, grid: [0, 0.3, 1]) }, "float 0.0...1.0"),
    (
      {
        .categorical(
          try CategoricalDistribution(
            [1e-4, true, "c"],
            traits: ChoiceTraits(
              isOrdered: true, weights: [0.5, 0.25, 0.25], spellings: ["1e-4", "True", nil])))
      }, "one of 1e-4 (0.5), True (0.25), c (0.25) in order"
    ),
  ]

  @Test(arguments: supports.indices) func haveTheSupport(place: Int) throws {
    #expect(try Self.supports[place].made().summary == Self.supports[place].support)
  }

  /// Stores, messages and the Python client have the JSON form; Optuna reads all of it but the last
  /// member.
  @Test(arguments: supports.indices) func surviveTheStore(place: Int) throws {
    let distribution = try Self.supports[place].made()
    let json = try JSONValue(parsing: distribution.json.text())
    let again = try Distribution(json: json)
    #expect(again == distribution)
    #expect(again.hasTraits == (json["needletail"] != nil))
    #expect(try Distribution(stored: json) == distribution)
    guard case .object(let members) = json else { return }
    let bare = JSONValue.object(members.filter { $0.name != "needletail" })
    #expect(members.prefix(2).map(\.name) == ["name", "attributes"])
    #expect(try Distribution(json: bare) == distribution.plain)
    #expect(distribution.isCompatible(with: distribution.plain))
  }

  @Test func damagedTraitsAreLeftAlone() throws {
    for traits: JSONValue in [
      1, ["shape": "cauchy"], ["shape": "normal", "mean": "x", "sd": 1],
      ["shape": "uniform", "low": 0, "high": 1, "round_to": -1],
    ] {
      let json: JSONValue = [
        "name": "FloatDistribution",
        "attributes": ["step": nil, "low": 0.0, "high": 1.0, "log": false], "needletail": traits,
      ]
      #expect(throws: SearchSpaceError.self) { try Distribution(json: json) }
    }
  }

  static let refusals: [(made: @Sendable () throws -> Distribution, sentence: String)] = [
    (
      { try drawn(.uniform, 0.1, 0.3, .init(to: 1)) },
      "no multiple of 1.0 lies from 0.1 to 0.3, so rounding leaves nothing; give a smaller step"
    ),
    (
      { try drawn(.normal(mean: 5, deviation: 1), 0, 1) },
      "the middle 5.0 of the normal prior is outside the bounds 0.0...1.0; move one of them"
    ),
    (
      { try drawn(.logNormal(mean: 0, deviation: 1), 2, 3) },
      "the middle 1.0 of the log-normal prior is outside the bounds 2.0...3.0; move one of them"
    ),
    (
      { try drawn(.normal(mean: 0, deviation: 0)) },
      "the prior's standard deviation 0.0 is not above 0; give its width, or a constant value"
    ),
    (
      { try drawn(.normal(mean: 0, deviation: 1), 0, 0) },
      "a normal prior needs bounds apart, not 0.0 twice"
    ),
    ({ try drawn(.beta(a: 0, b: 1)) }, "a beta prior's a and b must be above 0, not 0.0"),
    ({ try drawn(.uniform, 0) }, "the range has no 'high'; add it"),
    ({ try drawn(.uniform, 1, 0) }, "low 1.0 is above high 0.0; exchange them"),
    (
      { try drawn(.reverseLogUniform(pivot: 1), 0, 1) },
      "a reverse logarithmic range must end below 1.0, not at 1.0"
    ),
    ({ try drawn(.uniform, 0, 1, .init(to: 0)) }, "step 0.0 is not positive; give a step above 0"),
    (
      { try drawn(.uniform, 0, 4, .init(to: 0.5), isWhole: true) },
      "integers cannot have the step 0.5; make it whole, or use a float"
    ),
    ({ try weighted([0.5, 0.4]) }, "the weights add up to 0.9; make that 1"),
    (
      { try weighted([1.5, -0.5]) },
      "the weight -0.5 is not a number from 0 to 1; give another"
    ),
    ({ try weighted([1]) }, "1 weights do not go with 2 choices; give one for each"),
  ]

  private static func weighted(_ weights: [Double]) throws -> Distribution {
    .categorical(try CategoricalDistribution(["a", "b"], traits: ChoiceTraits(weights: weights)))
  }

  @Test(arguments: refusals.indices) func refuseInOneSentence(place: Int) throws {
    let error = #expect(throws: SearchSpaceError.self) { try Self.refusals[place].made() }
    #expect(error?.description == Self.refusals[place].sentence)
  }

  /// What a clipped rounding leaves is enumerated, and given values come as they are.
  @Test func gridsAreExact() throws {
    var space = SearchSpace()
    try space.append(
      Parameter("a", try Self.drawn(.uniform, 0.15, 0.95, .init(to: 0.2, isClipped: true))))
    try space.append(Parameter("b", try Self.drawn(.logUniform, 1e-4, 1, grid: [1, 1e-4, 0.01])))
    let points = try #require(PointSet(space, dividingContinua: 10))
    #expect(points.count == 15)
    var seen: Set<[Double]> = []
    for number in 0..<15 {
      let point = points.point(number)
      seen.insert(point.map(\.internalValue))
      #expect(points.number { name in point.first { $0.name == name }?.internalValue } == number)
    }
    #expect(Set(seen.map { $0[0] }) == [0.2, 0.4, 0.6, 0.8, 0.95])
    #expect(Set(seen.map { $0[1] }) == [1, 1e-4, 0.01])
  }

  /// A trial that Optuna adds to the study has no traits, and counts like the others.
  @Test func trialsOfOptunaJoinIn() throws {
    let distribution = try Self.drawn(.normal(mean: 0, deviation: 1))
    var history = TrialHistory(directions: [.minimize])
    for (number, given) in [distribution, distribution.plain, distribution].enumerated() {
      let trial = TrialReference(id: number + 1, number: number)
      history.apply(TrialChange(trial, .created(.running, at: nil)))
      history.apply(
        TrialChange(trial, .parameterSet(ParameterAssignment("x", given, internalValue: 0.5))))
    }
    let column = try #require(history.column(named: "x"))
    #expect(Set(column.distributionIDs).count == 1)
    #expect(history.distributions[Int(column.latestDistributionID)] == distribution)
  }

  @Test func conditionsCompare() throws {
    var space = SearchSpace()
    try space.append(Parameter("depth", .int(IntDistribution(low: 1, high: 5))))
    try space.append(Parameter("kind", .categorical(CategoricalDistribution(["a", "b", "c"]))))
    try space.append(
      Parameter("x", .int(IntDistribution(low: 0, high: 1))),
      when: [.init(parent: "depth", .greater, 3)])
    try space.append(
      Parameter("y", .int(IntDistribution(low: 0, high: 2))),
      when: [.init(try ParameterConstraint("kind != 'a' and not x == 1"))])
    func active(_ depth: Int, _ kind: ParameterValue, _ x: Int) -> [String] {
      var names: [String] = []
      space.visit { parameter in
        names.append(parameter.name)
        return parameter.name == "kind" ? kind : .int(parameter.name == "depth" ? depth : x)
      }
      return names
    }
    #expect(active(3, "b", 0) == ["depth", "kind"])
    #expect(active(4, "b", 0) == ["depth", "kind", "x", "y"])
    #expect(active(4, "b", 1) == ["depth", "kind", "x"])
    #expect(active(5, "a", 0) == ["depth", "kind", "x"])
    let points = try #require(PointSet(space))
    // Depths 1 to 3: 3 kinds. Depths 4 and 5: x twice; with b and c, y three times for x = 0.
    #expect(points.count == 3 * 3 + 2 * (2 + 2 * (3 + 1)))
    for number in 0..<(points.count ?? 0) {
      let point = points.point(number)
      #expect(points.number { name in point.first { $0.name == name }?.internalValue } == number)
    }
    let impossible = #expect(throws: SearchSpaceError.self) {
      try space.append(
        Parameter("z", .int(IntDistribution(low: 0, high: 1))),
        when: [.init(parent: "depth", .greater, 5)])
    }
    #expect(impossible?.description == "'z' depends on 'depth' being > 5, which it can never be")
  }

  @Test func combinationsAreForbidden() throws {
    var space = try SearchSpace([
      Parameter("optimizer", .categorical(CategoricalDistribution(["adam", "sgd"]))),
      Parameter("learning rate", .int(IntDistribution(low: 0, high: 2))),
    ])
    try space.append(
      ParameterConstraint(forbidding: [("optimizer", ["adam"]), ("learning rate", [1, 2])]))
    let points = try #require(PointSet(space))
    let allowed = (0..<6).filter { space.allows(points.point($0)) }
    #expect(allowed.count == 4)
    #expect(throws: ConstraintError.cannotName("null")) {
      try ParameterConstraint(forbidding: [("optimizer", [nil])])
    }
  }
}
