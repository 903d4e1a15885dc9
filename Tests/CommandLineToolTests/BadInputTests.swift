import CommandLineTool
import Foundation
import Testing

/// Bad input gets one sentence on stderr, an exit code that is not 0, and changes no file.
@Suite struct BadInputTests {
  /// A study file, and words of the sentence that refuses it.
  static let badFiles: [(text: String, words: String)] = [
    ("", "empty"),
    ("just words", "not a study file"),
    ("a: [1, 2", "study.yaml:"),
    ("\u{0}\u{1}\u{2}binary", "study.yaml"),
    ("metric: loss\ncommand: 7\nparameters: 3", "parameters"),
    ("metric: [loss]\ncommand: [echo]\ntrials: many", "many"),
    ("metric: loss\ncommand: [echo]\ntrials: 99999999999999999999", "trials"),
    ("metric: loss\ncommand: [echo]\nsampler: tpee", "did you mean 'tpe'"),
    ("metric: loss\ncommand: [echo]\nsampler: annealing", "annealing"),
    ("metric: loss\ncommand: [echo]\npruner: medain", "did you mean 'median'"),
    ("metric: loss\ncomand: [echo]", "did you mean 'command'"),
    ("metric: loss\ncommand: [echo]\nparameters: {x: {low: 2, high: 1}}", "low 2"),
    (
      "metric: loss\ncommand: [echo]\nparameters: {x: {low: 0.0, high: 1.0, log: true}}",
      "logarithmic"
    ),
    ("metric: loss\ncommand: [echo]\nparameters: {x: {low: 0.0, high: 1.0, step: 0}}", "step"),
    ("metric: loss\ncommand: [echo]\nparameters: {x: {low: 0.0, high: 1.0, step: -1}}", "step"),
    (
      "metric: loss\ncommand: [echo]\nparameters: {x: {low: 0.0, high: 1e999}}",
      "x"
    ),
    (
      "metric: loss\ncommand: [echo]\nparameters: {x: {low: 0, high: 99999999999999999999, type: int}}",
      "99999999999999999999"
    ),
    (
      "metric: loss\ncommand: [echo]\nparameters:\n  x: {low: 0.0, high: 1.0}\n  x: {low: 0.0, high: 2.0}",
      "study.yaml:5:3"
    ),
    ("metric: loss\ncommand: [echo]\nparameters: {x: {choices: []}}", "empty"),
    (
      "metric: loss\ncommand: [echo]\nparameters:\n  x: {low: 0.0, high: 1.0, when: {k: a}}\n  "
        + "k: {choices: [a, b]}",
      "move 'k' above it"
    ),
    (
      "metric: loss\ncommand: [echo]\nparameters:\n  x: {low: 0.0, high: 1.0, when: {nobody: a}}",
      "nobody"
    ),
    (
      "metric: loss\ncommand: [echo]\nparameters:\n  a: {choices: [1, 2], when: {b: 1}}\n  "
        + "b: {choices: [1, 2], when: {a: 1}}",
      "'b'"
    ),
    ("metric: loss\nparameters: {x: {low: 0.0, high: 1.0}}", "no command"),
    ("metric: loss\ncommand: [no-such-program-anywhere]", "not found"),
    ("metric: loss\ncommand: [./missing.sh]", "no such file"),
    ("metric: loss\ncommand: [./plain.txt]", "not executable"),
    ("metric: loss\ncommand: [./folder]", "folder"),
    ("metric: loss\ncommand: [echo]\nname: \"\"", "name"),
    ("metric: loss\ncommand: [echo]\nname: \(String(repeating: "n", count: 600))", "512"),
    ("metric: loss\ncommand: [echo]\nstore: mysql://host/db", "mysql"),
  ]

