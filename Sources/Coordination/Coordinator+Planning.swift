internal import JSON
internal import Probability
internal import Samplers
internal import Stores
internal import StudyModel
internal import System
internal import Trials

/// How the parameters of a trial are chosen: by the sampler, as far as constraints and other trials
/// let it.
///
/// In a declared space all parameters are chosen before the objective starts. A suggestion at which
/// a constraint does not hold, or that another trial has in a space of finitely many points, is
/// drawn anew; after some tries the nearest of the points that are possible takes its place.
extension Coordinator {
  /// Draws of the sampler before another point takes the place of its suggestion.
  private static let samplerTries = 16
  /// Points that other trials claim at the same moment; a trial meets each of them once.
  private static let claimTries = 256
  /// Uniform draws in search of points at which the constraints hold.
  private static let randomTries = 20_000
  /// Of those, how many are compared.
  private static let candidateCount = 64
  /// Spaces of up to that many points are listed instead.
  private static let listedPoints = 1 << 14

  /// Decides what the sampler decides before a trial starts.
  ///
  /// - Parameters:
  ///   - history: All that is known, the trial itself included.
  ///   - prepared: What the sampler planned already; nil to ask it.
  ///   - time: Set to how long the sampler took, if it is asked.
  /// - Returns: With a declared space, values of all its active parameters.
  func plan(
    _ trial: Trial, in space: SearchSpace?, given history: TrialHistory,
    prepared: TrialPlan?, _ time: inout Duration
  ) throws -> TrialPlan {
    var prepared = prepared
    var planner = TrialPlanner(trial, space, avoidsRepeats: !allowsRepeats || sampler.exhaustsSpace)
    var history = history
    var tries = 0
    var conflicts = 0
    let allowed = sampler.isWorthAskingAgain ? Self.samplerTries : 1
    while tries < allowed, conflicts < Self.claimTries {
      let attempt = UInt64(tries + conflicts)
      let seed = attempt == 0 ? self.seed : self.seed ^ (attempt &* 0x9E37_79B9_7F4A_7C15)
      var generator = TrialGenerator(seed: seed, trial: trial.number)
      let begin = SteadyClock.now
      var plan =
        try prepared
        ?? sampler.plan(for: trial.number, in: space, given: history, using: &generator)
      if attempt == 0, prepared == nil { time = SteadyClock.now - begin }
      prepared = nil
      if let claim = plan.claim {
        let owner = try store.claim(claim, for: trial.number, from: nil, of: study)
        if owner == trial.number { return plan }
        for attribute in plan.attributes {
          history.assume(.systemAttributeSet(attribute), of: owner)
        }
        conflicts += 1
        continue
      }
      guard let space else { return plan }
      plan.assignments = try planner.complete(plan.assignments) { parameter in
        var generator = TrialGenerator(
          seed: seed, trial: trial.number, stream: Self.stream(of: parameter.name))
        return try sampler.sample(
          parameter, for: trial.number, given: history, using: &generator)
      }
      planner.note(plan)
      guard space.allows(plan.assignments) else {
        tries += 1
        continue
      }
      guard planner.avoidsRepeats else { return plan }
      if history.trial(at: plan.assignments, except: trial.number) != nil {
        tries += 1
        continue
      }
      guard let owner = try otherOwner(of: plan.assignments, for: trial.number) else {
        return plan
      }
      for assignment in plan.assignments { history.assume(.parameterSet(assignment), of: owner) }
      conflicts += 1
    }
    return try replacement(for: planner, trial, history)
  }

  /// Claims a point for a trial; returns the trial that has it, if that is another one.
  private func otherOwner(
    of point: [ParameterAssignment], for number: Int
  ) throws(StoreError) -> Int? {
    let key = "point:" + point.fingerprint
    let owner = try store.claim(key, for: number, from: nil, of: study)
    guard owner != number else { return nil }
    // The process that claimed it may have died, or ended up elsewhere. The history may not know
    // yet.
    guard let other = try store.trials(in: study, numbers: [owner]).first,
      other.state.isFinished || !other.parameters.isEmpty,
      !point.allSatisfy({ other[parameter: $0.name]?.isEquivalent(to: $0.value) ?? false })
    else { return owner }
    let heir = try store.claim(key, for: number, from: owner, of: study)
    return heir == number ? nil : heir
  }

