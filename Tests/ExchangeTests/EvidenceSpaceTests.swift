import JSON
import StudyModel
import Testing

@testable import Exchange

/// Which distributions trials from elsewhere get, and which of them fit.
@Suite struct EvidenceSpaceTests {
  private static let moment = Timestamp(microseconds: 1_000_000)

  private func row(
    _ parameters: KeyValuePairs<String, String>, values: [String] = ["1"],
    state: TrialState = .completed
  ) -> Evidence {
    Evidence(
      place: "line 2", state: state, values: values,
      parameters: parameters.map { ($0.key, $0.value) })
  }

  private func inferred(_ texts: String...) throws -> Distribution {
    let space = try EvidenceSpace(texts.map { row(["x": $0]) }, source: .trials([:]))
    return space.parameters[0].distribution
  }

  @Test func infersDistributions() throws {
    #expect(try inferred("3", "1", "2") == .int(try IntDistribution(low: 1, high: 3)))
    #expect(try inferred("1", "1000") == .int(try IntDistribution(low: 1, high: 1_000, log: true)))
    #expect(try inferred("0", "1000") == .int(try IntDistribution(low: 0, high: 1_000)))
    #expect(try inferred("1", "2.5") == .float(try FloatDistribution(low: 1, high: 2.5)))
    #expect(
      try inferred("1e-5", "0.1") == .float(try FloatDistribution(low: 1e-5, high: 0.1, log: true)))
    // Beyond 2^53 an int would not be exact.
    #expect(
      try inferred("0", "9007199254740993")
        == .float(try FloatDistribution(low: 0, high: 9_007_199_254_740_992)))
    #expect(
      try inferred("True", "false") == .categorical(try CategoricalDistribution([false, true])))
    #expect(
      try inferred("relu", "None", "1", "relu")
        == .categorical(try CategoricalDistribution([.string("relu"), .null, .string("1")])))
    #expect(try inferred("nan", "1") == .categorical(try CategoricalDistribution(["nan", "1"])))
  }

  @Test func widensWhatTheStudyHas() throws {
    let stored = Distribution.float(try FloatDistribution(low: 0, high: 1, step: 0.5))
    func widened(_ stored: Distribution, _ texts: String...) throws -> Distribution {
      let space = try EvidenceSpace(texts.map { row(["x": $0]) }, source: .trials(["x": stored]))
      return space.parameters[0].distribution
    }
    #expect(try widened(stored, "0.5", "1") == stored)
    #expect(try widened(stored, "0.3", "4") == .float(try FloatDistribution(low: 0, high: 4)))
    let log = Distribution.float(try FloatDistribution(low: 1, high: 2, log: true))
    #expect(try widened(log, "-1") == log, "a logarithm has no place for it; its row is refused")
    let int = Distribution.int(try IntDistribution(low: 0, high: 10))
    #expect(try widened(int, "12", "3") == .int(try IntDistribution(low: 0, high: 12)))
    #expect(try widened(int, "2.5") == int)
    let choices = Distribution.categorical(try CategoricalDistribution(["a", "b"]))
    #expect(try widened(choices, "c") == choices)
  }

  @Test func makesTrials() throws {
    let known = Distribution.categorical(
      try CategoricalDistribution([.string("a"), .null, .bool(true), .int(3), .float(0.5)]))
    var evidence = row(["c": "None", "x": "2"], values: ["inf"])
    evidence.attributes = [("list", "[1, NaN]"), ("text", "plain")]
    evidence.startedAt = Timestamp(microseconds: 5)
    let space = try EvidenceSpace([evidence], source: .trials(["c": known]))
    let trial = try space.trial(evidence, objectives: 1, undatedAt: Self.moment).get()
    #expect(trial.values == [.infinity])
    #expect(trial.parameters.map(\.name) == ["c", "x"])
    #expect(trial.parameters[0].value == .null)
    #expect(trial.userAttributes[1] == Attribute("text", .string("plain")))
    #expect(trial.userAttributes[0].value.array?.count == 2)
    #expect(trial.startedAt == Timestamp(microseconds: 5))
    #expect(trial.completedAt == Timestamp(microseconds: 5))
    for (text, value) in [
      ("TRUE", ParameterValue.bool(true)), ("3.0", .int(3)), ("0.50", .float(0.5)),
    ] {
      let other = row(["c": text])
      let made = try space.trial(other, objectives: 1, undatedAt: Self.moment).get()
      #expect(made.parameters[0].value == value)
      #expect(made.startedAt == Self.moment)
    }
  }

  @Test(arguments: [
    ([""], "it has no value"),
    (["x"], "its value is 'x', and a completed trial has a number or inf"),
    (["nan"], "its value is 'nan'"), (["1e999"], "its value is '1e999'"),
    (["1", "2"], "it has 2 values instead of 1"),
  ])
  func refusesValues(values: [String], problem: String) throws {
    let bad = row(["x": "1"], values: values)
    let space = try EvidenceSpace([bad], source: .trials([:]))
    guard case .failure(let error) = space.trial(bad, objectives: 1, undatedAt: Self.moment) else {
      Issue.record("a trial was made of \(values)")
      return
    }
    #expect(error.description.hasPrefix(problem))
    // A failed trial has no values, so it does not matter what stands there.
    let failed = row(["x": "1"], values: values, state: .failed)
    #expect(try space.trial(failed, objectives: 1, undatedAt: Self.moment).get().values.isEmpty)
  }

  /// With a study file a row has to fit it, conditions and constraints included.
  @Test func holdsRowsAgainstAStudyFile() throws {
    let x = Parameter("x", .float(try FloatDistribution(low: 0, high: 1)))
    let n = Parameter("n", .int(try IntDistribution(low: 1, high: 4)))
    let space = try EvidenceSpace([], source: .file(try SearchSpace([x, n])))
    func problem(_ row: Evidence) -> String? {
      guard case .failure(let error) = space.trial(row, objectives: 1, undatedAt: Self.moment)
      else {
        return nil
      }
      return error.description
    }
    #expect(problem(row(["n": "2", "x": "0.5", "other": "7"])) == nil)
    #expect(problem(row(["x": "0.5"])) == "it has no 'n'")
    #expect(
      problem(row(["x": "0.5", "n": "2.5"]))?.hasPrefix("'n' is '2.5', and the study file") == true)
    #expect(problem(row(["x": "1.5", "n": "2"]))?.hasPrefix("'x' is '1.5'") == true)
    // A trial that failed may have ended before it had them all.
    #expect(problem(row(["x": "0.5"], state: .failed)) == nil)
    // A bound that was printed with fewer digits.
    let third = Parameter("x", .float(try FloatDistribution(low: 0, high: 1.0 / 3)))
    let narrow = try EvidenceSpace([], source: .file(try SearchSpace([third])))
    let trial = try narrow.trial(
      row(["x": "0.33333333333333337"]), objectives: 1, undatedAt: Self.moment
    ).get()
    #expect(trial.parameters[0].internalValue == 1.0 / 3)
  }
}

