import Foundation
import Stores
import StudyModel
import Synchronization
import Testing
import Trials

@testable import Objectives

/// What happens while a command runs.
@Suite struct CommandRunTests {
  // MARK: Reports and pruning

  @Test func passesReportsOn() throws {
    let handler = RecordingHandler()
    let script = """
      echo "epoch=1 loss=0.5"; echo "epoch: 2, loss: nan"; echo '{"loss": "0.25", "step": 3}'
      echo "Epoch=4 acc=1"; echo "loss=9"; echo "step=-1 loss=0.1"; echo "epoch=x loss = +2.5e-1"
      """
    let result = try CommandHarness(script: script).run(handler)
    #expect(result.outcome == .completed([0.25]))
    #expect(
      handler.reports == [
        IntermediateValue(step: 1, value: 0.5), IntermediateValue(step: 2, value: .nan),
        IntermediateValue(step: 3, value: 0.25),
      ])
  }

  @Test func prunesWhatIsBehind() throws {
    let handler = RecordingHandler(pruneFrom: 2)
    // Without the signal it would never end.
    let script = "for e in 1 2; do echo epoch=$e loss=1; done; while :; do sleep 1000; done"
    let result = try CommandHarness(script: script).run(handler)
    #expect(result.outcome == .pruned(reason: "step 2 is behind"))
    #expect(handler.reports.count == 2)
  }

  @Test func endsWhenTheTrialRefusesAReport() throws {
    struct Refusal: Error, CustomStringConvertible { let description = "no such step" }
    let script = "echo step=1 loss=1; sleep 1000"
    #expect(
      try CommandHarness(script: script).run(RecordingHandler { _ in throw Refusal() }).outcome
        == .refused("no such step"))
    #expect(
      try CommandHarness(script: script).run(
        RecordingHandler { _ in throw StoreError.leaseLost(trial: 1) }
      ).outcome == .lost)
  }

  // MARK: Stopping

  /// Runs a script that prints `ready` as a report, and calls `body` at that moment.
  private func run(
    _ script: String, _ yaml: String = "metric: loss\ngrace_period: 0.2",
    whenReady body: @escaping @Sendable (StopHandle) -> Void
  ) throws -> (CommandResult, CommandHarness) {
    let stop = StopHandle()
    let harness = try CommandHarness(script: script, yaml)
    let handler = RecordingHandler { _ in body(stop) }
    return (harness.run(handler, stop: stop), harness)
  }

  @Test(arguments: [
    (StopHandle.Reason.interrupted, CommandOutcome.interrupted), (.preempted, .preempted),
    (.ordered(.lost("its lease ran out")), .lost),
    (.ordered(.pruned("behind")), .pruned(reason: "behind")),
    (.ordered(.cancelledStudy), .cancelled(reason: "the study was cancelled")),
  ])
  func stops(reason: StopHandle.Reason, outcome: CommandOutcome) throws {
    let (result, _) = try run("echo step=1 loss=1; sleep 1000") { $0.request(reason) }
    #expect(result.outcome == outcome)
  }

  @Test func asksFirst() throws {
    let (result, harness) = try run(
      "trap 'echo saved > $NEEDLETAIL_CHECKPOINT/state; exit 0' TERM; echo step=1 loss=1; "
        + "while :; do sleep 0.01; done"
    ) { $0.request(.interrupted) }
    #expect(result.outcome == .interrupted)
    #expect(
      try String(
        contentsOfFile: "\(harness.objective.folders.checkpoint(of: 7))/state", encoding: .utf8)
        == "saved\n")
  }

  @Test func killsWhoIgnoresTheRequest() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let (result, _) = try run(
      "trap '' TERM; echo step=1 loss=1; while :; do sleep 0.01; done"
    ) { $0.request(.interrupted) }
    #expect(result.outcome == .interrupted)
    #expect(clock.now - start >= .milliseconds(200))
  }

  @Test func killsAtOnceWhenTold() throws {
    let (result, _) = try run(
      "trap '' TERM; echo step=1 loss=1; while :; do sleep 0.01; done",
      "metric: loss\ngrace_period: 1h"
    ) { $0.kill() }
    #expect(result.outcome == .interrupted)
  }

  @Test func stopsAStoppedCommand() throws {
    let (result, _) = try run(
      "echo step=1 loss=1; kill -STOP $$; sleep 1000", "metric: loss\ngrace_period: 1h"
    ) { $0.request(.interrupted) }
    #expect(result.outcome == .interrupted)
  }

  @Test func doesNotStartWhatIsStopped() throws {
    let stop = StopHandle()
    stop.request(.preempted)
    let harness = try CommandHarness(script: "touch $NEEDLETAIL_DIR/started; echo loss=1")
    let result = harness.run(stop: stop)
    #expect(result.outcome == .preempted)
    #expect(!FileManager.default.fileExists(atPath: "\(result.folder)/started"))
  }

  @Test func keepsAResultThatWasToldBeforeTheStop() throws {
    let (result, _) = try run(
      "trap 'exit 0' TERM; printf '{\"call\":\"tell\",\"values\":[4]}\\n' >&3; read reply <&3; "
        + "echo step=1 loss=1; while :; do sleep 0.01; done"
    ) { $0.request(.interrupted) }
    #expect(result.outcome == .completed([4]))
  }

  @Test func endsWhatPrintsNothingAndHangs() throws {
    let harness = try CommandHarness(
      script: "sleep 1000", "metric: loss\ntrial_timeout: 100ms")
    #expect(harness.run().outcome == .timedOut(limit: .milliseconds(100)))
  }

  // MARK: Processes

  @Test func doesNotWaitForGrandchildren() throws {
    // One that stays in the group, one in a session of its own that holds all descriptors open.
    let harness = try CommandHarness(
      script: """
        sleep 1000 & echo $! > $NEEDLETAIL_DIR/child
        setsid sh -c 'echo $$ > "$NEEDLETAIL_DIR/other"; exec sleep 1000' &
        while [ ! -s $NEEDLETAIL_DIR/other ]; do sleep 0.01; done
        echo loss=3
        """)
    let result = harness.run()
    #expect(result.outcome == .completed([3]))
    func process(_ name: String) throws -> Int32 {
      let text = try String(contentsOfFile: "\(result.folder)/\(name)", encoding: .utf8)
      return try #require(Int32(text.split(separator: "\n")[0]))
    }
    #expect(hasEnded(try process("child")))
    #expect(hasEnded(try process("other")))
  }

  @Test func killsTheWholeGroup() throws {
    let folder = try TemporaryFolder()
    let (result, _) = try run(
      "trap '' TERM; (trap '' TERM; while :; do sleep 0.01; done) & echo $! > \(folder.path)/child; "
        + "echo step=1 loss=1; wait"
    ) { $0.request(.interrupted) }
    #expect(result.outcome == .interrupted)
    let child = try #require(Int32(try folder.text(of: "child").dropLast()))
    #expect(hasEnded(child))
  }

  @Test func findsOrphansByTheirFolder() throws {
    // What a killed runner leaves is a process with these variables that nobody follows.
    let folders = TrialFolders(in: "/nowhere", study: "s", token: "\(UUID())")
    func start(_ folder: String) throws -> pid_t {
      let output = try Descriptor.pipe()
      let channel = try Descriptor.socketPair()
      let process = try ChildProcess(
        program: "/bin/sleep", arguments: ["sleep", "1000"],
        environment: ["A=b", "NEEDLETAIL_DIR=\(folder)", "Z="], folder: "/",
        output: output.second, errors: output.second, channel: channel.second)
      return process.number
    }
    let orphans = [try start(folders.attempt(1, of: 3)), try start(folders.attempt(2, of: 3))]
    let others = [
      try start(folders.attempt(3, of: 3)), try start(folders.attempt(4, of: 3)),
      try start(folders.attempt(1, of: 4)), try start("/elsewhere/trial-3"),
      try start(folders.attempt(1, of: 30)),
    ]
    #expect(folders.killOrphans(of: 3, before: 1) == 0)
    #expect(folders.killOrphans(of: 3, before: 3) == 2)
    var status: Int32 = 0
    for orphan in orphans {
      #expect(waitpid(orphan, &status, 0) == orphan)
      #expect(status == SIGKILL)
    }
    for other in others {
      #expect(waitpid(other, &status, WNOHANG) == 0)
      kill(other, SIGKILL)
      #expect(waitpid(other, &status, 0) == other)
    }
  }

  @Test func givesTheChildACleanStart() throws {
    signal(SIGPIPE, SIG_IGN)
    let harness = try CommandHarness(
      script: """
        ls /proc/self/fd | tr '\\n' ' ' > $NEEDLETAIL_DIR/descriptors
        grep -E 'SigBlk|SigIgn' /proc/self/status > $NEEDLETAIL_DIR/signals
        cat > $NEEDLETAIL_DIR/input; echo loss=1
        """)
    let result = harness.run()
    #expect(result.outcome == .completed([1]))
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: "\(result.folder)/\(name)", encoding: .utf8)
    }
    // 4 is ls looking at the folder.
    #expect(try text("descriptors") == "0 1 2 3 4 ")
    // The C library ignores its own two signals, 32 and 33, in every child.
    for line in try text("signals").split(separator: "\n") {
      let mask = try #require(UInt64(line.suffix(16), radix: 16))
      #expect(mask & ~0x1_8000_0000 == 0, "\(line)")
    }
    #expect(try text("input") == "")
  }

  @Test func leaksNothing() throws {
    func descriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
    let harness = try CommandHarness(script: "echo $$ > $NEEDLETAIL_DIR/process; echo loss=1")
    let missing = try CommandHarness("command: [./x]", files: ["x": "#!/bin/sh\n"])
    try missing.folder.write("#!/no/such/thing\n", to: "x", executable: true)
    let before = try descriptors()
    for number in 0..<200 {
      let result = harness.run(number: number)
      let text = try String(contentsOfFile: "\(result.folder)/process", encoding: .utf8)
      let process = try #require(Int32(text.dropLast()))
      // Not even one to wait for is left.
      #expect(kill(process, 0) == -1 && errno == ESRCH)
      _ = missing.run()
    }
    // Tests that run beside this one open some, but not hundreds.
    #expect(try descriptors() < before + 100)
  }

  // MARK: Output

  @Test func keepsOutputPerAttempt() throws {
    let harness = try CommandHarness(
      script: "echo out $NEEDLETAIL_ATTEMPT; echo err >&2; echo loss=1")
    let first = harness.run()
    let second = harness.run(attempt: 2)
    func text(_ result: CommandResult, _ name: String) throws -> String {
      try String(contentsOfFile: "\(result.folder)/\(name)", encoding: .utf8)
    }
    #expect(try text(first, "stdout.log") == "out 1\nloss=1\n")
    #expect(try text(first, "stderr.log") == "err\n")
    #expect(try text(second, "stdout.log") == "out 2\nloss=1\n")
  }

  @Test func survivesAFloodOfOutput() throws {
    let harness = try CommandHarness(
      script: "head -c 50000000 /dev/zero; yes | head -c 50000000; echo; echo loss=2",
      "metric: loss\ncollect: both")
    let result = harness.run()
    #expect(result.outcome == .completed([2]))
    let log = "\(result.folder)/stdout.log"
    #expect(result.notes == ["\(log) holds only the first 16 MiB of the output"])
    let size = try #require(
      try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int)
    #expect(size > 16 << 20 && size < (16 << 20) + 100)
  }

  /// Much output, with and without line breaks, and none of it text: the metric behind it is found.
  @Test(arguments: [
    "yes $(printf '%01000d' 0) | head -c 40000000", "head -c 40000000 /dev/zero",
    "head -c 4000000 /dev/urandom",
  ])
  func findsTheMetricBehindMuchOutput(script: String) throws {
    #expect(
      try CommandHarness(script: script + "; echo; echo loss=1").run().outcome == .completed([1]))
  }

  /// A progress bar on standard error that is drawn over with `\r` and never ends its line.
  @Test func readsABarOnTheErrors() throws {
    let handler = RecordingHandler()
    let script = """
      for i in 0 1 2 3 4; do
        printf '\\r%3d%%|##| %d/5 [00:00, epoch=%d, loss=0.%d]' $((i * 20)) $i $i $((9 - i)) >&2
      done
      """
    let result = try CommandHarness(script: script, "metric: loss\ncollect: both").run(handler)
    #expect(result.outcome == .completed([0.5]))
    #expect(
      handler.reports
        == (0..<5).map {
          IntermediateValue(step: $0, value: Double("0.\(9 - $0)")!)
        })
  }

  // MARK: Expressions

  @Test("an expression on a long line does not keep the trial", arguments: [50_000, 5_000_000])
  func anExpressionOnALongLineEnds(size: Int) throws {
    let script = "head -c \(size) /dev/zero | tr '\\000' x; echo; echo loss=0.5"
    #expect(
      try outcome(of: script, "metric: loss\ncollect: {regex: '.*loss=([0-9.]+)'}")
        == .completed([0.5]))
  }

  @Test(
    "an expression that takes for ever ends its trial with a reason",
    arguments: ["(a+)+loss=", "((?:a|aa)+)[0-9]", "(?:.*)*loss=([0-9])"])
  func aHostileExpressionEndsItsTrial(expression: String) throws {
    let script = "head -c 8000 /dev/zero | tr '\\000' a; echo b=; while :; do sleep 1000; done"
    let outcome = try outcome(
      of: script, "metric: loss\ncollect: {regex: '\(expression)'}\ngrace_period: 200ms")
    #expect(
      outcome.reason.hasPrefix(
        "the expression '\(expression)' takes too long on the command's output"),
      "\(outcome)")
    #expect(outcome.attemptOutcome == .failed)
  }

  @Test func aToldValueNeedsNoExpression() throws {
    let script = """
      printf '{"call":"tell","values":[4]}\\n' >&3; read reply <&3
      head -c 8000 /dev/zero | tr '\\000' a; echo b=
      """
    #expect(
      try outcome(of: script, "metric: loss\ncollect: {regex: '(a+)+loss='}") == .completed([4]))
  }

  /// While a command prints what its expression is slow on, its limit holds all the same.
  @Test func limitsHoldWhileExpressionsAreTried() throws {
    let script = "while :; do printf '%08000d\\n' 0; done"
    let start = ContinuousClock.now
    let outcome = try outcome(
      of: script,
      "metric: loss\ncollect: {regex: '[0-9]*x=(.)'}\ntrial_timeout: 500ms\ngrace_period: 100ms")
    #expect(outcome.values == nil)
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test func aPipeInPlaceOfTheLogIsNotWaitedFor() throws {
    let result = try CommandHarness(script: "mkfifo $NEEDLETAIL_DIR/stdout.log; echo loss=1").run()
    #expect(result.outcome == .completed([1]))
    #expect(result.notes.first?.hasPrefix("\(result.folder)/stdout.log cannot be written") == true)
  }

  @Test func toleratesBinaryOutput() throws {
    let result = try CommandHarness(
      script:
        "head -c 300000 /dev/urandom; printf '\\n\\377\\376loss=\\377\\n'; printf 'x\\000 loss=4\\n'"
    ).run()
    #expect(result.outcome == .completed([4]))
  }

  @Test func saysThatOutputCannotBeKept() throws {
    let harness = try CommandHarness(
      script: "mkdir -p $NEEDLETAIL_DIR/stdout.log; echo loss=1 >&2; echo x; echo loss=1",
      "metric: loss\ncollect: both")
    let result = harness.run()
    #expect(result.outcome == .completed([1]))
    #expect(
      result.notes == ["\(result.folder)/stdout.log cannot be written: Is a directory"])
  }

  // MARK: Environment

  @Test func tellsTheCommandItsTrial() throws {
    let harness = try CommandHarness(
      """
      metric: loss
      parameters: {learning-rate: {low: 0.0, high: 1.0}, choice: ["a b", 'é"']}
      environment: {EXTRA: "lr={learning-rate} in {slot}", HOME: null, GONE: "{choice}"}
      command: [/bin/sh, script.sh, "{learning-rate}", "{args}", "{trial}/{attempt}/{study}"]
      """,
      files: [
        "script.sh": """
        printf '%s\\n' "$@" > $NEEDLETAIL_DIR/arguments
        env | grep -E '^(NEEDLETAIL_|EXTRA|HOME|GONE|PYTHONUNBUFFERED)' | sort > $NEEDLETAIL_DIR/environment
        pwd > $NEEDLETAIL_DIR/folder
        echo loss=1
        """
      ])
    let result = harness.run(parameters: [("learning-rate", 0.25), ("flag", true)])
    #expect(result.outcome == .completed([1]))
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: "\(result.folder)/\(name)", encoding: .utf8)
    }
    #expect(
      try text("arguments") == "0.25\n--learning-rate=0.25\n--flag=true\n7/1/s\n")
    #expect(
      try URL(filePath: String(text("folder").dropLast())).resolvingSymlinksInPath()
        == URL(filePath: harness.folder.path).resolvingSymlinksInPath())
    #expect(try text("params.json") == "{\"learning-rate\": 0.25, \"flag\": true}\n")
    let seed = TrialJob(Assignment(number: 7, attempt: 9), slot: 0).commandSeed
    #expect(
      try text("environment") == """
        EXTRA=lr=0.25 in 0
        NEEDLETAIL_ATTEMPT=1
        NEEDLETAIL_CHANNEL=3
        NEEDLETAIL_CHECKPOINT=\(harness.objective.folders.checkpoint(of: 7))
        NEEDLETAIL_DIR=\(result.folder)
        NEEDLETAIL_PARAMS=\(result.folder)/params.json
        NEEDLETAIL_PARAM_FLAG=true
        NEEDLETAIL_PARAM_LEARNING_RATE=0.25
        NEEDLETAIL_REPLICATE=0
        NEEDLETAIL_SEED=\(seed)
        NEEDLETAIL_SLOT=0
        NEEDLETAIL_STUDY=s
        NEEDLETAIL_TRIAL=7
        PYTHONUNBUFFERED=1

        """)
  }

  /// Names that differ in case or punctuation only share a variable's name; each gets one all the
  /// same.
  @Test func eachParameterHasAVariableOfItsOwn() throws {
    let harness = try CommandHarness(
      """
      metric: loss
      parameters: {c: [1], a-b: [2], C: [3], a_b: [4], a.b: [5], c_2: [6]}
      command: [/bin/sh, script.sh]
      """,
      files: [
        "script.sh": "env | grep ^NEEDLETAIL_PARAM_ | sort > $NEEDLETAIL_DIR/variables; echo loss=1"
      ])
    func variables(_ parameters: [(name: String, value: ParameterValue)], number: Int) throws
      -> [String]
    {
      let result = harness.run(number: number, parameters: parameters)
      return try String(contentsOfFile: "\(result.folder)/variables", encoding: .utf8)
        .split(separator: "\n").map { String($0.dropFirst("NEEDLETAIL_PARAM_".count)) }
    }
    #expect(
      try variables(
        [("c", 1), ("a-b", 2), ("C", 3), ("a_b", 4), ("a.b", 5), ("c_2", 6), ("c.2", 7)], number: 1)
        == ["A_B=2", "A_B_2=4", "A_B_3=5", "C=1", "C_2=3", "C_2_2=6", "C_2_3=7"])
    // A parameter keeps its variable where the other is not active.
    #expect(try variables([("C", 3)], number: 2) == ["C_2=3"])
    #expect(
      harness.objective.warnings.first
        == "the parameters 'c' and 'C' share the variable NEEDLETAIL_PARAM_C; it holds 'c', and "
        + "NEEDLETAIL_PARAM_C_2 holds 'C'")
    #expect(harness.objective.warnings.count == 4)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func variablesAreNeverShared(seed: UInt64) {
    var generator = SplitMix(state: seed)
    let letters = Array("aAbB_-.2é")
    let names = Set(
      (0..<40).map { _ in
        String((0...Int(generator.next() % 4)).map { _ in letters[Int(generator.next() % 9)] })
      }
    ).sorted()
    let study = ParameterVariables(Array(names.prefix(30)))
    let variables = study.variables(of: names)
    #expect(Set(variables).count == names.count)
    #expect(
      study.variables(of: names.reversed().suffix(30).reversed()) == Array(variables.prefix(30)))
    #expect(
      variables.allSatisfy {
        $0.utf8.allSatisfy {
          $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
        }
      })
  }

  @Test func refusesArgumentsWithNUL() throws {
    let harness = try CommandHarness(
      "metric: loss\nparameters: {x: [a]}\ncommand: [/bin/echo, \"{x}\"]")
    let outcome = harness.run(parameters: [("x", "a\0b")]).outcome
    #expect(outcome.attemptOutcome == .failed)
    #expect(outcome.reason.hasPrefix("the argument 'a…' has a NUL, which no argument can hold"))
  }

  @Test func keepsCheckpointsAcrossAttempts() throws {
    let harness = try CommandHarness(
      script: """
        if [ -f $NEEDLETAIL_CHECKPOINT/epoch ]; then echo loss=$(cat $NEEDLETAIL_CHECKPOINT/epoch)
        else echo 5 > $NEEDLETAIL_CHECKPOINT/epoch; exit 75; fi
        """)
    #expect(harness.run().outcome == .tryAgain)
    #expect(harness.run(attempt: 2).outcome == .completed([5]))
    let other = try CommandHarness(script: "echo loss=1")
    _ = other.run()
    #expect(!FileManager.default.fileExists(atPath: other.objective.folders.checkpoint(of: 7)))
  }

  @Test func namesFoldersSafely() {
    let base = TrialFolders(in: "/x", study: "../é \"a\"\n/", token: "ab/../cdefghijklmnop").base
    #expect(base == "/x/______a___-ab____cdefgh")
  }

  @Test func givesEachTrialASeedOfItsOwn() {
    func seed(_ study: UInt64, _ number: Int) -> Int {
      TrialJob(Assignment(number: number, seed: study), slot: 0).commandSeed
    }
    let seeds = (0..<1_000).map { seed(3, $0) } + (0..<1_000).map { seed(4, $0) }
    #expect(Set(seeds).count == 2_000)
    #expect(seeds.allSatisfy { (0..<(1 << 31)).contains($0) })
  }
}
