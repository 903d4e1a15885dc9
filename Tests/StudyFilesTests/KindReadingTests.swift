import StudyFiles
import StudyModel
import Testing

/// Parameters with priors, weights, an order or a rounding, and conditions that compare.
@Suite struct KindReadingTests {
  private func space(_ parameters: String) throws -> SearchSpace {
    try StudyFile(text: "parameters:\n" + parameters, path: "s.yaml").space
  }

  /// The keys, and what they are.
  @Test(arguments: [
    ("{low: 0.05, high: 1, round_to: 0.1}", "float 0.0...1.0 step 0.1"),
    ("{low: 0, high: 10, round_to: 3}", "int 0...9 step 3"),
    ("{low: 0, high: 10, round_to: 3, type: float}", "float 0.0...9.0 step 3.0"),
    ("{low: 1.5, high: 50.5, log: true, round_to: 1, type: int}", "int 2...50 log"),
    ("{low: 15, high: 255, round_to: 20, rounding: floor}", "int 0...240 step 20"),
    ("{low: 0.15, high: 0.95, round_to: 0.2, clip: true}", "float 0.15...0.95 rounded to 0.2"),
    (
      "{low: 64, high: 1024, round_to: 64, rounding: from_low, log: true}",
      "int 64...1024 step 64 log"
    ),
    (
      "{low: 0.1, high: 0.5, round_to: 0.1, rounding: from_low, log: true}",
      "float 0.1...0.5 step 0.1 log"
    ),
    ("{low: 0.5, high: 0.9, log: reverse}", "float 0.5...0.9 log towards 1.4"),
    ("{low: 0.5, high: 0.99, log: {reverse: 1}}", "float 0.5...0.99 log towards 1.0"),
    ("{prior: {normal: {mean: 0, sd: 0.5}}}", "float -2.0...2.0 normal 0.0 ± 0.5"),
    (
      "{prior: {normal: {mu: 64, sigma: 16}}, round_to: 8}", "int 0...128 step 8 normal 64.0 ± 16.0"
    ),
    ("{prior: {normal: {mean: 1, sd: 1}}, low: 0.0, high: 3}", "float 0.0...3.0 normal 1.0 ± 1.0"),
    ("{prior: {normal: {mean: 1, sd: 1}}, low: 0, high: 3}", "int 0...3 normal 1.0 ± 1.0"),
    (
      "{prior: {lognormal: {mean: 0, sd: 1}}, low: 1.0, high: 4}",
      "float 1.0...4.0 log log-normal 0.0 ± 1.0"
    ),
    ("{prior: {beta: {a: 8, b: 2}}}", "float 0.0...1.0 beta 8.0, 2.0"),
    ("{choices: [16, 32, 64], ordered: true}", "one of 16, 32, 64 in order"),
    ("{choices: {adam: 0.7, sgd: 0.3}}", "one of adam (0.7), sgd (0.3)"),
    ("{choices: [1, 2], probabilities: [0.25, 0.75]}", "one of 1 (0.25), 2 (0.75)"),
    ("{values: {1e-3: 0.5, True: 0.5}}", "one of 1e-3 (0.5), True (0.5)"),
    ("[1e-4, 0.5, True, false, 0x10, ~]", "one of 1e-4, 0.5, True, false, 16, null"),
    ("1e-4", "one of 1e-4"),
    ("{choices: [[64, 32], {a: [1, null]}, 3]}", #"one of [64, 32], {"a": [1, null]}, 3"#),
    ("{low: 0.0, high: 1, values: [0, 0.5, 1]}", "float 0.0...1.0"),
  ])
  func reads(text: String, summary: String) throws {
    let names = ["lr", "a.b", "opt/lr", "model[0]", "learning rate"]
    for name in names {
      let distribution = try #require(try space("  '\(name)': \(text)\n")[name])
      #expect(distribution.summary == summary)
    }
  }

  @Test func readsValuesOfGrids() throws {
    let space = try space("  x: {low: 1e-4, high: 1, log: true, values: [0.01, 1, 1e-4]}\n")
    #expect(space["x"]?.numberTraits?.gridValues == [0.01, 1, 1e-4])
    #expect(space["x"]?.isLogarithmic == true)
  }

  @Test func readsConditionsThatCompare() throws {
    let space = try space(
      """
        depth: {low: 1, high: 9}
        kind: [a, b]
        x: {low: 0, high: 1, when: {depth: {ge: 3, lt: 6}, kind: [a]}}
        y: {low: 0, high: 1, when: "depth > 3 or kind == 'a'"}
      """)
    #expect(
      space.conditions["x"] == [
        .init(parent: "depth", .atLeast, 3.0), .init(parent: "depth", .less, 6.0),
        .init(parent: "kind", values: ["a"]),
      ])
    #expect(
      space.conditions["y"] == [.init(try ParameterConstraint("depth > 3 or kind == 'a'"))])
  }

  @Test(arguments: [
    (
      "{low: 0.1, high: 0.3, round_to: 1}",
      "1:49: parameter 'x': no multiple of 1.0 lies from 0.1 to 0.3, so rounding leaves nothing; give a smaller step"
    ),
    ("{choices: {a: 0.7, b: 0.2}}", "1:27: parameter 'x': the weights add up to 0.9; make that 1"),
    (
      "{choices: [a, b], weights: [1.5, -0.5]}",
      "1:44: parameter 'x': the weight -0.5 is not a number from 0 to 1; give another"
    ),
    (
      "{low: 0, high: 1, prior: {normal: {mean: 5, sd: 1}}}",
      "1:42: parameter 'x': the middle 5.0 of the normal prior is outside the bounds 0.0...1.0; move one of them"
    ),
    (
      "{prior: {normal: {mean: 5, sd: 0}}}",
      "1:25: parameter 'x': the prior's standard deviation 0.0 is not above 0; give its width, or a constant value"
    ),
    ("{prior: {normal: {mean: 5}}}", "1:34: the normal prior of parameter 'x' has no 'sd'; add it"),
    (
      "{prior: {cauchy: {mean: 5}}}",
      "1:26: 'prior' of parameter 'x' has no key 'cauchy'; known are 'normal', 'log_normal', 'beta'"
    ),
    (
      "{prior: {}, low: 0, high: 1}",
      "1:25: 'prior' of parameter 'x' names 0 kinds; give one, as in {normal: {mean: 0, sd: 1}}"
    ),
    (
      "{low: 0, high: 1, clip: true}",
      "1:41: parameter 'x' has 'clip' without 'round_to'; add that, or remove it"
    ),
    (
      "{low: 0, high: 1, step: 1, round_to: 1}",
      "1:41: parameter 'x' has 'step', which counts from 'low', beside 'round_to', which counts from 0; remove one"
    ),
    (
      "{low: 0, high: 1, ordered: true}",
      "1:44: parameter 'x' has 'ordered' without 'choices'; add a list of them, or remove it"
    ),
    (
      "{low: 0, high: 1.5, type: int, round_to: 0.5}",
      "1:58: parameter 'x': integers cannot have the step 0.5; make it whole, or use a float"
    ),
    (
      "{low: 0, high: 4, step: 2, values: [1]}",
      "1:53: parameter 'x' has the value 1, which is none of int 0...4 step 2"
    ),
    (
      "{low: 0, high: 1, log: sideways}",
      "1:40: 'log' of parameter 'x' is sideways; give true or false"
    ),
  ])
  func refusesInOneSentence(text: String, message: String) {
    let error = #expect(throws: StudyFileError.self) {
      try StudyFile(text: "parameters: {x: \(text)}", path: "s.yaml")
    }
    #expect(error?.description == "s.yaml:" + message)
  }

  @Test(arguments: [
    (
      "when: \"a >\"",
      "'when' of parameter 'x', 'a >', cannot be read: it has its end at character 4, where a number or a parameter is needed"
    ),
    (
      "when: \"b > 1\"",
      "parameter 'x' depends on 'b', which is no parameter; known are 'a', 'x'"
    ),
    (
      "when: {a: {above: 1}}",
      "'when' of parameter 'x' has no comparison 'above'; known are 'gt', 'ge', 'lt', 'le', 'ne', 'eq'"
    ),
    ("when: {a: {gt: 4}}", "'x' depends on 'a' being > 4.0, which it can never be"),
  ])
  func refusesConditions(text: String, message: String) {
    let error = #expect(throws: StudyFileError.self) {
      try space("  a: {low: 1, high: 4}\n  x: {low: 0, high: 1, \(text)}\n")
    }
    #expect(error?.description.hasSuffix(": " + message) == true, "\(error?.description ?? "")")
  }
}
