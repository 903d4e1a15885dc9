internal import JSON
public import Probability
public import StudyModel
internal import System

/// Moves and shapes a normal distribution over the numeric parameters towards the best trials:
/// CMA-ES.
///
/// Hansen, "The CMA Evolution Strategy: A Tutorial", 2016; for discrete parameters with margin
/// (Hamano et al., GECCO 2022), begun where earlier trials were good (Nomura et al., AAAI 2021),
/// restarted when it has converged (BIPOP: Hansen, GECCO 2009); drawn evenly instead of at random
/// (Teytaud and Gelly, GECCO 2007). Weights and rates are those of Optuna's.
///
/// The parameters that are active in every trial are searched together; choices, and parameters
/// that are active only sometimes, are sampled with a univariate ``TPESampler``. Each population's
/// worth of results moves the distribution, in whichever order trials finish; those drawn before
/// the latest move count for a bounded way (Hansen, 2011), so any number of workers may run at
/// once. With several objectives, results are ordered by rank and crowding as in NSGA-II.
public struct CMAESSampler: Sampler {
  /// What follows when the search has converged.
  public enum Restarts: String, Sendable, CaseIterable {
    /// A new search with twice the population.
    case ipop
    /// The same in turn with small ones.
    case bipop
    /// Nothing: it goes on.
    case none
  }

  /// Trials per generation; nil for 4 + ⌊3 ln n⌋ with n parameters.
  public var populationSize: Int? {
    get { settings.populationSize }
    set { settings.populationSize = newValue }
  }
  /// The first standard deviation, in units of the range (after a logarithm); positive.
  public var initialStep: Double {
    get { settings.step }
    set { settings.step = newValue }
  }
  /// What happens when the search has converged.
  public var restarts: Restarts {
    get { settings.restarts }
    set { settings.restarts = newValue }
  }
  /// Whether the search begins where the best of earlier trials are, if other samplers ran at least
  /// ten.
  public var isWarmStarted: Bool {
    get { settings.isWarmStarted }
    set { settings.isWarmStarted = newValue }
  }
  /// Trials before the first that is drawn from the distribution; they cover the space evenly.
  public var startupTrials = 0
  /// Trials of another study, over the same parameters, by whose best the search begins.
  public var sourceTrials: [Trial] = []

  /// Under this attribute a trial keeps how often the search had moved when it was drawn.
  static let generationKey = "needletail:cmaes_generation"

  private var settings = CMASearch.Settings()
  private let cache = CMACache()
  private let others: TPESampler

  /// Creates the sampler with its default settings.
  public init() {
    var others = TPESampler()
    others.isMultivariate = false
    others.isGrouped = false
    self.others = others
  }

  public var name: String { "cmaes" }
  public var readsHistory: Bool { true }
  public var isWorthAskingAgain: Bool { true }
  public var sharingPrefix: String? { nil }

  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    try plan(for: trial, in: nil, given: history, using: &generator).assignments
  }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    try check()
    guard (history.counts[.completed] ?? 0) >= startupTrials else { return TrialPlan() }
    let parameters = cache.parameters(in: space, given: history)
    guard !parameters.isEmpty else { return TrialPlan() }
    let (drawn, shown, generation) = cache.draw(
      parameters, settings, sourceTrials, for: trial, given: history, using: &generator)
    let assignments = zip(parameters, shown).map { parameter, unit in
      ParameterAssignment(
        parameter.name, parameter.distribution,
        internalValue: parameter.distribution.unitBox?.value(unit)
          ?? parameter.distribution.firstInternalValue)
    }
    return TrialPlan(
      assignments,
      attributes: [
        Attribute(Self.generationKey, .integer(generation)),
        Attribute(TrialHistory.vectorKey, .array(drawn.map(JSONValue.float))),
      ])
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    try check()
    return try others.sample(parameter, for: trial, given: history, using: &generator)
  }

  /// Refuses settings that make no sense.
  private func check() throws(SamplerError) {
    if let size = populationSize, !(4...1_000_000).contains(size) {
      throw .badSetting(
        name: "populationSize", value: String(size), fix: "give an integer from 4 on")
    }
    guard initialStep > 0, initialStep <= 10 else {
      throw .badSetting(
        name: "initialStep", value: "\(initialStep)", fix: "give a number above 0, such as 0.2")
    }
  }
}

/// The search that was seen last; the copies of a sampler share it.
private final class CMACache: Sendable {
  private struct State {
    var consumed = 0
    var fingerprint: UInt64 = 0
    var parameters: [Parameter] = []
    var settings = CMASearch.Settings()
    var directions: [Direction] = []
    var seed: UInt64 = 0
    var sourceCount = 0
    var search: CMASearch?
    /// Which parameters all trials have, of a study that does not declare them.
    var tracker = SpaceTracker()
    var tracked = 0
    var trackedFingerprint: UInt64 = 0
    /// The joint parameters at that version of the tracker.
    var joint: [Parameter] = []
    var jointVersion = -1
  }

