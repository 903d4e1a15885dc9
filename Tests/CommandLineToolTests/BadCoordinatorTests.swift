import Foundation
import Testing

/// What `needletail worker` says of coordinators that are missing, wrong or not to be trusted.
@Suite struct BadCoordinatorTests {
  /// A process that listens and misbehaves; see scripted_coordinator.py.
  static func scripted(
    _ mode: String, _ files: String..., in command: BuiltCommand
  ) throws -> (RunningCommand, port: String) {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("scripted_coordinator.py").path
    let process = try RunningCommand(
      BuiltCommand.python, [script, mode] + files, in: command)
    let port = try process.waitForOutput { $0.hasSuffix("\n") }
    return (process, port.filter(\.isNumber))
  }

  /// One sentence, the exit code, and nothing written but the spool's folder.
  static func expect(
    _ result: BuiltCommand.Result, code: Int32, _ words: String...,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(result.code == code, "\(result.messages)", sourceLocation: location)
    #expect(result.messageLines.count == 1, "\(result.messages)", sourceLocation: location)
    for word in words {
      #expect(result.messages.contains(word), "\(result.messages)", sourceLocation: location)
    }
    #expect(result.output.isEmpty, sourceLocation: location)
  }

  static func worker(_ command: BuiltCommand, _ arguments: String...) throws -> BuiltCommand.Result
  {
    try command.run(BuiltCommand.path, ["worker", "--spool", "spool"] + arguments)
  }

  @Test func saysThatNobodyIsThere() throws {
    let command = try BuiltCommand()
    let refused = try Self.worker(command, "http://127.0.0.1:1")
    Self.expect(refused, code: 75, "connection refused", "needletail serve")
    // A name of RFC 2606 that never exists.
    let unknown = try Self.worker(command, "http://nowhere.invalid:7654")
    Self.expect(unknown, code: 75, "'nowhere.invalid'", "DNS", "check the name")
    try command.cleanUp()
  }

  @Test func waitsAsLongAsItIsTold() throws {
    let command = try BuiltCommand()
    let start = ContinuousClock.now
    let result = try Self.worker(command, "http://127.0.0.1:1", "--patience", "1s")
    #expect(ContinuousClock.now - start >= .seconds(1))
    #expect(result.code == 75)
    #expect(result.messages.contains("trying again for 1.0s"), "\(result.messages)")
    // It is there when the coordinator comes.
    try command.writeStudy("[echo, loss=1]", trials: 2)
    let served = try ServedStudies(command, "study.yaml")
    try served.kill()
    let worker = try served.worker(["--patience", "60s", "--until-done"])
    try worker.waitForMessage("trying again")
    try served.restart()
    #expect(try worker.finished().code == 0)
    #expect(try served.trials().count == 2)
    try served.stop()
    try command.cleanUp()
  }

  @Test(
    arguments: [
      ("garbage", 2, "is no coordinator"), ("page", 2, "its answer is no JSON"),
      ("wrong", 2, "'protocol'"), ("version", 2, "speaks protocol 99"),
      ("huge", 2, "longer than 64 MiB"), ("beat", 2, "'heartbeat_seconds'"),
      ("closed", 75, "closed the connection unanswered"),
    ] as [(String, Int32, String)])
  func refusesWhatIsNoCoordinator(mode: String, code: Int32, words: String) throws {
    let command = try BuiltCommand()
    let (process, port) = try Self.scripted(mode, in: command)
    Self.expect(try Self.worker(command, "http://127.0.0.1:\(port)"), code: code, words)
    process.send(SIGKILL)
    _ = try process.finished()
    try command.cleanUp()
  }

