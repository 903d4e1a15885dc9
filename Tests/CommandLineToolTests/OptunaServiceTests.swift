import Foundation
import PostgresTesting
import Testing

/// Optuna's own client on `needletail serve --optuna-grpc`.
@Suite struct OptunaServiceTests {
  private static func script(_ name: String) -> String {
    BuiltCommand.packageRoot
      .appendingPathComponent("Tests/CommandLineToolTests/Optuna/\(name)").path
  }

  @Test("Optuna's tests of storages pass through its proxy", arguments: ["sqlite", "postgresql"])
  func storageTests(_ kind: String) throws {
    var command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    command.environment["NEEDLETAIL"] = BuiltCommand.path
    // Dates travel as the clock on the wall shows them.
    command.environment["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    if kind == "postgresql" {
      let database = try PostgresServer.shared().newDatabase()
      let made = try command.run("study", "create", "first", "--store", database)
      #expect(made.code == 0, "\(made.messages)")
      command.environment["NEEDLETAIL_EMPTY_STORE"] = database
    }
    let tested = try command.run(
      BuiltCommand.python,
      [
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore",
        Self.script("test_proxy.py"),
      ], within: .seconds(600))
    #expect(tested.code == 0, "\(tested.output.suffix(6_000))")
    // Those that the script skips, each with its reason.
    #expect(tested.lines.last?.contains(" 6 skipped") == true, "\(tested.lines.last ?? "")")
  }

  @Test("Several processes at once optimize a study and take each queued trial once")
  func manyProcesses() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let server = try RunningCommand(
      BuiltCommand.path,
      [
        "serve", "--store", "s.db", "--listen", "127.0.0.1:0", "--optuna-grpc", "localhost:0",
        "--json",
      ], in: command)
    let line = try server.waitForOutput { $0.contains("\n") }
    let said = try BuiltCommand.json(line)
    let place = try #require(said["optuna_grpc"] as? String).split(separator: ":")
    let done = try command.run(
      BuiltCommand.python,
      [Self.script("optimize_proxy.py"), String(place[0]), String(place[1]), "4", "20"])
    #expect(done.code == 0 && done.lines == ["all hold"], "\(done.messages)")
    server.send(SIGTERM)
    _ = try server.finished()
    let trials = try command.run("trial", "list", "many", "--store", "s.db", "--json")
    #expect(trials.lines.count == 80)
  }

  @Test("Options that make no sense, and an address that others reach, are refused in a sentence")
  func refusals() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    for (words, sentence) in [
      (["--optuna-study", "a"], "need --optuna-grpc"),
      (["--optuna-grpc-open"], "need --optuna-grpc"),
      (["--optuna-grpc", "localhost"], "it has no port"),
      (["--optuna-grpc", "0.0.0.0:0"], "neither encryption nor tokens"),
      (["--optuna-grpc", "127.0.0.1:0", "--optuna-study", "a"], "there is no study 'a'"),
    ] {
      let refused = try command.run(
        BuiltCommand.path, ["serve", "--store", "s.db", "--listen", "127.0.0.1:0"] + words)
      #expect(refused.code == 64 || refused.code == 2, "\(words): \(refused.code)")
      #expect(refused.messages.contains(sentence), "\(words): \(refused.messages)")
    }
  }
}
