import Foundation
import StudyModel

/// One trial of the storage benchmarks: 10 parameters and 10 reports.
struct OneTrial {
  static let size = 10
  static let names = (0..<size).map { "x\($0)" }
  let store: any StudyStore
  let study: StudyRecord
  let worker: String
  let distribution: Distribution

  init(_ store: any StudyStore, _ study: StudyRecord, worker: String) throws {
    (self.store, self.study, self.worker) = (store, study, worker)
    distribution = .float(try FloatDistribution(low: -5, high: 5))
  }

  /// Runs one trial and returns the seconds of its creation, its parameters, and its end.
  func run() throws -> (ask: Double, suggest: Double, tell: Double) {
    let clock = ContinuousClock()
    let begin = clock.now
    let now = Timestamp.now()
    let request = LeaseRequest(worker: worker, now: now, deadline: now.advanced(by: .seconds(60)))
    let template = Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: now)
    let (trial, lease) = try store.createTrial(template, in: study, lease: request)
    let leases = lease.map { [$0] } ?? []
    let created = clock.now
    var sum = 0.0
    let parameters = Self.names.map { name in
      let value = Double.random(in: -5...5)
      sum += value * value
      return TrialChange(
        trial,
        .parameterSet(ParameterAssignment(name, distribution, internalValue: value)))
    }
    try store.commit(parameters, to: study, under: leases, durability: .process)
    let suggested = clock.now
    var ending = (0..<Self.size).map { step in
      TrialChange(trial, .reported(IntermediateValue(step: step, value: sum + Double(step))))
    }
    ending.append(TrialChange(trial, .finished(.completed, values: [sum], at: .now())))
    try store.commit(ending, to: study, under: leases, durability: .powerCut)
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

/// Removes a database and what lies beside it.
func removeStore(_ path: String) {
  for ending in ["", "-wal", "-shm", "-journal", "-lock"] { unlink(path + ending) }
}
