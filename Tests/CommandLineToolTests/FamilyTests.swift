import Foundation
import Testing

/// What a trial's command starts ends with the trial, whatever way it goes and however the trial
/// ends; and counts for its memory.
@Suite struct FamilyTests {
  /// How many ways of getting away `escape.py` knows.
  static let kinds = 14

  /// A study whose trials leave processes behind, one kind after the other or all in one.
  private func makeStudy(_ ending: String, allAtOnce: Bool = false, more: String) throws
    -> BuiltCommand
  {
    let command = try BuiltCommand()
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("escape.py")
    try command.write(String(contentsOf: script, encoding: .utf8), to: "escape.py")
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("left"), withIntermediateDirectories: true)
    try command.write(
      """
      name: s
      metric: loss
      sampler: random
      parameters:
        x: {low: 0.0, high: 1.0}
      trials: \(allAtOnce ? 1 : 1 + Self.kinds)
      command: ['\(BuiltCommand.python)', escape.py, \(allAtOnce ? "all" : "one"), \(ending)]
      grace_period: 200ms
      \(more)
      """, to: "study.yaml")
    return command
  }

  /// The names of the processes that the trials left and that live, of all that there were.
  private func left(in command: BuiltCommand) throws -> (alive: [String], all: [String]) {
    let folder = command.folder.appendingPathComponent("left")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { !$0.hasPrefix(".") }
    let alive = try names.filter { name in
      let words = try command.read("left/\(name)").split(separator: " ").map(String.init)
      let stat = try? String(contentsOfFile: "/proc/\(words[0])/stat", encoding: .utf8)
      guard let stat, let end = stat.lastIndex(of: ")") else { return false }
      let fields = stat[end...].split(separator: " ").dropFirst().map(String.init)
      return fields[0] != "Z" && fields[0] != "X" && fields[19] + "\n" == words[1]
    }
    return (alive, names)
  }

  /// Ends what a failed test has left, so that it does not go on for ten minutes.
  private func endLeft(in command: BuiltCommand) throws {
    for name in try left(in: command).alive {
      let words = try command.read("left/\(name)").split(separator: " ")
      if let process = words.first.flatMap({ pid_t($0) }) { kill(process, SIGKILL) }
    }
  }

  // MARK: Endings that a trial comes to by itself

  @Test(arguments: [
    ("completed", "completed", ""), ("failed", "failed", ""), ("signalled", "failed", ""),
    ("pruned", "pruned", "pruner: {name: threshold, upper: 10}"),
    ("timeout", "timed_out", "trial_timeout: 2s"),
    ("memory", "out_of_memory", "memory_limit: 150M"),
  ])
  func nothingOutlivesItsTrial(ending: String, outcome: String, more: String) throws {
    let command = try makeStudy(ending, more: more)
    let result = try command.run("run", "study.yaml", "--quiet")
    let (alive, all) = try left(in: command)
    #expect(alive.isEmpty, "\(alive) outlived the run, which says: \(result.messages)")
    // A command that was slow may have met its time limit before it left anything.
    #expect(ending == "timeout" || all.count == Self.kinds, "\(all): \(result.messages)")
    let outlived = try? command.read("outlived")
    #expect(outlived == nil, "each trial looks for those before it: \(outlived ?? "")")
    let trials = try command.trials()
    #expect(trials.count == 1 + Self.kinds)
    for (number, trial) in trials.enumerated().dropFirst() {
      let attributes = trial["system_attributes"] as? [String: Any]
      #expect(
        attributes?["needletail:outcome"] as? String ?? trial["state"] as? String == outcome,
        "trial \(number): \(attributes ?? [:])")
    }
    try endLeft(in: command)
    try command.cleanUp()
  }

  /// Beside other trials, an orphan without its environment may be of any of them: it ends with the
  /// last of those that ran when it was started.
  @Test func nothingOutlivesManyTrialsAtOnce() throws {
    let command = try makeStudy("completed", more: "workers: 4")
    let result = try command.run("run", "study.yaml", "--quiet", "--trials", "43")
    #expect(result.code == 0, "\(result.messages)")
    let (alive, all) = try left(in: command)
    #expect(alive.isEmpty, "\(alive) outlived the run")
    #expect(all.count == 42)
    try endLeft(in: command)
    try command.cleanUp()
  }

  // MARK: Endings that come from outside

  /// How a process that runs a trial is made to end it.
  enum Stop: String, CaseIterable {
    case interrupt, terminate, runnerKilled, workerDrained, workerKilled, cancelled, leaseLost
  }

  @Test(arguments: Stop.allCases)
  func nothingOutlivesAStop(stop: Stop) throws {
    let command = try makeStudy("deaf", allAtOnce: true, more: "")
    let isServed = stop == .cancelled || stop == .leaseLost
    let served = isServed ? try ServedStudies(command, "study.yaml", lease: "2s") : nil
    let runner: RunningCommand
    switch stop {
    case .interrupt, .terminate, .runnerKilled:
      runner = try command.start("run", "study.yaml")
    case .workerDrained, .workerKilled:
      // For the store with the study.
      try ServedStudies(command, "study.yaml").stop()
      runner = try command.start("worker", "--store", "served.db")
    case .cancelled, .leaseLost:
      runner = try #require(served).worker(["--name", "first"])
    }
    _ = try WorkerFaultTests.waitForFile("ready", in: command)
    #expect(try left(in: command).alive.count == Self.kinds)
    switch stop {
    case .interrupt:
      runner.send(SIGINT)
      try runner.waitForMessage("finishing what runs")
      runner.send(SIGINT)
    case .terminate: runner.send(SIGTERM)
    case .runnerKilled, .workerKilled: runner.send(SIGKILL)
    case .workerDrained:
      runner.send(SIGTERM)
      try runner.waitForMessage("finishing what runs")
      runner.send(SIGTERM)
    case .cancelled:
      #expect(try command.run("study", "cancel", "s", "--store", "served.db").code == 0)
      try runner.waitForMessage("trial 0 failed")
      #expect(try left(in: command).alive.isEmpty)
      runner.send(SIGTERM)
    case .leaseLost:
      let served = try #require(served)
      runner.send(SIGSTOP)
      // The lease runs out, and the trial is given to a worker whose command ends at once.
      let other = command.folder.appendingPathComponent("other")
      try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
      try command.write("print('loss=1')\n", to: "other/escape.py")
      let second = try served.worker(["--name", "second", "--until-done", "--folder", "other"])
      #expect(try second.finished().code == 0)
      runner.send(SIGCONT)
      try runner.waitForMessage("taken over by another worker")
      #expect(try left(in: command).alive.isEmpty)
      runner.send(SIGTERM)
    }
    let result = try runner.finished()
    var (alive, _) = try left(in: command)
    if stop == .runnerKilled || stop == .workerKilled {
      // The guardian sees the end and needs a moment. One that has left its parents and its
      // environment has left nothing to be known by when the process that adopted it is gone.
      let deadline = ContinuousClock.now + .seconds(30)
      while ContinuousClock.now < deadline {
        alive = try left(in: command).alive
        if alive.allSatisfy({ $0.hasSuffix("daemon-cleared") }) { break }
        usleep(10_000)
      }
      alive.removeAll { $0.hasSuffix("daemon-cleared") }
    }
    #expect(alive.isEmpty, "\(alive) outlived the end, of which was said: \(result.messages)")
    try endLeft(in: command)
    try served?.stop()
    try command.cleanUp()
  }

  // MARK: What is meant to stay

  @Test func leavesWhatIsMeantToStay() throws {
    let command = try BuiltCommand()
    for name in ["cached", "other"] {
      try command.write(
        """
        #!/bin/sh
        [ "$1" ] && echo $$ > "$1.tmp" && mv "$1.tmp" "$1"
        while [ ! -e end ]; do sleep 0.05; done
        """, to: name)
    }
    try command.write(
      """
      #!/bin/sh
      if [ $NEEDLETAIL_TRIAL = 0 ]; then
        setsid ./cached by-name &
        NEEDLETAIL_LEAVE=1 setsid ./other by-variable &
        NEEDLETAIL_LEAVE=1 ./other without-session &
        setsid ./other without-either &
        for name in by-name by-variable without-session without-either; do
          while [ ! -e $name ]; do sleep 0.01; done
        done
      fi
      echo loss=1
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 3, more: "leave: [cached]\nmemory_limit: 1G")
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 0, "\(result.messages)")
    for (name, stays) in [
      ("by-name", true), ("by-variable", true), ("without-session", false),
      ("without-either", false),
    ] {
      let process = try #require(pid_t(try command.read(name).dropLast()))
      #expect(WorkerFaultTests.isAlive(process) == stays, "\(name)")
      if WorkerFaultTests.isAlive(process) { kill(process, SIGKILL) }
    }
    try command.cleanUp()
  }
}
