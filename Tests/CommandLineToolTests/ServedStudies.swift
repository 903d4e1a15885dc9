import Foundation
import Testing

/// A coordinator of a test: `needletail serve` as a process of its own, on a free port.
final class ServedStudies {
  let command: BuiltCommand
  /// The address that workers are given.
  let url: String
  private(set) var process: RunningCommand
  private let arguments: [String]

  /// Starts it in the test's folder with the store `served.db`, and waits until it listens.
  init(
    _ command: BuiltCommand, _ files: String..., lease: String = "10s", more: [String] = []
  ) throws {
    self.command = command
    arguments =
      ["serve"] + files + ["--store", "served.db", "--lease", lease] + more
    process = try RunningCommand(
      BuiltCommand.path, arguments + ["--listen", "127.0.0.1:0"], in: command)
    url = try Self.address(process)
  }

  private static func address(_ process: RunningCommand) throws -> String {
    let line = try process.waitForOutput { $0.contains("listening on ") && $0.contains("\n") }
    let words = try #require(line.split(separator: "\n").first?.split(separator: " ").last)
    return String(words)
  }

  /// Kills it at once.
  func kill() throws {
    process.send(SIGKILL)
    _ = try process.finished()
  }

  /// Starts it again at the same address.
  func restart() throws {
    let place = url.split(separator: "/").last.map(String.init) ?? ""
    process = try RunningCommand(
      BuiltCommand.path, arguments + ["--listen", place], in: command)
    #expect(try Self.address(process) == url)
  }

  /// Ends it in order.
  func stop() throws {
    process.send(SIGTERM)
    _ = try process.finished()
  }

  /// Runs `needletail worker` for it until its studies are done, and waits.
  func work(_ arguments: String...) throws -> BuiltCommand.Result {
    try worker(arguments + ["--until-done"]).finished()
  }

  /// Starts `needletail worker` for it; its spool is in the test's folder.
  func worker(_ arguments: [String]) throws -> RunningCommand {
    try RunningCommand(
      BuiltCommand.path, ["worker", url, "--spool", "spool"] + arguments, in: command)
  }

  /// The trials of the study in the store, as `trial list --json` prints them.
  func trials(_ study: String = "s") throws -> [[String: Any]] {
    try command.run("trial", "list", study, "--store", "served.db", "--json").lines
      .map(BuiltCommand.json)
  }

  /// A trial with its attempts.
  func trial(_ number: Int, of study: String = "s") throws -> [String: Any] {
    try BuiltCommand.json(
      try command.run("trial", "show", study, "\(number)", "--store", "served.db", "--json").output)
  }
}

extension RunningCommand {
  /// Waits until the output fits, and returns it.
  func waitForOutput(
    within limit: Duration = .seconds(60), _ fits: (String) -> Bool
  ) throws -> String {
    try wait(within: limit) {
      let text = try outputSoFar()
      return fits(text) ? text : nil
    }
  }

  /// Waits until the messages contain the words.
  @discardableResult
  func waitForMessage(_ words: String, within limit: Duration = .seconds(60)) throws -> String {
    try wait(within: limit) {
      let text = try messagesSoFar()
      return text.contains(words) ? text : nil
    }
  }

  /// Waits until a value is there.
  private func wait<Value>(within limit: Duration, _ body: () throws -> Value?) throws -> Value {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      if let value = try body() { return value }
      usleep(5_000)
    }
    Issue.record("waited in vain; it said: \(try outputSoFar())\(try messagesSoFar())")
    throw CocoaError(.fileReadUnknown)
  }
}
