import Foundation
import Launching
import Testing

@Suite struct SecureShellTests {
  @Test func readsLists() throws {
    let hosts = try SecureShellHost.list("a, me@b.example:4,[fe80::1]:2,[::1]")
    #expect(
      hosts == [
        SecureShellHost(destination: "a", slots: nil),
        SecureShellHost(destination: "me@b.example", slots: 4),
        SecureShellHost(destination: "fe80::1", slots: 2),
        SecureShellHost(destination: "::1", slots: nil),
      ])
  }

  @Test(arguments: [
    "", "a,,b", "a:0", "a:x", "a:5000", "fe80::1", "-oProxyCommand=x", "a b", "me@",
  ])
  func refusesWhatIsNoHost(text: String) throws {
    let error = try #require(throws: LaunchError.self) { try SecureShellHost.list(text) }
    #expect("\(error)".contains("give hosts as host1,user@host2:4"))
  }

  private func command(
    program: String = "needletail", tunnel: SecureShellCommand.Tunnel? = nil,
    authority: String? = nil, preferredFolder: String? = nil
  ) -> SecureShellCommand {
    var worker = WorkerCommand(coordinator: "http://127.0.0.1:40123", study: "it's a study")
    worker.program = program
    return SecureShellCommand(
      host: SecureShellHost(destination: "me@there", slots: 3), worker: worker,
      options: ["-p", "2222"], tunnel: tunnel, authority: authority,
      preferredFolder: preferredFolder)
  }

  @Test func makesTheCommandLine() throws {
    let words = command(tunnel: .init(remotePort: 40_123, host: "::1", port: 7_654)).words
    #expect(words.prefix(4) == ["ssh", "-p", "2222", "-T"])
    let forward = try #require(words.firstIndex(of: "-R"))
    #expect(words[forward + 1] == "127.0.0.1:40123:[::1]:7654")
    #expect(words.contains("ExitOnForwardFailure=yes"))
    #expect(words.suffix(3).prefix(2) == ["--", "me@there"])
    #expect(words.last?.contains("\n") == false)
    #expect(!command().words.contains("-R"))
  }

  /// A worker that writes what it was given and gets, and ends when it has both signals.
  private static let worker = """
    #!/bin/sh
    started_in=$PWD
    cd "$(dirname "$0")"
    echo "$started_in" > folder
    printf '%s\\n' "$@" > arguments
    tr '\\0' '\\n' < /proc/$$/environ > environment
    read -r token; echo "$token" > token
    for argument; do case $argument in *authority* | /tmp/*) cat "$argument" > authority;; esac; done
    echo $$ > process
    trap 'finish=1; echo TERM >> signals' TERM
    trap 'stop=1; echo HUP >> signals' HUP
    echo started
    until [ "$finish$stop" = 11 ]; do sleep 0.05; done
    exit 7

    """

  private func withWorker(_ body: (String, URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
    let program = folder.appendingPathComponent("needletail").path
    // Written by another process: a program that a test beside this one starts must not keep it
    // open.
    _ = try Program.run(
      ["sh", "-c", "cat > \"$0\" && chmod 755 \"$0\"", program], input: Self.worker)
    try body(program, folder)
  }

  private func wait(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try !condition() {
      try #require(ContinuousClock.now < deadline, "\(what) did not happen")
      usleep(10_000)
    }
  }

  private func read(_ name: String, _ folder: URL) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
  }

  /// Runs what ssh would have the login shell on the other side run.
  private func started(_ command: SecureShellCommand) throws -> Program {
    let program = try Program(["sh", "-c", try #require(command.words.last)])
    program.write("secret-token\n")
    var lines: [String] = []
    try wait("the start") {
      lines += program.takeLines()
      return lines.contains("started")
    }
    return program
  }

  @Test func theRemoteScriptHandsOverTokenAndSignals() throws {
    try withWorker { path, folder in
      let program = try started(command(program: path))
      #expect(
        try read("arguments", folder)
          == "worker\nhttp://127.0.0.1:40123\n--study\nit's a study\n--token-file\n-\n--slots\n3\n")
      #expect(try read("token", folder) == "secret-token\n")
      #expect(try !read("environment", folder).contains("secret-token"))
      program.write("TERM\n")
      try wait("the first signal") { (try? read("signals", folder)) == "TERM\n" }
      #expect(program.exitCode == nil)
      program.write("HUP\n")
      try wait("the end") { program.exitCode != nil }
      #expect(program.exitCode == 7)
    }
  }

  @Test func theWorkerEndsWithTheConnection() throws {
    try withWorker { path, folder in
      let program = try started(command(program: path))
      program.closeInput()
      try wait("the end") { program.exitCode != nil }
      #expect(program.exitCode == 7)
      #expect(try read("signals", folder) == "TERM\nHUP\n")
    }
  }

  /// Of two signals of one kind that wait together, one comes.
  @Test func aWorkerThatDoesNotRunYetGetsEachRequest() throws {
    try withWorker { path, folder in
      let program = try started(command(program: path))
      let worker = try #require(pid_t(try read("process", folder).dropLast()))
      func status(_ name: String) throws -> Substring {
        let text = try String(contentsOfFile: "/proc/\(worker)/status", encoding: .utf8)
        return try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name):\t") })
          .dropFirst(name.count + 2)
      }
      kill(worker, SIGSTOP)
      // Of signals that come before it stands still, the lesser number would be handled first.
      try wait("the stop") { try status("State").hasPrefix("T") }
      for request in [FleetRequest.finish, .stop] { program.write(request.signal + "\n") }
      let waiting = 1 << (SIGTERM - 1) | 1 << (SIGHUP - 1)
      try wait("the signals") {
        try #require(Int(status("ShdPnd"), radix: 16)) & waiting == waiting
      }
      kill(worker, SIGCONT)
      try wait("the end") { program.exitCode != nil }
      #expect(program.exitCode == 7)
    }
  }

  @Test func theWorkerStartsInTheFolderIfItIsThere() throws {
    try withWorker { path, folder in
      for wanted in [folder.path, folder.path + "/none"] {
        let program = try started(command(program: path, preferredFolder: wanted))
        let used = try read("folder", folder)
        #expect((used == folder.path + "\n") == (wanted == folder.path))
        program.closeInput()
        try wait("the end") { program.exitCode != nil }
      }
    }
  }

  @Test func theWorkerGetsTheCertificates() throws {
    try withWorker { path, folder in
      let certificates = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
      let program = try started(command(program: path, authority: certificates))
      #expect(try read("authority", folder).hasPrefix(certificates))
      #expect(try read("arguments", folder).contains("--ca\n"))
      program.closeInput()
      try wait("the end") { program.exitCode != nil }
    }
  }
}
