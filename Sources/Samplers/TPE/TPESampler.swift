public import Probability
public import StudyModel
internal import System

/// Samples with a tree-structured Parzen estimator.
///
/// Draws candidates from a density `l` fitted to the best trials and keeps the one with the largest
/// `l(x) / g(x)`, where `g` is fitted to all other trials. The best are ⌈n / 10⌉ of n, at most 25.
/// Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011, §4; densities and
/// splits are those of Optuna 5.
///
/// Pruned trials follow the completed ones in rank, those that got further first; trials that
/// violate constraints follow last. Running trials count as not good, so that parallel workers keep
/// apart.
///
/// A sampler keeps what it derived from a history for the next suggestion; the copies of a sampler
/// share that. Suggestions do not depend on it.
public struct TPESampler: Sampler {
  /// Trials before the first model is fitted. They make a Latin hypercube, which covers every
  /// parameter's range evenly where independent draws leave gaps.
  public var startupTrials: Int {
    get { settings.startupTrials }
    set { settings.startupTrials = newValue }
  }
  /// Points drawn from `l` per suggestion; at least 1.
  public var candidateCount: Int {
    get { settings.candidateCount }
    set { settings.candidateCount = newValue }
  }
  /// Whether parameters are modelled together, with their dependencies, or each one by itself; nil
  /// for together with one objective and by itself with several, where the good trials lie along a
  /// front and a joint density of few of them is too narrow.
  public var isMultivariate: Bool? {
    get { settings.isMultivariate }
    set { settings.isMultivariate = newValue }
  }
  /// Whether the parameters of conditional branches are modelled jointly, too: each set of
  /// parameters that always occur together by itself. Needs ``isMultivariate``.
  ///
  /// On by default, unlike Optuna's `group`: in a space without conditions it changes nothing, and
  /// in one with conditions every branch keeps the dependencies between its own parameters, which
  /// would otherwise be sampled one by one.
  public var isGrouped: Bool {
    get { settings.isGrouped }
    set { settings.isGrouped = newValue }
  }
  /// Whether running trials count as not good, with the parameters they announced.
  public var usesConstantLiar: Bool {
    get { settings.usesConstantLiar }
    set { settings.usesConstantLiar = newValue }
  }

  /// The settings, by which derived state is kept.
  struct Settings: Sendable, Hashable {
    var startupTrials = 10
    var candidateCount = 24
    var isMultivariate: Bool?
    var isGrouped = true
    var usesConstantLiar = true

    /// Whether parameters are modelled together in a study with these objectives.
    func isMultivariate(for directions: [Direction]) -> Bool {
      isMultivariate ?? (directions.count == 1)
    }
  }

  private var settings = Settings()
  private let cache = TPECache()

  /// The prefix of the attributes by which running trials announce their parameters.
  static let announcementPrefix = "tpe"

  /// Creates the sampler with its default settings.
  public init() {}

  public var name: String { "tpe" }
  public var readsHistory: Bool { true }
  public var isWorthAskingAgain: Bool { true }
  public var sharingPrefix: String? {
    isMultivariate != false && usesConstantLiar ? Self.announcementPrefix : nil
  }

  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    try check()
    guard settings.isMultivariate(for: history.directions) else { return [] }
    let (drawn, assignments) = cache.state.withLock { [generator, settings] state in
      var generator = generator
      var assignments: [ParameterAssignment] = []
      state.advance(to: history, settings)
      guard state.observationCount >= settings.startupTrials else {
        return (generator, assignments)
      }
      for model in state.jointModels(for: trial, given: history) {
        let values = model.suggest(settings.candidateCount, using: &generator)
        for (parameter, value) in zip(model.parameters, values) {
          assignments.append(
            ParameterAssignment(parameter.name, parameter.distribution, internalValue: value))
        }
      }
      return (generator, assignments)
    }
    generator = drawn
    return assignments
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    try check()
    guard parameter.distribution.isModelled else {
      return parameter.distribution.firstInternalValue
    }
    let (drawn, value) = cache.state.withLock { [generator, settings] state in
      var generator = generator
      state.advance(to: history, settings)
      guard state.observationCount >= settings.startupTrials else {
        let value = parameter.sampleStratified(
          settings.startupTrials, for: trial, given: history, using: &generator)
        return (generator, value)
      }
      let model = state.model(of: parameter, for: trial, given: history)
      let values = model.suggest(settings.candidateCount, using: &generator)
      return (generator, values[0])
    }
    generator = drawn
    return value
  }

  /// The spaces that would be sampled jointly for a trial.
  package func jointSpaces(given history: TrialHistory) -> [[Parameter]] {
    guard settings.isMultivariate(for: history.directions) else { return [] }
    return cache.state.withLock { [settings] state in
      state.advance(to: history, settings)
      return state.jointSpaces()
    }
  }

  /// The logarithms of the densities of the best trials and of all others.
  ///
  /// - Parameters:
  ///   - points: Internal values in the order of the space.
  ///   - space: Parameters, none of them single-valued.
  ///   - trial: The number of the trial that asks.
  package func logDensities(
    at points: [[Double]], in space: [Parameter], for trial: Int, given history: TrialHistory
  ) -> [(good: Double, rest: Double)] {
    cache.state.withLock { [settings] state in
      state.advance(to: history, settings)
      let model = SpaceModel(space)
      state.update(model, for: trial, given: history)
      return model.logDensities(at: points)
    }
  }

  /// Refuses settings that make no sense.
  private func check() throws(SamplerError) {
    guard candidateCount >= 1 else {
      throw .badSetting(
        name: "candidateCount", value: String(candidateCount), fix: "use at least 1; 24 is usual")
    }
    guard startupTrials >= 0 else {
      throw .badSetting(
        name: "startupTrials", value: String(startupTrials), fix: "use 0 or more; 10 is usual")
    }
  }
}

/// The state that the copies of a sampler share.
private final class TPECache: Sendable {
  let state = Lock(TPEState())
}
