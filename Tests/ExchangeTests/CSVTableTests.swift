import Testing

@testable import Exchange

@Suite struct CSVTableTests {
  private func table(_ text: String) throws(ExchangeError) -> CSVTable {
    try CSVTable(parsing: Array(text.utf8), path: "t.csv")
  }

  private func cells(_ text: String) throws -> [[String]] {
    let table = try table(text)
    return [table.header] + table.rows.map(\.cells)
  }

  /// The seven rules of RFC 4180, §2.
  @Test func followsTheRFC() throws {
    #expect(try cells("a,b\r\n1,2\r\n") == [["a", "b"], ["1", "2"]])
    #expect(try cells("a,b\r\n1,2") == [["a", "b"], ["1", "2"]])
    #expect(try cells("\"a\",\"b\"\n\"1\",2\n") == [["a", "b"], ["1", "2"]])
    #expect(
      try cells("a,b\n\"1\r\n,\",\"say \"\"x\"\"\"\n") == [["a", "b"], ["1\r\n,", "say \"x\""]])
    #expect(try cells("a, b \n,\n") == [["a", " b "], ["", ""]])
  }

  @Test func takesOtherSeparatorsWhenTheHeaderHasNoComma() throws {
    #expect(try cells("a;b\n1,5;2\n") == [["a", "b"], ["1,5", "2"]])
    #expect(try cells("a\tb\n1;5\t2\n") == [["a", "b"], ["1;5", "2"]])
    #expect(try cells("a\n1;5\n") == [["a"], ["1;5"]])
  }

  @Test func skipsTheByteOrderMarkAndEmptyLines() throws {
    #expect(try cells("\u{FEFF}a,b\n\n1,2\n\n\n") == [["a", "b"], ["1", "2"]])
  }

  /// Lines are counted in the file, also behind cells of several lines.
  @Test func saysWhereRowsBegin() throws {
    let table = try table("a\n\"1\n2\n3\"\n\n4\r\n5\r6")
    #expect(table.rows.map(\.line) == [2, 6, 7, 8])
    #expect(table.rows.map(\.cells) == [["1\n2\n3"], ["4"], ["5"], ["6"]])
  }

  @Test(arguments: [
    ("", "it is empty; give a table with a header"), ("\n\n", "it is empty"),
    ("a,a\n", "two columns are called 'a'"), ("a\0b\n", "NUL bytes"),
    ("a\n\"1\n2\n", "line 2: a quote is never closed; close it"),
    ("a,b\n1,\"2\"3\n", "line 2: text stands behind a closing quote; double it"),
  ])
  func refusesWhatIsNoTable(text: String, problem: String) {
    let error = #expect(throws: ExchangeError.self) { try table(text) }
    #expect(error?.description.contains(problem) == true, "\(error as Any)")
    #expect(error?.description.contains("t.csv") == true)
  }

  /// Whatever cells hold comes back when every cell is quoted, and when only those are that need
  /// it.
  @Test(arguments: 0..<200)
  func cellsComeBack(seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func random(below limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(limit))
    }
    let pieces = ["a", "é", "\"", ",", ";", "\n", "\r\n", " ", "\t", "", "1.5", "\u{1F426}"]
    let width = 1 + random(below: 4)
    let rows = (0...random(below: 5)).map { row in
      (0..<width).map { column in
        (0..<random(below: 5)).reduce(row == 0 ? "c\(column)," : "x") { text, _ in
          text + pieces[random(below: pieces.count)]
        }
      }
    }
    func quoted(_ cell: String) -> String {
      "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }
    let all = rows.map { $0.map(quoted).joined(separator: ",") }.joined(separator: "\n")
    #expect(try cells(all) == rows)
    let some = rows.map { row in
      row.map { $0.contains(where: { "\",\n\r".contains($0) || $0 == "\r\n" }) ? quoted($0) : $0 }
        .joined(separator: ",")
    }.joined(separator: "\r\n")
    // Without a comma in the header another separator would be looked for.
    #expect(try cells(some) == rows)
  }

  @Test func saysThatAFileIsMissing() {
    #expect(
      throws: ExchangeError.file(path: "/no/such", problem: "there is no such file; check the path")
    ) {
      try CSVTable(path: "/no/such")
    }
  }
}
