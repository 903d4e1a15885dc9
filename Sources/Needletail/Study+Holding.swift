internal import JSON
internal import Stores
package import StudyModel
internal import System
package import Trials

/// What the C interface needs beyond what Swift programs do.
extension Study {
  /// As ``ask()``, but waits for half a second at most; nil when there was no trial.
  package func askOnce() throws -> RunningTrial? {
    switch try keeper.ask() {
    case .trial(let held): return RunningTrial(held: held)
    case .later, .never:
      if let reason = try keeper.halt() { throw reason }
      return nil
    }
  }

  /// Takes up a running trial that another process asked for, under its lease.
  ///
  /// - Throws: ``StoreError``, and ``TrialError/notRunning(number:)``.
  package func resume(_ number: Int) throws -> RunningTrial {
    RunningTrial(held: try keeper.resume(number))
  }

  /// Ends a trial however it ended; the trial as it is stored, where that is known without asking.
  package func end(_ trial: RunningTrial, as outcome: Outcome) throws -> Trial? {
    try end(trial, outcome, wanted: false)
  }

  /// Queues a trial with attributes of the user.
  package func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws -> Int {
    try keeper.enqueue(values, attributes: attributes)
  }

  /// From now on trials are handed out however many failed: the program decides what failures mean.
  package func toleratesFailures() { keeper.tolerateFailures() }
}
