import Launching
import Testing

@Suite struct ShellTextTests {
  /// What `sh` makes of the same texts.
  @Test(arguments: [
    ("--partition=gpu --gres=gpu:1", ["--partition=gpu", "--gres=gpu:1"]),
    ("  -a\t'b c'  \"d e\" ", ["-a", "b c", "d e"]),
    (#"--x="a b"c 'd'\''e' "" f\ g"#, ["--x=a bc", "d'e", "", "f g"]),
    (#""a\"b\\c\d" '\n'"#, [#"a"b\c\d"#, #"\n"#]),
    ("", []),
  ])
  func splitsAsAShellDoes(text: String, words: [String]) throws {
    #expect(try ShellText.words(of: text) == words)
    let script = #"for word in \#(text); do printf '%s\n' "$word"; done"#
    let output = try Program.run(["sh", "-c", script])
    #expect(output == words.map { $0 + "\n" }.joined())
  }

  @Test(arguments: ["--x 'y", #"--x "y"#, "y\\"])
  func refusesOpenQuotes(text: String) {
    #expect(throws: LaunchError.openQuote(text)) { try ShellText.words(of: text) }
  }

  @Test(arguments: [
    "plain", "", "two words", "it's", #"a"b\c$d`e`!"#, "line\nbreak", "~", "*", "🐦", "-x=1",
  ])
  func quotedTextComesBack(word: String) throws {
    #expect(try ShellText.words(of: ShellText.quoted(word)) == [word])
    let output = try Program.run(["sh", "-c", "printf '%s' " + ShellText.quoted(word)])
    #expect(output == word)
  }
}
