import JSON
import StudyFiles
import StudyModel
import Testing

@testable import Objectives

/// A number in text is read whole or not at all, wherever it stands.
@Suite struct SpelledNumberTests {
  private func read(_ text: String) -> SpelledNumber { SpelledNumber.read(text).spelled }

  // MARK: Generated

  /// Spellings of finite numbers, from a generator of bits.
  private static func spellings(seed: UInt64) -> (text: String, value: Double) {
    var generator = SplitMix(state: seed)
    let whole = String(generator.next() % 1_000_000)
    let fraction = String(generator.next() % 100_000)
    let sign = ["", "-", "+"][Int(generator.next() % 3)]
    let exponent = ["", "", "e-5", "E+3", "e12"][Int(generator.next() % 5)]
    let digits = ["\(whole)", "\(whole).", ".\(fraction)", "\(whole).\(fraction)"]
    let text = sign + digits[Int(generator.next() % 4)] + exponent
    let spelled = text.hasPrefix("+") ? String(text.dropFirst()) : text
    return (text, Double(spelled)!)
  }

  /// What may stand behind a number without belonging to it.
  private static let harmless = [
    "", " ", ";", "]", "|", ")", "}", ",", ", ", "%", "% (9/10)", "/1.0", " 100/200", ",lr=0.1",
    "'", "\"",
    ":", ": ", "!", "\t7", ", 3", ",-1", "\u{1B}", "(", "\0",
  ]

  @Test("a number is what is written, whatever follows", arguments: 0..<200 as Range<UInt64>)
  func readsWholeNumbers(seed: UInt64) {
    let (text, value) = Self.spellings(seed: seed)
    for tail in Self.harmless {
      #expect(read(text + tail) == .number(value), "\(text + tail)")
      #expect(read(" '\(text)" + tail) == .number(value), "\(text + tail)")
    }
  }

  /// What separates digits of one number somewhere in the world, or numbers that are one quantity.
  private static let separators = [
    ",", "'", ":", "#", "_", "\u{A0}", "\u{2007}", "\u{2009}", "\u{202F}", "\u{2019}", "\u{66B}",
    "\u{66C}", "+",
  ]

  @Test("digits behind a separator are never cut off", arguments: 0..<200 as Range<UInt64>)
  func refusesSeparators(seed: UInt64) {
    let (text, _) = Self.spellings(seed: seed)
    for separator in Self.separators {
      for tail in ["5", "234.5", "000", "30:00"] {
        let whole = text + separator + tail
        let found = SpelledNumber.read("\(whole) and more")
        #expect(found.spelled == .ambiguous && found.text == whole, "\(whole): \(found)")
      }
    }
    #expect(read("\(text.hasSuffix(".") ? text : text + ".")5.5") != .number(1))
  }

  @Test("what Python prints of a scalar is the scalar", arguments: 0..<100 as Range<UInt64>)
  func unwrapsScalars(seed: UInt64) {
    let (text, value) = Self.spellings(seed: seed)
    for wrapped in [
      "np.float64(\(text))", "tensor(\(text))", "[\(text)]", "[[ \(text) ]]", "array([\(text)])",
      "tensor([\(text)], device='cuda:0')", "tensor(\(text), grad_fn=<MseLossBackward0>)",
      "array(\(text), dtype=float32)", "Decimal('\(text)')", "numpy.float32(\(text))",
      "float( \(text) )",
    ] {
      #expect(read(wrapped) == .number(value), "\(wrapped)")
      #expect(read("\(wrapped), lr=3") == .number(value), "\(wrapped)")
    }
    for wrapped in [
      "[\(text), 2]", "[\(text) 2]", "tensor([\(text), 2])", "tensor(\(text), 2)", "log(\(text))",
      "(\(text))", "tensor(\(text)", "[\(text)", "[\(text),000]", "np.float64(\(text),5)",
    ] {
      #expect(read(wrapped).value == nil, "\(wrapped)")
    }
  }

