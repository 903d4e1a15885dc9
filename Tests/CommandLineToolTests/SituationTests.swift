import Foundation
import Testing

/// Situations in which users of other tools lost trials or got wrong ones; the numbers are those of
/// the public reports.
@Suite struct SituationTests {
  /// optuna#2131, #3630, #5113: wrong kinds, and values out of range or off the step, are refused
  /// before they are queued.
  @Test func queuedValuesAreChecked() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      trials: 1
      sampler: random
      command: [echo, objective=1]
      parameters:
        lr: {low: 1e-5, high: 1e-1, log: true}
        n: {low: 1, high: 9, step: 2}
        opt: [adam, 1, "1", true, null]
      """, to: "s.yaml")
    #expect(try command.run("run", "s.yaml", "--quiet").code == 0)
    for bad in [
      "lr=0.5", "lr=abc", "n=2", "opt=adagrad", "opt=None", "nope=3", "lr=nan", "lr=0,01",
      "n=9007199254740993", "=3",
    ] {
      #expect(try command.run("trial", "enqueue", "s", bad).code == 2, "\(bad)")
    }
    #expect(try command.run("trial", "enqueue", "s", "lr=1e-3", "n=3", "opt=null").code == 0)
    #expect(try command.run("run", "s.yaml", "--trials", "2", "--quiet").code == 0)
    let trials = try command.trials()
    #expect(trials.count == 2)
    let parameters = try #require(trials.last?["parameters"] as? [String: Any])
    #expect(parameters["lr"] as? Double == 0.001)
    #expect(parameters["n"] as? Int == 3)
    #expect(parameters["opt"] is NSNull)
    try command.cleanUp()
  }

  /// optuna#4627, #5139, #5489: processes that share a grid try each point once, and then end.
  @Test func processesShareAGrid() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      sampler: grid
      workers: 2
      command: [echo, objective=1]
      parameters: {a: [1, 2, 3], b: [w, x, y, z]}
      """, to: "s.yaml")
    let processes = try (0..<3).map { _ in try command.start("run", "s.yaml", "--quiet") }
    for process in processes { #expect(try process.finished().code == 0) }
    let points = try command.trials().filter { $0["state"] as? String == "completed" }
      .compactMap { $0["parameters"] as? [String: Any] }
      .map { "\($0["a"] ?? "-") \($0["b"] ?? "-")" }
    #expect(points.count == 12)
    #expect(Set(points).count == 12)
    try command.cleanUp()
  }

  /// optuna#3045, #4412, #6062: one worker's study comes out the same when it is interrupted and
  /// gone on with.
  @Test(arguments: ["tpe", "gp", "cmaes"])
  func aStudyThatIsGoneOnWithIsTheSame(sampler: String) throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      trials: 16
      seed: 11
      sampler: \(sampler)
      command: [sh, -c, "echo objective=$NEEDLETAIL_PARAM_X"]
      parameters: {x: {low: 0.0, high: 1.0}, c: [a, b]}
      """, to: "s.yaml")
    func trials(_ store: String) throws -> [String] {
      try command.run("trial", "list", "s", "--json", "--store", store).lines.map {
        let trial = try BuiltCommand.json($0)
        let parameters = try #require(trial["parameters"] as? [String: Any])
        return "\(trial["number"] ?? "") \(parameters["x"] ?? "") \(parameters["c"] ?? "")"
      }
    }
    #expect(try command.run("run", "s.yaml", "--quiet", "--store", "a.db").code == 0)
    for count in ["7", "16"] {
      let part = try command.run("run", "s.yaml", "--quiet", "--store", "b.db", "--trials", count)
      #expect(part.code == 0)
    }
    let whole = try trials("a.db")
    #expect(whole.count == 16)
    #expect(try trials("b.db") == whole)
    try command.cleanUp()
  }

  /// optuna#5153: values that are told by hand, one of each kind that was taken wrongly elsewhere.
  @Test func trialsAreAskedForAndToldByHand() throws {
    let command = try BuiltCommand()
    #expect(try command.run("study", "create", "t").code == 0)
    let space = #"{"x": {"type": "float", "low": -1.0, "high": 1.0}}"#
    for _ in 0..<4 { #expect(try command.run("trial", "ask", "t", "--space", space).code == 0) }
    for (number, value) in ["-0.5", "-1e-3", "-inf"].enumerated() {
      #expect(try command.run("trial", "tell", "t", "\(number)", value).code == 0, "\(value)")
    }
    for bad in ["nan", "0,5", "1e400", "abc", "1_000"] {
      #expect(try command.run("trial", "tell", "t", "3", bad).code == 2, "\(bad)")
    }
    #expect(try command.run("trial", "tell", "t", "3", "1", "2").code == 2)
    #expect(try command.run("trial", "tell", "t", "0", "3").code == 2)
    let best = try command.run("trial", "list", "t", "--best", "1", "--json")
    #expect(try BuiltCommand.json(try #require(best.lines.first))["number"] as? Int == 2)
    try command.cleanUp()
  }
}
