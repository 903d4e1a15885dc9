import Foundation
import Needletail

/// One trial of the storage benchmarks, as a user of the library runs it: 10 parameters and 10
/// reports.
struct OneTrial {
  static let size = 10
  static let names = (0..<size).map { "x\($0)" }
  let study: Study

  /// Opens the study in the store of that path.
  init(_ path: String, study name: String) throws {
    study = try Study.load(
      name, store: .url(path), sampler: RandomSampler(), pruner: NopPruner())
  }

  /// Runs one trial and returns the seconds of its asking, its parameters, and its reports and end.
  func run() throws -> (ask: Double, suggest: Double, tell: Double) {
    let clock = ContinuousClock()
    let begin = clock.now
    let trial = try study.ask()
    let created = clock.now
    var sum = 0.0
    for name in Self.names {
      let x = try trial.suggestFloat(name, -5...5)
      sum += x * x
    }
    let suggested = clock.now
    for step in 0..<Self.size { try trial.report(sum + Double(step), step: step) }
    try study.tell(trial, sum)
    let end = clock.now
    return (begin.seconds(to: created), created.seconds(to: suggested), suggested.seconds(to: end))
  }
}

extension ContinuousClock.Instant {
  func seconds(to later: Self) -> Double {
    let (seconds, attoseconds) = (later - self).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

/// What the store at an address is called in the results.
func storageName(_ address: String) -> String {
  address.contains("://") ? "postgresql" : "sqlite"
}

/// Removes a database and what lies beside it; a server's database is left as it is.
func removeStore(_ path: String) {
  guard !path.contains("://") else { return }
  for ending in ["", "-wal", "-shm", "-journal", "-lock"] { unlink(path + ending) }
}
