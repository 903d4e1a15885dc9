internal import JSON
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

  /// Whether a model of which trials fail keeps suggestions from where they do; true by default.
  public var learnsFailures: Bool {
    get { settings.learnsFailures }
    set { settings.learnsFailures = newValue }
  }
  /// Whether priors are put to the test; false by default. The first trial is then the likeliest
  /// point, every third one looks where the priors do not, and they count no more as long as the
  /// best is where they do not expect it.
  public var checksPriors: Bool {
    get { settings.checksPriors }
    set { settings.checksPriors = newValue }
  }
  struct Settings: Sendable, Hashable {
    var startupTrials = 10
    var candidateCount = 512
    var learnsFailures = true
    var checksPriors = false
  }

  /// Of so many trials one is suggested without what is known beforehand: earlier studies, and
  /// priors when these are put to the test.
  static let doubtPeriod = 3

  /// The most observations that a model holds.
  static let largestModel = 1_000
  /// The prefix of the attributes by which running trials announce their parameters: Optuna's.
  static let announcementPrefix = "gp"

  /// Finished studies to learn from; strangers do no harm for long.
  public var earlierStudies: [EarlierStudy] = [] {
    didSet { cache = GPCache() }
  }

  private var settings = Settings()
  private var cache = GPCache()

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
    if let first = firstOfEarlier(for: trial, in: space) { return first }
    let (drawn, plan) = cache.state.withLock { [generator, settings, earlierStudies] state in
      var generator = generator
      state.observations.advance(to: history)
      let now = state.observations.space
      if !earlierStudies.isEmpty, state.earlier?.parameters != now.parameters {
        state.earlier = BLAS.withOneThread { EarlierModels(earlierStudies, in: now) }
      }
      let suggestion = GPSuggestion(
        history, state.observations, for: trial, in: space, settings, state.earlier)
      let plan = BLAS.withOneThread { suggestion.make(&state.fits, using: &generator) }
      return (generator, plan)
    }
    generator = drawn
    return plan
  }

  /// The most trials that begin with a configuration of an earlier study.
  static let firstLimit = 4

  /// The configuration of an earlier study with which a trial begins; nil for later trials, and
  /// when there is none that fits.
  private func firstOfEarlier(for trial: Int, in space: SearchSpace?) -> TrialPlan? {
    guard !earlierStudies.isEmpty, trial < Self.firstLimit, let space else { return nil }
    let points = cache.first.withLock { known -> [[ParameterAssignment]] in
      if let known, known.space == space { return known.points }
      let points = BLAS.withOneThread { Self.firstPoints(of: earlierStudies, in: space) }
      known = (space, points)
      return points
    }
    guard trial < points.count else { return nil }
    return TrialPlan(
      points[trial],
      attributes: [
        Attribute(
          "needletail:sampler",
          .object([.init("sampler", "gp"), .init("phase", "best of an earlier study")]))
      ])
  }

  /// The best configurations of earlier studies, in the order in which they are tried.
  private static func firstPoints(
    of studies: [EarlierStudy], in space: SearchSpace
  ) -> [[ParameterAssignment]] {
    let declared = GPSpace(of: space.parameters.filter { !$0.distribution.isSingleValued })
    var candidates: [[ParameterAssignment]] = []
    var points: [[Double]] = []
    for best in studies.compactMap(\.best) {
      let assignments = declared.parameters.compactMap { parameter -> ParameterAssignment? in
        guard let value = best[parameter.name],
          let internalValue = parameter.distribution.internalValue(of: value),
          parameter.distribution.contains(internalValue)
        else { return nil }
        return ParameterAssignment(
          parameter.name, parameter.distribution, internalValue: internalValue)
      }
      guard !assignments.isEmpty, !candidates.contains(assignments) else { continue }
      candidates.append(assignments)
      points.append(declared.point(of: best))
    }
    let models = EarlierModels(studies, in: declared)
    return EarlierModels.order(of: points, in: declared, models).map { candidates[$0] }
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
    if settings.checksPriors, parameter.distribution.belief != nil {
      if trial == 0 { return parameter.distribution.likeliest }
      if trial % Self.doubtPeriod == 2 {
        return parameter.distribution.sampleEvenly(using: &generator)
      }
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
    var earlier: EarlierModels?
  }

  let state = Lock(State())
  let first = Lock<(space: SearchSpace, points: [[ParameterAssignment]])?>(nil)
}
