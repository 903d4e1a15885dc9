internal import JSON
internal import LinearAlgebra
internal import Probability
internal import StudyModel
internal import System

/// One suggestion of a Gaussian process sampler: from a history to parameters, and an account of
/// how.
struct GPSuggestion {
  private let history: TrialHistory
  private let trial: Int
  private let settings: GPSampler.Settings
  private let declared: SearchSpace?
  private let observations: GPObservations
  private let earlier: EarlierModels?

  /// - Parameter observations: Up to date with the history.
  init(
    _ history: TrialHistory, _ observations: GPObservations, for trial: Int,
    in declared: SearchSpace?, _ settings: GPSampler.Settings, _ earlier: EarlierModels?
  ) {
    self.earlier = earlier
    self.declared = declared
    self.history = history
    self.trial = trial
    self.settings = settings
    self.observations = observations
  }

  /// The most running trials that are taken into account.
  private static let pendingLimit = 64

  func make(_ fits: inout GPFits, using generator: inout TrialGenerator) -> TrialPlan {
    let start = ContinuousClock.now
    let finished = history.finishedOrder.count
    var settings = settings
    let isDoubting = trial % GPSampler.doubtPeriod == 1
    // Earlier studies take the place of startup trials, but for those that must not trust them.
    if earlier?.sources.isEmpty == false, !isDoubting {
      settings.startupTrials = min(settings.startupTrials, GPSampler.firstLimit)
    }
    let (evidence, space) = (observations.evidence, observations.space)
    if finished < settings.startupTrials || evidence.observed.isEmpty || space.count == 0 {
      let reason =
        finished < settings.startupTrials
        ? "startup"
        : evidence.observed.isEmpty ? "no finite value yet" : "no parameter to model yet"
      return TrialPlan(
        attributes: Self.account([
          .init("sampler", "gp"), .init("phase", "startup"), .init("reason", .string(reason)),
          .init("finished", .integer(finished)),
          .init("startup_trials", .integer(settings.startupTrials)),
        ]))
    }
    var model = GPModel(
      observations, history, for: trial, settings, earlier: isDoubting ? nil : earlier)
    model.fit(&fits, using: &generator)
    let pending = pendingPoints(in: space)
    let built = model.build(pending: pending, using: &generator)
    let search = AcquisitionSearch(
      space: space, layout: built.layout, acquisition: built.acquisition,
      lengthScales: built.lengthScales,
      belief: belief(in: space, evidence),
      isAllowed: constraints(in: space))
    let candidates = search.run(
      anchors: built.anchors, effort: settings.candidateCount, starts: 6, using: &generator)
    let (chosen, isRepeated) = firstNew(
      of: candidates, in: space, known: [observations.points, built.poor, pending],
      using: &generator)
    let elapsed = start.duration(to: .now)
    var account = built.account
    account.append(.init("acquisition", .rounded(chosen.value)))
    if isRepeated { account.append(.init("repeats", true)) }
    account.append(.init("milliseconds", .rounded(elapsed.inSeconds * 1e3)))
    return TrialPlan(space.assignments(at: chosen.point), attributes: Self.account(account))
  }

  /// What the priors say; nil when there are none, when they are contradicted, and for the trials
  /// that look where they do not.
  private func belief(in space: GPSpace, _ evidence: Evidence) -> GPBelief? {
    guard let belief = GPBelief(space, observations: evidence.observed.count) else { return nil }
    guard settings.checksPriors, evidence.losses.count == 1 else { return belief }
    if trial % GPSampler.doubtPeriod == 1 { return nil }
    return belief.isContradicted(by: evidence.losses[0], at: observations.points) ? nil : belief
  }

  /// Whether a point keeps the constraints between parameters that the study declares; nil without
  /// any.
  private func constraints(in space: GPSpace) -> ((_ point: [Double]) -> Bool)? {
    guard let declared, !declared.constraints.isEmpty else { return nil }
    let fixed = declared.parameters.filter { $0.distribution.isSingleValued }
      .map {
        ParameterAssignment(
          $0.name, $0.distribution, internalValue: $0.distribution.firstInternalValue)
      }
    return { point in
      let active = space.activated(point)
      let assignments = space.assignments(at: point)
      return declared.allows(
        active.indices.filter { !active[$0].isNaN }.map { assignments[$0] } + fixed)
    }
  }

  /// The system attribute that tells how a suggestion came about.
  private static func account(_ members: [JSONValue.Member]) -> [Attribute] {
    [Attribute("needletail:sampler", .object(members))]
  }

  /// The points of the running trials, as far as they are known.
  private func pendingPoints(in space: GPSpace) -> [[Double]] {
    var points: [[Double]] = []
    for number in history.running.suffix(Self.pendingLimit + 1) where number != trial {
      var point = space.point(of: number, in: history)
      let announced = history.announcedParameters(
        of: number, under: GPSampler.announcementPrefix)
      for (j, parameter) in space.parameters.enumerated() where point[j].isNaN {
        if let value = announced[parameter.name]?.parameterValue,
          let internalValue = parameter.distribution.internalValue(of: value)
        {
          point[j] = space.coordinate(ofInternal: internalValue, j)
        }
      }
      if point.contains(where: { !$0.isNaN }) { points.append(space.activated(point)) }
    }
    return points
  }

  /// The best candidate that no trial has had, so that no evaluation is spent on what is known; the
  /// best of all in a space that is used up.
  private func firstNew(
    of candidates: [AcquisitionSearch.Candidate], in space: GPSpace, known: [[[Double]]],
    using generator: inout TrialGenerator
  ) -> (AcquisitionSearch.Candidate, isRepeated: Bool) {
    func isNew(_ point: [Double]) -> Bool {
      let active = space.activated(point)
      return !known.contains { points in
        points.contains { other in
          for j in active.indices
          where active[j] != other[j] && !(active[j].isNaN && other[j].isNaN) {
            return false
          }
          return true
        }
      }
    }
    if let new = candidates.first(where: { isNew($0.point) }) { return (new, false) }
    for _ in 0..<256 {
      let point = space.kinds.indices.map {
        space.coordinate(ofUniform: generator.uniform(), $0)
      }
      if isNew(point) {
        return (AcquisitionSearch.Candidate(point: point, value: candidates[0].value), false)
      }
    }
    return (candidates[0], true)
  }
}
