import Foundation
import PostgresTesting
import Testing

/// The verbs that rewrite a study, after which Optuna opens and goes on with the store.
@Suite struct EditingTests {
  enum Place: CaseIterable {
    case file, server, coordinator
  }

  private static let study = """
    name: s
    metric: loss
    seed: 5
    sampler: random
    parameters:
      x: {low: 0.0, high: 1.0}
      kind: {choices: [a, b]}
    trials: 6
    command: ./train.sh
    """

  /// Optuna's next trial.
  private static let oneMore =
    "study.optimize(lambda t: t.suggest_float('x', 0, 1), n_trials=1)\n"

  /// A study `s` of six trials, of which one failed, and how to reach it.
  private struct Bed {
    let command: BuiltCommand
    let served: ServedStudies?
    /// What the verbs are given.
    let to: [String]
    /// Where Optuna finds the store.
    let storage: String
    /// What `run` is given.
    let store: [String]

    init(_ place: Place) throws {
      command = try BuiltCommand()
      try command.write(
        """
        #!/bin/sh
        [ "$NEEDLETAIL_TRIAL" = 2 ] && exit 1
        echo loss=$NEEDLETAIL_PARAM_X
        """, to: "train.sh")
      try command.write(EditingTests.study, to: "study.yaml")
      switch place {
      case .file, .coordinator:
        let name = place == .file ? "needletail.db" : "served.db"
        (store, storage) = (["--store", name], "sqlite:///\(command.folder.path)/\(name)")
      case .server:
        let address = try PostgresServer.shared().newDatabase()
        let start = address.firstIndex(of: ":") ?? address.startIndex
        (store, storage) = (["--store", address], "postgresql+psycopg2\(address[start...])")
      }
      let run = try command.run(BuiltCommand.path, ["run", "study.yaml", "--quiet"] + store)
      #expect(run.code == 0, "\(run.messages)")
      served = place == .coordinator ? try ServedStudies(command) : nil
      to = served.map { ["--to", $0.url] } ?? store
    }

    func run(_ words: String...) throws -> BuiltCommand.Result {
      try command.run(BuiltCommand.path, words + to)
    }

    func refuses(_ words: [String], _ part: String) throws {
      let result = try command.run(BuiltCommand.path, words + to)
      #expect(result.code == 2, "\(words): \(result.output)\(result.messages)")
      #expect(result.messageLines.count == 1, "\(result.messages)")
      #expect(result.messages.contains(part), "\(result.messages)")
    }

    /// The trials as they are listed, a line of JSON each.
    func lines(_ study: String) throws -> [String] {
      try command.run(BuiltCommand.path, ["trial", "list", study, "--json"] + store).lines
    }

    func trials(_ study: String) throws -> [[String: Any]] {
      try lines(study).map(BuiltCommand.json)
    }

    /// What a program of Optuna's prints that opens the study and goes on with it.
    func optuna(_ study: String, _ body: String) throws -> String {
      let script = """
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.load_study(study_name="\(study)", storage="\(storage)")
        def objective(trial):
          trial.suggest_float("x", 0.0, 1.0)
        \(body)
        """
      let result = try command.run(BuiltCommand.python, ["-c", script])
      #expect(result.code == 0, "\(result.messages)")
      return result.output
    }

    func end() throws {
      try served?.stop()
      try command.cleanUp()
    }
  }

