public import StudyModel

/// Decides from a trial's reports whether it is worth going on.
///
/// A pruner reads and never writes; recording and stopping are the caller's business. It works from
/// what Optuna stores, so that pruners of both programs agree within one study.
public protocol Pruner: Sendable {
  /// The pruner's name in study files and on the command line, such as `median`.
  var name: String { get }
  /// Whether decisions depend on other trials; if not, a coordinator need not follow the store.
  var readsHistory: Bool { get }

  /// Decides on the trial after its latest report.
  ///
  /// - Parameters:
  ///   - trial: The number of a running trial.
  ///   - history: Everything known of the study, this trial's reports included.
  func decide(on trial: Int, given history: TrialHistory) -> PruningDecision
}

/// What a pruner says of a trial.
public struct PruningDecision: Sendable, Hashable {
  /// Why the trial is to be stopped, in a clause such as
  /// `0.93 at step 4 is behind the median 0.95`; nil to keep running.
  public var reason: String?
  /// What must be recorded before the next decision: the value at each rung that the trial
  /// completed, as the attribute `completed_rung_<rung>`.
  public var completedRungs: [Rung]

  /// A rung of successive halving and the trial's value there.
  public struct Rung: Sendable, Hashable {
    /// The rung `k`, counted from 0.
    public let number: Int
    /// The trial's last report when it completed the rung.
    public let value: Double

    /// Creates the record of a completed rung.
    public init(number: Int, value: Double) {
      self.number = number
      self.value = value
    }
  }

  /// Creates a decision; without a reason it is to keep running.
  public init(reason: String? = nil, completedRungs: [Rung] = []) {
    self.reason = reason
    self.completedRungs = completedRungs
  }

  /// Go on.
  public static let keepRunning = PruningDecision()

  /// Stop, because of `reason`.
  public static func prune(because reason: String) -> PruningDecision {
    PruningDecision(reason: reason)
  }

  /// Whether the trial is to be stopped.
  public var isPruning: Bool { reason != nil }
}
