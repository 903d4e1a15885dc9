import Testing

@testable import StudyFiles

/// Expressions by PCRE2 beside the same ones by Swift's own engine, which read them before: what
/// both can say, what is translated, and where they differ.
@Suite struct RegularExpressionTests {
  /// The groups of all matches, joined: `a,b;c,d`, a missing group as `-`.
  private func found(_ expression: String, in text: String) throws -> String {
    let compiled = try RegularExpression(expression)
    var allowance = Duration.seconds(10)
    let bytes = Array(text.utf8)
    return try compiled.matches(in: bytes, within: &allowance).map { match in
      match.map { $0.map { String(decoding: bytes[$0], as: UTF8.self) } ?? "-" }
        .joined(separator: ",")
    }.joined(separator: ";")
  }

  private func foundBySwift(_ expression: String, in text: String) throws -> String {
    text.matches(of: try Regex(expression)).map { match in
      match.output.map { $0.substring.map(String.init) ?? "-" }.joined(separator: ",")
    }.joined(separator: ";")
  }

  // MARK: The same

  /// A construction and a line to use it on.
  static let table: [(expression: String, line: String)] = [
    ("loss=([0-9.]+)", "loss=0.5 and loss=0.25"), (".*loss=(.*)", "a loss=1 loss=2"),
    ("(?<name>\\w+): (?<value>\\S+)", "acc: 0.9, loss: 1e-3"), ("(?P<value>[^,]+)", "a,b"),
    ("(?i)LOSS (\\d+)", "loss 5 Loss 6"), ("(?i:Lo)ss=(.)", "LOss=1 LOSS=2"),
    ("(?x) a \\ (b) # c", "a b"),
    ("^(\\d+)$", "123"), ("^(\\d+)", "1 2"), ("(\\d+)$", "1 2"), ("\\A(.)", "ab"), ("(.)\\z", "ab"),
    ("\\bloss\\b (\\w)", "the loss x"), ("\\Bss (\\w)", "loss x"), ("(a|b|cd)e", "ae cde be"),
    ("(a+?)b", "aab"), ("(a++)b", "aab"), ("(?>a+)(b)", "aab"), ("(a{2})", "aaaaa"),
    ("(a{2,})", "aaaaa"),
    ("(a{1,2})", "aaaaa"), ("(a{,2})b", "aab"), ("(a?)b", "ab b"), ("(x*)", "axb"),
    ("(?:a(b)?)+c", "abac"),
    ("(a)?b", "ab b"), ("(.)\\1", "aabb"), ("(?<n>.)\\k<n>", "aabb"), ("(?=l)(\\w+)", "a loss"),
    ("(?!l)(l?\\w)", "la"), ("[[:alpha:]]+(\\d)", "ab1"), ("[[:^digit:]](\\d)", "ab1"),
    ("[^a-c](.)", "abdx"),
    ("[\\d.]+(e)", "1.5e"), ("[a\\]b]+(c)", "a]bc"), ("[-a]+(b)", "-ab"),
    ("[a-]+(b)", "-ab"), ("\\x41(b)", "Ab"), ("\\x{e9}(.)", "é!"), ("\\u00e9(.)", "é!"),
    ("\\u{e9}(.)", "é!"),
    ("\\U000000e9(.)", "é!"), ("[\\u00e9](.)", "é!"), ("\\t(\\w)", "\tx"),
    ("\\e\\[(\\d+)m", "\u{1B}[32m"),
    ("\\Qa.b\\E(.)", "a.bc axbc"), ("(?#comment)(a)", "a"), ("\\s+(\\S)", "a \tb"),
    ("\\h(\\w)", "a b"),
    ("\\p{L}+(\\d)", "é1"), ("\\P{L}(.)", "a1b"), ("\\p{Greek}(.)", "αx"), ("\\d(.)", "٣x"),
    ("\\w+(!)", "été!"),
    ("\\.(\\d)", "1.5"), ("\\/(\\d)", "1/5"), ("\\{(\\d)\\}", "{5}"), ("(€)(.)", "€5"),
    ("(é|e)x", "éx"),
    ("step (?<step>\\d+).*?loss (?<value>[-+.\\deE]+)", "step 3 acc 1 loss -1e-5"), ("", "ab"),
    ("(|a)b", "ab"),
    ("((a)|(b))+", "abab"), ("(?:(a)|b)*", "ab"), ("(?s).(b)", "ab"), ("\\\\(n)", "\\n"),
    ("[\\w-]+=(.)", "a-b=1"),
  ]

