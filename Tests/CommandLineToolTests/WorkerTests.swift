import Foundation
import Testing

/// `needletail worker` with a real coordinator, from end to end.
@Suite struct WorkerTests {
  @Test func runsAStudyForACoordinator() throws {
    let command = try BuiltCommand()
    try command.writeStudy(RunTests.quadratic, trials: 12)
    let served = try ServedStudies(command, "study.yaml")
    let result = try served.work("--slots", "3", "--name", "alpha")
    #expect(result.code == 0, "\(result.messages)")
    #expect(result.messages.contains("worker alpha with 3 slots for \(served.url)"))
    #expect(result.messages.contains("trials: 12 completed"))
    let trials = try served.trials()
    #expect(trials.compactMap { $0["number"] as? Int } == Array(0..<12))
    #expect(trials.allSatisfy { $0["state"] as? String == "completed" })
    for trial in trials {
      let x = try #require((trial["parameters"] as? [String: Double])?["x"])
      let value = try #require(trial["value"] as? Double)
      #expect(abs(value - (x - 0.3) * (x - 0.3)) < 1e-5)
    }
    let shown = try served.trial(0)
    let attempts = try #require(shown["attempts"] as? [[String: Any]])
    #expect((attempts.first?["worker"] as? String)?.contains("alpha") == true)
    try served.stop()
    try command.cleanUp()
  }

  /// `--study` alone ends the worker with the study; other studies are left alone.
  @Test func worksForOneStudyAlone() throws {
    let command = try BuiltCommand()
    for name in ["one", "two"] {
      try command.writeStudy("[echo, loss=1]", trials: 3, name: name)
      try FileManager.default.moveItem(
        at: command.folder.appendingPathComponent("study.yaml"),
        to: command.folder.appendingPathComponent("\(name).yaml"))
    }
    let served = try ServedStudies(command, "one.yaml", "two.yaml")
    let result = try served.worker(["--study", "two"]).finished()
    #expect(result.code == 0, "\(result.messages)")
    #expect(try served.trials("two").count == 3)
    #expect(try served.trials("one").isEmpty)
    let unknown = try served.worker(["--study", "three"]).finished()
    #expect(unknown.code == 2)
    #expect(unknown.messages.contains("three"), "\(unknown.messages)")
    try served.stop()
    try command.cleanUp()
  }

  @Test func takesSubmittedStudiesAndListsThePool() throws {
    let command = try BuiltCommand()
    let served = try ServedStudies(command)
    let empty = try command.run("worker", "list", "--to", served.url)
    #expect(empty.code == 1)
    let worker = try served.worker(["--name", "beta", "--slots", "2"])
    try worker.waitForMessage("worker beta with 2 slots")
    try command.writeStudy(
      #"[sh, -c, 'while [ ! -e go ]; do sleep 0.05; done; echo loss=1']"#, trials: 3)
    let submitted = try command.run("study", "submit", "study.yaml", "--to", served.url, "--json")
    #expect(submitted.code == 0, "\(submitted.messages)")
    #expect(try BuiltCommand.json(submitted.output)["name"] as? String == "s")
    // Two trials run now; the list says so.
    var running: [[String: Any]] = []
    for _ in 0..<1_000 where running.count < 2 {
      let list = try command.run("worker", "list", "--to", served.url, "--json")
      let beta = try BuiltCommand.json(try #require(list.lines.first))
      #expect(beta["name"] as? String == "beta")
      #expect(beta["slots"] as? Int == 2)
      #expect(beta["state"] as? String == "active")
      running = beta["running"] as? [[String: Any]] ?? []
    }
    #expect(running.compactMap { $0["study"] as? String } == ["s", "s"])
    let table = try command.run("worker", "list", "--to", served.url)
    #expect(table.output.contains("beta") && table.output.contains("s/0 s/1"))
    try command.write("", to: "go")
    try worker.waitForMessage("trial 2 completed")
    worker.send(SIGTERM)
    #expect(try worker.finished().code == 0)
    // It has left.
    #expect(try command.run("worker", "list", "--to", served.url).code == 1)
    try served.stop()
    try command.cleanUp()
  }

  /// The pruner on the coordinator stops a command on the worker by what it prints.
  @Test func prunesByWhatIsPrinted() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      step=0
      while [ $step -lt 200 ]; do
        echo "step=$step loss=$NEEDLETAIL_TRIAL"
        step=$((step + 1))
        [ "$NEEDLETAIL_TRIAL" = 0 ] && [ $step = 5 ] && exit 0
        sleep 0.05
      done
      """, to: "steps.sh")
    try command.writeStudy(
      "./steps.sh", trials: 3, more: "pruner: {name: median, startup_trials: 1}")
    let served = try ServedStudies(command, "study.yaml")
    let result = try served.work()
    #expect(result.code == 0, "\(result.messages)")
    let states = try served.trials().compactMap { $0["state"] as? String }
    #expect(states == ["completed", "pruned", "pruned"])
    // It did not run to its end, by far.
    let trial = try served.trial(1)
    #expect((trial["intermediate_values"] as? [Any])?.count ?? 200 < 150)
    try served.stop()
    try command.cleanUp()
  }

  /// The objective suggests its own parameters, reports, sets attributes and prunes itself, over
  /// the trial channel of a worker on another machine.
  @Test func runsADefineByRunObjectiveInPython() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      import needletail as optuna

      def objective(trial):
          x = trial.suggest_float("x", -10, 10)
          kind = trial.suggest_categorical("kind", ["plain", "tilted"])
          n = trial.suggest_int("n", 1, 3)
          trial.set_user_attr("kind", kind)
          for step in range(8):
              trial.report(trial.number + step / 100, step)
              if trial.should_prune():
                  raise optuna.TrialPruned()
          return (x - 2) ** 2 + n

      study = optuna.create_study(direction="minimize")
      study.optimize(objective, n_trials=100)
      """, to: "objective.py")
    try command.write(
      """
      name: s
      direction: minimize
      pruner: {name: median, startup_trials: 2}
      trials: 6
      command: ['\(BuiltCommand.python)', objective.py]
      """, to: "study.yaml")
    let served = try ServedStudies(command, "study.yaml")
    let result = try served.work()
    #expect(result.code == 0, "\(result.messages)")
    let trials = try served.trials()
    #expect(trials.count == 6)
    for trial in trials {
      let parameters = try #require(trial["parameters"] as? [String: Any])
      #expect(Set(parameters.keys) == ["x", "kind", "n"])
      let attributes = try #require(trial["user_attributes"] as? [String: String])
      #expect(attributes["kind"] == parameters["kind"] as? String)
      #expect((trial["intermediate_values"] as? [Any])?.isEmpty == false)
    }
    let states = trials.compactMap { $0["state"] as? String }
    #expect(states.prefix(2) == ["completed", "completed"])
    // Trial 5 is worse than the median of those before, at its first step.
    #expect(states.last == "pruned")
    try served.stop()
    try command.cleanUp()
  }

