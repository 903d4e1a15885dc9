package import StudyModel

/// Why a study or a trial cannot be changed as a user wants it now.
package enum OperationRefusal: Error, Hashable {
  /// Only a failed trial is tried again.
  case notFailed(trial: Int, state: TrialState)
  /// It failed before it had parameters.
  case noParameters(trial: Int)
  /// There is nothing left to stop.
  case hasEnded(trial: Int, state: TrialState)
  /// It waits to be run.
  case notStarted(trial: Int)
  /// A program without leases runs it.
  case foreign(trial: Int, study: String)
  /// A user has it, by `trial ask`.
  case heldByHand(trial: Int, study: String)
  /// Its worker is gone or gave it back.
  case heldByNone(trial: Int, study: String)

  /// A word for programs.
  package var code: String {
    switch self {
    case .notFailed: "not_failed"
    case .noParameters: "no_parameters"
    case .hasEnded: "trial_finished"
    case .notStarted, .heldByNone: "not_running"
    case .foreign: "foreign_trial"
    case .heldByHand: "held_by_hand"
    }
  }
}

extension OperationRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notFailed(let number, let state):
      return "trial \(number) is \(state.name); only a failed one can be tried again"
    case .noParameters(let number):
      return "trial \(number) failed before it had parameters; there is nothing to repeat"
    case .hasEnded(let number, let state):
      return "trial \(number) is \(state.name) already; there is nothing to stop"
    case .notStarted(let number):
      return "trial \(number) waits to be run, so that there is nothing to stop"
    case .foreign(let number, let study):
      return
        "trial \(number) is run by another program, which alone can stop it; end that program, "
        + "then close the trial: \(Self.close(number, study))"
    case .heldByHand(let number, let study):
      return "trial \(number) was asked for by hand, and no process of ours runs it; close it: "
        + Self.close(number, study)
    case .heldByNone(let number, let study):
      return
        "no process runs trial \(number), since its worker is gone or gave it back, and the next "
        + "run takes it again; close it if that is not wanted: \(Self.close(number, study))"
    }
  }

  private static func close(_ number: Int, _ study: String) -> String {
    "needletail trial tell \(study) \(number) --state failed"
  }
}
