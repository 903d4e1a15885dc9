import Foundation
import Testing

/// The verbs that look after trials: by a store, and by a coordinator's address.
@Suite struct OperatingTests {
  /// A study `s` of three trials that sleep until they are stopped, but for the first.
  private func sleepy() throws -> BuiltCommand {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      echo begun $NEEDLETAIL_TRIAL
      [ $NEEDLETAIL_TRIAL = 0 ] && { echo loss=1; exit 0; }
      exec sleep 60
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 3)
    return command
  }

  private func wait(_ what: String, until isTrue: () throws -> Bool) throws {
    let end = Date().addingTimeInterval(60)
    while try !isTrue() {
      try #require(Date() < end, "\(what)")
      usleep(50_000)
    }
  }

  @Test func printsTheVersion() throws {
    let command = try BuiltCommand()
    let plain = try command.run("version")
    #expect(plain.output == (try command.run("--version").output))
    let json = try BuiltCommand.json(try command.run("version", "--json").output)
    #expect(plain.output == "needletail \(json["version"] as? String ?? "")\n")
    try command.cleanUp()
  }

  /// What a dry run suggests is what a run then does, and the dry run leaves no trace.
  @Test(arguments: ["random", "qmc"])
  func aDryRunTellsTheFirstTrials(sampler: String) throws {
    let command = try BuiltCommand()
    try command.writeStudy(
      "/bin/sh -c 'echo loss=1' {args} {trial}", trials: 5,
      more: "sampler: \(sampler)\nseed: 11\npoints: [{x: 0.25}]")
    let before = try command.contents()
    let dry = try command.run("run", "study.yaml", "--trials", "5", "--dry-run", "--json")
    #expect(dry.code == 0, "\(dry.messages)")
    #expect(try command.contents() == before)
    let check = try command.run("study", "check", "study.yaml")
    #expect(check.output.contains("is new in needletail.db"), "\(check.output)")
    #expect(try command.contents() == before)
    let told = try BuiltCommand.json(dry.output)
    let suggestions = try #require(told["suggestions"] as? [[String: Any]])
    #expect(suggestions.count == 5)
    let words = try #require(told["command"] as? [String])
    #expect(words == ["/bin/sh", "-c", "echo loss=1", "--x=0.25", "0"])
    #expect(
      try command.run("run", "study.yaml", "--trials", "5", "--quiet", "--workers", "5").code == 0)
    for (suggestion, trial) in zip(suggestions, try command.trials()) {
      #expect(
        suggestion["parameters"] as? [String: Double] == trial["parameters"] as? [String: Double])
    }
    let after = try command.run("run", "study.yaml", "--dry-run")
    #expect(after.output.contains("'s' with 5 trials"), "\(after.output)")
    try command.cleanUp()
  }

  @Test func aCheckSaysWhatIsDifferent() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metric: loss
      parameters: {x: {low: 0, high: 4}, kind: {choices: [a, b]}}
      trials: 2
      command: /bin/sh -c 'echo loss=1'
      """, to: "study.yaml")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let text = try command.read("study.yaml")
    try command.write(
      text.replacingOccurrences(of: "high: 4", with: "high: 9")
        .replacingOccurrences(of: "loss=1", with: "loss=2"), to: "wide.yaml")
    let wide = try command.run("study", "check", "wide.yaml", "--name", "s", "--json")
    let changes = try BuiltCommand.json(wide.output)["changes"] as? [String]
    #expect(changes?.count == 2, "\(wide.output)")
    #expect(changes?.first == "parameter 'x' was int 0...4, and is int 0...9")
    try command.write(text.replacingOccurrences(of: "[a, b]", with: "[a, b, c]"), to: "c.yaml")
    let other = try command.run("study", "check", "c.yaml", "--name", "s")
    #expect(other.code == 2)
    #expect(other.messageLines.count == 1)
    #expect(other.output.contains("'kind' was one of a, b, and is one of a, b, c"))
    try command.cleanUp()
  }

  @Test func groupsFailuresAndTriesThemAgain() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      case $NEEDLETAIL_TRIAL in
        1|3) echo "Traceback" >&2; echo "ValueError: bad shape $NEEDLETAIL_TRIAL" >&2; exit 1 ;;
        2) echo "no space" >&2; exit 3 ;;
      esac
      echo loss=1
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 5)
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let groups = try command.run("study", "failures", "s", "--json").lines.map(BuiltCommand.json)
    #expect(groups.map { $0["trials"] as? [Int] } == [[1, 3], [2]])
    #expect((groups[0]["reason"] as? String ?? "").contains("ValueError: bad shape"))
    let log = try command.run("trial", "log", "s", "3", "--stderr", "--lines", "1")
    #expect(log.output == "ValueError: bad shape 3\n")
    #expect(try command.run("trial", "log", "s", "3", "--stderr").lines.count == 2)
    #expect(try command.run("trial", "log", "s", "3").code == 1)
    #expect(try command.run("trial", "log", "s", "9").code == 2)

    let refused = try command.run("trial", "retry", "s", "0")
    #expect(refused.code == 2 && refused.messages.contains("only a failed one"))
    let some = try command.run("trial", "retry", "s", "--all", "--reason", "no space")
    #expect(some.output == "trial 2 is tried again as trial 5\n")
    let rest = try command.run("trial", "retry", "s", "--all", "--json").lines
    #expect(try rest.map { try BuiltCommand.json($0)["trial"] as? Int } == [1, 3])
    #expect(try command.run("trial", "retry", "s", "--all").code == 1)
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let trials = try command.trials()
    #expect(trials.count == 8)
    for (old, new) in [(2, 5), (1, 6), (3, 7)] {
      #expect(trials[new]["state"] as? String == "completed")
      #expect(
        trials[old]["parameters"] as? [String: Double] == trials[new]["parameters"]
          as? [String: Double])
    }
    try command.cleanUp()
  }

  /// One trial is stopped, and the run goes on with the next.
  @Test func stopsATrialOfARun() throws {
    let command = try sleepy()
    let run = try command.start("run", "study.yaml", "--quiet")
    try wait("trial 1 runs") { try command.run("trial", "log", "s", "1").output == "begun 1\n" }
    let follower = try command.start("trial", "log", "s", "1", "--follow")
    let stopped = try command.run("trial", "stop", "s", "1", "--json")
    #expect(stopped.code == 0, "\(stopped.messages)")
    let trial = try BuiltCommand.json(stopped.output)
    #expect(trial["state"] as? String == "failed")
    let attributes = try #require(trial["system_attributes"] as? [String: Any])
    #expect(attributes["needletail:outcome"] as? String == "cancelled")
    #expect(try follower.finished().output == "begun 1\n")
    for number in ["0", "1", "7"] {
      let refused = try command.run("trial", "stop", "s", number)
      #expect(refused.code == 2 && refused.messageLines.count == 1, "\(refused.messages)")
    }
    try wait("trial 2 runs") { try command.run("trial", "log", "s", "2").output == "begun 2\n" }
    // Its worker dies: there is nothing that could stop it.
    run.send(SIGKILL)
    _ = try run.finished()
    try wait("the process is gone") {
      try command.run("trial", "stop", "s", "2").messages.contains("its worker is gone")
    }
    try command.cleanUp()
  }

  @Test func leavesOtherHoldersAlone() throws {
    let command = try BuiltCommand()
    #expect(try command.run("study", "create", "s").code == 0)
    let space = #"{"x": {"type": "float", "low": 0, "high": 1}}"#
    #expect(try command.run("trial", "ask", "s", "--space", space).code == 0)
    #expect(try command.run("trial", "stop", "s", "0").messages.contains("asked for by hand"))
    #expect(try command.run("trial", "enqueue", "s", "x=0.5").code == 0)
    #expect(try command.run("trial", "stop", "s", "1").messages.contains("waits to be run"))
    let script = """
      import optuna
      study = optuna.load_study(study_name="s", storage="sqlite:///needletail.db")
      study.ask(); print(study.ask().number)
      """
    let asked = try command.run(BuiltCommand.python, ["-c", script])
    #expect(asked.output == "2\n", "\(asked.messages)")
    #expect(try command.run("trial", "stop", "s", "2").messages.contains("another program"))
    try command.cleanUp()
  }

  /// The same by a coordinator's address, with a worker on the network.
  @Test func worksByACoordinator() throws {
    let command = try sleepy()
    let served = try ServedStudies(command, "study.yaml")
    let to = ["--to", served.url]
    func run(_ words: String...) throws -> BuiltCommand.Result {
      try command.run(BuiltCommand.path, words + to)
    }
    let version = try run("version")
    #expect(version.lines.count == 2, "\(version.messages)")
    let check = try run("study", "check", "study.yaml", "--json")
    #expect(try BuiltCommand.json(check.output)["is_new"] as? Bool == false, "\(check.messages)")
    let worker = try served.worker(["--until-done"])
    try wait("trial 1 runs") {
      try run("trial", "stop", "s", "1").output.contains("a user stopped this trial")
    }
    try wait("trial 2 is stopped") { try run("trial", "stop", "s", "2").code == 0 }
    _ = try worker.finished()
    let groups = try run("study", "failures", "s", "--json").lines.map(BuiltCommand.json)
    #expect(groups.map { $0["trials"] as? [Int] } == [[1, 2]])
    let refused = try run("trial", "stop", "s", "2")
    #expect(refused.code == 2 && refused.messages.contains("is failed already"))
    #expect(try run("trial", "retry", "s", "--all").lines.count == 2)
    #expect(try run("trial", "retry", "s", "0").messages.contains("only a failed one"))
    #expect(try run("study", "failures", "nothing").code == 2)
    try served.stop()
    try command.cleanUp()
  }
}
