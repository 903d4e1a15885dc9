import Foundation
import Testing

/// Webhooks and commands that a study file names.
@Suite struct NoticeTests {
  /// Starts a target that notes what it gets; see Services/hook.py.
  private func hook(
    _ mode: String, in command: BuiltCommand
  ) throws -> (RunningCommand, url: String) {
    let script = BuiltCommand.packageRoot
      .appendingPathComponent("Tests/CommandLineToolTests/Services/hook.py").path
    let process = try RunningCommand(BuiltCommand.python, [script, mode], in: command)
    let port = try process.waitForOutput { $0.hasSuffix("\n") }
    return (process, "http://127.0.0.1:\(port.filter(\.isNumber))")
  }

  private static func end(_ process: RunningCommand) {
    process.send(SIGKILL)
    #expect(throws: Never.self) { try process.finished() }
  }

  /// What the target got, by event.
  private func notices(in command: BuiltCommand) throws -> [String: [String: Any]] {
    var all: [String: [String: Any]] = [:]
    for line in try command.read("notices").split(separator: "\n") {
      let notice = try BuiltCommand.json(String(line))
      all[try #require(notice["event"] as? String)] = notice
    }
    return all
  }

  @Test func tellsAWebhookInTheEnd() throws {
    var command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let (process, url) = try hook("plain", in: command)
    defer { Self.end(process) }
    command.environment = ["HOOK": "\(url)/a?b=c", "SECRET": "key"]
    try command.writeStudy(
      "[sh, -c, 'echo loss={x}']",
      more: """
        notify:
          webhook: "{env:HOOK}"
          on: [done, best]
          secret: "{env:SECRET}"
          headers: {X-Team: "{study}"}
        """)
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    #expect(!run.messages.contains("warning"), "\(run.messages)")
    let notices = try notices(in: command)
    let done = try #require(notices["done"])
    // hook.py has checked the signature, with Python's own HMAC.
    #expect(done["signed"] as? Bool == true)
    #expect(done["path"] as? String == "/a?b=c")
    #expect(done["team"] as? String == "s")
    let body = try #require(done["body"] as? [String: Any])
    #expect(body["version"] as? Int == 1)
    #expect(body["study"] as? String == "s")
    #expect((body["trials"] as? [String: Int])?["completed"] == 4)
    let best = try #require(body["best"] as? [String: Any])
    let values = try #require(best["values"] as? [Double])
    let parameters = try #require(best["parameters"] as? [String: Double])
    #expect(values == [try #require(parameters["x"])])
    #expect((body["text"] as? String)?.contains("study 's' is done") == true)
    #expect(notices["best"] != nil)
    // The same study again is no news.
    _ = try command.run("run", "study.yaml")
    #expect(
      try command.read("notices").split(separator: "\n").count { $0.contains("\"done\"") } == 1)
  }

  @Test(arguments: [("slack", "text"), ("teams", "attachments"), ("monitor", "dedup_key")])
  func hasBodiesForOthers(_ format: String, _ member: String) throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let (process, url) = try hook("plain", in: command)
    defer { Self.end(process) }
    try command.writeStudy(
      "[sh, -c, 'echo loss={x}']", more: "notify: {webhook: '\(url)', format: \(format)}")
    #expect(try command.run("run", "study.yaml").code == 0)
    let body = try #require(try notices(in: command)["done"]?["body"] as? [String: Any])
    #expect(body[member] != nil)
  }

  @Test func triesAgainWhatFails() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let (process, url) = try hook("busy", in: command)
    defer { Self.end(process) }
    try command.writeStudy("[sh, -c, 'echo loss={x}']", more: "notify: {webhook: '\(url)'}")
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 0)
    #expect(!run.messages.contains("warning"), "\(run.messages)")
    #expect(try notices(in: command)["done"] != nil)
  }

  /// What is not delivered is no failure of the study, and is said.
  @Test(arguments: [
    ("refused", "the webhook of notify on line 8 was not told of 'done': it answered 403"),
    ("gone", "the webhook of notify on line 8 was not told of 'done': it refuses connections"),
    ("unset", "the variable 'NEEDLETAIL_TEST_UNSET' is not set"),
    ("garbage", "does not speak HTTP"),
  ]) func saysWhatWasNotDelivered(_ mode: String, _ words: String) throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    var (process, url): (RunningCommand?, String) = (nil, "http://127.0.0.1:1")
    if mode == "unset" { url = "{env:NEEDLETAIL_TEST_UNSET}" }
    if mode == "refused" || mode == "garbage" { (process, url) = try hook(mode, in: command) }
    defer { if let process { Self.end(process) } }
    try command.writeStudy(
      "[sh, -c, 'echo loss={x}']", more: "notify:\n  - {webhook: '\(url)', tries: 2}")
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains(words), "\(run.messages)")
  }

  /// Trials go on while a target hangs, and the study ends.
  @Test func neverWaitsForATargetThatHangs() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let (process, url) = try hook("hang", in: command)
    defer { Self.end(process) }
    try command.writeStudy(
      "[sh, -c, 'echo loss={x}']",
      more: "notify:\n  - {webhook: '\(url)', tries: 1}\n  - {command: [cp, /dev/stdin, told]}")
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 0)
    #expect(run.messages.contains("was not told of 'done'"), "\(run.messages)")
    #expect(try BuiltCommand.json(command.read("told"))["event"] as? String == "done")
  }

  @Test func tellsOfFailingStudies() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.writeStudy(
      "[sh, -c, 'exit 1']", trials: 40,
      more: "notify: {command: [sh, -c, 'echo \"$0\" >> told; cat > body', '{event} {text}']}")
    #expect(try command.run("run", "study.yaml").code != 0)
    #expect(try command.read("told").hasPrefix("failing study 's' is failing: "))
    let body = try BuiltCommand.json(command.read("body"))
    #expect(body["best"] is NSNull)
  }

  @Test(arguments: [
    ("notify: {on: done}", "'notify' needs a 'webhook' or a 'command'; give one"),
    (
      "notify: {webhook: 'http://h', command: p}",
      "'notify' has a 'webhook' and a 'command'; make two of it"
    ),
    ("notify: {command: p, secret: a}", "'secret' of 'notify' is for a webhook"),
    ("notify: {webhook: 'http://h', on: end}", "'on' of 'notify' is 'end'"),
  ]) func refusesWhatMakesNoSense(_ line: String, _ words: String) throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.writeStudy("[sh, -c, 'echo loss={x}']", more: line)
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 2)
    #expect(run.messages.contains(words), "\(run.messages)")
  }
}
