/// The right to run one attempt of a trial. Its token fences: a result is taken only while the
/// lease is live.
public struct Lease: Sendable, Hashable {
  /// The study of the trial.
  public let study: StudyRecord
  /// The trial that may be run.
  public let trial: TrialReference
  /// The attempt, counted from 1.
  public let attempt: Int
  /// The name of the worker that holds it.
  public let worker: String
  /// Text that no other lease has.
  public let token: String

  /// Creates the lease that a store has given.
  public init(
    study: StudyRecord, trial: TrialReference, attempt: Int, worker: String, token: String
  ) {
    self.study = study
    self.trial = trial
    self.attempt = attempt
    self.worker = worker
    self.token = token
  }
}
