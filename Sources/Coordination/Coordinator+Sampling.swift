internal import Dispatch
internal import JSON
internal import Probability
internal import Samplers
internal import StudyModel
internal import System

/// What a sampler planned before a worker asked for the trial.
struct PreparedPlan: Sendable {
  /// The number that the trial will have.
  let trial: Int
  /// The declared parameters that the sampler was told of.
  let space: SearchSpace?
  let plan: TrialPlan
  /// How many trials had finished in the history that it was made from.
  let finished: Int
}

/// How a trial gets its parameters.
///
/// A sampler that takes long is asked for the next trial's plan while other trials run, so that it
/// is ready when a worker asks; no row is made for it. Such a plan may miss the results that came
/// since it was begun. It is used if these are no more than the trials that are running when it is
/// asked for, the asker's aside: a worker that asked a little earlier would have missed as many. So
/// a study with one trial at a time never gets one that misses a result.
extension Coordinator {
  /// Plans a trial and makes it an active one.
  func activate(_ trial: Trial, _ lease: Lease, in space: SearchSpace?) throws -> ActiveTrial {
    try state.withLock { state in
      try follow(&state)
      state.history.applyClaim(of: trial)
      state.space = space
    }
    let plan = try sampling.withLock { _ in try planned(trial, in: space) }
    return state.withLock { state in
      var unwritten = plan.attributes.map { TrialChange(trial.reference, .systemAttributeSet($0)) }
      if space == nil, let prefix = sampler.sharingPrefix, !plan.assignments.isEmpty {
        unwritten += shareChanges(plan.assignments, under: prefix, of: trial.reference)
      }
      for change in unwritten { state.history.apply(change) }
      var trial = trial
      for attribute in plan.attributes {
        trial.systemAttributes.removeAll { $0.key == attribute.key }
        trial.systemAttributes.append(attribute)
      }
      let active = ActiveTrial(
        trial, lease: lease, jointSample: plan.assignments, unwritten: unwritten,
        startedAt: .now(), coordinator: self)
      state.active[trial.number] = HandedOut(trial: active)
      return active
    }
  }

  private func planned(_ trial: Trial, in space: SearchSpace?) throws -> TrialPlan {
    let quick: TrialPlan? = try state.withLock { state -> TrialPlan? in
      let prepared = state.takePrepared(
        for: trial.number, in: space, readsHistory: sampler.readsHistory)
      // A copy of the history costs more than a fast sampler.
      guard prepared != nil || state.samplingTime < lookAheadTime else { return nil }
      var time = state.samplingTime
      let plan = try self.plan(trial, in: space, given: state.history, prepared: prepared, &time)
      state.samplingTime = time
      return plan
    }
    if let quick { return quick }
    let history = state.withLock { $0.history }
    var time: Duration = .zero
    let plan = try self.plan(trial, in: space, given: history, prepared: nil, &time)
    state.withLock { [time] in $0.samplingTime = time }
    return plan
  }

  /// Makes the plan of the next trial in the background, if that is worth it.
  func lookAhead() {
    let isWanted = state.withLock { state in
      // With one trial running, the next one waits for its result.
      guard state.samplingTime >= lookAheadTime, !state.isPreparing,
        state.history.running.count >= 2, state.prepared?.trial != state.history.count
      else { return false }
      state.isPreparing = true
      return true
    }
    guard isWanted else { return }
    DispatchQueue.global().async { [weak self] in self?.prepareNext() }
  }

  private func prepareNext() {
    sampling.withLock { _ in
      let (history, space) = state.withLock { ($0.history, $0.space) }
      let trial = history.count
      let begin = SteadyClock.now
      var generator = TrialGenerator(seed: seed, trial: trial)
      // The worker that asks for the trial meets the same error.
      let made = Result { () throws(SamplerError) in
        try sampler.plan(for: trial, in: space, given: history, using: &generator)
      }
      let time = SteadyClock.now - begin
      state.withLock { state in
        state.isPreparing = false
        guard let plan = made.value else { return }
        state.samplingTime = time
        state.prepared = PreparedPlan(
          trial: trial, space: space, plan: plan, finished: history.finishedOrder.count)
      }
    }
  }

  /// The number of the trial whose plan is ready; nil without one.
  package var preparedTrial: Int? { state.withLock { $0.prepared?.trial } }

  /// The joint sample as system attributes, cut as Optuna does, for samplers in other processes.
  private func shareChanges(
    _ sample: [ParameterAssignment], under prefix: String, of trial: TrialReference
  ) -> [TrialChange] {
    let members = sample.map { JSONValue.Member($0.name, JSONValue($0.value)) }
    let text = Array(JSONValue.object(members).text().utf8)
    let chunk = 2_045
    return stride(from: 0, to: text.count, by: chunk).enumerated().map { index, start in
      let part = String(decoding: text[start..<min(start + chunk, text.count)], as: UTF8.self)
      return TrialChange(
        trial,
        .systemAttributeSet(Attribute("\(prefix):relative_params:\(index)", .string(part))))
    }
  }

  func sample(_ parameter: Parameter, for trial: Int) throws -> Double {
    try state.withLock { state in
      var generator = TrialGenerator(
        seed: seed, trial: trial, stream: Self.stream(of: parameter.name))
      return try sampler.sample(parameter, for: trial, given: state.history, using: &generator)
    }
  }

  /// FNV-1a of the name, never 0, which is the joint sample's stream.
  static func stream(of name: String) -> UInt32 {
    max(StableHash.bits32(name.utf8), 1)
  }
}

extension Coordinator.State {
  /// The plan that was made for the trial, unless it misses too many results; one for an earlier
  /// trial is dropped.
  fileprivate mutating func takePrepared(
    for trial: Int, in space: SearchSpace?, readsHistory: Bool
  ) -> TrialPlan? {
    guard let known = prepared, known.trial <= trial else { return nil }
    prepared = nil
    let missed = history.finishedOrder.count - known.finished
    let others = history.running.count { $0 != trial }
    guard known.trial == trial, known.space == space, missed <= others || !readsHistory else {
      return nil
    }
    return known.plan
  }
}

extension TrialHistory {
  /// Takes in a trial that was just claimed, whatever the history knew of it.
  mutating func applyClaim(of trial: Trial) {
    let now = trial.startedAt ?? .now()
    apply(TrialChange(trial.reference, .created(.running, at: now)))
    apply(TrialChange(trial.reference, .started(at: now)))
    apply(TrialChange(trial.reference, .restarted(at: now)))
    for assignment in trial.parameters {
      apply(TrialChange(trial.reference, .parameterSet(assignment)))
    }
    for attribute in trial.systemAttributes {
      apply(TrialChange(trial.reference, .systemAttributeSet(attribute)))
    }
  }
}
