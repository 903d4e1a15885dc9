import Foundation
import StudyModel
import Testing
import Trials

@testable import Objectives

@Suite struct CommandOutcomeTests {
  @Test(
    "a script and how it ends",
    arguments: [
      ("echo loss=0.25", CommandOutcome.completed([0.25])),
      ("echo 'loss: 1e-3 acc: 2'", .completed([0.001])),
      ("echo '{\"loss\": \"0.5\"}'", .completed([0.5])),
      ("printf 'loss=3'", .completed([3])),
      ("echo loss=-inf", .completed([-.infinity])),
      ("echo loss=1; echo loss=2", .completed([2])),
      ("true", .metricMissing(name: "loss", seen: [])),
      (
        "echo accuracy=0.9; echo val-loss=3",
        .metricMissing(name: "loss", seen: ["accuracy", "val-loss"])
      ),
      ("echo loss=nan", .badMetric(name: "loss", text: "nan")),
      ("echo loss=", .badMetric(name: "loss", text: "nan")),
      ("echo loss=high", .badMetric(name: "loss", text: "high")),
      ("echo high", .metricMissing(name: "loss", seen: [])),
      ("echo loss=0.5; echo final loss: see above", .completed([0.5])),
      ("echo loss=0.5; exit 1", .failed(code: 1, detail: "")),
      (
        "echo 'Trace' >&2; echo 'ValueError: bad' >&2; exit 3",
        .failed(code: 3, detail: "ValueError: bad")
      ),
      ("exit 75", .tryAgain), ("exit 130", .requeued), ("exit 80", .infeasible),
      ("exit 81", .prunedItself),
      ("kill -9 $$", .signalled(9)), ("kill -SEGV $$", .signalled(11)),
      ("kill -TERM $$", .signalled(15)),
      ("exit 137", .failed(code: 137, detail: "")),
    ])
  func ends(script: String, expected: CommandOutcome) throws {
    #expect(try outcome(of: script) == expected)
  }

  @Test func givesReasonsAndClasses() {
    let rows: [(CommandOutcome, AttemptOutcome, String)] = [
      (
        .metricMissing(name: "loss", seen: ["a", "b"]), .metricMissing,
        "the command exited with 0 without reporting 'loss'; print loss=<number>, or set metric to one that it prints: a, b"
      ),
      (.badMetric(name: "loss", text: "nan"), .failed, "the command reported NaN as 'loss'"),
      (
        .ambiguousMetric(name: "loss", text: "1,234.5"), .failed,
        "the command reported '1,234.5' as 'loss', which may mean more than one number; print it with a decimal point and without separators"
      ),
      (
        .badMetric(name: "loss", text: "high"), .failed,
        "the command reported 'high' as 'loss', which is not a number"
      ),
      (
        .signalled(9), .outOfMemory,
        "the command was killed by SIGKILL, probably because memory ran out"
      ),
      (
        .failed(code: 137, detail: ""), .outOfMemory,
        "the command exited with 137: killed, probably because memory ran out"
      ),
      (.signalled(11), .failed, "the command was ended by SIGSEGV"),
      (.failed(code: 2, detail: "usage: x"), .failed, "the command exited with 2: usage: x"),
      (
        .timedOut(limit: .milliseconds(1_500)), .timedOut,
        "the command ran longer than its limit of 1.5 s"
      ),
      (.timedOut(limit: .seconds(90)), .timedOut, "the command ran longer than its limit of 90 s"),
      (.tryAgain, .tryAgain, "the command asked to be tried again later (exit code 75)"),
      (.requeued, .interrupted, "the command was interrupted (exit code 130)"),
      (.pruned(reason: "0.9 is behind"), .pruned, "0.9 is behind"),
      (.prunedItself, .pruned, "the command pruned itself"),
      (.infeasible, .infeasible, "the command said that these parameters are infeasible"),
      (.preempted, .preempted, "the worker was told to stop"),
      (.lost, .lost, "the trial was taken over by another worker"),
      (.completed([1]), .completed, "completed"),
    ]
    for (outcome, kind, reason) in rows {
      #expect(outcome.attemptOutcome == kind)
      #expect(outcome.reason == reason)
    }
  }

