public import Probability
public import StudyModel

/// Chooses the parameters of trials.
///
/// A sampler is a value whose answers depend on its arguments alone: same history, same generator,
/// same answer. What it derives from a history it may keep for the next call, keyed by
/// ``TrialHistory/finishedFingerprints``, as long as that cannot change an answer.
///
/// A trial gets its parameters in two ways. Before its objective starts, ``sampleJointly(for:given:using:)``
/// chooses values for all parameters that the sampler models together. When the objective then asks
/// for a parameter that is not among them, or with another distribution, ``sample(_:for:given:using:)``
/// chooses that one alone.
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
  ///   - trial: The number of the trial that is to run. The history may hold it already, as running;
  ///     it is not an observation of itself.
  ///   - history: Everything known of the study.
  ///   - generator: The trial's random numbers.
  /// - Returns: Assignments within their distributions, in an order that depends on the arguments alone.
  func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment]

  /// Samples one parameter by itself.
  ///
  /// - Returns: An internal value that the parameter's distribution contains.
  func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double
}

/// Why a sampler has no answer.
public enum SamplerError: Error, Hashable {
  /// A setting that makes no sense.
  case badSetting(name: String, value: String, fix: String)
}

extension SamplerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .badSetting(let name, let value, let fix):
      "the sampler's setting '\(name)' cannot be \(value); \(fix)"
    }
  }
}