  /// A possible point near what the sampler wanted.
  private func replacement(
    for planner: TrialPlanner, _ trial: Trial, _ history: TrialHistory
  ) throws -> TrialPlan {
    guard let space = planner.space, let wanted = planner.wanted else {
      throw SamplerError.exhausted
    }
    var generator = TrialGenerator(seed: seed, trial: trial.number, stream: 1)
    let isFree = { (point: [ParameterAssignment]) in
      !planner.avoidsRepeats || history.trial(at: point, except: trial.number) == nil
    }
    var candidates: [[ParameterAssignment]] = []
    var taken: [ParameterAssignment]?
    if let points = planner.points, let count = points.count, count <= Self.listedPoints,
      planner.isFree
    {
      for number in 0..<count {
        let point = points.point(number)
        guard space.allows(point) else { continue }
        if isFree(point) { candidates.append(point) } else { taken = point }
      }
    } else {
      for _ in 0..<Self.randomTries where candidates.count < Self.candidateCount {
        let point = planner.complete([]) { $0.distribution.sample(using: &generator) }
        guard space.allows(point) else { continue }
        if isFree(point) { candidates.append(point) } else { taken = point }
      }
    }
    candidates.sort {
      space.distance($0, wanted.assignments) < space.distance($1, wanted.assignments)
    }
    for candidate in candidates {
      let point = space.moved(candidate, towards: wanted.assignments)
      for choice in point == candidate ? [candidate] : [point, candidate] where isFree(choice) {
        if planner.avoidsRepeats, try otherOwner(of: choice, for: trial.number) != nil {
          continue
        }
        return TrialPlan(choice, attributes: wanted.attributes)
      }
    }
    guard !sampler.exhaustsSpace else { throw SamplerError.exhausted }
    // Every point has been tried: again, what the sampler wants most.
    if space.allows(wanted.assignments) { return wanted }
    if let taken { return TrialPlan(taken, attributes: wanted.attributes) }
    throw TrialError.noPossiblePoint(
      constraints: space.constraints.map(\.text), isQueued: !planner.isFree)
  }
}

/// The choice of one trial's parameters.
struct TrialPlanner {
  let space: SearchSpace?
  /// The points of the space; nil if it has no end of them, or if the trial's are not all open.
  let points: PointSet?
  let avoidsRepeats: Bool
  /// What the trial has already, or was queued with.
  private let given: [String: Double]
  /// The first plan of the sampler at which the constraints hold, else its first.
  private(set) var wanted: TrialPlan?

  init(_ trial: Trial, _ space: SearchSpace?, avoidsRepeats: Bool) {
    self.space = space
    var given: [String: Double] = [:]
    let fixed = trial.systemAttributes.last { $0.key == "fixed_params" }?.value
    for parameter in space?.parameters ?? [] {
      if let value = fixed?[parameter.name]?.parameterValue {
        given[parameter.name] = parameter.distribution.internalValue(of: value)
      }
    }
    for assignment in trial.parameters { given[assignment.name] = assignment.internalValue }
    self.given = given
    points = given.isEmpty ? space.flatMap { PointSet($0) } : nil
    self.avoidsRepeats = avoidsRepeats && points != nil
  }

  /// Whether nothing is given.
  var isFree: Bool { given.isEmpty }

  mutating func note(_ plan: TrialPlan) {
    guard let known = wanted, let space else {
      wanted = plan
      return
    }
    if !space.allows(known.assignments), space.allows(plan.assignments) { wanted = plan }
  }

  /// Values of all active parameters: what is given, else what was chosen, else what `sample` says.
  func complete<Failure: Error>(
    _ chosen: [ParameterAssignment], sample: (Parameter) throws(Failure) -> Double
  ) throws(Failure) -> [ParameterAssignment] {
    var complete: [ParameterAssignment] = []
    try space?.visit { (parameter) throws(Failure) -> ParameterValue in
      let distribution = parameter.distribution
      let known = chosen.first {
        $0.name == parameter.name && $0.distribution.isCompatible(with: distribution)
          && distribution.contains($0.internalValue)
      }
      let value =
        if let value = given[parameter.name] { value } else if distribution.isSingleValued {
          distribution.firstInternalValue
        } else if let known { known.internalValue } else { try sample(parameter) }
      let assignment = ParameterAssignment(parameter.name, distribution, internalValue: value)
      complete.append(assignment)
      return assignment.value
    }
    return complete
  }
}

extension [ParameterAssignment] {
  /// Text that other points have only by chance: 64 bits over names and values.
  fileprivate var fingerprint: String {
    var bytes: [UInt8] = []
    for assignment in self {
      bytes += assignment.name.utf8
      bytes.append(0xFF)
      bytes += assignment.value.description.utf8
      bytes.append(0xFE)
    }
    return String(StableHash.bits64(bytes), radix: 16)
  }
}

extension TrialHistory {
  /// The first other trial with all these values; nil without one.
  func trial(at point: [ParameterAssignment], except asking: Int) -> Int? {
    var columns: [(column: ParameterColumn, assignment: ParameterAssignment)] = []
    for assignment in point {
      guard let column = column(named: assignment.name) else { return nil }
      columns.append((column, assignment))
    }
    guard let first = columns.first else { return nil }
    return first.column.values.indices.first { trial in
      trial != asking
        && columns.allSatisfy { column, assignment in
          guard trial < column.values.count, column.distributionIDs[trial] >= 0 else {
            return false
          }
          let stored = distributions[Int(column.distributionIDs[trial])]
          if stored == assignment.distribution {
            return column.values[trial] == assignment.internalValue
          }
          return stored.value(of: column.values[trial])?.isEquivalent(to: assignment.value) ?? false
        }
    }
  }

  /// Takes for known what another trial is about to say.
  fileprivate mutating func assume(_ event: TrialChange.Event, of number: Int) {
    let reference = TrialReference(id: 0, number: number)
    if number >= count { apply(TrialChange(reference, .created(.running, at: nil))) }
    apply(TrialChange(reference, event))
  }
}
