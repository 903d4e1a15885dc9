internal import Samplers
internal import Stores
package import StudyModel
internal import System
internal import Trials

/// What a worker asks for when it asks for trials.
package struct TrialRequest: Sendable {
  /// The worker's name in the store.
  package let worker: String
  /// How many trials it takes.
  package let count: Int

  package init(worker: String, count: Int) {
    self.worker = worker
    self.count = count
  }
}

/// What came of an exchange.
package struct ExchangeResult {
  /// Per end the trial as it is stored now, or why it did not end.
  package var told: [Result<Trial, any Error>]
  /// Per request the trials that were handed out.
  package var taken: [[ActiveTrial]]
  /// Why fewer trials were handed out than there are; the ends are not concerned.
  package var failure: (any Error)?
  /// Whether the store had none left: nothing to claim, and the limit is reached.
  package var hasRunDry = false
}

extension Coordinator {
  /// Ends trials and hands out others, for any number of workers in one transaction (and another
  /// one for the parameters of those that are handed out).
  ///
  /// New trials know the results that come with them. When the call returns, ends survive a power
  /// cut.
  ///
  /// - Parameters:
  ///   - limit: How many trials the study may have; nil for no limit.
  ///   - space: When the parameters are known beforehand, they are all chosen now and written.
  package func exchange(
    _ ends: [TrialEnd], _ requests: [TrialRequest], limit: Int? = nil,
    assigning space: SearchSpace? = nil
  ) throws -> ExchangeResult {
    var result = ExchangeResult(told: [], taken: requests.map { _ in [] })
    let planned: [Result<PlannedEnd, any Error>] = ends.map { end in
      Result { try plan(end) }
    }
    var open: [Int] = []
    for (place, request) in requests.enumerated() {
      open += repeatElement(place, count: request.count)
    }
    do {
      if !open.isEmpty,
        try !control().handsOut || state.withLock({ $0.failure != nil }) || isEnding(with: planned)
      {
        open = []
      }
    } catch {
      open = []
      result.failure = error
    }
    var present = limit
    do {
      if !open.isEmpty { present = try trialLimit(atMost: limit, in: space) }
    } catch {
      open = []
      result.failure = error
    }
    var batch = try write(planned, open.map { requests[$0].worker }, limit: present)
    result.told = batch.told
    if !ends.isEmpty { followFailures(ends, batch.told) }
    // What the store refuses now is tried again with the next exchange; the ends are stored.
    _ = Result { try followEnding() }
    while true {
      if result.failure == nil { result.failure = batch.failure }
      var active: [(trial: ActiveTrial, place: Int)] = []
      var again: [Int] = []
      for (place, taken) in zip(open, batch.taken) {
        guard let (trial, lease) = taken else { continue }
        do {
          if let ready = try prepare(trial, lease, space) {
            active.append((ready, place))
          } else {
            again.append(place)
          }
        } catch {
          // The process that comes next may have a sampler or a space that fits.
          giveBack([lease], because: error)
          if result.failure == nil { result.failure = error }
        }
      }
      do throws(StoreError) {
        if space != nil { try flush(active.map(\.trial)) }
        for (trial, place) in active { result.taken[place].append(trial) }
      } catch {
        giveBack(active.compactMap(\.trial.lease), because: error)
        if result.failure == nil { result.failure = error }
      }
      do {
        let latest = try trialLimit(atMost: limit, in: space)
        if batch.hasRunDry, let latest, latest > present ?? .max {
          // While this process looked, others added trials that leave as much to try as before.
          again += zip(open, batch.taken).filter { $1 == nil }.map(\.0)
        } else {
          result.hasRunDry = result.hasRunDry || batch.hasRunDry
        }
        present = latest
        guard !again.isEmpty, result.failure == nil else { break }
        open = again
        batch = try write([], open.map { requests[$0].worker }, limit: present)
      } catch {
        result.failure = error
        break
      }
    }
    lookAhead()
    confirm(&result.told)
    scheduleTick()
    return result
  }

  /// Waits until ends that are in the store survive a power cut.
  private func confirm(_ told: inout [Result<Trial, any Error>]) {
    guard told.contains(where: \.isSuccess) else { return }
    do throws(StoreError) {
      try store.synchronize()
    } catch {
      told = told.map { $0.isSuccess ? .failure(error) : $0 }
    }
  }

  /// What one transaction did.
  private struct Written {
    var told: [Result<Trial, any Error>]
    /// Per asker what it got.
    var taken: [(Trial, Lease)?]
    /// Why some askers got nothing.
    var failure: StoreError?
    var hasRunDry = false
  }

  /// Writes ends and takes trials in one transaction. Should that fail, all trials stay active.
  private func write(
    _ planned: [Result<PlannedEnd, any Error>], _ workers: [String], limit: Int?
  ) throws(StoreError) -> Written {
    let ends = planned.compactMap(\.value)
    if ends.isEmpty, workers.isEmpty {
      return Written(told: planned.map { $0.map(\.trial) }, taken: [])
    }
    let results: [StoreStep.Result]
    let stored: Duration
    do throws(StoreError) {
      let now = try leaseTime()
      let startedAt = Timestamp.now()
      stored = steadyTime + leaseDuration
      let takes = workers.map { worker in
        let request = LeaseRequest(
          worker: worker, now: now, deadline: now.advanced(by: leaseDuration),
          startedAt: startedAt)
        return StoreStep.take(request, limit: limit)
      }
      results = try store.perform(ends.flatMap(\.steps) + takes, in: study)
    } catch {
      for end in ends { end.active.keptActive() }
      throw error
    }
    var written = Written(told: [], taken: [])
    var rest = results[...]
    for plan in planned {
      written.told.append(
        plan.flatMap { end in
          defer { rest.removeFirst(end.steps.count) }
          return conclude(end, rest.prefix(end.steps.count))
        })
    }
    for result in rest {
      var taken: (Trial, Lease)?
      if case .taken(let trial, let lease) = result {
        taken = (trial, lease)
        _ = handle(.handedOut(lease, stored: stored))
      } else if case .failed(let error) = result {
        written.failure = error
      } else {
        written.hasRunDry = true
      }
      written.taken.append(taken)
    }
    return written
  }