  @Test("both engines find the same", arguments: table)
  func agree(expression: String, line: String) throws {
    #expect(try found(expression, in: line) == foundBySwift(expression, in: line))
  }

  @Test("generated expressions find the same", arguments: 0..<300 as Range<UInt64>)
  func agreeOnGenerated(seed: UInt64) throws {
    var generator = SeededGenerator(state: seed)
    let expression = Self.expression(depth: 3, &generator)
    for _ in 0..<10 {
      let line = String((0..<Int(generator.next() % 12)).map { _ in Self.letter(&generator) })
      #expect(
        try found(expression, in: line) == foundBySwift(expression, in: line),
        "\(expression) in '\(line)'")
    }
  }

  private static func letter(_ generator: inout SeededGenerator) -> Character {
    Array("ab1.= é")[Int(generator.next() % 7)]
  }

  /// An expression without groups in repetitions, of which engines keep different ones.
  private static func expression(depth: Int, _ generator: inout SeededGenerator) -> String {
    func atom() -> String {
      switch generator.next() % 8 {
      case 0: return "."
      case 1: return "\\d"
      case 2: return "\\w"
      case 3: return "[a1.]"
      case 4: return "[^a=]"
      case 5: return "\\s"
      default:
        let letter = letter(&generator)
        return letter == "." ? "\\." : String(letter)
      }
    }
    switch depth == 0 ? 0 : generator.next() % 5 {
    case 0: return atom()
    case 1: return atom() + ["*", "+", "?", "*?", "+?", "{2}", "{1,3}"][Int(generator.next() % 7)]
    case 2: return "(\(expression(depth: depth - 1, &generator)))"
    case 3:
      return
        "(?:\(expression(depth: depth - 1, &generator))|\(expression(depth: depth - 1, &generator)))"
    default:
      return expression(depth: depth - 1, &generator) + expression(depth: depth - 1, &generator)
    }
  }

  // MARK: Differences

  /// Documentation/objectives.md states these.
  static let differences: [(expression: String, line: String, now: String, before: String)] = [
    // A character is a Unicode scalar, not what a reader sees as one.
    ("(.)x", "e\u{301}x", "\u{301}x,\u{301}", "e\u{301}x,e\u{301}"),
    // A word ends where letters, digits and _ end.
    ("\\b(5)", "0.5", "5,5", ""),
    // What stands before or behind may be asked for.
    ("(?<=loss=)(.)", "loss=5", "5,5", "refused"), ("(?<!a)(b)", "ab b", "b,b", "refused"),
    // Recursion and conditions are known too.
    ("(\\((?:[^()]|(?1))*\\))", "f((a)b)", "((a)b),((a)b)", "refused"),
    ("(a)?(?(1)b|c)", "c", "c,-", "refused"),
    // Sets are not combined in brackets.
    ("[a-z&&[^aeiou]](.)", "ax", "refused", ""), ("[[ab]c](.)", "cx", "refused", "cx,x"),
    ("[a-z--a](.)", "ax", "refused", ""), ("[[(.)", "[x", "refused", "refused"),
    // A character of any number of scalars, and names of characters.
    ("(\\X)x", "e\u{301}x", "e\u{301}x,e\u{301}", "e\u{301}x,e\u{301}"),
    ("\\N{U+41}(.)", "AB", "AB,B", "AB,B"),
    // A bracket that comes first is one of the set.
    ("[]a]+(b)", "a]b", "a]b,b", "refused"), ("[^]a]+(b)", "xb", "xb,b", "refused"),
    ("(\\N)x", "ax", "ax,a", "refused"),
    // One byte of a character is none.
    ("(\\C)", "a", "refused", "refused"),
    ("(a", "a", "refused", "refused"), ("a)", "a", "refused", "refused"),
    ("[a", "a", "refused", "refused"),
    ("*a", "a", "refused", "refused"), ("a{2,1}", "aa", "refused", "refused"),
    ("\\", "a", "refused", "refused"),
  ]

  @Test("where the engines differ", arguments: differences)
  func differ(expression: String, line: String, now: String, before: String) throws {
    #expect((try? found(expression, in: line)) ?? "refused" == now)
    // What Swift's engine says only tells what changed; other versions of it may say more.
    #expect((try? foundBySwift(expression, in: line)) ?? "refused" != now || before == now)
  }

  /// What Swift's engine reads or read as boundaries, modes and sets of its own.
  @Test(arguments: ["(\\y)", "(\\Y)", "(\\O)", "(?w)\\b(a)", "(?y{g})(.)", "[a~~b](.)"])
  func refusesWhatOnlySwiftKnows(expression: String) {
    #expect(throws: ExpressionFault.self) { try RegularExpression(expression) }
  }

  // MARK: Bounds

  /// Expressions that take for ever, and lines on which they do.
  static let hostile: [(expression: String, line: String)] = [
    ("(a+)+loss=", String(repeating: "a", count: 50_000) + "="),
    ("(a|aa)+$", String(repeating: "a", count: 5_000) + "!"),
    ("(?:.*)*x=(.)", "=" + String(repeating: "b", count: 50_000)),
    (".*.*.*=([a-z]9)", "=" + String(repeating: "b", count: 50_000)),
    ("(\\w+\\s?)+[:]", String(repeating: "word ", count: 10_000)),
    ("(?:[a-z]*[b-y]*)*=(.)", String(repeating: "c", count: 50_000) + "="),
    ("(((a*)*)*)*[bc]", String(repeating: "a", count: 10_000)),
    ("(?R)?(a)b", String(repeating: "a", count: 50_000)),
    ("(a?){50}(a){50}", String(repeating: "a", count: 49)),
    ("(x+x+)+[yz]", String(repeating: "x", count: 20_000)),
    ("(?i)(é+)+ß", String(repeating: "É", count: 20_000)),
    ("(.)(?1)*?[z0]", String(repeating: "q", count: 50_000)),
  ]

  @Test("no search takes more than it may", arguments: hostile)
  func isBounded(expression: String, line: String) throws {
    let compiled = try RegularExpression(expression)
    let allowed = Duration.milliseconds(100)
    var allowance = allowed
    let matches = try? compiled.matches(in: Array(line.utf8), within: &allowance)
    // It found nothing in time, or was given up soon after; of processor time, so that a busy
    // machine does not matter.
    #expect(matches?.isEmpty ?? true)
    #expect(allowance > .zero - allowed * 2, "\(allowance)")
  }

  @Test func whatIsUsedUpStaysSo() throws {
    let compiled = try RegularExpression("(a+)+[0-9]")
    var allowance = Duration.milliseconds(20)
    let line = [UInt8](repeating: 0x61, count: 5_000)
    #expect(throws: SearchFault.self) { try compiled.matches(in: line, within: &allowance) }
    #expect(allowance <= .zero)
    #expect(throws: SearchFault.self) { try compiled.matches(in: line, within: &allowance) }
  }

  @Test func aLongLineIsNoProblemByItself() throws {
    // `.*` on a long line without the rest: the situation in which a supervisor hung.
    let compiled = try RegularExpression(".*loss=([0-9.]+)")
    var allowance = Duration.seconds(1)
    let line = [UInt8](repeating: 0x78, count: 50_000)
    #expect(try compiled.matches(in: line, within: &allowance).isEmpty)
  }
}

/// SplitMix64: Steele et al., OOPSLA 2014, figure 16.
private struct SeededGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
