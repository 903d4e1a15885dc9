internal import StudyModel
internal import System

/// What a tracking service keeps of one run, whichever the service is.
package struct RunRecord: Sendable, Hashable {
  /// How a run stands; the raw values are those of MLflow's file store.
  package enum Status: Int, Sendable, Hashable, CaseIterable {
    case running = 1
    case scheduled
    case finished
    case failed
    case killed

    /// MLflow's name, such as `FINISHED`.
    package var name: String {
      switch self {
      case .running: "RUNNING"
      case .scheduled: "SCHEDULED"
      case .finished: "FINISHED"
      case .failed: "FAILED"
      case .killed: "KILLED"
      }
    }

    /// Whether nothing is added to the run any more.
    package var isFinal: Bool { self != .running && self != .scheduled }
  }

  /// A text under a key: a parameter or a tag.
  package struct Entry: Sendable, Hashable {
    /// Unique among the entries of its kind.
    package var key: String
    /// Any text; the writers shorten what their target does not take.
    package var value: String
  }

  /// One value of a metric.
  package struct Point: Sendable, Hashable {
    /// The metric's name.
    package var key: String
    /// May be infinite or NaN.
    package var value: Double
    /// The step of a report; a final value has that of the last report, 0 without any.
    package var step: Int
    /// Milliseconds since 1970-01-01 UTC.
    package var time: Int64
  }

  /// What people see; not unique.
  package var name: String
  /// Where the run is in its life.
  package var status: Status
  /// Milliseconds since 1970-01-01 UTC.
  package var startedAt: Int64
  /// Milliseconds since 1970-01-01 UTC; nil while it runs.
  package var endedAt: Int64?
  /// The trial's parameters, in its order.
  package var parameters: [Entry] = []
  /// The reports in their order, then the final values.
  package var points: [Point] = []
  /// What tells the run from others; it is there from the moment the run is.
  package var identity: [Entry] = []
  /// What else is said of it; may change as long as the run is not final.
  package var tags: [Entry] = []
}

extension Timestamp {
  /// Milliseconds since 1970-01-01 UTC, rounded down.
  var milliseconds: Int64 { Int64(clamped: (Double(microseconds) / 1_000).rounded(.down)) }
}
