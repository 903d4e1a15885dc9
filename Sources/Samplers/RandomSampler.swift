public import Probability
public import StudyModel

/// Samples every parameter by itself: by its prior or its weights if it has some, else uniformly,
/// logarithmically where the distribution is.
///
/// Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13, 2012.
public struct RandomSampler: Sampler {
  /// Creates the sampler.
  public init() {}

  public var name: String { "random" }
  public var readsHistory: Bool { false }
  public var isWorthAskingAgain: Bool { true }
  public var sharingPrefix: String? { nil }

  /// Nothing: each parameter is sampled when it is asked for.
  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    []
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    parameter.distribution.sample(using: &generator)
  }
}
