public import Probability
public import StudyModel

/// Tries every combination of values once and then ends the study; all parameters need a step or
/// choices.
///
/// With declared parameters it takes the points of the space in random order, and several processes
/// never take one twice: the coordinator claims it in the store. When the objective suggests its
/// parameters itself, the space is learned from the trials as a tree, one level per parameter, and
/// the next value is drawn among those that still have something new behind them. Then workers in
/// one process keep apart; workers in several processes may, rarely, meet.
///
/// The tree and its weights are those of Optuna 5.
public struct BruteForceSampler: Sampler {
  private let cache = FiniteSpaceCache()

  /// Creates the sampler.
  public init() {}

  public var name: String { "brute_force" }
  public var readsHistory: Bool { true }
  public var sharingPrefix: String? { nil }
  public var exhaustsSpace: Bool { true }

  /// Nothing: see ``plan(for:in:given:using:)``.
  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    []
  }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    guard let space, !space.parameters.isEmpty else { return TrialPlan() }
    let list = try cache.list(space, divisions: nil, for: name)
    guard let point = list.draw(for: trial, given: history, using: &generator) else {
      throw .exhausted
    }
    return TrialPlan(point)
  }

  public func trialLimit(
    in space: SearchSpace?, given history: TrialHistory
  ) throws(SamplerError) -> Int? {
    guard let space, !space.parameters.isEmpty else {
      return ValueTree.trialLimit(of: history)
    }
    return try cache.list(space, divisions: nil, for: name).trialLimit(given: history)
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    guard parameter.distribution.isModelled else {
      return parameter.distribution.firstInternalValue
    }
    guard let tree = ValueTree(of: history, from: parameter, for: trial) else {
      throw .endlessParameter(sampler: name, name: parameter.name)
    }
    return tree.draw(using: &generator)
  }
}
