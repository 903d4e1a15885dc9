import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

@testable import Objectives

/// Programs whose process serves several trials.
@Suite struct ProcessReuseTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  private static let python =
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
    ?? "\(root)/.build/venv/bin/python"

  /// Trials of one slot, one after the other.
  private struct Slot {
    let harness: CommandHarness
    let seat = ProcessSeat()

    init(_ program: String, _ yaml: String = "") throws {
      let limit = yaml.contains("trial_timeout") ? "" : "trial_timeout: 60\n"
      let cache = try TemporaryFolder()
      harness = try CommandHarness(
        "metric: loss\n\(limit)\(yaml)\ncommand: [\(python), -u, program.py]",
        files: ["program.py": program], clientFolder: try PythonClient.install(in: cache.path))
      self.cache = cache
    }

    private let cache: TemporaryFolder

    func run(
      _ number: Int, attempt: Int = 1, _ handler: RecordingHandler = RecordingHandler(),
      parameters: [(name: String, value: ParameterValue)] = []
    ) -> CommandResult {
      harness.run(
        handler, attempt: attempt, number: number, parameters: parameters, in: seat)
    }

    /// Lets the process go, and waits for its end.
    func end() { seat.clear(stoppedBy: StopHandle()) }

    /// What a trial printed.
    func log(_ result: CommandResult, _ stream: String = "stdout") -> String {
      (try? String(contentsOfFile: "\(result.folder)/\(stream).log", encoding: .utf8)) ?? ""
    }

    /// The number of the process that a trial printed first.
    func process(_ result: CommandResult) throws -> pid_t {
      try #require(pid_t(log(result).prefix { $0.isNumber }))
    }
  }

  /// Prints the process's number and returns the trial's.
  private static let plain = """
    import os, sys, needletail

    def objective(trial):
        print(os.getpid())
        return trial.number

    needletail.run(objective)
    """

  @Test func eachTrialHasItsOwn() throws {
    let slot = try Slot(
      """
      import os, sys, needletail

      def objective(trial):
          print(os.getpid(), trial.number)
          print("error", trial.number, file=sys.stderr)
          assert os.environ["NEEDLETAIL_TRIAL"] == str(trial.number)
          assert os.environ["NEEDLETAIL_DIR"].endswith("trial-%d" % trial.number)
          assert os.environ["NEEDLETAIL_PARAM_X"] == str(trial.params["x"])
          assert ("NEEDLETAIL_PARAM_Y" in os.environ) == (trial.number == 2)
          assert os.getcwd() == folder, os.getcwd()
          with open(os.environ["NEEDLETAIL_PARAMS"]) as file:
              assert '"x"' in file.read()
          os.chdir("/")
          trial.report(trial.number, 0)
          trial.set_user_attr("seen", trial.number)
          return trial.number

      folder = os.getcwd()
      needletail.run(objective)
      print("the end")
      """)
    var first: pid_t?
    for number in 1...4 {
      let handler = RecordingHandler()
      var parameters: [(name: String, value: ParameterValue)] = [("x", .int(number))]
      if number == 2 { parameters.append(("y", .bool(true))) }
      let result = slot.run(number, handler, parameters: parameters)
      #expect(result.outcome == .completed([Double(number)]), "\(slot.log(result, "stderr"))")
      #expect(handler.reports == [IntermediateValue(step: 0, value: Double(number))])
      #expect(handler.attributes.map(\.value) == [.integer(number)])
      let process = try slot.process(result)
      first = first ?? process
      #expect(process == first)
      #expect(slot.log(result) == "\(process) \(number)\n")
      #expect(slot.log(result, "stderr") == "error \(number)\n")
      if number == 4 {
        slot.end()
        #expect(slot.log(result).hasSuffix("4\nthe end\n"))
        #expect(!isRunning(process))
      }
    }
  }

  @Test func aProcessServesSoMany() throws {
    let slot = try Slot(Self.plain, "reuse: 3")
    let processes = try (0..<7).map { try slot.process(slot.run($0)) }
    slot.end()
    #expect(Set(processes[0..<3]).count == 1)
    #expect(Set(processes[3..<6]).count == 1)
    #expect(Set(processes).count == 3)
  }

  /// What a program knows of one trial keeps its process from others.
  @Test(arguments: [
    ("", "folder = os.environ['NEEDLETAIL_DIR']", false),
    ("", "folder = os.getenv('NEEDLETAIL_DIR')", false),
    ("", "all = dict(os.environ)", false),
    ("", "home = os.environ.get('HOME')", true),
    ("", "study = os.environ['NEEDLETAIL_STUDY']", true),
    ("reuse: 5", "folder = os.environ['NEEDLETAIL_DIR']", true),
    ("reuse: 1", "", false),
    ("environment: {SEED: '{seed}'}", "", false),
    ("environment: {PORT: '70{slot}'}", "", true),
    ("", "import subprocess; child = subprocess.Popen(['sleep', '50'])", false),
  ])
  func isKeptWhereItMay(_ yaml: String, _ line: String, _ isKept: Bool) throws {
    let program = Self.plain.replacing(
      "def objective", with: "\(line)\n\ndef objective", maxReplacements: 1)
    let slot = try Slot(program, yaml)
    let results = [slot.run(0), slot.run(1)]
    slot.end()
    #expect(results.map(\.outcome) == [.completed([0]), .completed([1])])
    #expect(try (slot.process(results[0]) == slot.process(results[1])) == isKept)
  }

  @Test func wordsThatDifferKeepNoProcess() throws {
    let harness = try CommandHarness(
      "metric: loss\ntrial_timeout: 60\ncommand: [\(Self.python), program.py, '{trial}']",
      files: ["program.py": Self.plain])
    #expect((harness.objective.executor as? ProcessExecutor)?.reuse.limit == 1)
    let error = #expect(throws: StudyFileError.self) {
      try CommandHarness(
        "parameters: {lr: {low: 0.0, high: 1.0}}\nreuse: 9\ncommand: [a, '--lr={lr}']")
    }
    #expect(error?.problem.contains("{lr}") == true)
  }

  @Test func endsAsEachTrialDoes() throws {
    let slot = try Slot(
      """
      import os, sys, needletail

      def objective(trial):
          print(os.getpid())
          trial.report(1.0, 0)
          if trial.number == 1 and trial.should_prune():
              raise needletail.TrialPruned()
          if trial.number == 2:
              raise KeyError("two")
          if trial.number == 4:
              raise ValueError("four")
          if trial.number == 6:
              sys.exit(75)
          if trial.number == 8:
              os.kill(os.getpid(), 11)
          return float("nan") if trial.number == 10 else 0.5

      needletail.create_study().optimize(objective, catch=KeyError)
      """)
    let results = (0..<12).map { slot.run($0, RecordingHandler(pruneFrom: $0 == 1 ? 0 : .max)) }
    slot.end()
    let processes = try results.map(slot.process)
    for (number, result) in results.enumerated() {
      switch number {
      case 1: #expect(result.outcome == .pruned(reason: "step 0 is behind"))
      case 2: #expect(result.outcome == .reportedFailure("KeyError: 'two'"))
      case 4: #expect(result.outcome == .reportedFailure("ValueError: four"))
      case 6: #expect(result.outcome == .tryAgain)
      case 8: #expect(result.outcome == .signalled(11))
      case 10: #expect(result.outcome == .badMetric(name: "loss", text: "nan"))
      default: #expect(result.outcome == .completed([0.5]))
      }
    }
    // A trial that ends its process is the last of it.
    #expect(Set(processes[0...4]).count == 1)
    #expect(Set(processes[5...6]).count == 1)
    #expect(Set(processes[7...8]).count == 1)
    #expect(Set(processes[9...11]).count == 1)
    #expect(Set(processes).count == 4)
    #expect(slot.log(results[4], "stderr").contains("ValueError: four"))
    #expect(slot.log(results[3], "stderr").isEmpty)
  }

  /// SIGKILL at each step of a trial: its trial alone ends by it, and none that was not begun.
  @Test(arguments: ["objective", "told", "asking", "offered", "begun"])
  func aKilledProcessIsReplaced(step: String) throws {
    let slot = try Slot(
      """
      import os, sys, needletail

      step = sys.argv[1] if len(sys.argv) > 1 else "\(step)"
      count = 0

      def die(at):
          if at == step and count == 3:
              os.kill(os.getpid(), 9)

      original = needletail._Channel.successor

      def successor(self):
          die("asking")
          found = original(self)
          die("offered")
          return found

      needletail._Channel.successor = successor
      begin = needletail.Trial.__init__

      def init(self, *about):
          begin(self, *about)
          die("begun")

      needletail.Trial.__init__ = init

      def objective(trial):
          global count
          print(os.getpid())
          count += 1
          die("objective")
          return trial.number

      needletail.create_study().optimize(objective, callbacks=[lambda s, t: die("told")])
      """)
    let results = (0..<9).map { slot.run($0) }
    slot.end()
    for (number, result) in results.enumerated() {
      let isHit = step == "objective" ? number % 3 == 2 : step == "begun" && number % 4 == 3
      #expect(
        result.outcome == (isHit ? .signalled(9) : .completed([Double(number)])),
        "trial \(number): \(slot.log(result, "stderr"))")
    }
  }

  /// A process that dies or hangs while it waits costs no trial anything.
  @Test(arguments: [SIGKILL, SIGSTOP])
  func aWaitingProcessIsReplaced(signal: Int32) throws {
    let slot = try Slot(Self.plain)
    let first = slot.run(0)
    let process = try slot.process(first)
    #expect(kill(process, signal) == 0)
    let second = slot.run(1)
    slot.end()
    #expect(second.outcome == .completed([1]))
    #expect(try slot.process(second) != process)
    #expect(hasEnded(process))
  }

  @Test func aProcessThatLeavesIsReplaced() throws {
    let slot = try Slot(
      Self.plain.replacing(
        "needletail.run", with: "needletail._Channel.patience = 0\nneedletail.run")
        + "\nprint('gone')\n")
    let first = slot.run(0)
    #expect(hasEnded(try slot.process(first)))
    let second = slot.run(1)
    slot.end()
    #expect([first, second].map(\.outcome) == [.completed([0]), .completed([1])])
    #expect(slot.log(first).hasSuffix("gone\n"))
    #expect(try slot.process(first) != slot.process(second))
  }

  @Test func whatComesLateIsTheEarlierTrials() throws {
    let slot = try Slot(
      """
      import os, needletail

      trials = []

      def objective(trial):
          print(os.getpid())
          trials.append(trial)
          if trial.number == 1:
              try:
                  trials[0].report(1.0, 5)
              except needletail.exceptions.UpdateFinishedTrialError as error:
                  print("refused:", error)
          return trial.number

      needletail.run(objective)
      """)
    let first = slot.run(0)
    let process = try slot.process(first)
    // As a thread of the program would, while the process waits.
    try Data("late\n".utf8).write(to: URL(filePath: "/proc/\(process)/fd/1"))
    try Data("loss=99\n".utf8).write(to: URL(filePath: "/proc/\(process)/fd/2"))
    let handler = RecordingHandler()
    let second = slot.run(1, handler)
    slot.end()
    #expect([first, second].map(\.outcome) == [.completed([0]), .completed([1])])
    #expect(slot.log(first) == "\(process)\nlate\n")
    #expect(slot.log(first, "stderr") == "loss=99\n")
    #expect(slot.log(second).hasPrefix("\(process)\nrefused: "))
    #expect(slot.log(second, "stderr").isEmpty)
    #expect(handler.reports.isEmpty)
  }

  @Test func timeLimitsHoldForEachTrial() throws {
    let slot = try Slot(
      """
      import os, time, needletail

      def objective(trial):
          print(os.getpid())
          time.sleep(600 if trial.number == 3 else 1)
          return trial.number

      needletail.run(objective)
      """, "trial_timeout: 3\ngrace_period: 1")
    let results = (0..<5).map { slot.run($0) }
    slot.end()
    #expect(results.indices.filter { results[$0].outcome.values == nil } == [3])
    #expect(results[3].outcome == .timedOut(limit: .seconds(3)))
    let processes = try results.map(slot.process)
    #expect(Set(processes[0...3]).count == 1)
    #expect(processes[4] != processes[3])
  }

  @Test func memoryLimitsHoldForEachTrial() throws {
    let slot = try Slot(
      """
      import os, time, needletail

      def objective(trial):
          print(os.getpid())
          if trial.number == 2:
              hog = bytearray(400 << 20)
              time.sleep(600)
          return trial.number

      needletail.run(objective)
      """, "memory_limit: 300M")
    let results = (0..<4).map { slot.run($0) }
    slot.end()
    let used = if case .outOfMemory = results[2].outcome { true } else { false }
    #expect(used)
    #expect(results.indices.filter { results[$0].outcome.values == nil } == [2])
    #expect(try slot.process(results[3]) != slot.process(results[2]))
  }

  /// A process that grows is replaced before it meets the limit.
  @Test func aLeakCostsNoTrial() throws {
    let slot = try Slot(
      """
      import os, needletail

      kept = []

      def objective(trial):
          print(os.getpid())
          kept.append(bytearray(60 << 20))
          return trial.number

      needletail.run(objective)
      """, "memory_limit: 300M")
    let results = (0..<8).map { slot.run($0) }
    slot.end()
    #expect(results.map(\.outcome) == (0..<8).map { .completed([Double($0)]) })
    let count = try Set(results.map(slot.process)).count
    #expect(count > 1 && count < 8)
  }

  /// Another attempt at the first trial of a process that runs another one by now leaves it alone,
  /// and ends the one that runs an earlier attempt.
  @Test func otherAttemptsKnowWhichProcessRunsThem() throws {
    let slot = try Slot(Self.plain)
    let process = try slot.process(slot.run(1))
    #expect(slot.harness.objective.folders.killOrphans(of: 1, before: 2) == 0)
    #expect(isRunning(process))
    let folders = slot.harness.objective.folders
    try FileManager.default.createDirectory(
      atPath: folders.attempt(1, of: 9), withIntermediateDirectories: true)
    let identity = try #require(Processes.facts(of: process)?.identity)
    try ServiceNote(identity, isServing: true).write(in: folders.attempt(1, of: 9))
    #expect(folders.killOrphans(of: 9, before: 2) == 1)
    #expect(hasEnded(process))
    slot.end()
  }

  @Test func aStopEndsAWaitingProcess() throws {
    let slot = try Slot(
      Self.plain.replacing("import needletail", with: "import time, needletail")
        + "\nimport time\nprint('working')\ntime.sleep(600)\n")
    let result = slot.run(0)
    let process = try slot.process(result)
    let stop = StopHandle()
    stop.request(.interrupted)
    slot.seat.clear(stoppedBy: stop)
    #expect(!isRunning(process))
  }
}
