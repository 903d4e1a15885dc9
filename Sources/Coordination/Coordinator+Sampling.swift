internal import Dispatch
internal import Probability
internal import Samplers
internal import StudyModel
internal import Synchronization

/// A joint sample that was made before anybody asked for its trial.
struct PreparedSample: Sendable {
  /// The number that the trial will have.
  let trial: Int
  let assignments: [ParameterAssignment]
  /// How many trials had finished in the history that it was made from.
  let finished: Int
}

/// How a trial gets its parameters.
///
/// A sampler that takes long is asked for the next trial's joint sample while other trials run, so that it
/// is ready when a worker asks; no row is made for it. Such a sample may miss the results that came since
/// it was begun. It is used if these are no more than the trials that are running when it is asked
/// for, the asker's aside: a worker that asked a little earlier would have missed as many. So a study with
/// one trial at a time never gets one that misses a result.
extension Coordinator {
  /// Samples what is sampled jointly and makes the trial an active one.
  func activate(
    _ trial: Trial, _ lease: Lease, sharesJointSample: Bool
  ) throws -> ActiveTrial {
    try state.withLock { state in
      try follow(&state)
      state.history.applyClaim(of: trial)
    }
    let sample = try jointSample(for: trial.number)
    return state.withLock { state in
      var unwritten: [TrialChange] = []
      if sharesJointSample, let prefix = sampler.sharingPrefix, !sample.isEmpty {
        unwritten = shareChanges(sample, under: prefix, of: trial.reference)
        for change in unwritten { state.history.apply(change) }
      }
      let active = ActiveTrial(
        trial, lease: lease, jointSample: sample, unwritten: unwritten, startedAt: .now(),
        coordinator: self)
      state.active[trial.number] = HandedOut(trial: active)
      return active
    }
  }

  private func jointSample(for trial: Int) throws(SamplerError) -> [ParameterAssignment] {
    try sampling.withLock { _ throws(SamplerError) in
      switch try state.withLock({ state throws(SamplerError) in try quickSample(trial, &state) }) {
      case .ready(let sample): return sample
      case .slow(let history):
        let (sample, time) = try self.sample(trial, history)
        state.withLock { $0.samplingTime = time }
        return sample
      }
    }
  }

  private enum Sampling {
    case ready([ParameterAssignment])
    /// To be sampled from this copy.
    case slow(TrialHistory)
  }

  private func quickSample(
    _ trial: Int, _ state: inout State
  ) throws(SamplerError) -> Sampling {
    if let prepared = state.takePrepared(for: trial, readsHistory: sampler.readsHistory) {
      return .ready(prepared)
    }
    // A copy of the history costs more than a fast sampler.
    guard state.samplingTime < lookAheadTime else { return .slow(state.history) }
    let (sample, time) = try self.sample(trial, state.history)
    state.samplingTime = time
    return .ready(sample)
  }

  private func sample(
    _ trial: Int, _ history: TrialHistory
  ) throws(SamplerError) -> ([ParameterAssignment], Duration) {
    let begin = SteadyClock.now
    var generator = TrialGenerator(seed: seed, trial: trial)
    let sample = try sampler.sampleJointly(for: trial, given: history, using: &generator)
    return (sample, SteadyClock.now - begin)
  }

  /// Makes the joint sample of the next trial in the background, if that is worth it.
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
      let history = state.withLock { $0.history }
      let trial = history.count
      // Whoever asks for the trial meets the same error.
      let made = Result { () throws(SamplerError) in try sample(trial, history) }
      state.withLock { state in
        state.isPreparing = false
        guard let (sample, time) = made.value else { return }
        state.samplingTime = time
        state.prepared = PreparedSample(
          trial: trial, assignments: sample, finished: history.finishedOrder.count)
      }
    }
  }

  /// The number of the trial whose joint sample is ready; nil without one.
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
  private static func stream(of name: String) -> UInt32 {
    let hash = name.utf8.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    return max(hash, 1)
  }
}

extension Coordinator.State {
  /// The sample that was made for the trial, unless it misses too many results; one for an earlier trial
  /// is dropped.
  fileprivate mutating func takePrepared(
    for trial: Int, readsHistory: Bool
  ) -> [ParameterAssignment]? {
    guard let sample = prepared, sample.trial <= trial else { return nil }
    prepared = nil
    let missed = history.finishedOrder.count - sample.finished
    let others = history.running.count { $0 != trial }
    guard sample.trial == trial, missed <= others || !readsHistory else { return nil }
    return sample.assignments
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
