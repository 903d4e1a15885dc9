internal import HTTPClient
internal import Messages
internal import StudyModel
internal import System
internal import Trials

/// The three threads of a worker.
extension WorkerSession {
  /// How long reports wait for others to travel with.
  static let linger: Duration = .milliseconds(20)
  /// How long a claim waits at the coordinator.
  static let claimWait: Duration = .seconds(25)
  /// How long a result that is not delivered may be without having reached the disk.
  static let settleTime: Duration = .seconds(1)
  /// How long to wait before asking again when there will be no more trials for the moment.
  static let doneWait: Duration = .seconds(1)

  // MARK: The courier

  func runCourier() {
    var backoff = Backoff()
    while let batch = nextBatch() {
      do throws(CoordinatorError) {
        try deliver(batch)
        backoff.reset()
      } catch {
        state.change { $0.outbox.putBack() }
        keeper?.settle()
        wentAway(error)
        wait(backoff.pause(atLeast: error.retryAfter))
      }
    }
  }

  /// Waits for something to deliver; nil when the worker ends.
  private func nextBatch() -> Outbox.Batch? {
    let isUrgent: Bool? =
      state.wait { state -> Bool?? in
        if state.phase == .ended { return .some(nil) }
        if !state.outbox.results.isEmpty || state.outbox.isUrgent && !state.outbox.reports.isEmpty {
          return true
        }
        return state.outbox.reports.isEmpty ? nil : false
      } ?? nil
    guard let isUrgent else { return nil }
    if !isUrgent {
      _ = state.wait(atMost: Self.linger) { state -> Bool? in
        let isDue =
          state.phase == .ended || state.outbox.isUrgent || !state.outbox.results.isEmpty
        return isDue ? true : nil
      }
    }
    return state.read { $0.outbox.takeBatch() }
  }

  private func deliver(_ batch: Outbox.Batch) throws(CoordinatorError) {
    if !batch.reports.isEmpty {
      try deliver(batch.reports)
      state.change { $0.outbox.acknowledgeReports() }
    }
    if !batch.results.isEmpty { try deliver(batch.results) }
    state.change { $0.outbox.acknowledge() }
  }

  private func deliver(_ reports: [Report]) throws(CoordinatorError) {
    let batch = ReportBatch(worker: name, reports: reports)
    do throws(CoordinatorError) {
      apply(
        try registered { () throws(CoordinatorError) in
          try client.report(batch, cancelledBy: asking)
        })
      cameBack()
    } catch {
      guard error.isAboutTheBody else { throw error }
      // One bad report must not keep the others back.
      guard reports.count > 1 else {
        let lease = reports[0].lease
        listener(.notTaken(trial(lease), lease: lease, reason: "\(error)"))
        return
      }
      for report in reports { try deliver([report]) }
    }
  }

  private func deliver(_ results: [TrialResult]) throws(CoordinatorError) {
    let claim = claimBeside(results)
    do throws(CoordinatorError) {
      let batch = ResultBatch(worker: name, results: results, claim: claim)
      let answer = try registered { () throws(CoordinatorError) in
        try client.finish(batch, cancelledBy: asking)
      }
      cameBack()
      settle(results, answer)
      if let claim { accept(answer.claimed, for: claim, isFinal: false) }
    } catch {
      if let claim { accept(nil, for: claim, isFinal: false) }
      guard error.isAboutTheBody else { throw error }
      guard results.count > 1 else {
        drop(results[0].lease, reason: "\(error)")
        return
      }
      for result in results { try deliver([result]) }
    }
  }

  /// A claim for the slots that become free, which does not wait.
  private func claimBeside(_ results: [TrialResult]) -> ClaimRequest? {
    state.change { state in
      let needed = state.needed
      guard needed > 0 else { return nil }
      state.requested += needed
      return ClaimRequest(
        worker: name, slots: needed, waitSeconds: 0, study: study, refused: state.refused)
    }
  }

  private func settle(_ results: [TrialResult], _ answer: ResultAnswer) {
    for item in answer.results {
      switch item.verdict {
      case .accepted, .repeated: continue
      case .lost(let reason), .refused(let reason):
        listener(.notTaken(trial(item.lease), lease: item.lease, reason: reason))
      }
    }
    let leases = results.map(\.lease)
    keeper?.delivered(leases)
    state.change { state in
      for lease in leases {
        state.held[lease] = nil
        if state.awaited[lease] != nil {
          state.awaited[lease] = answer.results.first { $0.lease == lease }?.verdict
        }
      }
    }
  }

  /// Gives up a result that the coordinator will never take.
  private func drop(_ lease: String, reason: String) {
    listener(.notTaken(trial(lease), lease: lease, reason: reason))
    keeper?.delivered([lease])
    state.change { state in
      state.held[lease] = nil
      if state.awaited[lease] != nil {
        state.awaited[lease] = Verdict.refused(reason)
      }
    }
  }

  private func trial(_ lease: String) -> RemoteTrial? { state.read { $0.held[lease] } }

  // MARK: The heart