  @Test func isEndOfText() {
    // Whatever bytes come, it ends and stays within the text.
    var generator = SplitMix(state: 7)
    let alphabet = Array("0123456789.,'#:+-eE[]()tensornp_/% \"".utf8) + [0xE2, 0x80, 0xAF, 0xFF]
    for _ in 0..<20_000 {
      let length = Int(generator.next() % 14)
      let bytes = (0..<length).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] }
      let part = SpelledNumber.parse(bytes[...]).part
      #expect(part.startIndex >= 0 && part.endIndex <= bytes.count)
    }
  }

  // MARK: Known spellings

  @Test(arguments: [
    ("1.#QNAN", Double.nan), ("1.#QNAN0", .nan), ("-1.#IND", .nan), ("1.#INF", .infinity),
    ("-1.#INF000", -.infinity),
    ("-nan(ind)", .nan), ("[nan]", .nan), ("tensor(inf)", .infinity),
    ("np.float64(-inf)", -.infinity),
    ("", .nan), ("None", .nan), ("5.", 5), ("1e999", .infinity), ("1e-999", 0),
  ])
  func readsSpecialNumbers(text: String, value: Double) {
    #expect(read(text) == .number(value))
  }

  // MARK: Everywhere

  /// Each way in which a program says a metric, with the number in its place.
  private static let places: [(study: String, script: @Sendable (String) -> String)] = [
    ("metric: loss", { "echo \"loss=\($0)\"" }),
    ("metric: loss", { "echo \"loss: \($0) lr: 1\"" }),
    ("metric: loss", { "echo \"{'loss': '\($0)', 'lr': 1}\"" }),
    ("metric: loss", { "echo '{\"loss\": \"\($0)\"}'" }),
    ("metric: loss", { "echo '{\"loss\": \($0)}'" }),
    ("metric: loss\ncollect: {file: r}", { "echo \"loss: \($0)\" > $NEEDLETAIL_DIR/r" }),
    ("metric: loss\ncollect: {file: r}", { "echo '{\"loss\": \"\($0)\"}' > $NEEDLETAIL_DIR/r" }),
    ("metric: loss\ncollect: {file: r}", { "echo \"\($0)\" > $NEEDLETAIL_DIR/r" }),
    ("metric: loss\ncollect: {regex: 'loss is (\\S+)'}", { "echo \"loss is \($0) now\"" }),
    ("metric: loss\ncollect: {regex: 'loss is ([0-9.]+)'}", { "echo \"loss is \($0) now\"" }),
    ("metric: loss\ncollect: {regex: '([\\d.]+)%'}", { "echo \"\($0)%\"" }),
    ("metric: loss", { "echo loss=7; echo \"loss=\($0)\"" }),
    ("metric: {name: loss, reduce: best}", { "echo \"loss=\($0)\"; echo loss=7" }),
    ("metric: loss\nconstraints: [size]", { "echo loss=1; echo \"size=\($0)\"" }),
  ]

  @Test("no place cuts a number", arguments: ["1,234.5", "0,25", "12:30", "1,000,000", "1_000"])
  func noPlaceCutsANumber(text: String) throws {
    for (study, script) in Self.places where !(study.contains("%") && text != "1,234.5") {
      let result = try CommandHarness(script: script(text), study).run()
      guard case .ambiguousMetric(_, let named) = result.outcome else {
        Issue.record("\(study), \(script(text)): \(result.outcome)")
        continue
      }
      #expect(named.contains(text), "\(named)")
      #expect(result.outcome.attemptOutcome == .failed)
      #expect(
        result.outcome.reason.hasPrefix(
          "the command reported '\(named)' as '\(study.contains("size") ? "size" : "loss")', which may "
        ))
    }
  }

  @Test func aLaterNumberCountsWhereTheLastDoes() throws {
    #expect(try outcome(of: "echo loss=1,000; echo loss=2") == .completed([2]))
  }

  @Test(arguments: ["0,25", "1,000", "12:30", "2s"])
  func theChannelRefuses(text: String) throws {
    for call in [
      #"{"call": "report", "value": "\#(text)", "step": 1}"#,
      #"{"call": "tell", "values": ["\#(text)"]}"#,
      #"{"call": "set_constraint", "name": "size", "value": "\#(text)"}"#,
    ] {
      let error = #expect(throws: ChannelError.self) {
        try ChannelRequest(json: JSONValue(parsing: call))
      }
      #expect(error?.description.contains(text) == true)
    }
    #expect(throws: ChannelError.self) {
      try ChannelRequest(
        json: JSONValue(parsing: #"{"call": "report", "value": 1, "step": "\#(text)"}"#))
    }
  }

  @Test("a step is not cut either", arguments: ["step=1,000", "Epoch 1,000:", "step: '1,000'"])
  func stepsAreNotCut(step: String) throws {
    let handler = RecordingHandler()
    let result = try CommandHarness(script: "echo \"\(step) loss=0.5\"").run(handler)
    #expect(result.outcome == .completed([0.5]))
    #expect(handler.reports.isEmpty)
    #expect(
      result.notes.first?.hasPrefix(
        "the step '1,000\(step.hasSuffix(":") ? ":" : "")' may mean more than one number") == true,
      "\(result.notes)")
  }

  @Test func anExpressionThatStopsInANumberIsNoticed() throws {
    func outcome(_ regex: String, _ text: String) throws -> CommandOutcome {
      try ObjectivesTests.outcome(
        of: "echo '\(text)'", "metric: loss\ncollect: {regex: '\(regex)'}")
    }
    for (regex, text) in [
      ("loss=([0-9.]+)", "loss=1e-5"), ("loss=([0-9]+)", "loss=0.25"),
      ("loss (.{3})", "loss 0.2512"),
      (".*([0-9.]+)", "loss=0.25"), ("([0-9.]+)$", "loss -0.5"), ("([0-9]+)$", "loss 0,93"),
      ("([0-9.]+?).*", "10.5"),
    ] {
      guard case .ambiguousMetric = try outcome(regex, text) else {
        Issue.record("\(regex) on \(text): \(try outcome(regex, text))")
        continue
      }
    }
    for (regex, text, value) in [
      ("loss=([0-9]+)[.]", "loss=3.25", 3.0), ("time ([0-9.]+)", "time 2s", 2),
      ("([0-9.]+)$", "3,0.93", 0.93),
      ("loss=(.{4})", "loss=0.2500", 0.25), ("([0-9.]+)$", "loss1:0.5", 0.5),
      ("^([0-9.]+),", "0.5,0.93", 0.5),
      ("loss (\\S+)", "loss tensor(0.5)", 0.5), ("loss=([0-9.]+)", "loss=0.25/1.0", 0.25),
    ] {
      #expect(try outcome(regex, text) == .completed([value]), "\(regex) on \(text)")
    }
  }
}

/// SplitMix64: Steele et al., OOPSLA 2014, figure 16.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