  @Test(arguments: Place.allCases) func renames(place: Place) throws {
    let bed = try Bed(place)
    let before = try bed.lines("s")
    #expect(try bed.command.run(BuiltCommand.path, ["study", "create", "t"] + bed.store).code == 0)
    try bed.refuses(["study", "rename", "s", "s"], "has that name already")
    try bed.refuses(["study", "rename", "s", "t"], "exists already")
    try bed.refuses(["study", "rename", "nothing", "u"], "there is no study")
    let renamed = try bed.run("study", "rename", "s", "new")
    #expect(renamed.code == 0, "\(renamed.messages)")
    #expect(try bed.lines("new") == before)
    #expect(try bed.run("trial", "log", "new", "0").output.hasPrefix("loss="))
    #expect(
      try bed.optuna("new", EditingTests.oneMore + "print(len(study.trials))") == "7\n")
    #expect(try bed.trials("new").count == 7)
    try bed.end()
  }

  @Test(arguments: Place.allCases) func editsTheSpace(place: Place) throws {
    let bed = try Bed(place)
    let before = try bed.trials("s")
    let lines = try bed.lines("s")
    let text = try bed.command.read("study.yaml")
    func edited(_ changes: [(String, String)]) throws {
      let new = changes.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
      try bed.command.write(new, to: "new.yaml")
    }
    try bed.refuses(["study", "edit", "s", "--choice", "kind=c"], "has a study file")
    try edited([("high: 1.0", "high: 1e-9")])
    try bed.refuses(["study", "edit", "s", "new.yaml"], "would lie outside")
    try edited([("metric: loss", "metric: loss\ndirection: maximize")])
    try bed.refuses(["study", "edit", "s", "new.yaml"], "has the direction minimize")
    try edited([("[a, b]", "[a, b, c]"), ("high: 1.0", "high: 2.0")])
    try bed.refuses(["study", "edit", "s", "new.yaml", "--value", "y=1"], "no such parameter")
    #expect(try bed.lines("s") == lines)

    // A program of Optuna's has a trial: the edit is refused, and then it is not.
    #expect(try bed.optuna("s", "print(study.ask().number)") == "6\n")
    try bed.refuses(["study", "edit", "s", "new.yaml"], "another program, which has trial 6")
    let tell = try bed.command.run(
      BuiltCommand.path, ["trial", "tell", "s", "6", "--state", "failed"] + bed.store)
    #expect(tell.code == 0, "\(tell.messages)")

    try edited([
      ("[a, b]", "[a, b, c]"), ("high: 1.0", "high: 2.0"),
      ("trials: 6", "trials: 12"), ("  x:", "  depth: {low: 1, high: 9}\n  x:"),
    ])
    let done = try bed.run("study", "edit", "s", "new.yaml", "--value", "depth=3", "--json")
    #expect(done.code == 0, "\(done.messages)")
    #expect(try BuiltCommand.json(done.output)["rewritten_trials"] as? Int == 6)
    for (old, new) in zip(before, try bed.trials("s")) {
      let (a, b) = (old["parameters"] as? [String: Any], new["parameters"] as? [String: Any])
      #expect(a?["x"] as? Double == b?["x"] as? Double)
      #expect(a?["kind"] as? String == b?["kind"] as? String)
      #expect(b?["depth"] as? Int == 3)
      #expect(old["values"] as? [Double] == new["values"] as? [Double])
    }
    // Optuna goes on with the new choice; it refuses choices that change.
    let choice = """
      def objective(trial):
        trial.suggest_categorical("kind", ["a", "b", "c"])
        return trial.suggest_float("x", 0.0, 2.0) + trial.suggest_int("depth", 1, 9)
      study.sampler = optuna.samplers.TPESampler(n_startup_trials=2)
      study.optimize(objective, n_trials=3)
      print(len(study.trials), study.trials[0].params["depth"], study.best_trial.number >= 0)
      """
    #expect(try bed.optuna("s", choice) == "10 3 True\n")
    if let served = bed.served {
      let submit = try bed.run("study", "submit", "new.yaml")
      #expect(submit.code == 0, "\(submit.messages)")
      _ = try served.work("--slots", "2")
    } else {
      let more = try bed.command.run(
        BuiltCommand.path, ["run", "new.yaml", "--quiet"] + bed.store)
      #expect(more.code == 0, "\(more.messages)")
    }
    let trials = try bed.trials("s")
    #expect(trials.count == 12)
    #expect(trials.dropFirst(10).allSatisfy { $0["state"] as? String == "completed" })
    try bed.end()
  }

  @Test(arguments: Place.allCases) func clonesWhatFits(place: Place) throws {
    let bed = try Bed(place)
    let before = try bed.trials("s")
    let lines = try bed.lines("s")
    let all = try bed.run("study", "clone", "s", "c", "--json")
    #expect(all.code == 0, "\(all.messages)")
    #expect(try BuiltCommand.json(all.output)["trials"] as? Int == 6)
    let copied = try bed.trials("c")
    #expect(
      copied.map { $0["parameters"] as? NSDictionary }
        == before.map { $0["parameters"] as? NSDictionary })
    try bed.refuses(["study", "clone", "s", "c"], "exists already")
    try bed.refuses(["study", "clone", "s", "s"], "exists already")

    let values = before.compactMap { ($0["parameters"] as? [String: Any])?["x"] as? Double }
    let middle = values.sorted()[3]
    let text = try bed.command.read("study.yaml")
      .replacingOccurrences(of: "high: 1.0", with: "high: \(middle)")
      .replacingOccurrences(of: "  x:", with: "  depth: {low: 1, high: 9}\n  x:")
      .replacingOccurrences(of: "  kind: {choices: [a, b]}\n", with: "")
    try bed.command.write(text, to: "new.yaml")
    let none = try bed.run("study", "clone", "s", "d", "--file", "new.yaml", "--json")
    #expect(try BuiltCommand.json(none.output)["trials"] as? Int == 0)
    let some = try bed.run(
      "study", "clone", "s", "e", "--file", "new.yaml", "--value", "depth=2", "--json")
    #expect(try BuiltCommand.json(some.output)["trials"] as? Int == 4, "\(some.output)")
    #expect(try bed.trials("e").map { $0["number"] as? Int } == [0, 1, 2, 3])
    #expect(try bed.lines("s") == lines)
    #expect(try bed.run("study", "clone", "s", "f", "--empty").code == 0)
    #expect(try bed.trials("f").isEmpty)
    #expect(
      try bed.optuna("e", EditingTests.oneMore + "print(len(study.trials))") == "5\n")
    try bed.end()
  }

  @Test(arguments: Place.allCases) func deletesTrials(place: Place) throws {
    let bed = try Bed(place)
    let before = try bed.lines("s")
    try bed.refuses(["trial", "delete", "s", "1"], "add --yes")
    try bed.refuses(["trial", "delete", "s", "99", "--yes"], "has no trial 99")
    #expect(try bed.run("trial", "delete", "s", "1", "--yes").code == 0)
    try bed.refuses(["trial", "delete", "s", "1", "--yes"], "was deleted before")
    let after = try bed.trials("s")
    #expect(after.count == 6)
    #expect(after[1]["state"] as? String == "failed")
    #expect((after[1]["parameters"] as? [String: Any])?.isEmpty ?? false)
    #expect((after[1]["values"] as? [Any])?.isEmpty ?? false)
    let now = try bed.lines("s")
    for number in [0, 2, 3, 4, 5] { #expect(now[number] == before[number]) }
    #expect(try bed.run("trial", "log", "s", "1").code == 1)
    // Numbers go on without a gap, whoever counts.
    #expect(
      try bed.optuna(
        "s",
        EditingTests.oneMore + "print([t.number for t in study.trials])"
      ) == "[0, 1, 2, 3, 4, 5, 6]\n")
    #expect(try bed.optuna("s", "print(study.ask().number)") == "7\n")
    try bed.refuses(["trial", "delete", "s", "7", "--yes"], "another program")
    try bed.refuses(["trial", "delete", "s", "0", "--yes"], "another program")
    try bed.end()
  }

  @Test func editsAStudyWithoutAFile() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    #expect(try command.run("study", "create", "s").code == 0)
    let space = """
      {"x": {"type": "int", "low": 0, "high": 3}, "k": {"type": "categorical", "choices": ["a"]}}
      """
    #expect(try command.run("trial", "ask", "s", "--space", space).code == 0)
    #expect(try command.run("trial", "tell", "s", "0", "1").code == 0)
    // It remembers its space.
    #expect(try command.run("trial", "ask", "s").code == 0)
    let held = try command.run("study", "edit", "s", "--choice", "k=b")
    #expect(held.code == 2 && held.messages.contains("trial ask"), "\(held.messages)")
    #expect(try command.run("trial", "tell", "s", "1", "2").code == 0)
    for (words, part) in [
      (["--choice", "k=a"], "has the choice a already"), (["--choice", "x=4"], "is a number"),
      (["--range", "k=0..1"], "a range is for numbers"), (["--range", "z=0..1"], "it has x, k"),
      (["--range", "x=5..9"], "would lie outside"),
    ] {
      let refused = try command.run(BuiltCommand.path, ["study", "edit", "s"] + words)
      #expect(refused.code == 2 && refused.messages.contains(part), "\(refused.messages)")
    }
    #expect(try command.run("study", "edit", "s").code == 64)
    let done = try command.run(
      "study", "edit", "s", "--choice", "k=b", "--range", "x=0..9", "--parameter",
      #"d={"type": "float", "low": 0, "high": 1}"#)
    #expect(done.code == 0, "\(done.messages)")
    #expect(done.messages.contains("2 trials have no value of 'd'"))
    let asked = try BuiltCommand.json(try command.run("trial", "ask", "s", "--json").output)
    #expect((asked["parameters"] as? [String: Any])?.keys.sorted() == ["d", "k", "x"])
  }
}

