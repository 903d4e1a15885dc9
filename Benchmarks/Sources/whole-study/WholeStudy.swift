import BenchmarkSupport
import Needletail
import System

/// The library as a program uses it: a whole study of a trivial objective, in a file or in memory,
/// or joining a long one.
@main struct WholeStudy {
  static func main() async throws {
    var arguments = Arguments(
      usage: """
        usage: whole-study run PATH [--trials 100]
               whole-study join PATH --trials 100000
               whole-study memory tpe|nsga2|cmaes [--floats 10] [--objectives 1] [--trials 100]
        """)
    guard let mode = arguments.word(), let path = arguments.word() else {
      arguments.fail("what to do, and where?")
    }
    let trials = arguments.integer("--trials", default: 100)
    let floats = arguments.integer("--floats", default: 10)
    let objectives = arguments.integer("--objectives", default: 1)
    arguments.finish()
    switch mode {
    case "memory":
      guard let sampler = samplers[path] else { arguments.fail("unknown sampler '\(path)'") }
      try inMemory(path, sampler, floats: floats, objectives: objectives, trials: trials)
    case "run": try await run(path, trials: trials)
    case "join": try join(path, trials: trials)
    default: arguments.fail("unknown mode '\(mode)'")
    }
  }

  private static let samplers: [String: any Sampler] = [
    "tpe": TPESampler(), "nsga2": NSGA2Sampler(), "cmaes": CMAESSampler(),
  ]

  /// Ask, suggest and tell in memory; the objectives are bowls around different points.
  private static func inMemory(
    _ name: String, _ sampler: any Sampler, floats: Int, objectives: Int, trials: Int
  ) throws {
    let directions = Array(repeating: Direction.minimize, count: objectives)
    let study = try Study.create("memory", directions: directions, sampler: sampler, seed: 1)
    let names = (0..<floats).map { "x\($0)" }
    let clock = ContinuousClock()
    let begin = clock.now
    for _ in 0..<trials {
      let trial = try study.ask()
      var sums = Array(repeating: 0.0, count: objectives)
      for name in names {
        let x: Double = try trial.suggestFloat(name, -5...5)
        for objective in 0..<objectives {
          let distance: Double = x - Double(objective)
          sums[objective] += distance * distance
        }
      }
      try study.tell(trial, values: sums)
    }
    let seconds = begin.duration(to: clock.now) / .seconds(1)
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    BenchmarkLine(
      bench: "whole_study",
      params: [
        .init("sampler", .string(name)), .init("floats", .integer(floats)),
        .init("objectives", .integer(objectives)), .init("trials", .integer(trials)),
      ], seconds: seconds, n: trials, perTrialMilliseconds: 1e3 * seconds / Double(trials),
      more: [.init("peak_rss_mb", .rounded(Double(usage.ru_maxrss) / 1_024))]
    ).emit()
  }

  /// Five parameters, TPE, SQLite; meant to be timed from outside.
  static func run(_ path: String, trials: Int) async throws {
    let study = try Study.create("whole", store: .url(path), sampler: TPESampler())
    try await study.optimize(trials: trials) { trial in
      var sum = 0.0
      for index in 0..<5 {
        let x = try trial.suggestFloat("x\(index)", -5...5)
        sum += (x - 0.3 * Double(index)) * (x - 0.3 * Double(index))
      }
      return sum
    }
  }

  /// Opens the study that `storage load --build` made and asks TPE for ten parameters.
  static func join(_ path: String, trials: Int) throws {
    let clock = ContinuousClock()
    let begin = clock.now
    let study = try Study.load("load\(trials)", store: .url(path), sampler: TPESampler())
    let trial = try study.ask()
    for index in 0..<10 { _ = try trial.suggestFloat("x\(index)", -5...5) }
    let seconds = begin.duration(to: clock.now) / .seconds(1)
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    BenchmarkLine(
      bench: "storage_load",
      params: [
        .init("storage", "sqlite"), .init("trials", .integer(trials)), .init("params", 10),
        .init("what", "tpe_ask"),
      ], seconds: seconds, n: 1, perTrialMilliseconds: 1e3 * seconds / Double(trials),
      more: [.init("peak_rss_mb", .rounded(Double(usage.ru_maxrss) / 1_024))]
    ).emit()
    try study.tellFailed(trial, because: "a benchmark asked for it")
  }
}
