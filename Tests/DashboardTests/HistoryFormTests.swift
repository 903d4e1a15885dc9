import Dashboard
import JSON
import StudyModel
import Testing

/// The short forms of a study that pages read.
@Suite struct HistoryFormTests {
  private func json(_ write: (inout CompactJSON) -> Void) throws -> JSONValue {
    var json = CompactJSON()
    write(&json)
    return try JSONValue(parsing: json.bytes)
  }

  private func series(_ history: TrialHistory) throws -> JSONValue {
    try json { json in
      json.append(raw: "{")
      HistorySeries(history).append(to: &json)
      json.append(raw: "}")
    }
  }

  @Test func writesNumbersAsShortAsTheyMayBe() {
    let numbers: [(Double, String, String)] = [
      (0, "0", "0"), (-0.0, "0", "0"), (12, "12", "12"), (-3, "-3", "-3"),
      (1e14, "100000000000000", "1e+14"),
      (1e300, "1e+300", "1e+300"), (0.1, "0.1", "0.1"),
      (1.0 / 3, "0.3333333333333333", "0.33333334"),
      (.leastNonzeroMagnitude, "5e-324", "5e-324"), (.nan, "null", "null"),
      (-.infinity, "null", "null"),
    ]
    for (number, exact, drawn) in numbers {
      var json = CompactJSON()
      json.append(finite: number)
      #expect(String(decoding: json.bytes, as: UTF8.self) == exact)
      var short = CompactJSON()
      short.append(drawn: number)
      #expect(String(decoding: short.bytes, as: UTF8.self) == drawn)
    }
  }

  @Test func writesTextsAsJSON() throws {
    let text = "\"</script>\\\n\u{202E}\u{0}é"
    #expect(try json { $0.append(text) } == .string(text))
    #expect(try json { $0.append([1, 2]) { $0.append($1) } } == [1, 2])
    #expect(try json { $0.append([Int]()) { $0.append($1) } } == [])
    #expect(try json { $0.append(["a": .float(.nan)] as JSONValue) } == ["a": "nan"])
  }

  @Test func writesRows() throws {
    let history = try SampleHistory.make()
    let rows = try json { json in
      json.append(history.states.indices) { history.appendRow(of: $1, to: &$0) }
    }
    let wanted = """
      [[0, "c", [0.5], 10, 2, 0, null, [0.125, 2, "ReLU"]],
       [1, "i", [0.25], 11, 7, 0, null, [0.25, 10, "tanh"]],
       [2, "p", [2.0], 20, 0.5, 2, 2.0, [0.75, 3, null]],
       [3, "f", [], 30, 1, 0, null, [null, null, null]],
       [4, "r", [], 40, null, 1, "nan", [0.5, 20, true]],
       [5, "w", [], null, null, 0, null, [null, null, null]],
       [6, "c", ["inf"], 50, 3, 0, null, [0.0, 1, "ReLU"]]]
      """
    #expect(try rows == JSONValue(parsing: wanted))
  }

  @Test func writesTheSeries() throws {
    let history = try SampleHistory.make()
    let form = try series(history)
    #expect(form["numbers"] == .null)
    #expect(form["states"] == "cipfrwc")
    #expect(form["values"] == [[0.5, 0.25, nil, nil, nil, nil, nil]])
    let empty = try series(TrialHistory(directions: [.minimize, .maximize]))
    #expect(empty == ["numbers": nil, "states": "", "values": [[], []]])
  }

  /// Values that lie close together keep all their digits, others the digits that a picture shows.
  @Test func keepsTheDigitsThatShow() throws {
    let close = [1_000_000.123456, 1_000_000.123457, 1_000_000.123458]
    #expect(
      try series(SampleHistory.completed(close.map { [$0] }))["values"]
        == [.array(close.map(JSONValue.float))])
    let apart = try series(SampleHistory.completed([[1.0 / 3], [2]]))["values"]
    #expect(apart == [[0.33333334, 2]])
  }

  /// A long study is thinned, but every improvement and every extreme stays.
  @Test func thinsLongStudies() throws {
    var values = (0..<60_000).map { [Double(($0 * 7_919) % 60_013)] }
    values[41_234] = [1e9]
    values[50_001] = [-5]
    values[50_002] = [.infinity]
    let history = SampleHistory.completed(values)
    let numbers = try #require(HistorySeries(history).numbers)
    #expect(numbers.count < 25_000)
    #expect(numbers == numbers.sorted())
    #expect(numbers.contains(41_234) && numbers.contains(50_001))
    var best = Double.infinity
    let kept = Set(numbers)
    for (number, value) in values.enumerated() where value[0] < best {
      best = value[0]
      #expect(kept.contains(number), "trial \(number) was the best with \(best)")
    }
  }

  @Test func findsTheBest() throws {
    // The infeasible one would be better, the infinite one is worse.
    #expect(try SampleHistory.make().bestTrials() == [0])
    #expect(TrialHistory(directions: [.minimize]).bestTrials().isEmpty)
    #expect(SampleHistory.completed([[1], [3], [3]], [.maximize]).bestTrials() == [1])
    let front = SampleHistory.completed(
      [[1, 1], [2, 2], [0, 0], [1, 0], [.nan, 9]], [.minimize, .maximize])
    #expect(front.bestTrials() == [2, 0, 1])
  }

  @Test func tellsTheRate() throws {
    let history = SampleHistory.completed((0..<100).map { [Double($0)] })
    // The last 64 finished at 38…101 s.
    #expect(history.rate(now: 101) == 63.0 / 63)
    #expect(history.rate(now: 164) == 63.0 / 126)
    #expect(history.rate(now: 10_000) == nil)
    #expect(SampleHistory.completed([[1], [2]]).rate(now: 5) == nil)
    // A clock that was set back.
    #expect(history.rate(now: 20) == nil)
  }

  @Test func assetsAreWhatTheyAreSaidToBe() throws {
    #expect(DashboardAsset.page.contentType.hasPrefix("text/html"))
    #expect(Set(DashboardAsset.all.values.map(\.tag)).count == DashboardAsset.all.count)
    for (name, asset) in DashboardAsset.all {
      let text = String(decoding: asset.body, as: UTF8.self)
      #expect(!text.isEmpty)
      // Text from outside becomes text nodes, never markup; nothing is loaded from elsewhere.
      for word in [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://",
      ] {
        #expect(!text.contains(word), "\(name) has \(word)")
      }
    }
    #expect(!DashboardAsset.policy.contains("unsafe"))
  }
}
