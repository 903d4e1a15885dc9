import Analysis
import JSON
import Probability
import StudyModel
import Testing

@Suite struct ImportanceTests {
  @Test("PED-ANOVA equals Optuna's to 1e-9", arguments: OptunaFixture.all)
  func pedANOVA(fixture: OptunaFixture) throws {
    for (key, objective) in [("all", nil), ("0", 0), ("1", 1), ("2", 2)] as [(String, Int?)] {
      let expected = try OptunaFixture.numbers(fixture.answers["ped_anova"]?[key])
      guard !expected.isEmpty else { continue }
      let found = try ParameterImportances.assess(
        fixture.trials, directions: fixture.directions, objective: objective)
      #expect(Set(found.entries.map(\.parameter)) == Set(expected.keys))
      for entry in found.entries {
        let golden = try #require(expected[entry.parameter])
        #expect(
          entry.importance.isClose(to: golden, relative: 1e-9, absolute: 1e-12),
          "\(key), \(entry.parameter): \(entry.importance) instead of \(golden)")
      }
      let shares = found.entries.map(\.importance)
      #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 >= $1 })
      #expect((shares.reduce(0, +) - 1).magnitude < 1e-12)
    }
  }

  /// The trees are random on both sides, so shares differ as Optuna's own do between seeds: by
  /// their standard deviation there, of which four and 0.02 are allowed.
  @Test("fANOVA equals Optuna's within the spread between seeds", arguments: OptunaFixture.all)
  func fANOVA(fixture: OptunaFixture) throws {
    guard case .object(let answers)? = fixture.answers["fanova"] else { return }
    for answer in answers {
      guard case .object(let members) = answer.value else { continue }
      var sums: [String: Double] = [:]
      let seeds: Range<UInt64> = 0..<2
      for seed in seeds {
        let found = try ParameterImportances.assess(
          fixture.trials, directions: fixture.directions,
          objective: answer.name == "all" ? nil : Int(answer.name), by: .fANOVA, seed: seed)
        for entry in found.entries {
          sums[entry.parameter, default: 0] += entry.importance / Double(seeds.count)
        }
      }
      #expect(Set(sums.keys) == Set(members.map(\.name)))
      for member in members {
        let (mean, spread) = (member.value.array?[0].number, member.value.array?[1].number)
        let (golden, deviation) = (try #require(mean), try #require(spread))
        let own = try #require(sums[member.name])
        #expect(
          (own - golden).magnitude <= 0.02 + 4 * deviation,
          "\(answer.name), \(member.name): \(own) instead of \(golden) ± \(deviation)")
      }
    }
  }

  @Test func fANOVARepeatsItself() throws {
    let fixture = OptunaFixture.all[0]
    let answers = try [7, 7, 8].map { seed in
      try ParameterImportances.assess(
        fixture.trials, directions: fixture.directions, by: .fANOVA, seed: seed)
    }
    #expect(answers[0] == answers[1])
    #expect(answers[0] != answers[2])
  }

  /// On a sum of independent terms the shares are those of the terms' variances:
  /// `(range² / 12) a²`.
  @Test("fANOVA finds the variances of a sum")
  func variancesOfASum() throws {
    let trials = try Self.trials(800) { 3 * $0[0] + $0[1] }
    let found = try ParameterImportances.assess(trials, directions: [.minimize], by: .fANOVA)
    #expect(found.entries.map(\.parameter) == ["a", "b", "c"])
    for (entry, golden) in zip(found.entries, [0.9, 0.1, 0]) {
      #expect((entry.importance - golden).magnitude < 0.03, "\(entry)")
    }
  }

  @Test("maximizing is minimizing the negative")
  func directions() throws {
    for method in ImportanceMethod.allCases {
      let low = try Self.trials(100) { $0[0] - $0[1] * $0[2] }
      var high = low
      for index in high.indices { high[index].values[0].negate() }
      let (a, b) = (
        try ParameterImportances.assess(low, directions: [.minimize], by: method),
        try ParameterImportances.assess(high, directions: [.maximize], by: method)
      )
      #expect(a == b)
    }
  }

  @Test("too little to go on is said, and shares are equal")
  func tooLittle() throws {
    for method in ImportanceMethod.allCases {
      let none = try ParameterImportances.assess([], directions: [.minimize], by: method)
      #expect(none.entries.isEmpty)
      for trials in [
        try Self.trials(1) { $0[0] }, try Self.trials(9) { _ in 1 },
        try Self.trials(9) { _ in .infinity },
      ] {
        let found = try ParameterImportances.assess(trials, directions: [.minimize], by: method)
        #expect(found.entries.count == 3)
        #expect(found.entries.allSatisfy { $0.importance == 1 / Double(3) })
        #expect(found.notes.count == 1, "\(found.notes)")
      }
    }
    #expect(throws: AnalysisError.objectiveNeeded(count: 2)) {
      try ParameterImportances.assess([], directions: [.minimize, .minimize], by: .fANOVA)
    }
    #expect(throws: AnalysisError.noSuchObjective(3, count: 1)) {
      try ParameterImportances.assess([], directions: [.minimize], objective: 3)
    }
  }

  @Test("a categorical parameter of 100 choices and 500 parameters are no trouble")
  func wideSpaces() throws {
    let kind = Distribution.categorical(
      try CategoricalDistribution((0..<100).map { .string("c\($0)") }))
    let float = Distribution.float(try FloatDistribution(low: 0, high: 1))
    let trials = (0..<200).map { number in
      var generator = TrialGenerator(seed: 1, trial: number)
      var trial = Trial(TrialReference(id: number + 1, number: number), state: .completed)
      let choice = Double(generator.integer(below: 100))
      trial.parameters = [ParameterAssignment("kind", kind, internalValue: choice)]
      trial.parameters += (0..<499).map {
        ParameterAssignment("p\($0)", float, internalValue: generator.uniform())
      }
      trial.values = [choice < 30 ? 0 : 1 + 0.01 * generator.uniform()]
      return trial
    }
    let ped = try ParameterImportances.assess(trials, directions: [.minimize])
    #expect(ped.entries.count == 500 && ped.entries.allSatisfy { $0.importance.isFinite })
    let few = trials.map { trial in
      var trial = trial
      trial.parameters = Array(trial.parameters.prefix(5))
      return trial
    }
    let found = try ParameterImportances.assess(few, directions: [.minimize], by: .fANOVA)
    #expect(found.entries.first?.parameter == "kind")
  }

  /// Completed trials with three uniform parameters.
  static func trials(_ count: Int, _ value: ([Double]) -> Double) throws -> [Trial] {
    let distribution = Distribution.float(try FloatDistribution(low: 0, high: 1))
    return (0..<count).map { number in
      var generator = TrialGenerator(seed: 3, trial: number)
      let point = (0..<3).map { _ in generator.uniform() }
      let parameters = zip(["a", "b", "c"], point).map {
        ParameterAssignment($0, distribution, internalValue: $1)
      }
      return Trial(
        TrialReference(id: number + 1, number: number), state: .completed, values: [value(point)],
        parameters: parameters)
    }
  }
}
