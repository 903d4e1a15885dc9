import Foundation
import Testing

/// Workers and coordinators that go away in the middle: nothing is lost, nothing counts twice.
@Suite struct WorkerFaultTests {
  /// Runs until the file `go` is there; its process number goes into the file `pid-TRIAL-ATTEMPT`.
  static let waiting =
    #"[sh, -c, 'echo $$ > pid-$NEEDLETAIL_TRIAL-$NEEDLETAIL_ATTEMPT; "#
    + #"while [ ! -e go ]; do sleep 0.05; done; echo loss=$NEEDLETAIL_TRIAL']"#

  /// Waits until a file of the folder is there and complete.
  static func waitForFile(_ name: String, in command: BuiltCommand) throws -> String {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if let text = try? command.read(name), text.hasSuffix("\n") { return text }
      usleep(5_000)
    }
    Issue.record("\(name) did not come")
    return ""
  }

  /// Whether a process runs; one that ended counts as gone, also before its parent has noticed.
  static func isAlive(_ process: pid_t) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return false }
    return !text[end...].hasPrefix(") Z")
  }

  static func attempts(_ trial: [String: Any]) throws -> [[String: Any]] {
    try #require(trial["attempts"] as? [[String: Any]])
  }

  static func outcomes(_ trial: [String: Any]) throws -> [String] {
    try attempts(trial).map { $0["outcome"] as? String ?? "open" }
  }

  /// The coordinator dies in the middle; trials go on, results wait, none counts twice.
  @Test func deliversResultsAfterTheCoordinatorIsBack() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.waiting, trials: 4)
    let served = try ServedStudies(command, "study.yaml", lease: "30s")
    let worker = try served.worker(["--slots", "2", "--until-done"])
    for number in 0..<2 { _ = try Self.waitForFile("pid-\(number)-1", in: command) }
    try served.kill()
    try command.write("", to: "go")
    try worker.waitForMessage("trial 0 completed")
    try worker.waitForMessage("trial 1 completed")
    try worker.waitForMessage("no coordinator answers")
    try served.restart()
    let result = try worker.finished()
    #expect(result.code == 0, "\(result.messages)")
    // A slot may have had its next trial already.
    #expect(
      result.messages.contains(/the coordinator is back, and gets the [2-4] results that waited/),
      "\(result.messages)")
    let trials = try served.trials()
    #expect(trials.compactMap { $0["value"] as? Double } == [0, 1, 2, 3])
    for number in 0..<4 { #expect(try Self.outcomes(served.trial(number)) == ["completed"]) }
    try served.stop()
    try command.cleanUp()
  }

  /// The coordinator dies, then the worker with results that nobody has: its next life delivers
  /// them before anything else, and so does another worker on the machine.
  @Test(arguments: [true, false])
  func deliversWhatAKilledWorkerLeftBehind(hasSameName: Bool) throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.waiting, trials: 2)
    let served = try ServedStudies(command, "study.yaml", lease: "30s")
    let worker = try served.worker(["--slots", "2", "--name", "first"])
    for number in 0..<2 { _ = try Self.waitForFile("pid-\(number)-1", in: command) }
    try served.kill()
    try command.write("", to: "go")
    try worker.waitForMessage("trial 0 completed")
    try worker.waitForMessage("trial 1 completed")
    try worker.waitForMessage("no coordinator answers")
    worker.send(SIGKILL)
    _ = try worker.finished()
    try served.restart()
    let again = try served.work("--name", hasSameName ? "first" : "second")
    #expect(again.code == 0, "\(again.messages)")
    // Nothing was run again.
    #expect(again.messages.contains("no trials were run"), "\(again.messages)")
    for number in 0..<2 { #expect(try Self.outcomes(served.trial(number)) == ["completed"]) }
    try served.stop()
    try command.cleanUp()
  }

  /// From a worker's SIGKILL its trial runs elsewhere within the lease's time and a second, and
  /// nothing that it started is left: grandchildren in sessions of their own included.
  @Test func aKilledWorkersTrialRunsElsewhere() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      setsid sleep 600 > /dev/null 2>&1 & echo $! > grandchild-$NEEDLETAIL_ATTEMPT
      echo $$ > pid-$NEEDLETAIL_TRIAL-$NEEDLETAIL_ATTEMPT
      while [ ! -e go ]; do sleep 0.05; done
      kill $(cat grandchild-$NEEDLETAIL_ATTEMPT)
      echo loss=1
      """, to: "long.sh")
    try command.writeStudy("./long.sh", trials: 1)
    let served = try ServedStudies(command, "study.yaml", lease: "2s")
    let first = try served.worker(["--name", "first"])
    let child = try #require(
      Int32(Self.waitForFile("pid-0-1", in: command).filter(\.isNumber)))
    let grandchild = try #require(
      Int32(Self.waitForFile("grandchild-1", in: command).filter(\.isNumber)))
    let second = try served.worker(["--name", "second", "--until-done"])
    try second.waitForMessage("worker second")
    first.send(SIGKILL)
    _ = try first.finished()
    let killed = ContinuousClock.now
    _ = try Self.waitForFile("pid-0-2", in: command)
    let time = ContinuousClock.now - killed
    #expect(time < .seconds(3), "\(time)")
    for process in [child, grandchild] {
      #expect(!Self.isAlive(process), "process \(process) lives")
    }
    try command.write("", to: "go")
    #expect(try second.finished().code == 0)
    #expect(try Self.outcomes(served.trial(0)) == ["lost", "completed"])
    try served.stop()
    try command.cleanUp()
  }

  /// A worker that was stopped for too long has lost its trial: it ends the command, and its result
  /// counts for nothing.
  @Test func aWorkerThatLostItsLeaseStopsTheTrial() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.waiting, trials: 1)
    let served = try ServedStudies(command, "study.yaml", lease: "2s")
    let first = try served.worker(["--name", "first"])
    let child = try #require(
      Int32(Self.waitForFile("pid-0-1", in: command).filter(\.isNumber)))
    first.send(SIGSTOP)
    // In a folder of its own, as on another machine: in the same one it would end the other's
    // command.
    let other = command.folder.appendingPathComponent("other")
    try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
    let second = try served.worker(["--name", "second", "--until-done", "--folder", "other"])
    _ = try Self.waitForFile("other/pid-0-2", in: command)
    first.send(SIGCONT)
    try first.waitForMessage("taken over by another worker")
    #expect(!Self.isAlive(child))
    try command.write("", to: "other/go")
    #expect(try second.finished().code == 0)
    first.send(SIGTERM)
    #expect(try first.finished().code == 0)
    #expect(try Self.outcomes(served.trial(0)) == ["lost", "completed"])
    try served.stop()
    try command.cleanUp()
  }

  // MARK: Draining

  @Test func finishesWhatRunsOnTheFirstSignal() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.waiting, trials: 4)
    let served = try ServedStudies(command, "study.yaml")
    let worker = try served.worker(["--slots", "2"])
    for number in 0..<2 { _ = try Self.waitForFile("pid-\(number)-1", in: command) }
    worker.send(SIGTERM)
    try worker.waitForMessage("finishing what runs")
    try command.write("", to: "go")
    let result = try worker.finished()
    #expect(result.code == 0, "\(result.messages)")
    #expect(result.messages.contains("trials: 2 completed"))
    #expect(try served.trials().count { $0["state"] as? String == "completed" } == 2)
    try served.stop()
    try command.cleanUp()
  }

  @Test(arguments: [true, false])
  func givesBackWhatRuns(afterGrace: Bool) throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.waiting, trials: 1)
    let served = try ServedStudies(command, "study.yaml", lease: "60s")
    let worker = try served.worker(afterGrace ? ["--grace", "1s"] : [])
    _ = try Self.waitForFile("pid-0-1", in: command)
    worker.send(SIGTERM)
    try worker.waitForMessage("finishing what runs")
    if !afterGrace { worker.send(SIGTERM) }
    let result = try worker.finished()
    #expect(result.code == 130, "\(result.messages)")
    #expect(result.messages.contains("given back"))
    // Another takes it at once, long before the lease would run out.
    try command.write("", to: "go")
    let start = ContinuousClock.now
    #expect(try served.work().code == 0)
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect(try Self.outcomes(served.trial(0)) == ["preempted", "completed"])
    try served.stop()
    try command.cleanUp()
  }

  // MARK: Refusals

  @Test func runsOnlyWhatItIsAllowed() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'echo loss=1']", trials: 2, name: "shell")
    let served = try ServedStudies(command, "study.yaml")
    try command.writeStudy("[echo, 'loss={x}']", trials: 2, name: "plain")
    #expect(try command.run("study", "submit", "study.yaml", "--to", served.url).code == 0)
    try command.writeStudy(
      "[echo, 'loss={x}']", trials: 2, name: "variables", more: "environment: {PATH: /tmp}")
    #expect(try command.run("study", "submit", "study.yaml", "--to", served.url).code == 0)
    let careful = try served.worker(["--name", "careful", "--allow", "echo loss=*"])
    try careful.waitForMessage("trial 1 completed")
    let messages = try careful.waitForMessage("study 'variables' is not run here")
    try careful.waitForMessage("study 'shell' is not run here")
    #expect(messages.contains("plain: trial 1 completed"))
    // It does not loop: each trial was given back once.
    #expect(try Self.attempts(served.trial(0, of: "shell")).count == 1)
    let other = try served.worker(["--study", "shell"]).finished()
    #expect(other.code == 0, "\(other.messages)")
    careful.send(SIGTERM)
    let result = try careful.finished()
    let lines = result.messageLines
    #expect(lines.count { $0.contains("study 'shell' is not run here") } == 1, "\(lines)")
    #expect(result.messages.contains("--allow does not cover the command 'sh -c echo loss=1'"))
    #expect(result.messages.contains("sets the variable PATH"))
    #expect(try Self.outcomes(served.trial(0, of: "shell")) == ["preempted", "completed"])
    let reason = try Self.attempts(served.trial(0, of: "shell"))[0]["reason"] as? String
    #expect(reason?.contains("worker careful: this worker's --allow") == true, "\(reason ?? "")")
    try served.stop()
    try command.cleanUp()
  }

  /// A program that this machine does not have may be on another.
  @Test func givesBackWhatItCannotRun() throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\necho loss=1\n", to: "tool.sh")
    try command.writeStudy("./tool.sh", trials: 1)
    let served = try ServedStudies(command, "study.yaml")
    var empty = try BuiltCommand()
    empty.environment["XDG_STATE_HOME"] = command.folder.path + "/state"
    let worker = try RunningCommand(
      BuiltCommand.path, ["worker", served.url, "--spool", "spool"], in: empty)
    try worker.waitForMessage("study 's' is not run here")
    #expect(try worker.messagesSoFar().contains("there is no such file"))
    #expect(try served.work().code == 0)
    worker.send(SIGTERM)
    _ = try worker.finished()
    #expect(try Self.outcomes(served.trial(0)) == ["preempted", "completed"])
    try served.stop()
    try empty.cleanUp()
    try command.cleanUp()
  }

  /// A cancelled study's commands are stopped wherever they run.
  @Test func stopsWhatRunsWhenTheStudyIsCancelled() throws {
    let command = try BuiltCommand()
    try command.writeStudy(Self.waiting, trials: 2)
    let served = try ServedStudies(command, "study.yaml")
    let worker = try served.worker(["--until-done"])
    let child = try #require(
      Int32(Self.waitForFile("pid-0-1", in: command).filter(\.isNumber)))
    #expect(try command.run("study", "cancel", "s", "--store", "served.db").code == 0)
    let result = try worker.finished()
    #expect(result.code == 0, "\(result.messages)")
    #expect(!Self.isAlive(child))
    let trial = try served.trial(0)
    #expect(trial["state"] as? String == "failed")
    let attributes = trial["system_attributes"] as? [String: Any]
    #expect(attributes?["needletail:outcome"] as? String == "cancelled", "\(trial)")
    try served.stop()
    try command.cleanUp()
  }
}
