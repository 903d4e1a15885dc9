import BenchmarkSupport
import StudyModel

/// A study store under load, in the shape of the peers' `storage.py`: a trial is created with a
/// lease, gets 10 parameters, then 10 reports and its end; the end is durable.
@main struct Storage {
  static let usage = """
    usage: storage single PATH  [--trials 1000] [--runs 3]
           storage workers PATH [--workers 1,2,4,8,16,32] [--secs 10 | --trials N]
           storage load PATH    --trials N [--build] [--what trials,best,history]
           storage raw PATH     [--trials 1000] [--runs 3]
    The file at PATH is removed first, except by load without --build. PATH may be the address of a
    PostgreSQL database, which gets new studies.
    """

  static func main() throws {
    var arguments = Arguments(usage: usage)
    guard let mode = arguments.word(), let path = arguments.word() else {
      arguments.fail("what to measure, and where?")
    }
    switch mode {
    case "single":
      let (trials, runs) = (
        arguments.integer("--trials", default: 1_000), arguments.integer("--runs", default: 3)
      )
      arguments.finish()
      for run in 0..<runs { try SingleProcess.measure(path, trials: trials, run: run) }
    case "raw":
      let (trials, runs) = (
        arguments.integer("--trials", default: 1_000), arguments.integer("--runs", default: 3)
      )
      arguments.finish()
      for run in 0..<runs { try RawSQLite.measure(path, trials: trials, run: run) }
    case "workers":
      let counts = (arguments.option("--workers") ?? "1,2,4,8,16,32").split(separator: ",")
        .map { Int($0) ?? 1 }
      let trials = arguments.integer("--trials", default: 0)
      let seconds = arguments.integer("--secs", default: 10)
      arguments.finish()
      for count in counts {
        try ManyProcesses.measure(path, workers: count, trials: trials, seconds: seconds)
      }
    case "_worker":
      let trials = arguments.integer("--trials", default: 0)
      let seconds = arguments.integer("--secs", default: 10)
      let study = arguments.option("--study") ?? "workers"
      try ManyProcesses.work(path, study: study, trials: trials, seconds: seconds)
    case "load":
      let trials = arguments.integer("--trials", default: 10_000)
      let isBuilding = arguments.flag("--build")
      let what = (arguments.option("--what") ?? "trials,best,history").split(separator: ",")
      arguments.finish()
      if isBuilding { try Loading.build(path, trials: trials) }
      for what in what { try Loading.measure(path, trials: trials, what: String(what)) }
    case "_read":
      let trials = arguments.integer("--trials", default: 10_000)
      try Loading.read(path, trials: trials, what: arguments.option("--what") ?? "trials")
    default: arguments.fail("unknown mode '\(mode)'")
    }
  }
}
