import SQLiteStores
import StudyModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program for tests that kill it: `StoreWriter FILE STUDY WORKER COUNT` runs that many trials of three
/// parameters and three reports, and prints the number of each when the store has confirmed its end.
@main struct StoreWriter {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let count = Int(arguments[4]) else {
      print("usage: StoreWriter FILE STUDY WORKER COUNT")
      exit(64)
    }
    let store = try SQLiteStudyStore(path: arguments[1])
    let study = try store.study(named: arguments[2])
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1_000_000))
    for _ in 0..<count {
      let now = Timestamp.now()
      let request = LeaseRequest(
        worker: arguments[3], now: now, deadline: now.advanced(by: .seconds(60)))
      let (trial, lease) = try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: now), in: study,
        lease: request)
      let value = Double(trial.number)
      let leases = lease.map { [$0] } ?? []
      try store.commit(
        ["a", "b", "c"].map {
          TrialChange(trial, .parameterSet(ParameterAssignment($0, range, internalValue: value)))
        }, to: study, under: leases, durability: .process)
      var ending = (0..<3).map {
        TrialChange(trial, .reported(IntermediateValue(step: $0, value: value)))
      }
      ending.append(TrialChange(trial, .finished(.completed, values: [value], at: .now())))
      try store.commit(ending, to: study, under: leases, durability: .powerCut)
      let line = Array("\(trial.number)\n".utf8)
      _ = write(STDOUT_FILENO, line, line.count)
    }
  }
}