  func runHeart() {
    var backoff = Backoff(from: .milliseconds(200), to: .seconds(2))
    var due = ContinuousClock.now
    while true {
      let isOver: Bool? = state.wait(atMost: min(Self.settleTime, due - .now)) { state in
        if state.phase == .ended { return true }
        return state.beatsNow ? false : nil
      }
      if isOver == true { return }
      // A coordinator that takes long to answer may never do so.
      keeper?.settle()
      guard isOver == false || ContinuousClock.now >= due else { continue }
      let (leases, isDraining, terms) = state.read { state in
        state.beatsNow = false
        let leases = Set(state.held.keys).union(state.outbox.resultLeases)
        return (leases.sorted(), state.phase != .open, state.terms)
      }
      let beat: Duration = .seconds(clamped: terms?.heartbeatSeconds ?? 5)
      do throws(CoordinatorError) {
        let heartbeat = Heartbeat(leases: leases, draining: isDraining)
        apply(
          try registered { () throws(CoordinatorError) in
            try client.heartbeat(of: name, heartbeat, cancelledBy: asking)
          })
        cameBack()
        backoff.reset()
        due = .now + beat
      } catch {
        wentAway(error)
        // Sooner than usual: the leases run out meanwhile.
        due = .now + min(beat, backoff.pause(atLeast: error.retryAfter))
      }
    }
  }

  private func apply(_ news: LeaseNews) {
    let held = state.read { $0.held }
    for order in news.orders {
      guard let trial = held[order.lease] else { continue }
      trial.take(order.stop)
      if order.stop.isLoss { state.change { $0.held[order.lease] = nil } }
    }
  }

  // MARK: The claimer

  func runClaimer() {
    var backoff = Backoff()
    while let request = nextClaim() {
      let answer: ClaimAnswer
      do throws(CoordinatorError) {
        answer = try registered { () throws(CoordinatorError) in
          try client.claim(request, cancelledBy: claiming)
        }
        backoff.reset()
        cameBack()
      } catch {
        accept(nil, for: request, isFinal: true)
        if error == .cancelled { return }
        // A coordinator that was started anew once more in between does not know this worker yet.
        if case .refused = error, error.code != "unknown_worker" {
          state.change { $0.failure = error }
          return
        }
        wentAway(error)
        wait(backoff.pause(atLeast: error.retryAfter))
        continue
      }
      accept(answer, for: request, isFinal: true)
      if answer.trials.isEmpty, answer.done { waitForClosing(Self.doneWait) }
    }
  }

  /// Waits until slots need trials for which the courier does not ask; nil when none will any more.
  private func nextClaim() -> ClaimRequest? {
    state.wait { state -> ClaimRequest?? in
      if state.phase != .open { return .some(nil) }
      let needed = state.needed
      let courierAsks = !state.outbox.results.isEmpty && state.awaySince == nil
      guard needed > 0, !courierAsks else { return nil }
      state.requested += needed
      return ClaimRequest(
        worker: name, slots: needed, waitSeconds: Self.claimWait.inSeconds, study: study,
        refused: state.refused)
    } ?? nil
  }

  private func waitForClosing(_ time: Duration) {
    _ = state.wait(atMost: time) { $0.phase != .open ? true : nil }
  }

  /// Puts the trials of an answer where slots find them.
  private func accept(_ answer: ClaimAnswer?, for request: ClaimRequest, isFinal: Bool) {
    let trials = (answer?.trials ?? []).map { RemoteTrial($0, self) }
    let isTooLate = state.change { state in
      state.requested -= request.slots
      for trial in trials { state.held[trial.lease] = trial }
      if isFinal, let answer { state.isDone = answer.done && trials.isEmpty }
      guard state.phase == .open else { return true }
      state.ready += trials
      return false
    }
    if isTooLate { trials.forEach(giveBack) }
  }

  // MARK: Away and back

  /// Makes a call, and registers first when the coordinator does not know this worker.
  private func registered<Answer>(
    _ call: () throws(CoordinatorError) -> Answer
  ) throws(CoordinatorError) -> Answer {
    do throws(CoordinatorError) {
      return try call()
    } catch {
      guard error.code == "unknown_worker" else { throw error }
      try register()
      return try call()
    }
  }

  func wentAway(_ error: CoordinatorError) {
    let isNew = state.change { state in
      guard state.awaySince == nil, state.phase != .ended else { return false }
      state.awaySince = .now
      return true
    }
    if isNew { listener(.away(error)) }
  }

  private func cameBack() {
    let waited: Int? = state.change { state in
      guard state.awaySince != nil else { return nil }
      state.awaySince = nil
      return state.outbox.undelivered
    }
    if let waited { listener(.back(results: waited)) }
  }
}

extension CoordinatorError {
  /// When the coordinator wants to be asked again; nil when it did not say.
  var retryAfter: Duration? {
    if case .unavailable(_, _, let time) = self { time } else { nil }
  }

  /// Whether the coordinator understood who asks, but not what is sent, now or later.
  fileprivate var isAboutTheBody: Bool {
    guard case .refused(let status, let code, _) = self else { return false }
    return [400, 404, 409, 410, 413, 422].contains(status) && code != "unknown_worker"
  }
}
