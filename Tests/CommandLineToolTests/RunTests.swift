import CommandLineTool
import Foundation
import Testing

/// `needletail run` from end to end, with real processes.
@Suite struct RunTests {
  static let quadratic = #"[sh, -c, 'echo "loss=$(awk "BEGIN{{print ({x}-0.3)^2}}")"']"#

  @Test func runsAStudyAndGoesOnWithIt() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.quadratic, trials: 6, more: "workers: 2")
    let first = try command.run("run", "study.yaml")
    #expect(first.code == 0, "\(first.messages)")
    #expect(first.output.contains("  x  "))
    #expect(first.messages.contains("new study 's' in needletail.db: 6 trials, 2 at a time"))
    #expect(first.messageLines.count { $0.contains(" completed: ") } == 6)
    #expect(try command.trials().compactMap { $0["number"] as? Int } == Array(0..<6))

    let again = try command.run("run", "study.yaml")
    #expect(again.code == 0)
    #expect(again.messages.contains("0 in this run"))
    let more = try command.run("run", "study.yaml", "--trials", "8")
    #expect(more.code == 0)
    #expect(try command.trials().count == 8)
    try command.cleanUp()
  }

  @Test func keepsACopyOfTheStore() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.quadratic, trials: 4)
    let run = try command.run("run", "study.yaml", "--backup", "copy.db")
    #expect(run.code == 0, "\(run.messages)")
    let copied = try command.run("trial", "list", "s", "--json", "--store", "copy.db")
    #expect(copied.lines.count == 4)
    #expect(try copied.output == command.run("trial", "list", "s", "--json").output)
    // A copy that cannot be written is said before a trial runs.
    for wrong in ["none/copy.db", "needletail.db"] {
      let refused = try command.run("run", "study.yaml", "--trials", "6", "--backup", wrong)
      #expect(refused.code != 0)
      #expect(refused.messages.contains(wrong), "\(refused.messages)")
    }
    #expect(try command.trials().count == 4)
    // What becomes of the place meanwhile costs no trial, and is no success.
    let quadratic = Self.quadratic.replacing("echo", with: "mkdir -p copy.db.new; echo")
    try command.writeStudy(quadratic, trials: 5)
    let late = try command.run("run", "study.yaml", "--backup", "copy.db")
    #expect(late.code == 2)
    #expect(late.messages.contains("was not renewed: copy.db"), "\(late.messages)")
    #expect(try command.trials().count == 5)
    try command.cleanUp()
  }

  /// What was said last of the budget holds, by whichever verb it was said.
  @Test func theBudgetThatWasSaidLastHolds() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.quadratic, trials: 4)
    #expect(try command.run("run", "study.yaml", "--trials", "2", "--quiet").code == 0)
    #expect(try command.trials().count == 2)
    let same = try command.run("run", "study.yaml")
    #expect(try command.trials().count == 2)
    #expect(
      same.messages.contains("2 trials (as was said last with --trials; the file says 4)"),
      "\(same.messages)")
    #expect(same.messages.contains("the study has its 2 trials"), "\(same.messages)")
    // Another number in the file is said later.
    try command.writeStudy(Self.quadratic, trials: 5)
    let more = try command.run("run", "study.yaml")
    #expect(more.code == 0)
    #expect(!more.messages.contains("was said last"), "\(more.messages)")
    #expect(try command.trials().count == 5)
    try command.cleanUp()
  }

  /// Values of another metric, or of another program, are not taken for the same in silence.
  @Test func saysWhatAnotherFileChangesForTheTrialsThatAreThere() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'echo loss=1 error=2']", trials: 1)
    #expect(try command.run("run", "study.yaml").messages.contains("warning") == false)
    try command.write(
      try command.read("study.yaml").replacing("metric: loss", with: "metric: error")
        .replacing("trials: 1", with: "trials: 2"), to: "study.yaml")
    let metric = try command.run("run", "study.yaml")
    #expect(metric.code == 0)
    #expect(
      metric.messages.contains(
        "study 's' measured 'loss' in its 1 trial and measures 'error' from now on"),
      "\(metric.messages)")
    try command.write(
      try command.read("study.yaml").replacing("error=2", with: "error=3"), to: "study.yaml")
    let program = try command.run("run", "study.yaml", "--trials", "3")
    #expect(
      program.messages.contains(
        "ran `sh -c 'echo loss=1 error=2'` in its 2 trials and runs `sh -c 'echo loss=1 error=3'`"),
      "\(program.messages)")
    try command.write(
      try command.read("study.yaml").replacing(
        "metric: error", with: "metric: {name: error, goal: maximize}"), to: "study.yaml")
    let direction = try command.run("run", "study.yaml", "--trials", "4")
    #expect(direction.code == 2)
    #expect(
      direction.messages.contains("has the direction minimize, not maximize"),
      "\(direction.messages)")
    #expect(try command.trials().count == 3)
    try command.cleanUp()
  }

  @Test func printsOneJSONDocument() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.quadratic, trials: 2)
    let result = try command.run("run", "study.yaml", "--json", "--quiet", "--seed", "3")
    #expect(result.code == 0)
    #expect(result.messages.isEmpty, "\(result.messages)")
    let json = try BuiltCommand.json(result.output)
    #expect(json["name"] as? String == "s")
    #expect(json["stopped_by"] as? String == "budget")
    #expect(json["store"] as? String == "needletail.db")
    #expect((json["trials"] as? [String: Int])?["completed"] == 2)
    #expect((json["elapsed_seconds"] as? Double ?? -1) > 0)
    let best = try #require(json["best"] as? [String: Any])
    #expect(best["state"] as? String == "completed")
    #expect(json["best_value"] as? Double == best["value"] as? Double)
    for key in json.keys.sorted() + best.keys.sorted() {
      #expect(key.allSatisfy { $0.isLowercase || $0 == "_" }, "\(key)")
    }
    try command.cleanUp()
  }

  @Test func theSameSeedMakesTheSameStudy() throws {
    var values: [[Double]] = []
    for _ in 0..<2 {
      let command = try BuiltCommand()
      try command.writeStudy(Self.quadratic, trials: 14)
      #expect(try command.run("run", "study.yaml", "--seed", "11", "--quiet").code == 0)
      values.append(
        try command.trials().compactMap { ($0["parameters"] as? [String: Double])?["x"] })
      try command.cleanUp()
    }
    #expect(values[0].count == 14)
    #expect(values[0] == values[1])
  }

  @Test func twoProcessesShareOneBudget() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.quadratic, trials: 40)
    let both = try (0..<2).map { _ in
      try command.start("run", "study.yaml", "--workers", "2", "--quiet")
    }
    for process in both { #expect(try process.finished().code == 0) }
    let trials = try command.trials()
    #expect(trials.compactMap { $0["number"] as? Int } == Array(0..<40))
    #expect(trials.allSatisfy { $0["state"] as? String == "completed" })
    try command.cleanUp()
  }

  @Test func aKilledRunIsResumedWithoutLoss() throws {
    var command = try BuiltCommand()
    command.environment["NO_COLOR"] = "1"
    // Two trials would take for ever at their first attempts: until the folder is removed.
    try command.write(
      """
      #!/bin/sh
      case $NEEDLETAIL_TRIAL-$NEEDLETAIL_ATTEMPT in 3-1|4-1) while [ -e train.sh ]; do sleep 0.1; done ;; esac
      echo loss=$NEEDLETAIL_PARAM_X
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 8)
    let killed = try command.terminal(
      [.expect("trial 2 completed"), .expect("trial 5 completed"), .signal(SIGKILL)],
      BuiltCommand.path, "run", "study.yaml", "--workers", "3")
    #expect(killed.code == 128 + SIGKILL)
    let finished = try command.trials().filter { $0["state"] as? String == "completed" }
    #expect(finished.count >= 4)

    let resumed = try command.run("run", "study.yaml", "--workers", "2")
    #expect(resumed.code == 0, "\(resumed.messages)")
    #expect(resumed.messages.contains("runs again what a process that is gone left running"))
    let trials = try command.trials()
    #expect(trials.compactMap { $0["number"] as? Int } == Array(0..<8))
    #expect(trials.allSatisfy { $0["state"] as? String == "completed" })
    // What was finished before is untouched.
    for before in finished {
      let number = try #require(before["number"] as? Int)
      #expect(trials[number]["completed_at"] as? String == before["completed_at"] as? String)
    }
    let third = try BuiltCommand.json(try command.run("trial", "show", "s", "3", "--json").output)
    let attempts = try #require(third["attempts"] as? [[String: Any]])
    #expect(attempts.map { $0["outcome"] as? String } == ["lost", "completed"])
    try command.cleanUp()
  }

  /// Killed again and again while it writes: nothing finished is lost, no trial is there twice.
  @Test func everyKillLeavesASoundStore() throws {
    var command = try BuiltCommand()
    command.environment["NO_COLOR"] = "1"
    try command.writeStudy("[echo, 'loss={x}']", trials: 150, more: "pruner: none")
    var finished: [Int: String] = [:]
    for round in 1...5 {
      let killed = try command.terminal(
        [.expect("(completed: .*?){9}"), .signal(SIGKILL)], BuiltCommand.path, "run",
        "study.yaml", "--workers", "3")
      #expect(killed.code == 128 + SIGKILL, "\(killed.output)")
      #expect(try command.run("doctor").code == 0)
      for trial in try command.trials() where trial["state"] as? String == "completed" {
        let number = try #require(trial["number"] as? Int)
        let moment = try #require(trial["completed_at"] as? String)
        #expect(finished[number] == nil || finished[number] == moment)
        finished[number] = moment
      }
      #expect(finished.count >= round * 9 - 2)
    }
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let trials = try command.trials()
    #expect(trials.compactMap { $0["number"] as? Int } == Array(0..<150))
    #expect(trials.allSatisfy { $0["state"] as? String == "completed" })
    for (number, moment) in finished {
      #expect(trials[number]["completed_at"] as? String == moment)
    }
    try command.cleanUp()
  }

  @Test func retriesAfterTheStudyFilesRule() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      [ $NEEDLETAIL_ATTEMPT = 3 ] || exit 75
      echo loss=1
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 2, more: "retries: {count: 2, delay: 0.05}")
    let result = try command.run("run", "study.yaml")
    #expect(result.code == 0, "\(result.messages)")
    #expect(result.messageLines.count { $0.contains("it will be run again") } == 4)
    let attempts = try BuiltCommand.json(
      try command.run("trial", "show", "s", "1", "--json").output)["attempts"]
    #expect((attempts as? [[String: Any]])?.count == 3)
    try command.cleanUp()
  }

  @Test func aScriptSuggestsAndReports() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      set -e
      kind=$(needletail trial suggest kind categorical linear deep)
      if [ $kind = deep ]; then layers=$(needletail trial suggest layers int 1 4); else layers=0; fi
      rate=$(needletail trial suggest rate float 1e-5 0.1 --log)
      for epoch in 1 2 3; do
        [ $(needletail trial report $epoch.5 --step $epoch) = continue ] || exit 81
      done
      echo loss=$layers.25
      """, to: "train.sh")
    try command.write(
      "name: s\nmetric: loss\ntrials: 12\ncommand: ./train.sh\npruner: none\n", to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--seed", "5")
    #expect(result.code == 0, "\(result.messages)")
    for trial in try command.trials() {
      let parameters = try #require(trial["parameters"] as? [String: Any])
      #expect(parameters["rate"] is Double)
      let isDeep = parameters["kind"] as? String == "deep"
      #expect((parameters["layers"] != nil) == isDeep)
      let steps = (trial["intermediate_values"] as? [[String: Any]])?.map { $0["step"] as? Int }
      #expect(steps == [1, 2, 3])
    }
    let outside = try command.run("trial", "report", "1", "--step", "1")
    #expect(outside.code == 2)
    #expect(outside.messageLines.count == 1)
    try command.cleanUp()
  }

  /// An objective function as Optuna's users write it; only the import differs.
  @Test func aPythonFunctionSuggestsAndIsPruned() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      import needletail as optuna

      def objective(trial):
          x = trial.suggest_float("x", -3, 3)
          kind = trial.suggest_categorical("kind", ["plain", "squared"])
          for step in range(4):
              trial.report(x * x + 1 / (step + 1), step)
              if trial.should_prune():
                  raise optuna.TrialPruned()
          if kind == "squared":
              x = x * trial.suggest_int("n", 1, 3)
          return x * x

      study = optuna.create_study()
      study.optimize(objective)
      """, to: "train.py")
    try command.write(
      "name: s\nmetric: value\npruner: median\ntrials: 14\nworkers: 2\n"
        + "command: [\(BuiltCommand.python), train.py]\n",
      to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--seed", "2")
    #expect(result.code == 0, "\(result.messages)")
    let trials = try command.trials()
    #expect(trials.count == 14)
    #expect(trials.contains { $0["state"] as? String == "pruned" })
    for trial in trials where trial["state"] as? String == "completed" {
      let parameters = try #require(trial["parameters"] as? [String: Any])
      let x = try #require(parameters["x"] as? Double)
      let n = parameters["n"] as? Int
      #expect((n != nil) == (parameters["kind"] as? String == "squared"))
      let value = try #require(trial["value"] as? Double)
      #expect(abs(value - x * x * Double((n ?? 1) * (n ?? 1))) < 1e-12)
    }
    try command.cleanUp()
  }

  @Test func severalObjectivesEndInAList() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metrics: [{name: a, direction: minimize}, {name: b, direction: maximize}]
      parameters: {x: {low: 0.0, high: 1.0}}
      trials: 5
      command: [sh, -c, 'echo a={x} b={x}']
      """, to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--json", "--quiet")
    #expect(result.code == 0, "\(result.messages)")
    // Nothing dominates anything: better in one is worse in the other.
    let best = try #require(try BuiltCommand.json(result.output)["best"] as? [[String: Any]])
    #expect(best.count == 5)
    #expect(try command.run("study", "best", "s", "--json").lines.count == 5)
    try command.cleanUp()
  }

  @Test func aTimeoutStartsNoFurtherTrial() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'sleep 0.3; echo loss=1']", trials: 1_000)
    let result = try command.run("run", "study.yaml", "--timeout", "0.2s", "--json", "--quiet")
    #expect(result.code == 0, "\(result.messages)")
    #expect(try BuiltCommand.json(result.output)["stopped_by"] as? String == "timeout")
    #expect(try command.trials().allSatisfy { $0["state"] as? String == "completed" })
    #expect(try command.trials().count < 3)
    try command.cleanUp()
  }

  @Test func queuedTrialsComeFirst() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.quadratic, trials: 1)
    #expect(try command.run("run", "study.yaml").code == 0)
    #expect(try command.run("trial", "enqueue", "s", "x=0.25").code == 0)
    #expect(try command.run("run", "study.yaml", "--trials", "3").code == 0)
    let trial = try command.trials()[1]
    #expect((trial["parameters"] as? [String: Double])?["x"] == 0.25)
    #expect(trial["state"] as? String == "completed")
    try command.cleanUp()
  }

  @Test func theStoreIsChosenInTheDocumentedOrder() throws {
    var command = try BuiltCommand()
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("sub"), withIntermediateDirectories: true)
    let study = "name: s\nmetric: loss\ntrials: 1\ncommand: [echo, loss=1]\n"
    try command.write(study + "store: own.db\n", to: "sub/own.yaml")
    try command.write(study, to: "sub/plain.yaml")
    func files() throws -> [String] {
      let names = try command.contents().keys
      return names.filter { $0.hasSuffix(".db") }.sorted()
    }
    #expect(try command.run("run", "sub/own.yaml", "--store", "sqlite:///option.db").code == 0)
    #expect(try files() == ["option.db"])
    #expect(try command.run("run", "sub/own.yaml").code == 0)
    #expect(try files() == ["option.db", "sub/own.db"])
    command.environment["NEEDLETAIL_STORE"] = "variable.db"
    #expect(try command.run("run", "sub/plain.yaml").code == 0)
    #expect(try files() == ["option.db", "sub/own.db", "variable.db"])
    command.environment["NEEDLETAIL_STORE"] = nil
    #expect(try command.run("run", "sub/plain.yaml").code == 0)
    #expect(try files() == ["needletail.db", "option.db", "sub/own.db", "variable.db"])
    try command.cleanUp()
  }

  /// `1e-5` is a number; null and 'None', true and 'true' are different choices.
  @Test func choicesAreWhatTheFileSays() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metric: loss
      sampler: grid
      command: [echo, loss=1]
      parameters:
        n: {values: [null, 0.05, "None"]}
        b: [true, "true", false]
        r: 1e-5
      """, to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 0, "\(result.messages)")
    let lines = try command.run("trial", "list", "s", "--json").output.split(separator: "\n")
    #expect(lines.count == 9)
    for n in ["null", "0.05", "\"None\""] {
      for b in ["true", "\"true\"", "false"] {
        #expect(
          lines.count { $0.contains("{\"n\": \(n), \"b\": \(b), \"r\": 1e-05}") } == 1, "\(lines)")
      }
    }
    try command.cleanUp()
  }
}
