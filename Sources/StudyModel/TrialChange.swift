/// One durable fact about a trial. Everything that is written about trials is one of these, and a
/// ``TrialHistory`` is a fold over them.
public struct TrialChange: Sendable, Hashable {
  /// The trial that changed.
  public let trial: TrialReference
  /// What happened to it.
  public let event: Event

  /// Creates the change.
  public init(_ trial: TrialReference, _ event: Event) {
    self.trial = trial
    self.event = event
  }

  /// What happened.
  public enum Event: Sendable, Hashable {
    /// The trial exists, waiting or running. Only a store says this.
    case created(TrialState, at: Timestamp?)
    /// A waiting trial began to run. Only a store says this.
    case started(at: Timestamp)
    /// A new attempt of a running trial began: what was reported before counts no longer, nor do
    /// the rungs that were completed by it.
    case restarted(at: Timestamp)
    /// A parameter got its value; the first value stays.
    case parameterSet(ParameterAssignment)
    /// A value was reported at a step; the first report of a step stays.
    case reported(IntermediateValue)
    /// An attribute of the user was set or replaced.
    case userAttributeSet(Attribute)
    /// An attribute of a sampler, a pruner or the coordinator was set or replaced.
    case systemAttributeSet(Attribute)
    /// The trial ended; `values` holds one per objective when completed, at most one when pruned,
    /// none when failed.
    case finished(TrialState, values: [Double], at: Timestamp)
  }
}