  @Test func runsAShellScriptThatSuggests() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      rate=$(needletail trial suggest rate float 1e-5 0.1 --log) || exit 3
      for epoch in 1 2 3; do
        [ "$(needletail trial report "$rate" --step $epoch)" = continue ] || exit 81
      done
      """, to: "objective.sh")
    try command.write("name: s\ntrials: 3\ncommand: ./objective.sh\n", to: "study.yaml")
    let served = try ServedStudies(command, "study.yaml")
    let result = try served.work("--slots", "2")
    #expect(result.code == 0, "\(result.messages)")
    for trial in try served.trials() {
      let rate = try #require((trial["parameters"] as? [String: Double])?["rate"])
      #expect(trial["value"] as? Double == rate)
      #expect((trial["intermediate_values"] as? [Any])?.count == 3)
    }
    try served.stop()
    try command.cleanUp()
  }

  @Test func givesSlotsTheirDevicesCoresAndFolder() throws {
    let command = try BuiltCommand()
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("work"), withIntermediateDirectories: true)
    try command.writeStudy(
      #"[sh, -c, 'echo "$CUDA_VISIBLE_DEVICES $HIP_VISIBLE_DEVICES $OMP_NUM_THREADS $(nproc)" "#
        + #">> "devices-$NEEDLETAIL_SLOT"; sleep 0.2; echo loss=1']"#, trials: 6)
    let served = try ServedStudies(command, "study.yaml")
    let result = try served.work("--gpus", "4,7", "--cores", "0", "--folder", "work")
    #expect(result.code == 0, "\(result.messages)")
    // One slot per device.
    #expect(result.messages.contains("with 2 slots"))
    for (slot, device) in [(0, "4"), (1, "7")] {
      let lines = try command.read("work/devices-\(slot)").split(separator: "\n")
      #expect(lines.allSatisfy { $0 == "\(device) \(device) 1 1" }, "\(lines)")
    }
    try served.stop()
    try command.cleanUp()
  }

  @Test(arguments: [true, false])
  func endsWhatHoldsTooMuchMemory(isInFile: Bool) throws {
    let command = try BuiltCommand()
    // A child of the command holds it, beside what both share.
    try command.write(
      """
      import os, sys, time
      if os.fork() == 0:
          block = bytearray(b"x") * (300 << 20)
          time.sleep(60)
          os._exit(0)
      os.wait()
      print("loss=1")
      """, to: "grow.py")
    try command.writeStudy(
      "['\(BuiltCommand.python)', grow.py]", trials: 1, more: isInFile ? "memory_limit: 150M" : "")
    let served = try ServedStudies(command, "study.yaml")
    let start = ContinuousClock.now
    let result = try isInFile ? served.work() : served.work("--memory", "150M")
    #expect(result.code == 0, "\(result.messages)")
    #expect(ContinuousClock.now - start < .seconds(40))
    let trial = try served.trial(0)
    #expect(trial["state"] as? String == "failed")
    let attributes = try #require(trial["system_attributes"] as? [String: Any])
    #expect(attributes["needletail:outcome"] as? String == "out_of_memory")
    let reason = try #require(attributes["needletail:reason"] as? String)
    #expect(reason.contains("more than its limit of 150.0 MiB"), "\(reason)")
    try served.stop()
    try command.cleanUp()
  }

  @Test func worksStraightFromAStore() throws {
    let command = try BuiltCommand()
    for (name, program, trials) in [("s", RunTests.quadratic, 9), ("other", "[echo, loss=2]", 4)] {
      try command.writeStudy(program, trials: trials, name: name)
      #expect(try command.run("run", "study.yaml", "--trials", "1", "--quiet").code == 0)
      // A run of a study that was stopped says what its budget is, and runs nothing.
      #expect(try command.run("study", "stop", name).code == 0)
      #expect(
        try command.run("run", "study.yaml", "--trials", "\(trials)", "--quiet").code == 130)
      #expect(try command.trials(name).count == 1)
      #expect(try command.run("study", "resume", name).code == 0)
    }
    let workers = try (0..<2).map { _ in
      try command.start("worker", "--store", "needletail.db", "--slots", "2", "--until-done")
    }
    for worker in workers {
      let result = try worker.finished()
      #expect(result.code == 0, "\(result.messages)")
    }
    #expect(try command.trials("s").count == 9)
    #expect(try command.trials("other").count == 4)
    let states = try (command.trials("s") + command.trials("other")).map { $0["state"] as? String }
    #expect(states.allSatisfy { $0 == "completed" })
    try command.cleanUp()
  }

  /// A worker on a store stops a study whose command only fails, says why, and goes on when it is
  /// resumed.
  @Test func stopsAFailingStudyOfAStore() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\n[ -e mended ] || { echo boom >&2; exit 3; }\necho loss=1\n", to: "t.sh")
    try command.writeStudy("./t.sh", trials: 10)
    #expect(try command.run("run", "study.yaml", "--quiet").code == 2)
    #expect(try command.trials().count == 5)
    // A worker does not set it going.
    #expect(try command.run("worker", "--store", "needletail.db", "--until-done").code == 0)
    #expect(try command.trials().count == 5)
    #expect(try command.run("study", "resume", "s").code == 0)
    let worker = try command.run("worker", "--store", "needletail.db", "--until-done")
    #expect(worker.code == 0, "\(worker.messages)")
    #expect(
      worker.messages.contains(
        "study 's' is not run here any more: the first 3 attempts failed, the last (trial 7) "
          + "because the command exited with 3: boom; go on with: needletail study resume s"),
      "\(worker.messages)")
    #expect(try command.trials().count == 8)
    try command.write("", to: "mended")
    #expect(try command.run("study", "resume", "s").code == 0)
    #expect(try command.run("worker", "--store", "needletail.db", "--until-done").code == 0)
    let states = try command.trials().compactMap { $0["state"] as? String }
    #expect(states == Array(repeating: "failed", count: 8) + ["completed", "completed"])
    try command.cleanUp()
  }

  /// A worker on a store, a run and a coordinator have one budget: what was said last.
  @Test func allKeepTheBudgetThatWasSaidLast() throws {
    var command = try BuiltCommand()
    command.environment["NEEDLETAIL_STORE"] = "served.db"
    try command.writeStudy("[echo, loss=1]", trials: 20)
    #expect(try command.run("run", "study.yaml", "--trials", "2", "--quiet").code == 0)
    #expect(try command.run("worker", "--store", "served.db", "--until-done").code == 0)
    #expect(try command.trials().count == 2)
    let served = try ServedStudies(command)
    #expect(
      try command.run("study", "submit", "study.yaml", "--to", served.url, "--trials", "4").code
        == 0)
    let worker = try served.work("--study", "s")
    #expect(worker.code == 0, "\(worker.messages)")
    #expect(try command.trials().count == 4)
    // The same file again leaves the budget as it was said.
    #expect(try command.run("study", "submit", "study.yaml", "--to", served.url).code == 0)
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(try command.trials().count == 4)
    try served.stop()
    try command.cleanUp()
  }
}
