import Testing

@testable import CommandLineTool

/// What a launch refuses before it does anything.
@Suite struct LaunchVerbTests {
  static let faults: [(arguments: [String], words: String)] = [
    ([], "needs --ssh HOSTS, --slurm or --kubernetes IMAGE"),
    (["--ssh", "a", "--slurm"], "--ssh and --slurm exclude each other"),
    (["--ssh", "a", "--apply"], "--apply needs --kubernetes"),
    (["--slurm", "--listen", "a:1", "--direct"], "--direct needs --ssh"),
    (["--slurm", "--listen", "a:1", "--ssh-options=-v"], "--ssh-options needs --ssh"),
    (["--ssh", "a", "--token-file", "t"], "--token-file needs --to"),
    (["--ssh", "a", "--key", "k"], "--key needs --certificate"),
    (["--ssh", "a", "--certificate", "c"], "--certificate needs --listen"),
    (["--ssh", "a", "--workers", "2"], "--ssh starts one worker per host"),
    (["--ssh", "a", "--to", "http://b:1", "--store", "s.db"], "leave out --store"),
    (["--ssh", "a", "--to", "http://b:1", "--listen", "b:2"], "leave out --listen"),
    (["--slurm"], "--slurm needs an address that its workers reach"),
    (["--ssh", "a", "--direct"], "--direct needs an address that its workers reach"),
    (["--kubernetes", "i", "--listen", "a:1"], "give --apply"),
    (["--kubernetes", "i", "--apply"], "--kubernetes needs an address"),
  ]

  @Test(arguments: faults)
  func refusesWhatDoesNotFit(arguments: [String], words: String) throws {
    var scanner = try ArgumentScanner(["study.yaml"] + arguments, for: LaunchVerb.description)
    let error = #expect(throws: UsageError.self) { try LaunchVerb(&scanner) }
    #expect("\(try #require(error))".contains(words))
  }

  /// In the built program: one sentence, an exit code, and nothing written.
  @Test(arguments: [
    (["--ssh", "-oProxyCommand=x"], 64, "--ssh needs a value"),
    (["--ssh=-oProxyCommand=x"], 2, "begins with a dash"),
    (["--ssh", "a,,b"], 2, "has no name"),
    (["--ssh", "a", "--ssh-options", "'open"], 2, "end within quotes"),
    (["--slurm", "--listen", "nowhere"], 2, "it has no port"),
    (["--slurm", "--listen", "127.0.0.1:0", "--ca", "none.pem"], 2, "none.pem"),
    (["--slurm", "--listen", "127.0.0.1:0", "--ca", "study.yaml"], 2, "holds no certificate"),
    (["--kubernetes", "two words", "--to", "http://127.0.0.1:1"], 2, "token"),
  ])
  func refusesBeforeItWrites(arguments: [String], code: Int32, words: String) throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.writeStudy("[echo, loss=1]")
    let result = try command.run(BuiltCommand.path, ["launch", "study.yaml"] + arguments)
    #expect(result.code == code)
    #expect(result.messages.contains(words), "\(result.messages)")
    #expect(result.messageLines.count == 1)
    #expect(try command.contents().keys.sorted() == ["study.yaml"])
  }
}