@Suite struct KnownEvidenceTests {
  private func trial(_ value: Double, x: Double, at moment: Int64?, state: TrialState = .completed)
    throws
    -> Trial
  {
    var trial = Trial(TrialReference(id: 0, number: 0), state: state)
    trial.values = [value]
    trial.parameters = [
      ParameterAssignment("x", .float(try FloatDistribution(low: 0, high: 9)), internalValue: x)
    ]
    trial.startedAt = moment.map { Timestamp(microseconds: $0) }
    trial.completedAt = trial.startedAt
    return trial
  }

  /// Which of `trials` a study has that holds `stored`, asked one after the other.
  private func known(
    _ trials: [Trial], of stored: [Trial], isDated: Bool = true
  ) -> [Bool] {
    var known = KnownEvidence(stored)
    return trials.map { known.take($0, isDated: isDated) }
  }

  @Test func countsEachTrialOnce() throws {
    let one = try trial(1, x: 2, at: 3_000)
    let running = try trial(1, x: 2, at: 3_000, state: .running)
    let other = try trial(1, x: 2.5, at: 3_000)
    #expect(known([one, one, one, other], of: [one, one, running]) == [true, true, false, false])
  }

  /// Times count to the millisecond, and only for a source that has them.
  @Test func comparesTimesWhereThereAreSome() throws {
    let stored = try trial(1, x: 2, at: 3_000)
    let late = try trial(1, x: 2, at: 9_000)
    let near = try trial(1, x: 2, at: 3_999)
    #expect(known([late, near], of: [stored]) == [false, true])
    let undated = try trial(1, x: 2, at: nil)
    #expect(known([undated, undated], of: [stored], isDated: false) == [true, false])
    // What a failed trial once had as a value is not compared.
    let failed = try trial(1, x: 2, at: 3_000, state: .failed)
    #expect(known([try trial(7, x: 2, at: 3_000, state: .failed)], of: [failed]) == [true])
  }
}
