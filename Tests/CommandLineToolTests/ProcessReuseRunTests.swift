import Foundation
import Testing

/// Python programs whose processes serve many trials, by each way of running them.
@Suite struct ProcessReuseRunTests {
  /// Processes die at any moment; some trials are pruned. Each call of the objective is a line of
  /// `begun`.
  private static let program = """
    import os, random, threading, needletail

    dying = threading.Timer(random.uniform(0.02, 0.5), os.kill, (os.getpid(), 9))
    dying.daemon = True
    dying.start()
    begun = os.open("begun", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def objective(trial):
        os.write(begun, b"%d %d\\n" % (trial.number, os.getpid()))
        x = trial.suggest_float("x", 0, 1)
        for step in range(3):
            trial.report(x + step, step)
            trial.should_prune()
        print("trial", trial.number)
        if trial.number % 5 == 3:
            raise needletail.TrialPruned()
        return x

    needletail.run(objective)
    """
  private static let trials = 60

  /// Runs the study with two slots at least.
  private func run(_ way: String, _ command: BuiltCommand) throws {
    switch way {
    case "run":
      let result = try command.run(
        "run", "study.yaml", "--store", "served.db", "--quiet", "--workers", "2")
      #expect(result.code == 0, "\(result.messages)")
    case "coordinator":
      let served = try ServedStudies(command, "study.yaml")
      let result = try served.work("--slots", "2")
      #expect(result.code == 0, "\(result.messages)")
      try served.stop()
    default:
      let served = try ServedStudies(command, "study.yaml")
      try served.stop()
      let workers = try (0..<2).map { _ in
        try command.start("worker", "--store", "served.db", "--until-done")
      }
      for worker in workers {
        let result = try worker.finished()
        #expect(result.code == 0, "\(result.messages)")
      }
    }
  }

  @Test(arguments: ["run", "coordinator", "store"])
  func losesNothingWhenProcessesDie(way: String) throws {
    var command = try BuiltCommand()
    command.environment["NEEDLETAIL_STORE"] = "served.db"
    try command.write(Self.program, to: "program.py")
    try command.write(
      """
      name: s
      sampler: random
      trials: \(Self.trials)
      retries: {count: 100, delay: 0}
      command: ['\(BuiltCommand.python)', program.py]
      """, to: "study.yaml")
    try run(way, command)
    let begun = try command.read("begun").split(separator: "\n").map { line in
      line.split(separator: " ").compactMap { Int($0) }
    }
    let list = try command.trials()
    #expect(list.count == Self.trials)
    let places = try FileManager.default.subpathsOfDirectory(atPath: command.folder.path)
    var lost = 0
    for trial in list {
      let number = try #require(trial["number"] as? Int)
      #expect(trial["state"] as? String == (number % 5 == 3 ? "pruned" : "completed"))
      let shown = try command.run("trial", "show", "s", "\(number)", "--json").output
      let attempts = try #require(BuiltCommand.json(shown)["attempts"] as? [[String: Any]]).count
      // A process may die between taking a trial and its objective.
      let calls = begun.count { $0.first == number }
      #expect(attempts >= calls && calls >= 1, "trial \(number): \(attempts), \(calls)")
      lost += attempts - calls
      let folder = attempts == 1 ? "trial-\(number)" : "trial-\(number).attempt-\(attempts)"
      let log = try #require(places.first { $0.hasSuffix("/\(folder)/stdout.log") })
      #expect(try command.read(log) == "trial \(number)\n")
    }
    #expect(lost <= Self.trials / 4)
    // Fewer processes than trials, though many died.
    #expect(Set(begun.map { $0[1] }).count < begun.count)
    try command.cleanUp()
  }
}
