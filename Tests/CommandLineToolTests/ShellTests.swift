import Foundation
import Messages
import Testing

@testable import CommandLineTool

@Suite struct ShellTests {
  @Test func versionAndHelpGoToStdout() throws {
    let command = try BuiltCommand()
    let version = try command.run("--version")
    #expect(version.output == "needletail \(Release.version)\n")
    #expect(version.messages.isEmpty)
    #expect(version.code == 0)
    let help = try command.run("--help")
    #expect(help.code == 0)
    #expect(help.output.contains("study best"))
    #expect(try command.run("study", "best", "--help").output.contains("Examples:"))
    #expect(try command.run("help", "json").output.contains("intermediate_values"))
    try command.cleanUp()
  }

  @Test func wrongUsageIsOneSentenceAndCode64() throws {
    let command = try BuiltCommand()
    for (arguments, words) in [
      (["stduy", "list"], "did you mean 'study'?"), (["study"], "needs a verb"),
      (["study", "best"], "needs a study"), (["study", "best", "a", "b"], "does not take 'b'"),
      (["study", "list", "--jsn"], "did you mean '--json'?"),
    ] {
      let result = try command.run(BuiltCommand.path, arguments)
      #expect(result.code == 64, "\(arguments)")
      #expect(result.output.isEmpty)
      #expect(result.messageLines.count == 1)
      #expect(result.messages.contains(words), "\(result.messages)")
    }
    #expect(try command.run().code == 64)
    #expect(try command.contents().isEmpty)
    try command.cleanUp()
  }

  @Test func aClosedPipeIsNoFailure() throws {
    let command = try BuiltCommand()
    let result = try command.shell(
      "exec 3>&1; { needletail help json; echo \"code $?\" >&3; } | true")
    #expect(result.output == "code 0\n")
    #expect(result.messages.isEmpty)
    try command.cleanUp()
  }

  #if os(Linux)
    @Test func aFullDeviceIsAFailure() throws {
      let command = try BuiltCommand()
      let result = try command.shell("needletail --version > /dev/full")
      #expect(result.code == 2)
      #expect(result.messages.contains("cannot write the result"))
      try command.cleanUp()
    }
  #endif

  @Test func closedDescriptorsAreOpened() throws {
    let command = try BuiltCommand()
    #expect(try command.shell("needletail --version <&- >&- 2>&-").code == 0)
    try command.cleanUp()
  }

  /// Asks the completion function of a real bash for the words it would offer.
  private func bashOffers(_ words: [String], in command: BuiltCommand) throws -> [String] {
    let list = words.map { "'\($0)'" }.joined(separator: " ")
    let result = try command.shell(
      """
      set -u
      source <(needletail completion bash)
      COMP_WORDS=(\(list))
      COMP_CWORD=\(words.count - 1)
      COMPREPLY=()
      _needletail
      printf '%s\\n' "${COMPREPLY[@]}"
      """)
    #expect(result.messages.isEmpty, "\(result.messages)")
    return result.lines
  }

  @Test func bashCompletes() throws {
    let command = try BuiltCommand()
    try command.write("x", to: "study.yaml")
    #expect(try bashOffers(["needletail", "stu"], in: command) == ["study"])
    #expect(
      try bashOffers(["needletail", "trial", "te"], in: command) == ["tell"])
    #expect(
      try bashOffers(["needletail", "study", "best", "--j"], in: command) == ["--json"])
    #expect(
      try bashOffers(["needletail", "study", "list", "--store", "stu"], in: command)
        == ["study.yaml"])
    #expect(
      try bashOffers(["needletail", "study", "list", "--store", "=", "stu"], in: command)
        == ["study.yaml"])
    #expect(
      try bashOffers(["needletail", "trial", "list", "--state", "com"], in: command)
        == ["completed"])
    #expect(try bashOffers(["needletail", "completion", ""], in: command) == ["bash", "zsh"])
    try command.cleanUp()
  }

  /// Types into a real zsh behind a pseudo-terminal and returns what it shows after a tabulator.
  private func zshScreen(typing text: String, until word: String) throws -> String {
    let command = try BuiltCommand()
    let setUp =
      "PS1='r''eady>'; autoload -U compinit; compinit -D -u; source <(needletail completion zsh)"
    let result = try command.terminal(
      [
        .send(setUp + "\n"), .expect("ready>"), .send(text + "\t"), .expect(word),
        // Clears the line.
        .send("\u{15}exit 0\n"),
      ], "/usr/bin/zsh", "-f", "-i")
    #expect(result.code == 0, "\(result.output)\(result.messages)")
    try command.cleanUp()
    return result.output
  }

  @Test func zshCompletes() throws {
    _ = try zshScreen(typing: "needletail trial enq", until: "enqueue")
    _ = try zshScreen(typing: "needletail study best --par", until: "--parameter")
    _ = try zshScreen(typing: "needletail trial list --state com", until: "completed")
  }
}
