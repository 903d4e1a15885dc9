import StudyModel
import System
import Testing

@testable import CommandLineTool

@Suite struct ArgumentScannerTests {
  static let verb = VerbDescription(
    words: ["study", "fly"], abstract: "Fly.",
    arguments: [.init(name: "study", help: "A study.")],
    options: [
      .init(name: "--json", help: "JSON."),
      .init(name: "--output", short: "-o", placeholder: "FILE", help: "Where to."),
      .init(name: "--trials", placeholder: "N", help: "How many."),
      .init(name: "--timeout", placeholder: "TIME", help: "How long."),
      .init(name: "--wings", placeholder: "KIND", isValueOptional: true, help: "With wings."),
    ],
    examples: [.init("needletail study fly", "Flies.")])

  func scan(_ arguments: String...) throws(UsageError) -> ArgumentScanner {
    try ArgumentScanner(arguments, for: Self.verb)
  }

  @Test func optionsStandAnywhere() throws {
    var scanner = try scan("a", "--json", "b", "-o", "x.svg", "c", "--trials=7")
    #expect(scanner.flag("--json"))
    #expect(scanner.value("--output") == "x.svg")
    #expect(try scanner.integer("--trials", in: 1...10) == 7)
    #expect(try scanner.positional("first") == "a")
    #expect(scanner.remaining() == ["b", "c"])
    #expect(scanner.remaining().isEmpty)
  }

  @Test func everythingBehindTheSeparatorIsAnArgument() throws {
    var scanner = try scan("--", "--json", "-x")
    #expect(!scanner.flag("--json"))
    #expect(scanner.remaining() == ["--json", "-x"])
  }

  @Test func anOptionalValueIsAttached() throws {
    var scanner = try scan("--wings", "a")
    #expect(scanner.value("--wings") == "")
    #expect(try scanner.positional("first") == "a")
    #expect(try scan("--wings=--long -x").value("--wings") == "--long -x")
    #expect(try scan("a").value("--wings") == nil)
    #expect(throws: UsageError.repeatedOption("--wings")) { try scan("--wings", "--wings=x") }
  }

  @Test func negativeNumbersAreArguments() throws {
    var scanner = try scan("-1.5", "-inf", "-3", "-")
    #expect(scanner.remaining() == ["-1.5", "-inf", "-3", "-"])
    #expect(try scan("--output", "-2").value("--output") == "-2")
  }

  @Test func anAttachedValueMayBeEmptyOrHoldEqualSigns() throws {
    #expect(try scan("--output=").value("--output") == "")
    #expect(try scan("--output=a=b").value("--output") == "a=b")
    #expect(try scan("--output=--json").value("--output") == "--json")
  }

  static let faults: [(arguments: [String], error: UsageError)] = [
    (["--jsn"], .unknownOption("--jsn", verb: "study fly", nearest: "--json")),
    (["--hepl"], .unknownOption("--hepl", verb: "study fly", nearest: "--help")),
    (["--quite-different"], .unknownOption("--quite-different", verb: "study fly", nearest: nil)),
    (["--jsn=1"], .unknownOption("--jsn", verb: "study fly", nearest: "--json")),
    (["--output"], .missingValue(option: "--output", placeholder: "FILE")),
    (["-o", "--json"], .missingValue(option: "--output", placeholder: "FILE")),
    (["-o", "--"], .missingValue(option: "--output", placeholder: "FILE")),
    (["--json=yes"], .unexpectedValue(option: "--json", value: "yes")),
    (["--json", "--json"], .repeatedOption("--json")),
    (["-o", "a", "--output=b"], .repeatedOption("--output")),
  ]

  @Test(arguments: faults)
  func refuses(arguments: [String], error: UsageError) {
    #expect(throws: error) { try ArgumentScanner(arguments, for: Self.verb) }
  }

  @Test(arguments: ["0", "11", "ten", "1.5", "99999999999999999999", ""])
  func refusesNumbersOutsideTheRange(text: String) throws {
    let scanner = try scan("--trials=\(text)")
    #expect(
      throws: UsageError.badValue(
        option: "--trials", value: text, expected: "a whole number from 1 to 10")
    ) { try scanner.integer("--trials", in: 1...10) }
  }

  @Test func refusesWhatNobodyAskedFor() throws {
    var scanner = try scan("a", "b")
    _ = try scanner.positional("study")
    #expect(throws: UsageError.unexpectedArgument("b", verb: "study fly")) {
      try scanner.finish()
    }
    #expect(throws: UsageError.missingArgument("a study", verb: "study fly")) {
      var empty = try scan()
      _ = try empty.positional("study")
    }
  }

  @Test(arguments: [
    ("90", 90.0), ("90s", 90), ("10m", 600), ("1h30m", 5_400), ("0.5h", 1_800), ("2d", 172_800),
  ])
  func readsTimes(text: String, seconds: Double) throws {
    #expect(try scan("--timeout", text).duration("--timeout")?.inSeconds == seconds)
  }

  @Test(arguments: ["0", "-1", "m", "1x", "1 h", "inf", "nan", "1e9", "99999999999d"])
  func refusesOtherTimes(text: String) {
    #expect(Duration(spelled: text) == nil)
  }
}
