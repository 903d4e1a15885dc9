public import Probability
public import StudyModel

/// Chooses the parameters of trials.
///
/// A sampler is a value whose answers depend on its arguments alone: same history, same generator,
/// same answer. What it derives from a history it may keep for the next call, keyed by
/// ``TrialHistory/finishedFingerprints``, as long as that cannot change an answer.
///
/// A trial gets its parameters in two ways. Before its objective starts,
/// ``sampleJointly(for:given:using:)`` chooses values for all parameters that the sampler models
/// together. When the objective then asks for a parameter that is not among them, or with another
/// distribution, ``sample(_:for:given:using:)`` chooses that one alone.
public protocol Sampler: Sendable {
  /// The sampler's name in study files and on the command line, such as `tpe`.
  var name: String { get }
  /// Whether answers depend on other trials; if not, a coordinator need not follow the store.
  var readsHistory: Bool { get }
  /// The prefix of the system attributes under which a joint sample is shared with other processes
  /// before its parameters are stored, such as `tpe` for `tpe:relative_params:0`; nil for none.
  var sharingPrefix: String? { get }

  /// Samples what the sampler models jointly; empty when there is nothing to model yet.
  ///
  /// - Parameters:
  ///   - trial: The number of the trial that is to run. The history may hold it already, as
  ///     running; it is not an observation of itself.
  ///   - history: Everything known of the study.
  ///   - generator: The trial's random numbers.
  /// - Returns: Assignments within their distributions, in an order that depends on the arguments
  ///   alone.
  func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment]

  /// Whether the sampler tries each point of a finite space once and then ends the study.
  var exhaustsSpace: Bool { get }

  /// Whether planning again with other random numbers costs little and leads elsewhere, so that it
  /// is worth trying when a suggestion breaks a constraint or repeats a point; false by default.
  var isWorthAskingAgain: Bool { get }

  /// Decides all there is to decide before a trial starts; by default what is sampled jointly.
  ///
  /// - Parameters:
  ///   - space: The study's parameters, if they are declared beforehand.
  ///   - generator: The trial's random numbers; others when what was planned first cannot be had.
  /// - Throws: ``SamplerError/exhausted`` when there is nothing left to try.
  func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan

  /// How many trials the study can have before nothing is left to try, as far as the history tells;
  /// nil for no limit, which is the default.
  func trialLimit(in space: SearchSpace?, given history: TrialHistory) throws(SamplerError) -> Int?

  /// Samples one parameter by itself.
  ///
  /// - Returns: An internal value that the parameter's distribution contains.
  func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double
}

/// What a sampler decides before a trial starts.
public struct TrialPlan: Sendable, Hashable {
  /// What ``Sampler/sampleJointly(for:given:using:)`` would return.
  public var assignments: [ParameterAssignment]
  /// System attributes to be kept with the trial, such as its generation.
  public var attributes: [Attribute]
  /// What no other trial of the study may have, such as a point of a grid; nil for nothing.
  public var claim: String?

  /// Creates a plan.
  public init(
    _ assignments: [ParameterAssignment] = [], attributes: [Attribute] = [], claim: String? = nil
  ) {
    self.assignments = assignments
    self.attributes = attributes
    self.claim = claim
  }
}

extension Sampler {
  public var exhaustsSpace: Bool { false }
  public var isWorthAskingAgain: Bool { false }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    TrialPlan(try sampleJointly(for: trial, given: history, using: &generator))
  }

  public func trialLimit(
    in space: SearchSpace?, given history: TrialHistory
  ) throws(SamplerError) -> Int? {
    nil
  }
}

/// Why a sampler has no answer.
public enum SamplerError: Error, Hashable {
  /// A setting that makes no sense.
  case badSetting(name: String, value: String, fix: String)
  /// Every point of the space has been tried; there is nothing left to suggest.
  case exhausted
  /// A sampler that needs finitely many values, and a parameter without an end of them.
  case endlessParameter(sampler: String, name: String)
  /// A sampler that lists the points of a space, and more points than it can list.
  case tooManyPoints(sampler: String)
  /// A grid of given values that a parameter is not part of, or does not fit.
  case notInGrid(name: String)
  /// A sampler that must know the parameters beforehand, in a study that does not declare them.
  case noSpace(sampler: String)
}

extension SamplerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .badSetting(let name, let value, let fix):
      "the sampler's setting '\(name)' cannot be \(value); \(fix)"
    case .exhausted: "every point of the search space has been tried"
    case .endlessParameter(let sampler, let name):
      "the sampler '\(sampler)' needs finitely many values of '\(name)'; give it a step or choices"
    case .tooManyPoints(let sampler):
      "the search space has too many points for the sampler '\(sampler)'; give larger steps, or use "
        + "'random'"
    case .notInGrid(let name):
      "the grid has no value for the parameter '\(name)'; add it to the grid, or enqueue the trial "
        + "with all of its parameters"
    case .noSpace(let sampler):
      "the sampler '\(sampler)' must know the parameters beforehand; declare them, or give it values"
    }
  }
}
