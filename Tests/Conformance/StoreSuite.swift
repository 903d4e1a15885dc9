import JSON
internal import Stores
internal import StudyModel
internal import Testing

/// What every store must do.
///
/// Each function gets a place with an empty store, and may open it several times.
package enum StoreSuite {
  static let range = floatDistribution(-5, 5)
  static let start = Timestamp(microseconds: 1_780_000_000_000_000)
  static let end = Timestamp(microseconds: 1_780_000_001_500_000)

  static func floatDistribution(_ low: Double, _ high: Double) -> Distribution {
    do {
      return .float(try FloatDistribution(low: low, high: high))
    } catch {
      preconditionFailure("\(error)")
    }
  }

  static func later(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

  /// A request that is made `at` seconds after the start and holds for 60.
  static func request(_ worker: String, at seconds: Int = 0) -> LeaseRequest {
    LeaseRequest(worker: worker, now: later(seconds), deadline: later(seconds + 60))
  }

  static func runningTrial() -> Trial {
    Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: start)
  }

  static func waitingTrial(x: Double) -> Trial {
    Trial(
      TrialReference(id: 0, number: 0), state: .waiting,
      systemAttributes: [Attribute("fixed_params", ["x": .float(x)])])
  }

  /// The error that `body` throws; nil when it throws none.
  static func error(of body: () throws(StoreError) -> Void) -> StoreError? {
    do {
      try body()
      return nil
    } catch {
      return error
    }
  }

  /// The attempts at all trials, by number and attempt.
  static func attempts(in study: StudyRecord, of store: any StudyStore) throws -> [Attempt] {
    try store.trials(in: study, numbers: nil).flatMap {
      try store.attempts(of: $0.number, in: study)
    }
  }
}
