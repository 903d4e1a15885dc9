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
  /// A trial of the study runs.
  case running(study: String, trial: Int, holder: String)
  /// The study has that name.
  case sameName(String)
  /// A user deleted the trial before.
  case isDeleted(trial: Int)
  /// The space of a study with a study file is changed there.
  case hasFile(study: String)
  /// Trials have values that the new space does not have.
  case outside(study: String, trials: Int, first: Int, reason: String)
  /// A value for a new parameter that it cannot have.
  case badValue(parameter: String, value: String, reason: String)
  /// A change of a parameter that makes no sense.
  case badChange(parameter: String, reason: String)

  /// A word for programs.
  package var code: String {
    switch self {
    case .notFailed: "not_failed"
    case .noParameters: "no_parameters"
    case .hasEnded: "trial_finished"
    case .notStarted, .heldByNone: "not_running"
    case .foreign: "foreign_trial"
    case .heldByHand: "held_by_hand"
    case .running: "study_in_use"
    case .sameName: "study_exists"
    case .isDeleted: "trial_deleted"
    case .hasFile: "has_study_file"
    case .outside: "trials_outside"
    case .badValue, .badChange: "bad_change"
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
    case .running(let study, let number, let holder):
      return "study '\(study)' is run by \(holder), which has trial \(number); stop that first, or "
        + "wait for its end"
    case .sameName(let name):
      return "study '\(name)' has that name already; give another one"
    case .isDeleted(let number): return "trial \(number) was deleted before"
    case .hasFile(let study):
      return "study '\(study)' has a study file; change its space there and give the file: "
        + "needletail study show \(study) --file > study.yaml, then needletail study edit "
        + "\(study) study.yaml"
    case .outside(let study, let count, let first, let reason):
      let trials = count == 1 ? "trial \(first)" : "\(count) trials"
      return "\(trials) of study '\(study)' would lie outside the new space: of trial \(first) "
        + "\(reason); widen it, or take over what fits with needletail study clone"
    case .badValue(let name, let value, let reason):
      return "parameter '\(name)' cannot have been \(value): \(reason)"
    case .badChange(let name, let reason):
      return "parameter '\(name)' cannot be changed like that: \(reason)"
    }
  }

  private static func close(_ number: Int, _ study: String) -> String {
    "needletail trial tell \(study) \(number) --state failed"
  }
}
