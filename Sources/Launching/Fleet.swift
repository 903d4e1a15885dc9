/// How urgently workers are to end.
package enum FleetRequest: Int, Sendable, Comparable, CaseIterable {
  /// They finish what they run and take nothing else.
  case finish
  /// They give back what they run.
  case stop
  case kill

  /// The signal that tells a worker so, without `SIG`. Each has its own: of two alike that a busy
  /// machine has not delivered yet, a process gets one.
  package var signal: String {
    switch self {
    case .finish: "TERM"
    case .stop: "HUP"
    case .kill: "KILL"
    }
  }

  package static func < (left: FleetRequest, right: FleetRequest) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// Workers that a launch starts elsewhere; for one thread.
package protocol Fleet: AnyObject {
  /// Starts them.
  func start() throws(LaunchError)

  /// Takes note of what happened, and starts again what was lost on the way. Called often; does not
  /// wait.
  ///
  /// - Returns: Lines for people.
  func look() -> [String]

  /// How many of them may still take trials, those included that are on their way.
  var living: Int { get }

  /// Why there are fewer than there should be; nil when nothing went wrong.
  var failure: String? { get }

  /// Whether trials can finish when that is asked for; false where all that can be done is to
  /// cancel jobs.
  var canFinish: Bool { get }

  /// Asks them to end; a request that is less urgent than an earlier one does nothing.
  func ask(_ request: FleetRequest)

  /// Sees that all are gone, as far as that is in our hands; waits for a few seconds at most. A
  /// fleet that was never started has nothing to do.
  func end()

  /// After the end, what may run on nevertheless, in a sentence; nil when nothing does.
  var remainder: String? { get }
}

extension Fleet {
  package var canFinish: Bool { true }
  package var remainder: String? { nil }
}
