import BenchmarkSupport
import Foundation
import JSON
import Pruners
import Samplers
import StudyModel

/// Drives the problems of a folder that speaks the protocol of its `problem_server.py` with one of
/// our samplers and pruners, and writes a line per run for its `score.py`.
@main struct Problems {
  static let usage = """
    usage: problems FOLDER OUTPUT [--sampler auto] [--pruner none] [--seeds 10] [--first-seed 0]
                    [--budget TRIALS] [--workers 1] [--only NAME,NAME,…] [--name OPTIMIZER]
                    [--python PYTHON] [--startup TRIALS] [--families NAME,NAME,…]
                    [--variant NAME]
    samplers: \(samplers.joined(separator: ", "))
    pruners: \(pruners.joined(separator: ", "))

    Appends to OUTPUT a line per problem and seed. The budget is the problem's unless given. Problems
    with learning curves get as many epochs as a fifth of the budget needs in full; the others run
    without the pruner. The further families, which --families names (`all` for all of them), run with
    each of their variants unless --variant names one.
    """

  static let samplers = [
    "auto", "gp", "tpe", "tpe-multi", "tpe-uni", "tpe-ungrouped", "cmaes", "nsga2", "qmc", "random",
  ]
  static let pruners = [
    "none", "predictive", "median", "asha", "hyperband", "wilcoxon", "patient",
  ]

  static func main() throws {
    var arguments = Arguments(usage: usage)
    let samplerName = arguments.option("--sampler") ?? "auto"
    let prunerName = arguments.option("--pruner") ?? "none"
    let seeds = arguments.integer("--seeds", default: 10)
    let firstSeed = arguments.integer("--first-seed", default: 0)
    let budget = arguments.option("--budget").map { Int($0) ?? 0 }
    let workers = arguments.integer("--workers", default: 1)
    let only = arguments.option("--only")?.split(separator: ",").map(String.init)
    let startup = arguments.option("--startup").flatMap(Int.init)
    let families = arguments.option("--families")
    let onlyVariant = arguments.option("--variant")
    let name = arguments.option("--name") ?? "needletail-\(samplerName)"
    let python = arguments.option("--python") ?? defaultPython
    guard let folder = arguments.word(), let output = arguments.word() else {
      arguments.fail("a folder of problems and a file for the results are needed")
    }
    arguments.finish()
    guard seeds >= 1, firstSeed >= 0, budget ?? 1 >= 1, workers >= 1 else {
      arguments.fail("--seeds, --budget and --workers must be at least 1, --first-seed at least 0")
    }
    guard let pruner = try pruner(prunerName) else {
      arguments.fail(
        "unknown pruner '\(prunerName)'; known: \(pruners.joined(separator: ", "))")
    }
    guard sampler(samplerName, startup) != nil else {
      arguments.fail(
        "unknown sampler '\(samplerName)'; known: \(samplers.joined(separator: ", "))")
    }

    let known = try ProblemServer.lines(
      python: python, folder: folder, ["--list"] + (families.map { ["--families", $0] } ?? [])
    )
    .compactMap { $0["name"]?.string }
    if let stranger = only?.first(where: { !known.contains($0) }) {
      arguments.fail("unknown problem '\(stranger)' in \(folder)")
    }
    let server = try ProblemServer(python: python, folder: folder)
    // Appended to in one step, so that several runs can share a file.
    let descriptor = open(output, O_WRONLY | O_APPEND | O_CREAT, 0o644)
    guard descriptor >= 0 else {
      arguments.fail("cannot write '\(output)'; choose another file")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    for problemName in known where only?.contains(problemName) ?? true {
      let described = try ProblemServer.lines(
        python: python, folder: folder, ["--describe", problemName])
      let description = described.first ?? .null
      let begin = ContinuousClock.now
      for variant in Problem.variants(of: description)
      where onlyVariant == nil || variant == onlyVariant {
        let problem = try Problem(description, variant: variant)
        let earlier = try problem.earlierStudies(in: folder)
        for seed in firstSeed..<(firstSeed + seeds) {
          guard var sampler = sampler(samplerName, startup) else { continue }
          if var auto = sampler as? AutoSampler {
            auto.earlierStudies = earlier
            sampler = auto
          }
          var loop = StudyLoop(
            problem: problem, sampler: sampler,
            pruner: problem.epochs == nil ? NopPruner() : pruner, seed: UInt64(seed),
            workers: workers, server: server)
          try loop.run(budget: budget ?? problem.budget ?? 200)
          let suffix = problem.epochs == nil ? "" : prunerName == "none" ? "+nop" : "+" + prunerName
          try file.write(contentsOf: Data((loop.line(optimizer: name + suffix).text() + "\n").utf8))
        }
      }
      let time = (ContinuousClock.now - begin).inSeconds
      print("\(problemName): \(seeds) runs in \(JSONValue.rounded(time).text()) s")
    }
  }

  /// The interpreter of the tests if there is one: with numpy, some problems are 300 times faster.
  static var defaultPython: String {
    if let named = ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"] { return named }
    let venv = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(
        path: ".build/venv/bin/python")
    return FileManager.default.isExecutableFile(atPath: venv.path) ? venv.path : "python3"
  }

  /// - Parameter startup: Trials before the first model, for the samplers that have one; nil for
  ///   theirs.
  static func sampler(_ name: String, _ startup: Int?) -> (any Sampler)? {
    var tpe = TPESampler()
    if let startup { tpe.startupTrials = startup }
    switch name {
    case "random": return RandomSampler()
    case "gp":
      var process = GPSampler()
      if let startup { process.startupTrials = startup }
      return process
    case "auto": return AutoSampler()
    case "cmaes": return CMAESSampler()
    case "nsga2": return NSGA2Sampler()
    case "qmc": return QMCSampler()
    case "tpe": break
    case "tpe-multi": tpe.isMultivariate = true
    case "tpe-uni": tpe.isMultivariate = false
    case "tpe-ungrouped": tpe.isGrouped = false
    default: return nil
    }
    return tpe
  }

  static func pruner(_ name: String) throws -> (any Pruner)? {
    switch name {
    case "none": NopPruner()
    case "median": MedianPruner()
    case "predictive": PredictivePruner()
    case "asha": try SuccessiveHalvingPruner()
    case "hyperband": try HyperbandPruner()
    case "wilcoxon": try WilcoxonPruner()
    case "patient": try PatientPruner(patience: 5)
    default: nil
    }
  }
}
