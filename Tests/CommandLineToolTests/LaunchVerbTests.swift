import Testing

@testable import CommandLineTool

/// What a launch refuses before it does anything.
@Suite struct LaunchVerbTests {
  static let faults: [(arguments: [String], words: String)] = [
    ([], "needs --ssh HOSTS, --slurm, --kubernetes IMAGE or --with COMMAND"),
    (["--ssh", "a", "--slurm"], "--ssh and --slurm exclude each other"),
    (["--ssh", "a", "--apply"], "--apply needs --kubernetes"),
    (["--slurm", "--listen", "a:1", "--direct"], "--direct needs --ssh"),
    (["--slurm", "--listen", "a:1", "--ssh-options=-v"], "--ssh-options needs --ssh"),
    (["--slurm", "--with", "qsub"], "--slurm and --with exclude each other"),
    (["--slurm", "--job-id", "x"], "--job-id needs --with"),
    (["--slurm", "--status", "x {id}"], "--status needs --with"),
    (["--slurm", "--cancel", "x {id}"], "--cancel needs --with"),
    (["--with", "qsub"], "--with needs an address that its workers reach"),
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
    (["--with", "", "--listen", "127.0.0.1:0"], 2, "names no command"),
    (["--with", "qsub 'x", "--listen", "127.0.0.1:0"], 2, "end within quotes"),
    (
      ["--with", "mine", "--job-id", "x", "--listen", "127.0.0.1:0"], 64,
      "--job-id needs --cancel"
    ),
    (["--with", "mine", "--status", "s {id}", "--listen", "127.0.0.1:0"], 64, "need --job-id"),
    (["--with", "qsub", "--cancel", "qdel", "--listen", "127.0.0.1:0"], 2, "write {id} there"),
    (
      ["--with", "mine", "--job-id", "(", "--cancel", "c {id}", "--listen", "127.0.0.1:0"], 2,
      "the expression '(' of --job-id"
    ),
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

  /// A command of `--with` that fails in some way: one sentence, and no folder of it stays.
  @Test(arguments: [
    ("/no/such/program", [], "cannot start /no/such/program"),
    ("echo queued", ["--job-id", "job (\\d+)", "--cancel", "true {id}"], "printed no job's id"),
    ("sh -c 'exit 3'", [], "sh ended with exit code 3"),
  ])
  func aCommandThatFailsIsOneSentence(with: String, more: [String], words: String) throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.writeStudy("[echo, loss=1]")
    let result = try command.run(
      BuiltCommand.path,
      ["launch", "study.yaml", "-q", "--listen", "127.0.0.1:0", "--with", with] + more)
    #expect(result.code == 2)
    #expect(result.messages.contains(words), "\(result.messages)")
    #expect(result.messageLines.count == 1, "\(result.messages)")
    #expect(try !command.contents().keys.contains { $0.hasPrefix(".needletail") })
  }
}
