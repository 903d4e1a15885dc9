import JSON
import Messages
import StudyModel
import Testing

@testable import CommandLineTool

@Suite struct TextTests {
  @Test func controlCharactersAreSpelledOut() {
    #expect("plain".printable == "plain")
    #expect("a\u{1B}[2Jb\n".printable == "a\\u{1b}[2Jb\\u{a}")
    #expect("\u{202E}evil".printable == "\\u{202e}evil")
    #expect("Größe 🐦".printable == "Größe 🐦")
    #expect(String(repeating: "x", count: 600).printable.count == 201)
  }

  @Test func columnsCountWideAndCombiningCharacters() {
    #expect("abc".columns == 3)
    #expect("雨燕".columns == 4)
    #expect("🐦".columns == 2)
    #expect("e\u{301}".columns == 1)
    #expect("abcdef".cut(to: 4) == "abc…")
    #expect("雨燕雨燕".cut(to: 4) == "雨…")
    #expect("abc".cut(to: 3) == "abc")
    #expect("x".padded(to: 3) == "x  ")
    #expect("x".padded(to: 3, right: true) == "  x")
  }

  @Test(arguments: [
    (0.0, "0.0"), (1.0, "1"), (-0.5, "-0.5"), (0.973451234, "0.973451"), (12.3456789, "12.3457"),
    (123_456.789, "123457"), (0.00123456789, "0.00123457"), (1.23456789e-5, "1.23457e-05"),
    (1e300, "1e+300"), (Double.infinity, "inf"), (-Double.infinity, "-inf"), (Double.nan, "nan"),
  ])
  func briefNumbers(value: Double, text: String) {
    #expect(value.brief == text)
  }

  @Test(arguments: [
    (0.5, "0.5s"), (12.34, "12.3s"), (245, "4m05s"), (7_620, "2h07m"), (273_600, "3d04h"),
  ])
  func briefTimes(seconds: Double, text: String) {
    #expect(Duration.seconds(seconds).brief == text)
  }

  @Test func tablesAlign() {
    var table = TextTable(["name", "n"], rightAligned: [1])
    table.append(["雨燕", "1"])
    table.append(["swift\u{7}", "100"])
    #expect(table.lines == ["name          n", "雨燕          1", "swift\\u{7}  100"])
  }
}

@Suite struct JSONFormTests {
  static let started = Timestamp(microseconds: 1_795_000_000_000_000)

  static var trial: Trial {
    get throws {
      let rate = try FloatDistribution(low: 0, high: 1)
      return Trial(
        TrialReference(id: 9, number: 4), state: .completed, values: [.infinity],
        parameters: [ParameterAssignment("rate", .float(rate), internalValue: 0.5)],
        intermediateValues: [IntermediateValue(step: 1, value: .nan)],
        userAttributes: [Attribute("note", "a \"b\", c")], startedAt: started,
        completedAt: started.advanced(by: .milliseconds(1_500)))
    }
  }

  /// The keys that `needletail help json` promises: adding one is fine, removing one is a break.
  @Test func trialKeys() throws {
    let text = try Self.trial.jsonForm.text(nonFinite: .strings)
    #expect(
      text == #"{"number": 4, "state": "completed", "value": "inf", "values": ["inf"], "#
        + #""parameters": {"rate": 0.5}, "intermediate_values": [{"step": 1, "value": "nan"}], "#
        + #""user_attributes": {"note": "a \"b\", c"}, "system_attributes": {}, "#
        + #""started_at": "2026-11-18T11:06:40.000000Z", "#
        + #""completed_at": "2026-11-18T11:06:41.500000Z", "duration_seconds": 1.5}"#)
  }

  @Test func everyKeyIsDocumented() throws {
    guard case .object(let members) = try Self.trial.jsonForm else { return }
    for member in members { #expect(HelpTopic.json.text.contains(member.name)) }
  }

  @Test func commaSeparatedValuesAreQuoted() throws {
    let trial = try Self.trial
    let waiting = Trial(TrialReference(id: 10, number: 5), state: .waiting)
    let table = TrialCSV([trial, waiting], objectives: 1)
    #expect(
      table.header
        == "number,state,value,started_at,completed_at,duration_seconds,parameter_rate,"
        + "attribute_note\n")
    #expect(
      table.row(trial)
        == "4,completed,inf,2026-11-18T11:06:40.000000Z,2026-11-18T11:06:41.500000Z,1.5,0.5,"
        + "\"a \"\"b\"\", c\"\n")
    #expect(table.row(waiting) == "5,waiting,,,,,,\n")
  }
}
