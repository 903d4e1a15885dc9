import Foundation
import PostgresTesting
import Testing

/// The commands on a PostgreSQL store, and between it and a file.
@Suite struct PostgresTests {
  private static let study = """
    name: s
    metric: loss
    parameters:
      x: {low: 0.0, high: 1.0}
    trials: 12
    command: [sh, -c, "echo loss={x}"]
    """

  /// A study is run by two processes at once, shown, copied to a file and to another database, and
  /// goes on there.
  @Test func runsAndCopiesStudies() throws {
    let server = try PostgresServer.shared()
    let (first, second) = (try server.newDatabase(), try server.newDatabase())
    var command = try BuiltCommand()
    command.environment["NEEDLETAIL_STORE"] = first
    try command.write(Self.study, to: "study.yaml")
    #expect(try command.run("study", "list").code != 0)
    let result = try command.run("run", "study.yaml", "--workers", "3", "--quiet")
    #expect(result.code == 0, "\(result.messages)")
    let shown = try command.run("trial", "list", "s", "--json").lines
    #expect(shown.count == 12)
    #expect(try command.run("doctor").output.contains("PostgreSQL 1"))
    #expect(
      FileManager.default.fileExists(
        atPath: command.folder.appendingPathComponent("needletail-trials").path))
    let best = try command.run("study", "best", "s").output
    for (source, destination) in [(first, "copy.db"), ("copy.db", second)] {
      let copied = try command.run("store", "copy", source, destination)
      #expect(copied.output == "copied study 's' with 12 trials\n", "\(copied.messages)")
      #expect(try command.run("study", "best", "s", "--store", destination).output == best)
      #expect(
        try command.run("trial", "list", "s", "--json", "--store", destination).lines == shown)
      let again = try command.run("store", "copy", source, destination)
      #expect(again.code == 2)
      #expect(again.messages.contains("study 's' exists already"))
    }
    #expect(try command.run("store", "copy", first, first).code == 2)
    #expect(try command.run("store", "copy", "missing.db", second).code == 2)
    #expect(try command.run("store", "copy", first, second, "--study", "none").code == 2)
    // The copy is a study like any other.
    let more = try command.run("run", "study.yaml", "--trials", "15", "--quiet", "--store", second)
    #expect(more.code == 0, "\(more.messages)")
    #expect(try command.run("trial", "list", "s", "--json", "--store", second).lines.count == 15)
    try command.cleanUp()
  }

  /// Every refusal is one sentence with an exit code, and none shows a password.
  @Test func refusesInOneSentence() throws {
    let server = try PostgresServer.shared()
    let address = try server.newDatabase()
    try server.command("guarded geheimnis")
    let command = try BuiltCommand()
    try command.write(Self.study, to: "study.yaml")
    let cases: [(store: String, code: Int32, words: String)] = [
      ("postgresql://u:geheim@127.0.0.1:1/s", 75, "cannot be reached"),
      ("postgresql://u:geheim@host.invalid/s", 75, "cannot be reached"),
      (address.replacing("needletail@", with: "geheimnis:geheim@"), 2, "password"),
      (address.replacing("needletail@/", with: "needletail:geheim@/no"), 2, "does not exist"),
      ("postgresql://u:geheim@h/s?x=y", 2, "cannot be read"),
      ("oracle://u:geheim@h/s", 2, "no store"),
    ]
    for (store, code, words) in cases {
      for arguments in [["run", "study.yaml"], ["study", "list"], ["doctor"]] {
        let result = try command.run(BuiltCommand.path, arguments + ["--store", store])
        #expect(result.code == code, "\(arguments) \(store): \(result.messages)")
        #expect(result.messages.contains(words), "\(result.messages)")
        #expect(result.messageLines.count == 1, "\(result.messages)")
        #expect(!result.messages.contains("geheim@"), "\(result.messages)")
        #expect(!result.messages.contains(":geheim"), "\(result.messages)")
        #expect(!result.output.contains("geheim@"))
      }
    }
    try command.cleanUp()
  }

  /// A database that is dropped under a run, or its tables: the run says so in one sentence, and
  /// does not end as if all was well.
  @Test(arguments: [false, true]) func noticesThatItsDatabaseWasDropped(_ isWhole: Bool) throws {
    let server = try PostgresServer.shared()
    let address = try server.newDatabase()
    let database = try #require(address.split(separator: "?")[0].split(separator: "/").last)
    var command = try BuiltCommand()
    command.environment["NEEDLETAIL_STORE"] = address
    command.environment["TARGET"] = isWhole ? server.address : address
    command.environment["COMMAND"] =
      isWhole
      ? "DROP DATABASE \(database) WITH (FORCE)"
      : "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
    command.environment["MARK"] = command.folder.appendingPathComponent("mark").path
    try command.write(
      """
      if mkdir "$MARK" 2>/dev/null; then
        IFS=';'
        for part in $COMMAND; do psql -X -q -d "$TARGET" -c "$part" >/dev/null 2>&1; done
      fi
      echo loss=1
      """, to: "drop.sh")
    try command.write(
      Self.study.replacing(
        "command: [sh, -c, \"echo loss={x}\"]",
        with: "command: [sh, \(command.folder.path)/drop.sh]"), to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--workers", "2", "--quiet")
    #expect(result.code != 0)
    let sentence =
      isWhole ? "was dropped while it was in use" : "lost its tables while it was in use"
    #expect(result.messages.contains(sentence), "\(result.messages)")
    try command.cleanUp()
  }
}