  @Test func reducesSeveralReports() throws {
    let script = "for e in 1 2 3; do echo epoch=$e loss=0.$((5 - e)); done; echo loss=0.9"
    #expect(try outcome(of: script) == .completed([0.9]))
    #expect(
      try outcome(of: script, "metric: {name: loss, reduce: best}") == .completed([0.2]))
    #expect(
      try outcome(of: script, "metric: {name: loss, goal: maximize, reduce: best}")
        == .completed([0.9]))
    #expect(
      try outcome(
        of: "echo loss=nan; echo loss=3; echo loss=nan", "metric: {name: loss, reduce: best}")
        == .completed([3]))
  }

  @Test func takesSeveralObjectives() throws {
    #expect(
      try outcome(of: "echo loss=1 step=1; echo time: 2s", "metrics: [loss, time]")
        == .badMetric(name: "time", text: "2s"))
    #expect(
      try outcome(of: "echo loss=1 step=1; echo 'time: 2 s'", "metrics: [loss, time]")
        == .completed([1, 2]))
    let handler = RecordingHandler()
    let harness = try CommandHarness(script: "echo loss=1 step=1 time=2", "metrics: [loss, time]")
    #expect(harness.run(handler).outcome == .completed([1, 2]))
    #expect(handler.reports.isEmpty)
  }

  @Test func readsTheChosenStream() throws {
    let script = "echo loss=1; echo loss=2 >&2"
    #expect(try outcome(of: script) == .completed([1]))
    #expect(try outcome(of: script, "metric: loss\ncollect: stderr") == .completed([2]))
    #expect(
      try outcome(of: script, "metric: loss\ncollect: none")
        == .metricMissing(name: "loss", seen: ["loss"]))
  }

  @Test func readsExpressions() throws {
    func outcome(_ regex: String, _ script: String) throws -> CommandOutcome {
      try ObjectivesTests.outcome(of: script, "metric: loss\ncollect: {regex: '\(regex)'}")
    }
    #expect(try outcome("error of (.*) after", "echo error of 0.5 after 3") == .completed([0.5]))
    #expect(try outcome(#"(\w+) is (\S+)"#, "echo acc is 2, loss is 1e-2") == .completed([0.01]))
    #expect(
      try outcome(#"(?<step>\d+)/9 (?<name>\w+) (?<value>\S+)"#, "echo 3/9 loss 7")
        == .completed([7]))
    #expect(
      try outcome("got (.*)", "echo got nothing") == .badMetric(name: "loss", text: "nothing"))
  }

  @Test func readsAResultFile() throws {
    func outcome(_ text: String, _ name: String = "r.json") throws -> CommandOutcome {
      try ObjectivesTests.outcome(
        of: "cat > \"$NEEDLETAIL_DIR/\(name)\" <<'END'\n\(text)\nEND",
        "metric: loss\ncollect: {file: \(name)}")
    }
    #expect(try outcome("{\"loss\": 0.5, \"other\": [1]}") == .completed([0.5]))
    #expect(
      try outcome(
        #"[{"name": "x", "type": "constraint", "value": 1}, {"name": "loss", "type": "objective", "value": "2"}]"#
      )
        == .completed([2]))
    #expect(try outcome(#"[{"name": "f", "type": "objective", "value": 3}]"#) == .completed([3]))
    #expect(try outcome("0.75") == .completed([0.75]))
    #expect(try outcome("epoch: 3\nloss: 0.25") == .completed([0.25]))
    #expect(try outcome("{\"loss\": NaN}") == .badMetric(name: "loss", text: "nan"))
    #expect(
      try ObjectivesTests.outcome(of: "echo loss=1", "metric: loss\ncollect: {file: none.json}")
        == .metricMissing(name: "loss", seen: ["loss"]))
  }

  @Test func refusesWhatCannotBeStarted() throws {
    func problem(_ command: String, files: [String: String] = [:]) -> String {
      do {
        _ = try CommandHarness("metric: loss\ncommand: \(command)", files: files)
        return ""
      } catch {
        return "\(error)".split(separator: "/").last.map(String.init) ?? ""
      }
    }
    #expect(
      problem("[no-such-program]")
        == "study.yaml:2:10: the command 'no-such-program' cannot be started: it is not found on PATH; install it, or give its path"
    )
    #expect(
      problem("[train.sh]", files: ["train.sh": "#!/bin/sh"]).hasSuffix("train.sh"))
    #expect(problem("[./gone]").hasSuffix("relative to the study file's folder"))
    #expect(
      problem("[./train.py]", files: ["train.py": "print()"]).hasSuffix(
        "train.py' cannot be started: it is not executable; run chmod +x on it, or put its interpreter before it"
      ))
    #expect(problem("[./.]").hasSuffix("it is a folder; name a program"))
    let plain = try CommandHarness(
      "command: [./plain.x]", files: ["plain.x": "echo loss=1"])
    #expect(
      plain.run().outcome
        == .notStarted(
          program: "./plain.x",
          reason: "it is neither a program nor a script with a #! line; add one, such as #!/bin/sh")
    )
    #expect(
      problem("[./x]", files: ["x": "#!/no/such/thing -x\n"]).hasSuffix(
        "thing' is not there; install it, or mend the first line"))
    let interpreter = try CommandHarness("command: [./x]", files: ["x": "#!/bin/sh\n"])
    try interpreter.folder.write("#!/no/such/thing\n", to: "x", executable: true)
    #expect(interpreter.run().outcome.reason.contains("its interpreter after #!"))
    #expect(interpreter.run().outcome.isHopeless)
  }

  // MARK: A value that was told before the command failed

  /// Tells 4 over the channel, waits for the answer, and goes on with the script.
  private static func tell(_ script: String) -> String {
    "printf '{\"call\":\"tell\",\"values\":[4]}\\n' >&3; read reply <&3; \(script)"
  }

  @Test(
    "a told value stands when the command fails by accident",
    arguments: [
      ("echo 'no display' >&2; exit 1", "the command exited with 1: no display"),
      ("exit 127", "the command exited with 127, which means 'command not found'"),
      ("kill -SEGV $$", "the command was ended by SIGSEGV"),
      ("kill -KILL $$", "the command was killed by SIGKILL, probably because memory ran out"),
    ])
  func aToldValueStands(script: String, failure: String) throws {
    let result = try CommandHarness(script: Self.tell(script)).run()
    #expect(result.outcome == .completed([4]))
    #expect(result.notes == ["\(failure); the value that it had told before stands"])
    #expect(result.lastErrors.isEmpty)
  }

  @Test(
    "what the command or a limit says on purpose prevails over a told value",
    arguments: [
      ("exit 75", CommandOutcome.tryAgain), ("exit 80", .infeasible), ("exit 81", .prunedItself),
      ("exit 130", .requeued), ("sleep 1000", .timedOut(limit: .milliseconds(300))),
      (
        "printf '{\"call\":\"tell\",\"state\":\"failed\",\"reason\":\"no\"}\\n' >&3; read reply <&3; exit 1",
        .reportedFailure("no")
      ),
      (
        "printf '{\"call\":\"tell\",\"values\":[NaN]}\\n' >&3; read reply <&3; exit 1",
        .failed(code: 1, detail: "")
      ),
      (
        "printf '{\"call\":\"tell\",\"values\":[1,2]}\\n' >&3; read reply <&3; exit 1",
        .failed(code: 1, detail: "")
      ),
    ])
  func whatIsSaidOnPurposePrevails(script: String, expected: CommandOutcome) throws {
    let limit = script.hasPrefix("sleep") ? "\ntrial_timeout: 300ms" : ""
    #expect(try outcome(of: Self.tell(script), "metric: loss" + limit) == expected)
  }

  @Test(arguments: [
    (
      StopHandle.Reason.ordered(.cancelled("cancelled")),
      CommandOutcome.cancelled(reason: "cancelled")
    ),
    (.memoryLimit(9), .outOfMemory(used: 9, limit: 0)), (.ordered(.lost("taken over")), .lost),
    (.interrupted, .interrupted),
  ])
  func aStopPrevailsOverAToldValue(reason: StopHandle.Reason, expected: CommandOutcome) throws {
    let stop = StopHandle()
    let handler = RecordingHandler { _ in stop.request(reason) }
    let harness = try CommandHarness(script: Self.tell("echo step=1 loss=1; sleep 1000"))
    #expect(harness.run(handler, stop: stop).outcome == expected)
  }

  @Test func aConstraintThatIsMissingIsNotReplaced() throws {
    #expect(
      try outcome(of: Self.tell("exit 1"), "metric: loss\nconstraints: [size]")
        == .failed(code: 1, detail: ""))
    #expect(
      try outcome(of: "echo size=1;" + Self.tell("exit 1"), "metric: loss\nconstraints: [size]")
        == .completed([4]))
    // What was printed alone is no result of a command that failed.
    #expect(try outcome(of: "echo loss=4; exit 1") == .failed(code: 1, detail: ""))
  }

  // MARK: The last lines of the errors

  @Test func theLastLinesOfTheErrorsAreKept() throws {
    func lines(_ script: String) throws -> [String] {
      try CommandHarness(script: script).run().lastErrors
    }
    let cause = "echo '/usr/bin/ld: cannot find -lfoo' >&2; echo 'collect2: error' >&2; "
    #expect(try lines(cause + "exit 1") == ["/usr/bin/ld: cannot find -lfoo", "collect2: error"])
    #expect(try lines(cause + "exit 0") == ["/usr/bin/ld: cannot find -lfoo", "collect2: error"])
    #expect(try lines(cause + "kill -SEGV $$").count == 2)
    #expect(try lines(cause + "echo loss=1").isEmpty)
    #expect(try lines(cause + "exit 80").isEmpty)
    #expect(
      try lines("for i in $(seq 100); do echo line $i >&2; echo >&2; done; exit 1")
        == (91...100).map { "line \($0)" })
  }

  @Test func theLastLinesAreBoundedAndPlain() {
    func lines(_ text: String) -> [String] { LastLines.of(Array(text.utf8)[...]) }
    #expect(lines("") == [] && lines("\n \n\t\n") == [])
    #expect(lines("a\r\nb") == ["a", "b"])
    #expect(lines(" 10%|#\r 50%|##\r100%|###\nboom\n") == ["100%|###", "boom"])
    #expect(lines("\u{1B}[31mError\u{1B}[0m: x\n\u{1B}[0m\n") == ["Error: x"])
    #expect(lines(String(repeating: "é", count: 5_000)).map(\.unicodeScalars.count) == [300])
    #expect(lines(String(repeating: "x\n", count: 5_000)).count == 10)
  }

  // MARK: Numbers as programs print them

  @Test(
    "usual lines and the score in them",
    arguments: [
      ("score=-7.539458549707136e-05", -7.539458549707136e-05), ("score=1.2e+32", 1.2e32),
      ("score=12e2", 1_200),
      ("score = 1.5E-1", 0.15), ("score=888", 888), ("score=888.33", 888.33),
      ("Epoch 3 test: val-score: 0.2, score: 71.59% (9332/13036)", 71.59),
      ("{'score': 0.25, 'lr': 1e-05}", 0.25),
      ("val_score=0.9 score=.5", 0.5), (" 10% ##  1/10 [00:01<00:09, score=0.75]", 0.75),
      ("score=0.5,lr=0.1", 0.5),
      ("score=0.5 100/200", 0.5), ("score: 93.2%", 93.2), ("score=0.25/1.0", 0.25),
      ("score=0.5; lr=1", 0.5),
      ("[score=0.5]", 0.5), ("score=0.5|lr=1", 0.5), ("score=0.5]", 0.5),
      ("score: np.float64(0.5)", 0.5), ("{'score': tensor(0.5)}", 0.5),
      ("score=[0.5]", 0.5), ("score=0.5, 3", 0.5),
    ])
  func readsUsualLines(line: String, value: Double) throws {
    let harness = try CommandHarness(
      "metric: score\ncommand: [cat, out.txt]", files: ["out.txt": line + "\n"])
    #expect(harness.run().outcome == .completed([value]))
  }
}
