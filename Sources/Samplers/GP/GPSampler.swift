internal import LinearAlgebra
public import Probability
public import StudyModel
internal import System

/// Samples by Gaussian processes: models the objective, and suggests where the expected improvement
/// is largest.
///
/// The kernel is Matérn 5/2 with a length scale per parameter; its parameters maximize the
/// posterior density under the priors of Optuna 5 (Rasmussen and Williams, "Gaussian Processes for
/// Machine Learning", 2006, chapter 5). Suggestions maximize the logarithm of expected improvement
/// (Ament et al., NeurIPS 2023) over the best posterior mean, which a lucky draw of the noise does
/// not raise. Running trials are conditioned on by draws from their joint prediction; failed and
/// pruned ones are known not to be good. Constraints multiply by the probability that they hold
/// (Gelbart, Snoek and Adams, UAI 2014). Two objectives are judged by the expected gain of
/// dominated area, more by random weights (Knowles, "ParEGO", IEEE Trans. Evolutionary Computation
/// 10(1), 2006).
///
/// A prior of a parameter draws the startup trials, and later counts by a power of its density that
/// fades as observations come in (Hvarfner et al., "πBO", ICLR 2022).
///
/// Beyond ``largestModel`` observations the model holds a part of them: the best, those nearest to
/// the best, and some of the rest.
///
/// A sampler keeps what it fitted for the next suggestion; the copies of a sampler share that.
/// Suggestions do not depend on it.
public struct GPSampler: Sampler {
  /// Finished trials before the first model. They make a Latin hypercube.
  public var startupTrials: Int {
    get { settings.startupTrials }
    set { settings.startupTrials = newValue }
  }
  /// Points compared before the best of them are improved; at least 1, and a power of two is best.
  public var candidateCount: Int {
    get { settings.candidateCount }
    set { settings.candidateCount = newValue }
  }

  struct Settings: Sendable, Hashable {
    var startupTrials = 10
    var candidateCount = 512
  }

  /// The most observations that a model holds.
  static let largestModel = 1_000
  /// The prefix of the attributes by which running trials announce their parameters: Optuna's.
  static let announcementPrefix = "gp"

  private var settings = Settings()
  private let cache = GPCache()

  /// Creates the sampler with its default settings.
  public init() {}

  public var name: String { "gp" }
  public var readsHistory: Bool { true }
  public var sharingPrefix: String? { Self.announcementPrefix }

  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    try plan(for: trial, in: nil, given: history, using: &generator).assignments
  }

  /// The suggestion, with an account of how it came about as the system attribute
  /// `needletail:sampler`.
  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    try check()
    let (drawn, plan) = cache.state.withLock { [generator, settings] state in
      var generator = generator
      state.observations.advance(to: history)
      let suggestion = GPSuggestion(history, state.observations, for: trial, in: space, settings)
      let plan = BLAS.withOneThread { suggestion.make(&state.fits, using: &generator) }
      return (generator, plan)
    }
    generator = drawn
    return plan
  }

  /// A value from a part of the range that the trials have visited least: for startup trials, and
  /// for what the model has not seen, which is a parameter that is new.
  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    try check()
    guard parameter.distribution.isModelled else {
      return parameter.distribution.firstInternalValue
    }
    return parameter.sampleStratified(
      max(settings.startupTrials, 2), for: trial, given: history, using: &generator)
  }

  /// How many trials this sampler and its copies have read to learn what they say, and how many to
  /// place them in a space.
  var reading: (trials: Int, points: Int) {
    cache.state.withLock { ($0.observations.trialsRead, $0.observations.pointsMade) }
  }

  /// Refuses settings that make no sense.
  private func check() throws(SamplerError) {
    guard candidateCount >= 1, candidateCount <= 1 << 16 else {
      throw .badSetting(
        name: "candidateCount", value: String(candidateCount), fix: "use 1 to 65536; 512 is usual")
    }
    guard startupTrials >= 0 else {
      throw .badSetting(
        name: "startupTrials", value: String(startupTrials), fix: "use 0 or more; 10 is usual")
    }
  }
}

/// The state that the copies of a sampler share.
private final class GPCache: Sendable {
  struct State {
    var observations = GPObservations()
    var fits = GPFits()
  }

  let state = Lock(State())
}