  /// Every number is bounded by what was asked; the worker says what is wrong and takes nothing.
  @Test(
    arguments: [
      ("attempt", "'trials[0].attempt' is 200000000"), ("many", "5000 trials for 1 slots"),
    ])
  func takesNoMoreThanItAskedFor(mode: String, words: String) throws {
    let command = try BuiltCommand()
    let (process, port) = try Self.scripted(mode, in: command)
    let worker = try RunningCommand(
      BuiltCommand.path, ["worker", "http://127.0.0.1:\(port)", "--spool", "spool"], in: command)
    try worker.waitForMessage(words)
    let status = try String(contentsOfFile: "/proc/\(worker.identifier)/status", encoding: .utf8)
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      .flatMap { Int($0.split(separator: " ")[1]) }
    #expect(try #require(peak) < 300_000, "\(status)")
    worker.send(SIGTERM)
    #expect(try worker.finished().code == 0)
    process.send(SIGKILL)
    _ = try process.finished()
    try command.cleanUp()
  }

  /// Whoever started the coordinator is known by a file; nobody else gets in, and nobody gets the
  /// token.
  @Test func knowsItsOwnerByAFile() throws {
    var command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 2)
    let served = try ServedStudies(command)
    let submitted = try command.run("study", "submit", "study.yaml", "--to", served.url)
    #expect(submitted.code == 0, "\(submitted.messages)")
    #expect(try served.work().code == 0)
    #expect(try served.trials().count == 2)
    // Another user has another file, or none.
    command.environment["XDG_STATE_HOME"] = command.folder.path + "/other"
    let pause = try command.run("study", "pause", "s", "--to", served.url)
    Self.expect(pause, code: 2, "needs a token", "/state/needletail/token")
    let worker = try Self.worker(command, served.url)
    #expect(worker.code == 2 && worker.messages.contains("needs a token"), "\(worker.messages)")
    let list = try command.run("worker", "list", "--to", served.url)
    #expect(list.code == 1, "reading needs none: \(list.messages)")
    // A file that others may read is refused.
    command.environment = [:]
    #expect(chmod(command.folder.path + "/state/needletail/token", 0o644) == 0)
    let open = try command.run("study", "pause", "s", "--to", served.url)
    Self.expect(open, code: 2, "may be used by others")
    try served.stop()
    let again = try command.run("serve", "--listen", "127.0.0.1:0", "--store", "served.db")
    Self.expect(again, code: 2, "may be used by others")
    #expect(chmod(command.folder.path + "/state/needletail/token", 0o600) == 0)
    let free = try ServedStudies(command, more: ["--open-loopback"])
    try free.process.waitForMessage("every user of this machine can run commands as you")
    command.environment["XDG_STATE_HOME"] = command.folder.path + "/other"
    #expect(try command.run("study", "pause", "s", "--to", free.url).code == 0)
    command.environment = [:]
    #expect(try command.run("study", "resume", "s", "--to", free.url).code == 0)
    try free.stop()
    let both = try command.run("serve", "--open-loopback", "--require-token")
    Self.expect(both, code: 64, "exclude each other")
    try command.cleanUp()
  }

  /// SIGHUP takes the certificate that the files have now, and keeps the former one if it is no
  /// good.
  @Test func readsItsCertificateAgain() throws {
    let command = try BuiltCommand()
    let made = try command.shell(Self.certificates + "\ncp good.pem now.pem; cp good.key now.key")
    #expect(made.code == 0, "\(made.messages)")
    let served = try ServedStudies(
      command, more: ["--certificate", "now.pem", "--key", "now.key"])
    func list(_ authority: String) throws -> BuiltCommand.Result {
      try command.run("study", "pause", "none", "--to", served.url, "--ca", authority)
    }
    #expect(try list("ca.pem").messages.contains("no study 'none'"))
    #expect(try command.shell("cp old.pem now.pem; cp old.key now.key").code == 0)
    served.process.send(SIGHUP)
    try served.process.waitForMessage("the former certificate stays in use")
    #expect(try list("ca.pem").messages.contains("no study 'none'"))
    let swap = try command.shell(
      """
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout now.key \
        -out now.pem -subj /CN=next -addext subjectAltName=IP:127.0.0.1 -days 2 2>/dev/null
      """)
    #expect(swap.code == 0, "\(swap.messages)")
    served.process.send(SIGHUP)
    try served.process.waitForMessage("has read its certificate again")
    #expect(try list("now.pem").messages.contains("no study 'none'"))
    #expect(try list("ca.pem").messages.contains("nobody known signed"))
    served.process.send(SIGTERM)
    #expect(try served.process.finished().code == 0)
    // Without a certificate there is nothing to read again.
    let plain = try ServedStudies(command)
    plain.process.send(SIGHUP)
    #expect(try plain.process.finished().code == 0)
    try command.cleanUp()
  }

  @Test func comesBackWhenItIsTold() throws {
    let command = try BuiltCommand()
    let (process, port) = try Self.scripted("busy", in: command)
    let once = try Self.worker(command, "http://127.0.0.1:\(port)")
    Self.expect(once, code: 75, "cannot do it now (503)")
    let patient = try Self.worker(command, "http://127.0.0.1:\(port)", "--patience", "30s")
    #expect(patient.code == 2)
    #expect(patient.messages.contains("the token is for viewers"), "\(patient.messages)")
    process.send(SIGKILL)
    _ = try process.finished()
    try command.cleanUp()
  }

  /// Makes an authority, a second one, and certificates for 127.0.0.1.
  static let certificates = """
    set -e
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
      -subj /CN=test-ca -days 2 2>/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key \
      -out other.pem -subj /CN=other-ca -days 2 2>/dev/null
    mkdir -p issued; : > index.txt; echo 01 > serial
    printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=index.txt' 'new_certs_dir=issued' \
      'serial=serial' 'default_md=sha256' 'policy=p' 'unique_subject=no' '[p]' 'commonName=supplied' \
      '[good]' 'subjectAltName=IP:127.0.0.1' '[host]' 'subjectAltName=DNS:elsewhere.example' > ca.cnf
    issue() {  # NAME EXTENSIONS START END
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" \
        -subj "/CN=$1" 2>/dev/null
      openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in "$1.csr" \
        -out "$1.pem" -extensions "$2" -startdate "$3" -enddate "$4" 2>/dev/null
    }
    issue good good 20200101000000Z 20991231235959Z
    issue old good 20200101000000Z 20200102000000Z
    issue host host 20200101000000Z 20991231235959Z
    """

  @Test func trustsOnlyWhomItShould() throws {
    let command = try BuiltCommand()
    let made = try command.shell(Self.certificates)
    #expect(made.code == 0, "\(made.messages)")
    try command.writeStudy("[echo, loss=1]", trials: 2)
    let served = try ServedStudies(
      command, "study.yaml", more: ["--certificate", "good.pem", "--key", "good.key"])
    #expect(served.url.hasPrefix("https://"))
    let unknown = try Self.worker(command, served.url)
    Self.expect(unknown, code: 2, "nobody known signed its certificate", "--ca FILE")
    let wrong = try Self.worker(command, served.url, "--ca", "other.pem")
    Self.expect(wrong, code: 2, "nobody known signed its certificate")
    let missing = try Self.worker(command, served.url, "--ca", "nowhere.pem")
    Self.expect(missing, code: 2, "'nowhere.pem' cannot be read")
    let none = try Self.worker(command, served.url, "--ca", "study.yaml")
    Self.expect(none, code: 2, "--ca holds no certificate")
    let plain = try Self.worker(
      command, served.url.replacing("https", with: "http"), "--ca", "ca.pem")
    #expect(plain.code != 0)
    #expect(plain.messages.contains("https://"), "\(plain.messages)")
    let trusted = try served.work("--ca", "ca.pem")
    #expect(trusted.code == 0, "\(trusted.messages)")
    #expect(try served.trials().count == 2)
    try served.stop()
    for (name, words) in [("old", "has expired"), ("host", "for another host than '127.0.0.1'")] {
      let (process, port) = try Self.scripted("page", "\(name).pem", "\(name).key", in: command)
      let result = try Self.worker(command, "https://127.0.0.1:\(port)", "--ca", "ca.pem")
      Self.expect(result, code: 2, words)
      process.send(SIGKILL)
      _ = try process.finished()
    }
    let (process, port) = try Self.scripted("page", in: command)
    let noTLS = try Self.worker(command, "https://127.0.0.1:\(port)", "--ca", "ca.pem")
    Self.expect(noTLS, code: 2, "does not speak TLS")
    process.send(SIGKILL)
    _ = try process.finished()
    try command.cleanUp()
  }

  @Test func keepsTokensToItself() throws {
    var command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'env > seen; echo loss=1']", trials: 1)
    let served = try ServedStudies(command, "study.yaml", more: ["--require-token"])
    let nobody = try Self.worker(command, served.url)
    #expect(nobody.code == 2)
    #expect(nobody.messages.contains("token"), "\(nobody.messages)")
    let created = try command.run(
      "token", "create", "--role", "worker", "--store", "served.db")
    #expect(created.code == 0, "\(created.messages)")
    let token = try #require(created.lines.last)
    try command.write(token + "\n", to: "token")
    command.environment["NEEDLETAIL_TOKEN"] = "another"
    // The file wins over the environment; the command sees neither.
    let result = try served.work("--token-file", "token")
    #expect(result.code == 0, "\(result.messages)")
    #expect(!result.messages.contains(token))
    let seen = try command.read("seen")
    #expect(!seen.contains("NEEDLETAIL_TOKEN") && !seen.contains(token))
    for (arguments, words) in [
      (["--token-file", "nowhere"], "cannot be read"), (["--token-file", "empty"], "is empty"),
      (["--token-file", "bad"], "a space or another character"),
    ] {
      try command.write(" \n", to: "empty")
      try command.write("to ken\n", to: "bad")
      let bad = try command.run(
        BuiltCommand.path, ["worker", served.url, "--spool", "spool"] + arguments)
      Self.expect(bad, code: 2, words)
    }
    let elsewhere = try Self.worker(command, "http://host.example:7654", "--token-file", "token")
    Self.expect(elsewhere, code: 2, "in plain text", "--insecure")
    try served.stop()
    try command.cleanUp()
  }

  @Test(
    arguments: [
      ([], "worker needs a coordinator's address or --store"),
      (["http://127.0.0.1:1", "--store", "a.db"], "exclude each other"),
      (["http://127.0.0.1:1", "--slots", "0"], "--slots cannot be '0'"),
      (["http://127.0.0.1:1", "--memory", "9"], "--memory cannot be '9'"),
      (["http://127.0.0.1:1", "--cores", "3-1"], "--cores cannot be '3-1'"),
      (["http://127.0.0.1:1", "--cores", "4095"], "which 4095 is not"),
      (["http://127.0.0.1:1", "--gpus", "0,,1"], "--gpus cannot be '0,,1'"),
      (["http://127.0.0.1:1", "--grace", "soon"], "--grace cannot be 'soon'"),
      (["http://127.0.0.1:1", "--key", "k"], "--key needs --certificate"),
      (["http://127.0.0.1:1", "--name", ""], "--name cannot be ''"),
    ] as [([String], String)])
  func refusesBadOptions(arguments: [String], words: String) throws {
    let command = try BuiltCommand()
    let result = try command.run(BuiltCommand.path, ["worker"] + arguments)
    Self.expect(result, code: 64, words)
    #expect(try command.contents().isEmpty)
    try command.cleanUp()
  }

  @Test func refusesOtherBadInput() throws {
    let command = try BuiltCommand()
    for (url, words) in [
      ("host:7654", "needs http:// or https://"), ("http://user:secret@host", "NEEDLETAIL_TOKEN"),
    ] {
      let result = try Self.worker(command, url)
      Self.expect(result, code: 2, words)
      #expect(!result.messages.contains("secret"))
    }
    let filter = try Self.worker(command, "http://127.0.0.1:1", "--allow", "echo 'open")
    Self.expect(filter, code: 2, "--allow", "is no pattern")
    let store = try Self.worker(command, "--store", "nowhere.db")
    Self.expect(store, code: 2, "there is no study store at nowhere.db")
    try command.writeStudy("[echo, loss=1]")
    let submit = try command.run("study", "submit", "study.yaml", "--to", "http://127.0.0.1:1")
    Self.expect(submit, code: 75, "connection refused")
    try command.cleanUp()
  }
}
