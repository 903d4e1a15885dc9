import StudyModel
import Testing

@Suite struct ParameterConstraintTests {
  private let values: [String: Double] = ["a": 2, "b": 3, "learning-rate": 0.1, "zero": 0]

  @Test(arguments: [
    ("a * b <= 6", true), ("a * b < 6", false), ("a + b * 2 == 8", true),
    ("(a + b) * 2 == 10", true), ("a - b - 1 == -2", true), ("b / a / 2 == 0.75", true),
    ("2 ^ b ^ a == 512", true), ("-a ^ 2 == -4", true), ("2 ** -1 == 0.5", true),
    ("a**b == 8", true), ("a * -b == -6", true), ("+a > 1", true), ("1 < a < b < 4", true),
    ("1 < a < b < 3", false), ("1 <= a == 2", true), ("a != b", true),
    ("min(a, b, 1e3) == a", true), ("max(a, b) >= 3.0", true), ("log(exp(a)) >= 1.999999", true),
    ("sqrt(abs(-4)) == a", true), ("`learning-rate` * 1e1 == 1", true), ("1_000 > 9.5e2", true),
    ("1e-1 == .1", true),
    // What has no value is no violation; what is no number is one.
    ("missing > 1e9", true), ("a > 5 > missing", true), ("sqrt(-a) <= 1e9", false),
    ("sqrt(-a) != 1", false), ("a / zero > 1e300", true), ("min(sqrt(-a), 1) <= 1", false),
  ])
  func evaluates(text: String, holds: Bool) throws {
    let constraint = try ParameterConstraint(text)
    #expect(constraint.holds { values[$0].map { .float($0) } } == holds)
    #expect(constraint.text == text)
  }

  @Test(arguments: [
    ("kind == 'x'", true), ("'x' == kind", true), ("kind != \"x\"", false), ("kind == 'y'", false),
    ("not kind == 'y'", true), ("a > 1 and b > 5", false), ("a > 1 or b > 5", true),
    ("(a > 1 or b > 5) and kind == 'x'", true), ("((a + b) * 2 > 9 or a > 9) and b < 4", true),
    ("not (a > 1 and kind == 'x')", false), ("not not a == 2", true), ("a == 'x'", false),
    ("a != 'x'", true), ("flag == 1 and not flag == 0", true), ("android > 1 or order > 1", true),
    // What depends on a parameter that is not there holds; what does not, decides.
    ("missing == 'x'", true), ("not missing == 'x'", true), ("missing > 1 and a > 5", false),
    ("missing > 1 or a > 5", true), ("not (missing > 1 or a > 1)", false),
    ("`not` == 3", true),
  ])
  func joinsAndComparesTexts(text: String, holds: Bool) throws {
    let values: [String: ParameterValue] = [
      "a": 2, "b": 3, "kind": "x", "flag": true, "android": 0, "order": 2, "not": 3,
    ]
    #expect(try ParameterConstraint(text).holds { values[$0] } == holds)
  }

  @Test func namesItsParametersOnce() throws {
    #expect(
      try ParameterConstraint("a * b + max(a, `c d`) <= c").parameters == ["a", "b", "c d", "c"])
  }

  @Test(arguments: [
    ("", "it has its end at character 1, where a number or a parameter is needed"),
    ("a * b", "'a * b' compares nothing; write it with <=, <, >=, >, == or !="),
    ("a <= ", "it has its end at character 6, where a number or a parameter is needed"),
    ("a = b", "it has '=' at character 3, where an operator or a comparison is needed"),
    ("(a <= b", "it has its end at character 8, where ')' is needed"),
    ("a <= b and", "it has its end at character 11, where a number or a parameter is needed"),
    ("a <= b or or b > 1", "it has 'o' at character 11, where a number or a parameter is needed"),
    ("not a", "'a' compares nothing; write it with <=, <, >=, >, == or !="),
    ("a == 'text", "it has ''' at character 6, where a text between two quotes is needed"),
    ("a <= 1.2.3", "it has '1' at character 6, where a number is needed"),
    ("a <= 3; rm", "it has ';' at character 7, where an operator or a comparison is needed"),
    ("a <= `b", "it has '`' at character 6, where a name between two backquotes is needed"),
    (
      "system(a) <= 1",
      "the function 'system' is unknown; known are 'min', 'max', 'log', 'exp', 'abs', 'sqrt'"
    ),
    ("log(a, b) <= 1", "'log' has 2 arguments; give one"),
    ("a <= 'text'", "the text 'text' has no order; compare it with == or !="),
  ])
  func refuses(text: String, sentence: String) {
    let error = #expect(throws: ConstraintError.self) { try ParameterConstraint(text) }
    #expect(error?.description == sentence)
  }

  @Test func refusesWhatIsTooLongOrTooDeep() {
    #expect(throws: ConstraintError.tooLong(bytes: 1_002)) {
      try ParameterConstraint(String(repeating: "a", count: 1_000) + "<1")
    }
    for nested in [
      String(repeating: "(", count: 400) + "1", String(repeating: "-", count: 900) + "1 < 2",
      String(repeating: "2^", count: 400) + "1 < 2",
    ] {
      #expect(throws: ConstraintError.tooDeep) { try ParameterConstraint(nested) }
    }
  }

  @Test func spacesRefuseWhatTheyDoNotKnow() throws {
    var space = try SearchSpace([
      Parameter("a", .int(IntDistribution(low: 1, high: 4))),
      Parameter("kind", .categorical(CategoricalDistribution([1, "x"]))),
      Parameter("flag", .categorical(CategoricalDistribution([true, false]))),
    ])
    let unknown = #expect(throws: SearchSpaceError.self) {
      try space.append(ParameterConstraint("b > 1"))
    }
    #expect(unknown?.description == "the constraint 'b > 1' names 'b', which is no parameter")
    let text = #expect(throws: SearchSpaceError.self) {
      try space.append(ParameterConstraint("kind > 1"))
    }
    #expect(
      text?.description
        == "the constraint 'kind > 1' names 'kind', whose choice 'x' is no number")
    try space.append(ParameterConstraint("a + flag <= 4"))
    func point(_ a: Double, _ flag: Double) throws -> [ParameterAssignment] {
      try [("a", a), ("flag", flag)].map { name, value in
        ParameterAssignment(name, try #require(space[name]), internalValue: value)
      }
    }
    // The first choice is true, which counts 1.
    #expect(try !space.allows(point(4, 0)))
    #expect(try space.allows(point(4, 1)))
    #expect(try space.allows(point(3, 0)))
  }
}