  private let state = Lock(State())

  /// The numeric parameters that every trial has.
  func parameters(in space: SearchSpace?, given history: TrialHistory) -> [Parameter] {
    if let space {
      return space.parameters.filter {
        space.conditions[$0.name] == nil && $0.distribution.unitBox != nil
      }
    }
    return state.withLock { state in
      let order = history.finishedOrder
      let isContinued =
        state.tracked <= order.count
        && (state.tracked == 0
          || history.finishedFingerprints[state.tracked - 1] == state.trackedFingerprint)
      if !isContinued {
        state.tracker = SpaceTracker()
        state.tracked = 0
      }
      for number in order[state.tracked...] where history.states[number] == .completed {
        state.tracker.insert(number, of: history)
      }
      state.tracked = order.count
      state.trackedFingerprint = history.finishedFingerprints.last ?? 0
      if state.jointVersion != state.tracker.version || !isContinued {
        state.jointVersion = state.tracker.version
        state.joint = (state.tracker.intersection ?? [])
          .map {
            Parameter(
              history.parameters[$0.column].name, history.distributions[Int($0.distribution)])
          }
          .filter { $0.distribution.unitBox != nil }
          .sorted { $0.name < $1.name }
      }
      return state.joint
    }
  }

  func draw(
    _ parameters: [Parameter], _ settings: CMASearch.Settings, _ sources: [Trial],
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) -> (drawn: [Double], shown: [Double], generation: Int) {
    let seed = generator.ofStudy
    let (drawn, advanced) = state.withLock { [generator] state in
      var generator = generator
      var probe = seed
      let key = probe.next()
      let isContinued =
        state.search != nil && state.parameters == parameters && state.settings == settings
        && state.directions == history.directions && state.seed == key
        && state.sourceCount == sources.count && state.consumed <= history.finishedOrder.count
        && (state.consumed == 0
          || history.finishedFingerprints[state.consumed - 1] == state.fingerprint)
      if !isContinued {
        state.search = nil
        state.parameters = parameters
        state.settings = settings
        state.directions = history.directions
        state.seed = key
        state.sourceCount = sources.count
        state.consumed = 0
      }
      var current =
        state.search ?? CMASearch(parameters.map(\.distribution), settings, seed: seed)
      if state.consumed == 0, !sources.isEmpty {
        for source in sources where source.state == .completed {
          if let point = Self.point(source, parameters, history.directions) {
            current.insert(point)
          }
        }
        current.begin()
      }
      state.search = nil  // so that it is not copied while it changes
      for number in history.finishedOrder[state.consumed...]
      where history.states[number] == .completed {
        if let point = Self.point(number, parameters, history) { current.insert(point) }
      }
      state.consumed = history.finishedOrder.count
      state.fingerprint = history.finishedFingerprints.last ?? 0
      state.search = current
      // Only a trial that finishes begins the search, so that it depends on the history alone.
      current.begin()
      let (drawn, shown) = current.draw(for: trial, using: &generator)
      return ((drawn, shown, current.generation), generator)
    }
    generator = advanced
    return drawn
  }

  /// A completed trial in the cube; nil if it lacks a parameter.
  private static func point(
    _ number: Int, _ parameters: [Parameter], _ history: TrialHistory
  ) -> CMASearch.Point? {
    let values = history.objectiveValues[number] ?? [history.values[number]]
    let generation = history.marks[CMAESSampler.generationKey]?[number]
    var coordinates: [Double] = []
    if generation != nil, let vector = history.vectors[number], vector.count == parameters.count,
      vector.allSatisfy({ $0.isFinite && $0.magnitude < 1e6 })
    {
      coordinates = vector
    } else {
      for parameter in parameters {
        guard let column = history.column(named: parameter.name), number < column.values.count,
          column.distributionIDs[number] >= 0, let box = parameter.distribution.unitBox
        else { return nil }
        let unit = box.unit(column.values[number])
        guard unit.isFinite else { return nil }
        coordinates.append(unit)
      }
    }
    return CMASearch.Point(
      coordinates: coordinates, violation: history.violation(of: number),
      losses: losses(values, history.directions), generation: generation)
  }

  private static func point(
    _ trial: Trial, _ parameters: [Parameter], _ directions: [Direction]
  ) -> CMASearch.Point? {
    var coordinates: [Double] = []
    for parameter in parameters {
      guard let value = trial[parameter: parameter.name]?.number,
        let box = parameter.distribution.unitBox, box.unit(value).isFinite
      else { return nil }
      coordinates.append(box.unit(value))
    }
    return CMASearch.Point(
      coordinates: coordinates, violation: Trial.violation(of: trial.systemAttributes),
      losses: losses(trial.values, directions), generation: nil)
  }

  private static func losses(_ values: [Double], _ directions: [Direction]) -> [Double] {
    directions.indices.map { objective in
      let loss =
        objective < values.count ? directions[objective].loss(values[objective]) : .infinity
      return loss.isNaN ? .infinity : loss
    }
  }
}
