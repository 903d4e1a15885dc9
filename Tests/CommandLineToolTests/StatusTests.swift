import Foundation
import Testing

/// How a study stands, in the words of the command.
@Suite struct StatusTests {
  /// The status in the table and in JSON, and the members of the latter.
  private func status(
    _ command: BuiltCommand, _ study: String = "s"
  ) throws -> (words: String, json: [String: Any]) {
    let shown = try BuiltCommand.json(try command.run("study", "show", study, "--json").output)
    let listed = try command.run("study", "list", "--json").lines.map(BuiltCommand.json)
      .first { $0["name"] as? String == study }
    for key in ["status", "control", "budget", "interrupted"] {
      #expect("\(shown[key] ?? "-")" == "\(listed?[key] ?? "-")", "\(key)")
    }
    let lines = try command.run("study", "show", study).lines
    let line = try #require(lines.first { $0.hasPrefix("status") })
    let words = String(line.dropFirst(11))
    #expect(words.replacing(" ", with: "_") == shown["status"] as? String)
    #expect(try command.run("study", "list").output.contains(words))
    return (words, shown)
  }

  @Test func followsAStudy() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'echo loss={x}']", trials: 3)
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let complete = try status(command)
    #expect(complete.words == "complete")
    #expect(complete.json["budget"] as? Int == 3)
    #expect(complete.json["control"] as? String == "running")
    #expect(try command.run("study", "show", "s").output.contains("trials     3 of 3: 3 completed"))
    // Paused, with more to do.
    #expect(try command.run("study", "pause", "s").code == 0)
    #expect(try status(command).words == "complete")
    #expect(try command.run("study", "resume", "s").code == 0)
    #expect(try command.run("trial", "enqueue", "s", "x=0.5").code == 0)
    #expect(try status(command).words == "waiting for workers")
    #expect(try command.run("study", "pause", "s").code == 0)
    #expect(try status(command).words == "paused")
    #expect(try command.run("study", "stop", "s").code == 0)
    #expect(try status(command).words == "stopped")
    #expect(try command.run("study", "resume", "s").code == 0)
    #expect(try command.run("run", "study.yaml", "--trials", "6", "--quiet").code == 0)
    #expect(try status(command).json["budget"] as? Int == 6)
    #expect(try status(command).words == "complete")
    // A study that nobody has run from a file has no end.
    #expect(try command.run("study", "create", "open").code == 0)
    let open = try status(command, "open")
    #expect(open.words == "waiting for workers")
    #expect(open.json["budget"] is NSNull)
    try command.cleanUp()
  }

  @Test func noticesThatAllWasTried() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metric: loss
      sampler: grid
      parameters: {k: {low: 1, high: 3}}
      command: [sh, -c, 'echo loss={k}']
      """, to: "study.yaml")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(try status(command).words == "exhausted")
    try command.cleanUp()
  }

  @Test func noticesThatAllFail() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'exit 3']", trials: 99, more: "retries: {count: 0}")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 2)
    #expect(try status(command).words == "failing")
    try command.cleanUp()
  }

  /// A trial that a killed run left is no running one.
  @Test func listsInterruptedTrials() throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\ntouch begun\nexec sleep 600\n", to: "train.sh")
    try command.writeStudy("\(command.folder.path)/train.sh", trials: 3)
    let run = try command.start("run", "study.yaml", "--quiet")
    #expect(
      try command.shell(
        "for i in $(seq 3000); do find . -name begun | grep -q . && exit 0; sleep 0.02; done; exit 1"
      ).code == 0)
    #expect(try status(command).words == "running")
    #expect(try command.trials()[0]["interrupted"] as? Bool == false)
    run.send(SIGKILL)
    #expect(try run.finished().wasKilled)
    let left = try status(command)
    #expect(left.words == "waiting for workers")
    #expect(left.json["interrupted"] as? Int == 1)
    #expect(try command.run("study", "show", "s").output.contains("1 of 3: 1 interrupted"))
    #expect(try command.trials()[0]["interrupted"] as? Bool == true)
    #expect(try command.run("trial", "list", "s").output.contains("interrupted"))
    #expect(try command.run("trial", "show", "s", "0").output.contains("state: interrupted"))
    let shown = try BuiltCommand.json(try command.run("trial", "show", "s", "0", "--json").output)
    #expect(shown["state"] as? String == "running")
    #expect(shown["interrupted"] as? Bool == true)
    try command.cleanUp()
  }

  // MARK: The best

  /// `trial list --best` leaves infeasible trials out, and says so.
  @Test func listsFeasibleTrialsAsTheBest() throws {
    let command = try BuiltCommand()
    try command.writeStudy(
      "[sh, -c, 'echo loss=$NEEDLETAIL_TRIAL size=$((1 - NEEDLETAIL_TRIAL))']", trials: 4,
      more: "constraints: [size]")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let listed = try command.run("trial", "list", "s", "--best", "9", "--json")
    #expect(try listed.lines.map { try BuiltCommand.json($0)["number"] as? Int } == [1, 2, 3])
    #expect(listed.messages.contains("1 completed trial violates a constraint and is left out"))
    #expect(try command.run("study", "best", "s").output.hasPrefix("trial 1:"))
    try command.cleanUp()
  }

  @Test func listsTheFrontAsTheBest() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      set -- 3:1 1:3 2:2 3:3
      shift $NEEDLETAIL_TRIAL
      echo a=${1%:*} b=${1#*:}
      """, to: "train.sh")
    try command.write(
      """
      name: s
      objectives: [{name: a, direction: minimize}, {name: b, direction: minimize}]
      sampler: random
      parameters: {x: {low: 0.0, high: 1.0}}
      trials: 4
      command: ./train.sh
      """, to: "study.yaml")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let listed = try command.run("trial", "list", "s", "--best", "9", "--json")
    #expect(try listed.lines.map { try BuiltCommand.json($0)["number"] as? Int } == [1, 2, 0])
    #expect(
      listed.messages.contains("the 3 trials that no other one beats, in the order of the first"))
    let best = try command.run("study", "best", "s", "--json").lines.map(BuiltCommand.json)
    #expect(best.map { $0["number"] as? Int } == [0, 1, 2])
    try command.cleanUp()
  }

  // MARK: Words and numbers

  @Test(arguments: ["0x10", "0x1p3", "nan(0x1)", "1_000", "1,5", "inf(1)", "-0x10"])
  func refusesNumbersOfC(text: String) throws {
    let command = try BuiltCommand()
    #expect(try command.run("study", "create", "s").code == 0)
    let space = #"{"x": {"type": "float", "low": 0, "high": 1}}"#
    #expect(try command.run("trial", "ask", "s", "--space", space).code == 0)
    let told = try command.run("trial", "tell", "s", "0", text)
    #expect(told.code == (text.hasPrefix("-") ? 64 : 2))
    #expect(told.messageLines.count == 1, "\(told.messages)")
    #expect(try command.trials()[0]["state"] as? String == "running")
    try command.cleanUp()
  }

  /// What Python keeps exactly is shown exactly.
  @Test func showsAttributesAsTheyAre() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      import optuna
      optuna.logging.set_verbosity(optuna.logging.CRITICAL)
      study = optuna.create_study(study_name="s", storage="sqlite:///needletail.db")
      study.set_user_attr("wide", 10 ** 40)
      study.set_user_attr("café", "crème 中")
      trial = study.ask()
      trial.set_user_attr("wide", [-(10 ** 40)])
      trial.set_user_attr("é", "é")
      study.tell(trial, 1.0)
      """, to: "make.py")
    let made = try command.run(BuiltCommand.python, ["make.py"])
    #expect(made.code == 0, "\(made.messages)")
    let wide = "1" + String(repeating: "0", count: 40)
    let study = try command.run("study", "show", "s").output
    #expect(study.contains("wide = \(wide)"))
    #expect(study.contains("café = \"crème 中\""))
    let trial = try command.run("trial", "show", "s", "0").output
    #expect(trial.contains("wide = [-\(wide)]"))
    #expect(trial.contains("é = \"é\""))
    #expect(try command.run("trial", "show", "s", "0", "--json").output.contains("[-\(wide)]"))
    try command.cleanUp()
  }

  @Test func saysThatNoneIsFeasible() throws {
    let command = try BuiltCommand()
    try command.writeStudy(
      "[echo, loss=1 lat=5]", trials: 3, more: "constraints: [lat]")
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 1)
    #expect(!run.messages.contains("no trial completed"))
    #expect(run.messages.contains("3 trials completed, and none is feasible"))
    try command.cleanUp()
  }

  /// A range that changed on resume: what is left out is named, and nothing untrue is said.
  @Test func namesWhatCannotBeAssessed() throws {
    let command = try BuiltCommand()
    for (trials, high) in [(8, 1.0), (16, 5.0)] {
      try command.write(
        """
        name: s
        metric: loss
        sampler: random
        parameters: {x: {low: 0.0, high: \(high)}}
        trials: \(trials)
        command: [echo, 'loss={x}']
        """, to: "study.yaml")
      #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    }
    let found = try command.run("importance", "s", "--evaluator", "fanova")
    #expect(found.code == 1)
    #expect(!found.messages.contains("no completed trial with parameters"))
    #expect(found.messages.contains("with another range: x."))
    try command.cleanUp()
  }

  /// One value for all: a share of each parameter, and figures of them.
  @Test func assessesFixedParameters() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metric: loss
      sampler: random
      repeats: true
      trials: 12
      command: [echo, loss=1]
      parameters: {x: {low: 1.0, high: 1.0}, k: {low: 3, high: 3}, c: a, y: {low: 0.0, high: 1.0}}
      """, to: "study.yaml")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    for evaluator in ["ped-anova", "fanova"] {
      let found = try command.run("importance", "s", "--evaluator", evaluator, "--json")
      #expect(found.code <= 1)
      for line in found.lines {
        let share = try #require(try BuiltCommand.json(line)["importance"] as? Double)
        #expect((0...1).contains(share), "\(line)")
      }
    }
    #expect(try command.run("plot", "all", "s", "-o", "p.html").code == 0)
    try command.cleanUp()
  }

  /// A pruned trial with the better last value is not the best.
  @Test func prunedTrialsAreNeverTheBest() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      case $NEEDLETAIL_TRIAL in 0) echo loss=1 ;; *) echo step=0 loss=0; exit 81 ;; esac
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 2, more: "pruner: none")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(try command.run("study", "best", "s").output.hasPrefix("trial 0: 1"))
    #expect(
      try command.run("trial", "list", "s", "--best", "5", "--json").lines.map {
        try BuiltCommand.json($0)["number"] as? Int
      } == [0])
    let history = try command.run("plot", "history", "s", "--data", "-")
    let last = try #require(history.lines.last)
    #expect(try last.firstMatch(of: Regex(",1(\\.0)?(,|$)")) != nil, "\(last)")
    try command.cleanUp()
  }
}