  @Test(arguments: badFiles)
  func refusesStudyFile(text: String, words: String) throws {
    let command = try BuiltCommand()
    try command.write(text, to: "study.yaml")
    try command.write("data", to: "plain.txt")
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("folder"), withIntermediateDirectories: true)
    try expectRefusal(command, code: 2, words, "run", "study.yaml")
    try command.cleanUp()
  }

  /// Runs the command line and expects one sentence, the code, and no change of any file.
  private func expectRefusal(
    _ command: BuiltCommand, code: Int32, _ words: String, _ arguments: String...,
    location: SourceLocation = #_sourceLocation
  ) throws {
    // A process that wrote may leave its last changes beside the file; whoever opens the store next
    // moves them in, which is no change of what it holds.
    if try command.contents().keys.contains("needletail.db-wal") {
      _ = try command.run("study", "list")
    }
    let before = try command.contents()
    let result = try command.run(BuiltCommand.path, arguments)
    #expect(result.code == code, "\(result.messages)", sourceLocation: location)
    #expect(result.output.isEmpty, sourceLocation: location)
    #expect(result.messageLines.count == 1, "\(result.messages)", sourceLocation: location)
    #expect(
      words.isEmpty || result.messages.contains(words), "\(result.messages)",
      sourceLocation: location)
    let after = try command.contents()
    let changed = Set(after.keys).union(before.keys).filter { after[$0] != before[$0] }
    #expect(changed.isEmpty, "changed", sourceLocation: location)
  }

  @Test func refusesAMissingStudyFile() throws {
    let command = try BuiltCommand()
    try expectRefusal(command, code: 2, "missing.yaml", "run", "missing.yaml")
    try expectRefusal(command, code: 2, ".", "run", ".")
    try command.cleanUp()
  }

  // MARK: Stores

  @Test func refusesWhatIsNoStore() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 1)
    try command.write("this is text, and quite some of it", to: "text.db")
    try command.write("", to: "empty.db")
    for (path, words) in [
      (".", "directory"), ("text.db", "no SQLite database"), ("missing/x.db", "does not exist"),
      ("/dev/null", "no ordinary file"), ("mysql://host/db", "mysql"),
    ] {
      try expectRefusal(command, code: 2, words, "run", "study.yaml", "--store", path)
      try expectRefusal(command, code: 2, "", "study", "list", "--store", path)
    }
    try expectRefusal(command, code: 2, "no study store", "study", "list", "--store", "none.db")
    try expectRefusal(command, code: 2, "no study store", "study", "best", "s")
    try command.cleanUp()
  }

  @Test func refusesANewerOrDamagedStore() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 1)
    #expect(try command.run("run", "study.yaml", "--store", "good.db").code == 0)
    let statement = "UPDATE alembic_version SET version_num = 'v9.0.0.a'"
    #expect(
      try command.shell(
        "cp good.db newer.db && sqlite3 newer.db \"\(statement)\" && cp good.db torn.db "
          + "&& dd if=/dev/zero of=torn.db bs=1 seek=100 count=30000 conv=notrunc 2>/dev/null "
          + "&& rm -f good.db*"
      ).code == 0)
    try expectRefusal(command, code: 2, "v9.0.0.a", "run", "study.yaml", "--store", "newer.db")
    try expectRefusal(command, code: 2, "torn.db", "run", "study.yaml", "--store", "torn.db")
    try command.cleanUp()
  }

  #if os(Linux)
    /// Mounts need a namespace of their own, which root always and others usually can make.
    private func onSmallDisk(
      _ command: BuiltCommand, size: String, _ script: String
    ) throws -> BuiltCommand.Result {
      let mount = "mkdir -p disk && mount -t tmpfs -o size=\(size) none disk && cp study.yaml disk"
      let map = getuid() == 0 ? "" : "--map-root-user"
      return try command.shell(
        "unshare \(map) -m bash -c '\(mount) && cd disk && { \(script)\n}'")
    }

    @Test func aFullDiskLosesNothing() throws {
      let command = try BuiltCommand()
      try command.writeStudy("[echo, loss=1]", trials: 2)
      let result = try onSmallDisk(
        command, size: "1200k",
        """
        needletail run study.yaml --quiet >/dev/null || exit 9
        before=$(needletail study export s | sha256sum)
        head -c 2000000 /dev/zero > filler 2>/dev/null
        for i in 1 2 3 4 5 6 7 8 9; do needletail trial enqueue s x=0.5 2>> ../messages || break; done
        echo "code $?" ; needletail run study.yaml --trials 30 --quiet 2>> ../messages
        echo "code $?" ; rm filler
        needletail doctor --json > ../doctor
        echo "sound $?"
        after=$(needletail study export s | head -3 | sha256sum)
        [ "$before" = "$after" ] && echo same
        needletail run study.yaml --trials 12 --quiet > /dev/null && echo "goes on"
        """)
      #expect(result.output.contains("sound 0"), "\(result.output)\(result.messages)")
      #expect(result.output.contains("same"))
      #expect(result.output.contains("goes on"))
      let codes = result.lines.filter { $0.hasPrefix("code ") }
      let messages = try command.read("messages")
      #expect(codes.last == "code 75", "\(result.output) \(messages)")
      #expect(messages.contains("is full"))
      try command.cleanUp()
    }

    @Test func aReadOnlyStoreIsReadButNotWritten() throws {
      let command = try BuiltCommand()
      try command.writeStudy("[echo, loss=1]", trials: 2)
      // Root may write to any file, but not to a file system that is mounted read-only.
      let result = try onSmallDisk(
        command, size: "4m",
        """
        needletail run study.yaml --quiet >/dev/null || exit 9
        mount -o remount,ro disk 2>/dev/null || mount -o remount,ro . || exit 8
        needletail study best s > /dev/null; echo "best $?"
        needletail run study.yaml --trials 4 --quiet; echo "run $?"
        needletail trial enqueue s x=0.5; echo "enqueue $?"
        """)
      #expect(result.output.contains("best 0"), "\(result.output)\(result.messages)")
      #expect(result.output.contains("run 2"), "\(result.output)\(result.messages)")
      #expect(result.output.contains("enqueue 2"))
      #expect(result.messageLines.count == 2, "\(result.messages)")
      try command.cleanUp()
    }
  #endif

  // MARK: Studies and trials

  @Test func refusesBadStudyNames() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 1)
    let long = String(repeating: "n", count: 600)
    for name in ["", long] {
      try expectRefusal(command, code: 2, "study's name", "run", "study.yaml", "--name", name)
      try expectRefusal(command, code: 2, "study's name", "study", "create", "--", name)
    }
    #expect(try command.run("run", "study.yaml").code == 0)
    for name in ["", "unknown", long, "a\"b", "🐦", "../../etc/passwd", "a\u{1B}[2J\nb"] {
      try expectRefusal(command, code: 2, "", "study", "best", "--", name)
      try expectRefusal(command, code: 2, "", "trial", "tell", name, "0", "1")
    }
    try command.cleanUp()
  }

  /// Names that look dangerous but are not: they work, and stay in their place.
  @Test(arguments: ["it's \"quoted\"", "🐦 雨燕", "../../up", "a\u{1B}[2Jb", "%s %n $(id) `id`"])
  func acceptsOddStudyNames(name: String) throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 1)
    #expect(try command.run("run", "study.yaml", "--name", name).code == 0)
    let shown = try command.run("study", "list", "--json")
    #expect(try BuiltCommand.json(shown.output)["name"] as? String == name)
    let listed = try command.run("study", "list").output
    #expect(!listed.contains("\u{1B}"))
    #expect(try command.run("study", "best", name).code == 0)
    let top = Set(try command.contents().keys.map { $0.split(separator: "/")[0] })
    #expect(
      top.isSubset(of: [
        "study.yaml", "needletail.db", "needletail.db-lock",
        "needletail-trials", "needletail.db-wal", "needletail.db-shm",
      ]))
    try command.cleanUp()
  }

  @Test func refusesWhatContradictsTheStoredStudy() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 2)
    #expect(try command.run("run", "study.yaml").code == 0)
    try command.write(
      "name: s\nmetric: loss\ndirection: maximize\ncommand: [echo, loss=1]\ntrials: 9\n",
      to: "direction.yaml")
    try command.write(
      "name: s\nmetric: loss\nparameters: {x: {choices: [a, b]}}\ncommand: [echo, loss=1]\n",
      to: "kind.yaml")
    try command.write(
      "name: s\nmetric: loss\nparameters: {x: {low: 0.1, high: 1.0, log: true}}\n"
        + "command: [echo, loss=1]\n", to: "log.yaml")
    try expectRefusal(command, code: 2, "minimize", "run", "direction.yaml")
    try expectRefusal(command, code: 2, "parameter 'x'", "run", "kind.yaml")
    try expectRefusal(command, code: 2, "parameter 'x'", "run", "log.yaml")
    try expectRefusal(
      command, code: 2, "exists", "study", "create", "s", "--direction", "maximize")
    try expectRefusal(
      command, code: 2, "minimize", "study", "create", "s", "--direction", "maximize", "--exist-ok")
    // Bounds may change.
    try command.write(
      "name: s\nmetric: loss\nparameters: {x: {low: 0.0, high: 9.0}}\ntrials: 3\n"
        + "command: [echo, loss=1]\n", to: "wider.yaml")
    #expect(try command.run("run", "wider.yaml").code == 0)
    try command.cleanUp()
  }

  @Test func refusesBadValuesToldByHand() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]", trials: 1)
    #expect(try command.run("run", "study.yaml").code == 0)
    try expectRefusal(command, code: 2, "finished", "trial", "tell", "s", "0", "0.5")
    #expect(try command.run("trial", "ask", "s").code == 0)
    for (value, words) in [
      ("nan", "not a number"), ("word", "not a number"), ("1e999", "beyond"), ("", "not a number"),
      ("-1e999", "beyond"), ("0x1p99999", "not a number"),
    ] {
      try expectRefusal(command, code: 2, words, "trial", "tell", "s", "1", "--", value)
    }
    try expectRefusal(command, code: 2, "0 values", "trial", "tell", "s", "1")
    try expectRefusal(command, code: 2, "2 values", "trial", "tell", "s", "1", "0.5", "0.6")
    try expectRefusal(command, code: 2, "no trial 7", "trial", "tell", "s", "7", "0.5")
    try expectRefusal(
      command, code: 64, "whole number", "trial", "tell", "s", "99999999999999999999", "0.5")
    try expectRefusal(command, code: 64, "whole number", "trial", "tell", "s", "--", "-1", "0.5")
    try expectRefusal(
      command, code: 2, "parameter 'x' cannot be 7", "trial", "enqueue", "s", "x=7")
    try expectRefusal(command, code: 2, "did you mean 'x'", "trial", "enqueue", "s", "X=0.5")
    try expectRefusal(command, code: 2, "beyond", "trial", "enqueue", "s", "x=1e999")
    try expectRefusal(command, code: 2, "no value", "trial", "enqueue", "s", "x")
    // Infinity is a value, in both signs.
    #expect(try command.run("trial", "tell", "s", "1", "-inf").code == 0)
    #expect(try command.trials()[1]["value"] as? String == "-inf")
    try command.cleanUp()
  }

  @Test func refusesNumbersThatOverflow() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[echo, loss=1]")
    for option in ["--trials", "--workers", "--seed"] {
      try expectRefusal(
        command, code: 64, option, "run", "study.yaml", option, "99999999999999999999999")
      try expectRefusal(command, code: 64, option, "run", "study.yaml", option, "-1")
    }
    try expectRefusal(command, code: 64, "--trials", "run", "study.yaml", "--trials", "0")
    try expectRefusal(command, code: 64, "--timeout", "run", "study.yaml", "--timeout", "1e30")
    try command.cleanUp()
  }
}
