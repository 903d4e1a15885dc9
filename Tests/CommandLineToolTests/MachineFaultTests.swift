import Foundation
import Testing

/// A fault of the machine gives trials back and keeps it from taking others; it never makes one
/// fail.
@Suite struct MachineFaultTests {
  /// The outcomes of a trial's attempts.
  private func outcomes(_ trial: [String: Any]) throws -> [String] {
    try WorkerFaultTests.outcomes(trial)
  }

  /// With few descriptors some step or other of a run finds none: whichever it is, no trial fails,
  /// and a run without the limit gets the same trials done.
  @Test func noTrialFailsForWantOfDescriptors() throws {
    let command = try BuiltCommand()
    try command.writeStudy(
      "[echo, 'loss={x}']", trials: 3, more: "workers: 2\nseed: 1\nsampler: random")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    let wanted = try command.trials().map { $0["value"] as? Double }
    var codes: [Int32: Int] = [:]
    var faults = 0
    for limit in stride(from: 14, through: 50, by: 3) {
      let store = "limit-\(limit).db"
      let result = try command.shell(
        // Without what the tests beside this one have open.
        "for n in /proc/self/fd/*; do n=${n##*/}; [ $n -lt 3 ] || eval \"exec $n>&-\"; done; "
          + "ulimit -n \(limit); exec needletail run study.yaml --quiet --store \(store)")
      codes[result.code, default: 0] += 1
      #expect([0, 2, 75].contains(result.code), "\(limit): \(result.messages)")
      #expect(result.code == 0 || !result.messages.isEmpty, "\(limit) says nothing")
      if result.messages.contains("this machine cannot run trials now") {
        faults += 1
        #expect(result.messages.contains("allow more open files (ulimit -n)"), "\(result.messages)")
      }
      let again = try command.run("run", "study.yaml", "--quiet", "--store", store)
      #expect(again.code == 0, "\(limit): \(result.messages) then \(again.messages)")
      let trials = try command.run("trial", "list", "s", "--store", store, "--json").lines
        .map(BuiltCommand.json)
      #expect(
        trials.allSatisfy { $0["state"] as? String == "completed" },
        "\(limit): \(result.messages)")
      #expect(trials.map { $0["value"] as? Double } == wanted, "\(limit)")
    }
    // Else the loop does not reach what it is for.
    #expect(codes[0] != nil && codes.count > 1 && faults > 0, "\(codes), \(faults) faults")
    try command.cleanUp()
  }

  /// A worker that cannot write its trials' files stops taking trials and says why; another one
  /// runs them all, with nothing lost of budget or retries.
  @Test func aWorkerThatCannotWriteGivesBack() throws {
    let command = try BuiltCommand()
    // The parameters' file is larger than the limit, the spool is not.
    try command.writeStudy(
      "[sh, -c, 'echo loss=1']", trials: 4, more: "retries: 0\nsampler: random")
    let text = try command.read("study.yaml").replacingOccurrences(
      of: "parameters:",
      with: "parameters:\n  long: {value: \(String(repeating: "long", count: 600))}")
    try command.write(text, to: "study.yaml")
    let served = try ServedStudies(command, "study.yaml", lease: "60s")
    let limited = try RunningCommand(
      "/bin/bash",
      [
        "-c", "ulimit -f 1; exec needletail worker \(served.url) --spool spool --name limited",
      ], in: command)
    let result = try limited.finished()
    #expect(result.code == 2, "\(result.messages)")
    #expect(
      result.messages.contains("this machine cannot run trials now: the trial's folder"),
      "\(result.messages)")
    #expect(result.messages.contains("allow larger files (ulimit -f)"), "\(result.messages)")
    #expect(result.messages.contains("1 given back"), "\(result.messages)")
    let other = try served.work("--name", "other")
    #expect(other.code == 0, "\(other.messages)")
    let trials = try served.trials()
    #expect(trials.count == 4)
    #expect(trials.allSatisfy { $0["state"] as? String == "completed" })
    #expect(try outcomes(served.trial(0)) == ["preempted", "completed"])
    try served.stop()
    try command.cleanUp()
  }

  /// The program goes away on one of two workers in the middle of the work.
  @Test(arguments: [false, true])
  func aProgramThatGoesAwayOnOneWorker(loses interpreter: Bool) throws {
    let command = try BuiltCommand()
    try command.writeStudy("./tool.sh", trials: 6, more: "retries: 0")
    let served = try ServedStudies(command, "study.yaml", lease: "60s")
    for name in ["good", "bad"] {
      try FileManager.default.createDirectory(
        at: command.folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    try command.write("#!/bin/sh\necho loss=1\n", to: "good/tool.sh")
    let gone = interpreter ? "rm -f \(command.folder.path)/bad/sh" : "rm -f tool.sh"
    try FileManager.default.copyItem(
      at: URL(fileURLWithPath: "/bin/sh").resolvingSymlinksInPath(),
      to: command.folder.appendingPathComponent("bad/sh"))
    try command.write(
      "#!\(command.folder.path)/bad/sh\n\(gone)\necho loss=1\n", to: "bad/tool.sh")
    let bad = try served.worker(["--name", "bad", "--folder", "bad"])
    try bad.waitForMessage("trial 0 completed")
    try bad.waitForMessage("study 's' is not run here")
    let good = try served.work("--name", "good", "--folder", "good")
    #expect(good.code == 0, "\(good.messages)")
    bad.send(SIGTERM)
    let result = try bad.finished()
    #expect(result.code == 2, "\(result.messages)")
    #expect(
      result.messages.contains("study 's' cannot be run here: './tool.sh' cannot be started"),
      "\(result.messages)")
    let trials = try served.trials()
    #expect(trials.count == 6)
    #expect(trials.allSatisfy { $0["state"] as? String == "completed" })
    #expect(try outcomes(served.trial(1)) == ["preempted", "completed"])
    try served.stop()
    try command.cleanUp()
  }

  /// A program that no worker has: each gives one trial back and ends, none goes on for ever.
  @Test(arguments: [false, true])
  func aProgramThatNoWorkerHas(onStore: Bool) throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\necho loss=1\n", to: "tool.sh")
    try command.writeStudy("./tool.sh", trials: 3)
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("empty"), withIntermediateDirectories: true)
    let served = try ServedStudies(command, "study.yaml", lease: "60s")
    // Then it was for the store with the study.
    if onStore { try served.stop() }
    for name in ["one", "two"] {
      let place =
        onStore ? ["--store", "served.db"] : [served.url, "--spool", "spool", "--name", name]
      let result = try RunningCommand(
        BuiltCommand.path,
        ["worker"] + place + ["--folder", "empty", "--study", "s"], in: command
      ).finished()
      #expect(result.code == 2, "\(result.messages)")
      #expect(result.messages.contains("study 's' cannot be run here"), "\(result.messages)")
    }
    let states = try command.run("trial", "list", "s", "--store", "served.db", "--json").lines
      .map(BuiltCommand.json).map { $0["state"] as? String }
    #expect(!states.contains("failed"), "\(states)")
    if !onStore { try served.stop() }
    try command.cleanUp()
  }

  /// On one machine the run ends, and the next one has the whole budget.
  @Test func aProgramThatGoesAwayEndsTheRun() throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\nrm -f train.sh\necho loss=1\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 4, more: "retries: 0")
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 2, "\(result.messages)")
    #expect(result.messages.contains("'./train.sh' cannot be started"), "\(result.messages)")
    #expect(
      try command.trials().map { $0["state"] as? String } == ["completed", "running"])
    let early = try command.run("run", "study.yaml", "--quiet")
    #expect(early.code == 2 && early.messages.contains("there is no such file"))
    try command.write("#!/bin/sh\necho loss=1\n", to: "train.sh")
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(
      try command.trials().map { $0["state"] as? String }
        == Array(repeating: "completed", count: 4))
    let shown = try BuiltCommand.json(try command.run("trial", "show", "s", "1", "--json").output)
    #expect(try outcomes(shown) == ["preempted", "completed"])
    try command.cleanUp()
  }

  /// So does one whose trials' folder cannot be used any more.
  @Test func aFolderThatCannotBeWrittenEndsTheRun() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\n[ -e once ] || { touch once; rm -rf ${NEEDLETAIL_DIR%/*}; "
        + "touch ${NEEDLETAIL_DIR%/*}; }\necho loss=1\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 4, more: "retries: 0")
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 2, "\(result.messages)")
    #expect(
      result.messages.contains("this machine cannot run trials now: the trial's folder"),
      "\(result.messages)")
    #expect(
      try command.trials().map { $0["state"] as? String } == ["completed", "running"])
    for name in try FileManager.default.contentsOfDirectory(
      atPath: command.folder.appendingPathComponent("needletail-trials").path)
    {
      try FileManager.default.removeItem(
        at: command.folder.appendingPathComponent("needletail-trials/\(name)"))
    }
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(
      try command.trials().map { $0["state"] as? String }
        == Array(repeating: "completed", count: 4))
    try command.cleanUp()
  }
}
