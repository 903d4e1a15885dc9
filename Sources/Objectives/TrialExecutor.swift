internal import StudyFiles
internal import StudyModel
internal import Trials

/// What evaluates trials: a command of this machine, a service, a container.
///
/// A value that many threads may use at once.
protocol TrialExecutor: Sendable {
  /// What a user must know before the first trial, in sentences.
  var warnings: [String] { get }
  /// Whether all trials run the same program: where that is missing, none can run.
  var hasOneProgram: Bool { get }

  /// Evaluates one attempt at a trial, and returns when that has ended or was stopped; nothing of
  /// it runs any more then. Blocks the thread.
  ///
  /// - Parameters:
  ///   - objective: What is wanted of the trial, and its limits.
  ///   - result: Gets the outcome, and what else there is to say.
  func run(_ task: TrialTask, of objective: TrialObjective, into result: inout CommandResult)
}

/// One attempt at a trial, or one of several runs within it, as an executor gets it.
struct TrialTask {
  /// The trial's number, parameters and folders.
  let environment: TrialEnvironment
  /// The trial, which gets what is reported.
  let held: any HeldTrial
  /// Ends this run early.
  let stop: StopHandle
  let follower: RunFollower
  let start: ContinuousClock.Instant
  /// Where a process may be that takes another trial, and where one is left.
  let seat: ProcessSeat

  var job: TrialJob { environment.job }
}
