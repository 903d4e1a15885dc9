/// How an attempt ended. The first three come with the trial's own end.
public enum AttemptOutcome: String, Sendable, Hashable, CaseIterable {
  case completed
  case pruned
  case infeasible
  case failed
  case timedOut = "timed_out"
  case outOfMemory = "out_of_memory"
  /// The worker was told to stop; the trial is queued again.
  case preempted
  /// A user interrupted it; the trial is queued again.
  case interrupted
  /// The objective asked to be tried again later.
  case tryAgain = "try_again"
  /// The worker vanished: its lease ran out, or its process is dead.
  case lost
  /// It succeeded without reporting an objective.
  case metricMissing = "metric_missing"
  /// It was stopped because its study was cancelled.
  case cancelled
}

/// One attempt at running a trial, open or closed.
public struct Attempt: Sendable, Hashable {
  /// The number of the trial within its study, counted from 0.
  public let trialNumber: Int
  /// Counted from 1.
  public let number: Int
  /// The name of the worker that made it.
  public let worker: String
  /// When it began, by the clock of who gave the lease.
  public let startedAt: Timestamp
  /// When the lease runs out or ran out.
  public package(set) var deadline: Timestamp
  /// How it ended; nil while it is open.
  public package(set) var outcome: AttemptOutcome?
  /// Why, in a sentence; empty while it is open.
  public package(set) var reason: String
  /// When it was closed; nil while it is open.
  public package(set) var endedAt: Timestamp?
  /// The reports of an attempt that was closed for a retry.
  public package(set) var reports: [IntermediateValue]
  /// The token of its lease.
  package let token: String

  /// Creates the attempt as a store has recorded it.
  public init(
    trialNumber: Int, number: Int, worker: String, startedAt: Timestamp, deadline: Timestamp,
    outcome: AttemptOutcome?, reason: String, endedAt: Timestamp?, reports: [IntermediateValue],
    token: String = ""
  ) {
    self.token = token
    self.trialNumber = trialNumber
    self.number = number
    self.worker = worker
    self.startedAt = startedAt
    self.deadline = deadline
    self.outcome = outcome
    self.reason = reason
    self.endedAt = endedAt
    self.reports = reports
  }
}