  /// Takes note of how the steps that end a trial ended themselves.
  private func conclude(
    _ end: PlannedEnd, _ results: ArraySlice<StoreStep.Result>
  ) -> Result<Trial, any Error> {
    let number = end.active.number
    var failure: StoreError?
    var isClosed = false
    for result in results {
      switch result {
      case .failed(.leaseLost), .closed(wasLive: false):
        end.active.ended(as: nil)
        forget(end.active, .foundLost(token: end.active.token, reason: Self.ranOut))
        return .failure(StoreError.leaseLost(trial: number))
      case .failed(let error): if failure == nil { failure = error }
      case .closed: isClosed = true
      default: continue
      }
    }
    if let failure, !isClosed {
      end.active.keptActive()
      return .failure(failure)
    }
    // A closed attempt is over, also when what it had said last could not be written.
    end.active.ended(as: end.trial)
    forget(end.active, .resultTaken(token: end.active.token))
    note(end.news)
    return failure.map { .failure($0) } ?? .success(end.trial)
  }

  private func forget(_ active: ActiveTrial, _ event: LeaseTable.Event) {
    state.withLock { state in
      if state.active[active.number]?.trial === active { state.active[active.number] = nil }
    }
    if active.lease != nil { _ = handle(event) }
  }

  /// Gives leases back that cannot be used here.
  private func giveBack(_ leases: [Lease], because error: any Error) {
    for lease in leases {
      // What cannot be given back runs out.
      _ = Result { () throws(StoreError) in
        try store.close(lease, as: .interrupted, reason: "\(error)", retryAt: try leaseTime())
      }
      state.withLock { $0.active[lease.trial.number] = nil }
      perform(handle(.givenBack(token: lease.token, reason: "\(error)")))
    }
  }

  /// Fails a trial that was claimed again although its policy is used up (its worker vanished once
  /// too often).
  private func failIfExhausted(_ trial: Trial, _ lease: Lease) throws(StoreError) -> Bool {
    guard lease.attempt > 1 else { return false }
    let earlier = try store.attempts(of: trial.number, in: study).filter { $0.endedAt != nil }
    guard let last = earlier.last, let outcome = last.outcome, outcome == .lost,
      !retries.retries(outcome, after: earlier.dropLast().compactMap(\.outcome))
    else { return false }
    let reason = "lost \(RetryPolicy.lossesAllowed + 1) times, last by \(last.worker)"
    try fail(trial, lease, .lost, because: reason)
    return true
  }

  /// Fails a trial that was taken, before it is an active one.
  private func fail(
    _ trial: Trial, _ lease: Lease, _ outcome: AttemptOutcome, because reason: String
  ) throws(StoreError) {
    let changes = Self.endChanges(
      of: trial.reference, .failed, values: [], outcome: outcome, reason: reason)
    try store.commit(changes, to: study, under: [lease], durability: .powerCut)
    note([TrialChange(trial.reference, .created(.running, at: nil))] + changes)
    _ = handle(.resultTaken(token: lease.token))
  }

  /// Makes a trial that was taken an active one; nil when it failed instead: because it was lost
  /// too often, because its queued values are impossible, which is its own end and not the study's,
  /// or because another one took the last point.
  private func prepare(
    _ trial: Trial, _ lease: Lease, _ space: SearchSpace?
  ) throws -> ActiveTrial? {
    if try failIfExhausted(trial, lease) { return nil }
    let active: ActiveTrial
    do {
      active = try activate(trial, lease, in: space)
    } catch SamplerError.exhausted {
      try fail(trial, lease, .failed, because: "\(SamplerError.exhausted)")
      return nil
    } catch let error as TrialError {
      guard case .noPossiblePoint(_, isQueued: true) = error else { throw error }
      try fail(trial, lease, .failed, because: "\(error)")
      return nil
    }
    guard let space else { return active }
    do {
      try space.visit { parameter in try active.suggest(parameter) }
    } catch let error as TrialError {
      _ = try tell(active, .ended(.failed, reason: "\(error)"))
      return nil
    }
    return active
  }

  /// Writes what the store does not have yet of those trials, in one transaction.
  ///
  /// - Throws: What kept it from being written; then it is kept for the next time.
  func flush(_ trials: [ActiveTrial]) throws(StoreError) {
    // Two writers of one trial could write an old attribute behind a new one.
    try flushing.withLock { _ throws(StoreError) in try write(trials) }
  }

  private func write(_ trials: [ActiveTrial]) throws(StoreError) {
    let batches = trials.compactMap { trial in
      let (changes, end) = trial.unwritten
      return changes.isEmpty ? nil : (trial, changes, end)
    }
    if batches.isEmpty { return }
    let steps = batches.map { trial, changes, _ in StoreStep.commit(changes, under: trial.leases) }
    var failure: StoreError?
    for ((trial, _, end), result) in zip(batches, try store.perform(steps, in: study)) {
      switch result {
      case .failed(let error):
        if case .leaseLost = error {
          trial.lost()
          forget(trial, .foundLost(token: trial.token, reason: Self.ranOut))
        }
        failure = error
      default: trial.wrote(upTo: end)
      }
    }
    if let failure { throw failure }
  }
}

extension Result {
  var value: Success? {
    if case .success(let value) = self { value } else { nil }
  }

  var isSuccess: Bool { value != nil }
}
