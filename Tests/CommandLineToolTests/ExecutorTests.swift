import Foundation
import Testing

/// Studies whose trials no command runs, as users run them.
@Suite struct ExecutorTests {
  /// Starts a service of the folder `Services`, which prints its port.
  private func service(
    _ name: String, in command: BuiltCommand
  ) throws -> (RunningCommand, origin: String) {
    let script = BuiltCommand.packageRoot
      .appendingPathComponent("Tests/CommandLineToolTests/Services/\(name)_service.py").path
    let process = try RunningCommand(BuiltCommand.python, [script], in: command)
    let port = try process.waitForOutput { $0.hasSuffix("\n") }
    return (process, "http://127.0.0.1:\(port.filter(\.isNumber))")
  }

  private static func end(_ process: RunningCommand) {
    process.send(SIGKILL)
    #expect(throws: Never.self) { try process.finished() }
  }

  private func writeStudy(_ origin: String, in command: BuiltCommand, _ more: String) throws {
    try command.write(
      """
      name: s
      metric: loss
      seed: 1
      workers: 4
      parameters: {x: {low: 0.0, high: 1.0}}
      executor: {http: "\(origin)/train"}
      trial_timeout: 60
      \(more)
      """, to: "study.yaml")
  }

  /// A service that streams reports, tuned with pruning; what it refuses is infeasible.
  @Test(arguments: ["flask", "fastapi"]) func tunesAService(_ name: String) throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let (process, origin) = try service(name, in: command)
    defer { Self.end(process) }
    try writeStudy(
      origin, in: command,
      """
      trials: 30
      sampler: random
      pruner: {name: median, startup_trials: 4, warmup_steps: 1}
      """)
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let trials = try command.trials()
    let states = Dictionary(grouping: trials) { $0["state"] as? String }.mapValues(\.count)
    #expect(trials.count == 30)
    #expect(states["completed"] ?? 0 > 0)
    #expect(states["pruned"] ?? 0 > 0, "\(states)")
    for trial in trials {
      let x = try #require((trial["parameters"] as? [String: Any])?["x"] as? Double)
      #expect((x > 0.9) == (trial["state"] as? String == "failed"), "\(trial)")
    }
    #expect(run.messages.contains("the service answered 422: "))
    #expect(!run.messages.contains("what it printed is in"))
  }

  /// A coordinator and a worker, whose --allow says which services it asks.
  @Test func asksFromWorkers() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let (process, origin) = try service("flask", in: command)
    defer { Self.end(process) }
    try writeStudy(origin, in: command, "trials: 6")
    let served = try ServedStudies(command, "study.yaml")
    let refused = try served.work("--allow", "http://127.0.0.1:1/*")
    #expect(refused.messages.contains("does not cover"), "\(refused.messages)")
    let worker = try served.work("--slots", "2", "--allow", "\(origin)/*")
    #expect(worker.code == 0, "\(worker.messages)")
    try served.stop()
    let list = try command.run("trial", "list", "s", "--store", "served.db", "--json")
    #expect(list.lines.count == 6)
  }

  /// The study of a service under load, whose latency is a constraint.
  @Test func tunesAServiceUnderLoad() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let study = BuiltCommand.packageRoot.appendingPathComponent("Studies/service")
    let script = study.appendingPathComponent("service.py").path
    let process = try RunningCommand(BuiltCommand.python, [script, "0"], in: command)
    defer { Self.end(process) }
    let port = try process.waitForOutput { $0.hasSuffix("\n") }.filter(\.isNumber)
    let text = try String(contentsOf: study.appendingPathComponent("study.yaml"), encoding: .utf8)
    try command.write(text.replacing(":8077/", with: ":\(port)/"), to: "study.yaml")
    let run = try command.run("run", "study.yaml", "--trials", "8")
    #expect(run.code == 0, "\(run.messages)")
    let completed = try command.trials("service").filter { $0["state"] as? String == "completed" }
    #expect(!completed.isEmpty)
    for trial in completed {
      let ratio = try #require((trial["values"] as? [Double])?.first)
      #expect(ratio > 0 && ratio < 1)
    }
  }

  /// A scheduler that gets parameters as files and gives results as files.
  @Test func exchangesTrialsByFiles() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.write(
      """
      name: s
      metric: loss
      trials: 4
      workers: 2
      parameters: {x: {low: 0.0, high: 1.0}}
      executor: {file: exchange}
      """, to: "study.yaml")
    // A scheduler of its own: each parameter file is answered once.
    try command.write(
      """
      import glob, json, os, sys, time
      while True:
          for path in glob.glob("exchange/*.json"):
              result = path[:-5] + ".result.json"
              if ".result" in path or os.path.exists(result):
                  continue
              with open(path) as file:
                  x = json.load(file)["parameters"]["x"]
              with open(result, "w") as file:
                  json.dump({"loss": x}, file)
          time.sleep(0.01)
      """, to: "scheduler.py")
    let process = try RunningCommand(BuiltCommand.python, ["scheduler.py"], in: command)
    defer { Self.end(process) }
    let run = try command.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let trials = try command.trials()
    #expect(trials.compactMap { $0["state"] as? String } == Array(repeating: "completed", count: 4))
  }
}
