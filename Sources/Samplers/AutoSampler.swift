internal import JSON
public import Probability
public import StudyModel

/// Chooses a sampler for each trial by what the study is and how far it has come.
///
/// The rule: a Gaussian process while it is the best there is, which is with one or two objectives,
/// up to ``largestModelledSpace`` parameters and until ``modelledTrials`` trials have finished; a
/// tree-structured Parzen estimator otherwise, whose cost hardly grows with the number of trials. A
/// trial keeps the choice and its reason as the system attribute `needletail:sampler`.
public struct AutoSampler: Sampler {
  /// Finished trials from which on the Gaussian process is left: it gains little there and takes
  /// its time.
  public var modelledTrials = 500
  /// The most parameters that the Gaussian process models.
  public var largestModelledSpace = 100

  /// Finished studies to learn from; strangers do no harm for long.
  public var earlierStudies: [EarlierStudy] {
    get { process.earlierStudies }
    set { process.earlierStudies = newValue }
  }

  /// Whether a model of which trials fail keeps suggestions from where they do; true by default.
  public var learnsFailures: Bool {
    get { process.learnsFailures }
    set { process.learnsFailures = newValue }
  }
  /// Whether priors are put to the test; true by default: see ``GPSampler/checksPriors``.
  public var checksPriors: Bool {
    get { process.checksPriors }
    set { process.checksPriors = newValue }
  }
  private var process = GPSampler()
  private let estimator = TPESampler()

  /// Creates the sampler.
  public init() { process.checksPriors = true }

  public var name: String { "auto" }
  public var readsHistory: Bool { true }
  public var sharingPrefix: String? { process.sharingPrefix }

  /// Which sampler a trial gets, and why in one line.
  private func choice(_ history: TrialHistory) -> (sampler: any Sampler, reason: String) {
    let finished = history.finishedOrder.count
    if history.directions.count > 2 {
      return (estimator, "tpe: \(history.directions.count) objectives are more than gp models")
    }
    if history.parameters.count > largestModelledSpace {
      return (estimator, "tpe: more than \(largestModelledSpace) parameters")
    }
    if finished >= modelledTrials {
      return (
        estimator, "tpe: \(modelledTrials) trials have finished, beyond which gp gains little"
      )
    }
    return (process, "gp: at most two objectives and fewer than \(modelledTrials) finished trials")
  }

  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    try choice(history).sampler.sampleJointly(for: trial, given: history, using: &generator)
  }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    let (sampler, reason) = choice(history)
    var plan = try sampler.plan(for: trial, in: space, given: history, using: &generator)
    let key = "needletail:sampler"
    var members: [JSONValue.Member] = [.init("chosen", .string(reason))]
    if case .object(let account)? = plan.attributes.first(where: { $0.key == key })?.value {
      members += account
    }
    plan.attributes.removeAll { $0.key == key }
    plan.attributes.append(Attribute(key, .object(members)))
    return plan
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    try choice(history).sampler.sample(
      parameter, for: trial, given: history, using: &generator)
  }
}
