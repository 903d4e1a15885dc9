import Foundation
import Testing

/// Journals that Optuna's own storage has written, read and copied.
@Suite struct JournalTests {
  private static let script = BuiltCommand.packageRoot
    .appendingPathComponent("Tests/CommandLineToolTests/Optuna/journals.py").path

  /// Writes `0.log` and so on into the command's folder.
  private func write(_ count: Int, _ command: BuiltCommand) throws {
    let made = try command.run(
      BuiltCommand.python, [Self.script, "write", command.folder.path, "\(count)"])
    try #require(made.code == 0, "\(made.messages)")
  }

  @Test("Whatever Optuna logged is copied as Optuna itself reads it")
  func randomOperations() throws {
    var command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    command.environment["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    let count = 12
    try write(count, command)
    for number in 0..<count {
      let copied = try command.run("store", "copy", "\(number).log", "\(number).db")
      #expect(copied.code == 0, "\(number): \(copied.messages)")
      #expect(copied.messages.isEmpty)
    }
    let compared = try command.run(
      BuiltCommand.python, [Self.script, "compare", command.folder.path, "\(count)"])
    #expect(compared.code == 0, "\(compared.messages)")
    #expect(compared.lines.count == 1, "\(compared.output)")
    let trials = compared.lines.last?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    #expect(try #require(trials) > 100)
  }

  @Test("Verbs that only read take a journal as their store; those that write refuse it")
  func verbs() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try write(1, command)
    let journal = try command.read("0.log")
    let list = try command.run("study", "list", "--store", "0.log", "--names")
    #expect(list.code == 0 && !list.lines.isEmpty, "\(list.messages)")
    let name = try #require(list.lines.first)
    for verb in [
      ["study", "show", name], ["trial", "list", name], ["study", "export", name], ["doctor"],
    ] {
      let shown = try command.run(BuiltCommand.path, verb + ["--store", "0.log"])
      #expect(shown.code == 0, "\(verb): \(shown.messages)")
    }
    try command.writeStudy("true")
    for verb in [
      ["study", "delete", name, "--yes"], ["trial", "enqueue", name, "x=1"],
      ["run", "study.yaml"], ["study", "create", "new"], ["store", "copy", "1.db", "0.log"],
    ] {
      let store = verb[0] == "store" ? [] : ["--store", "0.log"]
      if verb[0] == "store" {
        #expect(try command.run("study", "create", "a", "--store", "1.db").code == 0)
      }
      let refused = try command.run(BuiltCommand.path, verb + store)
      #expect(refused.code != 0 && !refused.wasKilled, "\(verb)")
      #expect(
        refused.messages.contains("0.log is a journal of Optuna, which can only be read"),
        "\(verb): \(refused.messages)")
    }
    #expect(try command.read("0.log") == journal)
  }

  /// What is done to a good journal, and what of its sentence is looked for.
  static let damages: [(name: String, change: @Sendable ([String]) -> String, sentence: String)] = [
    ("nothing but a brace", { _ in "{" }, "ends in the first line of a journal"),
    ("another program's JSON", { _ in "{\"a\": 1}\n" }, "line 1 of the journal has no op_code"),
    ("JSON over lines", { _ in "{\n  \"a\": 1\n}\n" }, "line 1 of the journal is not JSON"),
    (
      "a line in the middle cut",
      { ($0[..<2] + ["{\"op_code\": 4,"] + $0[2...]).joined(separator: "\n") },
      "line 3 of the journal is not JSON"
    ),
    (
      "an operation to come",
      { ($0 + ["{\"op_code\":11,\"worker_id\":\"w\"}", ""]).joined(separator: "\n") },
      "journal with operation 11 on line"
    ),
    (
      "a member of another type",
      {
        ($0 + [#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":7}"#, ""]).joined(
          separator: "\n")
      },
      "has the datetime_start 7"
    ),
    (
      "a distribution that is none",
      {
        ($0 + [
          #"{"op_code":0,"worker_id":"w","study_name":"own","directions":[1]}"#,
          #"{"op_code":5,"worker_id":"w","trial_id":0,"param_name":"x","param_value_internal":0,"distribution":"[]"}"#,
          "",
        ]).joined(separator: "\n")
      }, "the distribution of parameter 'x'"
    ),
  ]

  @Test("A journal that is none, or of a later Optuna, is refused in a sentence", arguments: 0..<7)
  func damagedJournal(_ index: Int) throws {
    let (name, change, sentence) = Self.damages[index]
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let journal = [
      #"{"op_code":0,"worker_id":"w","study_name":"s","directions":[1]}"#,
      #"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":"2026-11-20T09:30:00.000125+00:00"}"#,
      #"{"op_code":7,"worker_id":"w","trial_id":0,"step":0,"intermediate_value":NaN}"#,
    ]
    try command.write(change(journal), to: "j.log")
    let refused = try command.run("store", "copy", "j.log", "j.db")
    #expect(refused.code != 0 && !refused.wasKilled, "\(name)")
    #expect(refused.messageLines.count == 1, "\(name): \(refused.messages)")
    #expect(refused.messages.contains(sentence), "\(name): \(refused.messages)")
    #expect(
      !FileManager.default.fileExists(atPath: command.folder.appendingPathComponent("j.db").path),
      "\(name)")
  }

  @Test("Wherever a journal is cut, what is complete is copied, and the rest told of")
  func cutJournal() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try write(1, command)
    let journal = Array(try command.read("0.log").utf8)
    let ends = journal.indices.filter { journal[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    var seed = UInt64(7)
    for round in 0..<16 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1
      let place = ends[0] + Int(seed >> 33) % (journal.count - ends[0])
      try command.write(String(decoding: journal[..<place], as: UTF8.self), to: "cut.log")
      let copied = try command.run("store", "copy", "cut.log", "cut-\(round).db")
      let isWhole = ends.contains(place)
      #expect(copied.code == 0 || copied.messages.contains("has no studies"), "\(copied.messages)")
      #expect(
        copied.messages.contains("ends in the middle of an operation") == !isWhole,
        "cut at \(place): \(copied.messages)")
    }
  }

  @Test("A journal is read while Optuna goes on writing to it")
  func writtenMeanwhile() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.write(
      """
      import optuna, sys
      from optuna.storages.journal import JournalFileBackend
      optuna.logging.set_verbosity(optuna.logging.CRITICAL)
      study = optuna.create_study(
          study_name="s", storage=optuna.storages.JournalStorage(JournalFileBackend("j.log")))
      study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=100)
      """, to: "write.py")
    let both = try command.shell(
      """
      "\(BuiltCommand.python)" write.py & writer=$!
      while ! [ -s j.log ]; do kill -0 $writer || exit 9; done
      round=0
      while kill -0 $writer 2>/dev/null; do
        round=$((round + 1))
        needletail store copy j.log "copy-$round.db" 2>messages || { cat messages >&2; exit 8; }
      done
      wait $writer && needletail store copy j.log last.db && echo $round
      """)
    #expect(both.code == 0, "\(both.messages)")
    let counted = try command.run("trial", "list", "s", "--store", "last.db", "--json")
    #expect(counted.lines.count == 100)
  }
}
