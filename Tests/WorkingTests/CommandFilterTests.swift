import Testing

@testable import Working

@Suite struct CommandFilterTests {
  @Test(
    arguments: [
      ("python3 train.py*", ["python3", "train.py"], true),
      ("python3 train.py*", ["python3", "train.py", "--lr=0.1", "a b"], true),
      ("python3 train.py*", ["python3", "train.pyc"], true),
      ("python3 train.py*", ["python3", "evil.py"], false),
      ("python3 train.py*", ["python3"], false),
      ("python3 train.py*", ["python3", "-c", "train.py"], false),
      ("python3 train.py", ["python3", "train.py", "more"], false),
      ("python3 train.py", ["python3 train.py"], false),
      ("echo --x=*", ["echo", "--x=0.5"], true),
      ("echo --x=?", ["echo", "--x=55"], false),
      ("'my tool' a*b*c", ["my tool", "aXbYbZc"], true),
      ("'my tool' a*b*c", ["my tool", "aXbYbZ"], false),
      ("*", ["anything", "at", "all"], true),
      ("python3 train.py *", ["python3", "train.py"], true),
      ("python3 train.py *", ["python3", "train.py", "--lr=0.1", "a b"], true),
      ("python3 train.py *", ["python3", "train.pyx"], false),
      ("python3 train.py *", ["python3"], false),
      ("python3 *", ["python3"], true),
    ])
  func matchesWordByWord(pattern: String, words: [String], isAllowed: Bool) throws {
    #expect(try CommandFilter([pattern]).allows(words) == isAllowed)
  }

  @Test func onePatternOfSeveralIsEnough() throws {
    let filter = try CommandFilter(["echo *", "true"])
    #expect(filter.allows(["true"]))
    #expect(filter.allows(["echo", "a", "b"]))
    #expect(!filter.allows(["false"]))
    #expect(throws: CommandFilterError.self) { try CommandFilter([""]) }
    #expect(throws: CommandFilterError.self) { try CommandFilter(["echo 'open"]) }
  }

  /// A name with a star fits other names, which is rarely meant.
  @Test func warnsOfOpenNames() throws {
    let filter = try CommandFilter(["python3 train.py*", "echo *", "run --x=*", "true", "*"])
    #expect(filter.warnings.count == 1)
    let warning = try #require(filter.warnings.first)
    #expect(warning.contains("train.pyx") && warning.contains("'python3 train.py *'"), "\(warning)")
  }

  /// A pattern of stars must not take exponential time.
  @Test func aPatternOfManyStarsIsQuick() throws {
    let filter = try CommandFilter([String(repeating: "*a", count: 30) + "b x"])
    #expect(!filter.allows([String(repeating: "a", count: 5_000), "x"]))
  }
}