/// Waiting for studies, and tables of trials.
@Suite struct WaitingTests {
  @Test func waitsForWhatWasAskedFor() throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\necho loss=$NEEDLETAIL_TRIAL\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 3)
    #expect(try command.run("study", "create", "s").code == 0)
    let late = try command.run("study", "wait", "s", "--timeout", "0.01s")
    #expect(late.code == 75 && late.messageLines.count == 1, "\(late.messages)")
    let waiter = try command.start("study", "wait", "s", "--until", "trials=3")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(try waiter.finished().code == 0)
    #expect(try command.run("study", "wait", "s").output == "study 's' is complete with 3 trials\n")
    #expect(try command.run("study", "wait", "s", "--until", "value=0").code == 0)
    #expect(try command.run("study", "wait", "s", "--until", "value=-1").code == 1)
    #expect(try command.run("study", "wait", "s", "--until", "trials=9").code == 1)
    #expect(try command.run("study", "create", "t").code == 0)
    #expect(try command.run("study", "stop", "t").code == 0)
    #expect(try command.run("study", "wait", "t", "--until", "trials=9").code == 2)
    #expect(try command.run("study", "wait", "s", "--until", "tomorrow").code == 64)
    let top = try command.run("top", "--once")
    #expect(top.code == 0 && top.lines.contains { $0.hasPrefix("s  ") }, "\(top.output)")
    try command.cleanUp()
  }

  @Test func showsAFrontByItsNames() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metrics: [{name: loss, direction: minimize}, {name: speed, direction: maximize}]
      parameters: {x: {low: 0, high: 9}}
      trials: 5
      command: [/bin/sh, -c, 'echo loss={trial} speed={trial}']
      """, to: "study.yaml")
    let run = try command.run("run", "study.yaml", "--quiet")
    #expect(run.code == 0, "\(run.messages)")
    let lines = try command.run("study", "best", "s").lines
    #expect(lines.first?.split(separator: " ") == ["trial", "loss", "speed", "x"])
    #expect(lines.count == 7)
    let listed = try command.run("trial", "list", "s", "--attribute", "nothing", "--reason")
    #expect(listed.lines.first?.contains("nothing  reason") ?? false, "\(listed.output)")
    try command.cleanUp()
  }
}
