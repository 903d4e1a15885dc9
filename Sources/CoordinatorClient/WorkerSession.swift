internal import HTTPClient
package import Messages
internal import Stores
internal import StudyModel
internal import System
package import Trials

/// A worker of a coordinator on the network: claims trials, delivers what they report and how they
/// end, and keeps their leases.
///
/// States: idle → started by ``start()`` → closing, when no further trial is claimed → ended. While
/// the coordinator is away, trials go on, and what they say is delivered, in order, when it is
/// back. Three threads: the claimer waits for trials, the courier delivers, the heart renews the
/// leases.
package final class WorkerSession: Sendable {
  /// What makes the session's requests.
  package let client: CoordinatorClient
  /// The worker's name, by which the coordinator knows it.
  package let name: String
  let registration: WorkerRegistration
  let study: String?
  let keeper: (any ResultKeeper)?
  let listener: @Sendable (News) -> Void
  let state: Watched<State>
  /// Gives up a claim that waits.
  let claiming = RequestCancellation()
  /// Gives up requests of objectives.
  let asking = RequestCancellation()

  /// What a user should know.
  package enum News: Sendable {
    /// The coordinator does not answer, and why.
    case away(CoordinatorError)
    /// It is back; how many results had waited.
    case back(results: Int)
    /// A result was not taken; why.
    case notTaken(RemoteTrial?, lease: String, reason: String)
  }

  enum Phase: Sendable { case open, closing, ended }

  struct State: Sendable {
    var phase = Phase.open
    var terms: WorkerTerms?
    /// What this worker has leases of, by token.
    var held: [String: RemoteTrial] = [:]
    var outbox = Outbox()
    /// Trials that no slot has taken yet.
    var ready: [RemoteTrial] = []
    /// Slots that wait for a trial; slots that will when they have put their last one away; trials
    /// that are being asked for.
    var waiting = 0, coming = 0, requested = 0
    /// Nothing will come any more, says the coordinator.
    var isDone = false
    /// Why no further trial can be claimed.
    var failure: CoordinatorError?
    /// Since when the coordinator does not answer.
    var awaySince: ContinuousClock.Instant?
    /// A heartbeat is due before its time.
    var beatsNow = false
    /// Studies whose trials this worker does not run.
    var refused: [String] = []
    /// What became of results that a caller waits for.
    var awaited: [String: Verdict?] = [:]
    var threads: [BlockingThread] = []

    /// What a slot gets now, a trial being taken out of those that are ready; nil when it has to
    /// wait.
    mutating func takeNext() -> Result<Supply<RemoteTrial>, CoordinatorError>? {
      if phase != .open { return .success(.never) }
      if let failure { return .failure(failure) }
      if !ready.isEmpty { return .success(.trial(ready.removeFirst())) }
      return isDone ? .success(.never) : nil
    }

    /// How many trials to ask for.
    var needed: Int { phase == .open ? waiting + coming - requested - ready.count : 0 }
  }

  /// - Parameters:
  ///   - study: The only study to work for; nil for all that have a command.
  ///   - keeper: Keeps results that are not delivered; nil to keep them in memory alone.
  ///   - pending: Results of an earlier life, to be delivered before anything else.
  ///   - listener: Called from any thread.
  package init(
    _ client: CoordinatorClient, _ registration: WorkerRegistration, study: String?,
    keeper: (any ResultKeeper)? = nil, delivering pending: [TrialResult] = [],
    listener: @escaping @Sendable (News) -> Void = { _ in }
  ) {
    self.client = client
    self.registration = registration
    name = registration.name
    self.study = study
    self.keeper = keeper
    self.listener = listener
    var first = State()
    for result in pending { first.outbox.finish(result) }
    state = Watched(first)
  }

  // MARK: Beginning and end

  /// Registers; one try.
  package func register() throws(CoordinatorError) {
    let terms = try client.register(registration)
    state.change { $0.terms = terms }
  }

  /// Starts to deliver, to claim and to keep leases, after ``register()``.
  ///
  /// - Throws: ``CoordinatorError/unreachable(address:reason:)`` when the system has no threads for
  ///   it.
  package func start() throws(CoordinatorError) {
    for body in [runCourier, runHeart, runClaimer] {
      guard let thread = BlockingThread({ body() }) else {
        end()
        throw .unreachable(
          address: client.address.text, reason: "the system has no thread for it")
      }
      state.read { $0.threads.append(thread) }
    }
  }

  /// Claims no further trials; those that no slot took are given back.
  package func close() {
    let unused: [RemoteTrial] = state.change { state in
      guard state.phase == .open else { return [] }
      state.phase = .closing
      state.beatsNow = true
      defer { state.ready = [] }
      return state.ready
    }
    claiming.cancel()
    for trial in unused { giveBack(trial) }
  }

  func giveBack(_ trial: RemoteTrial) {
    finish(trial, .ended(.preempted, reason: "the worker is leaving"), wantsNext: false)
  }

  /// Waits until everything is delivered or the time is over.
  ///
  /// - Returns: How many results were not delivered.
  package func settle(atMost limit: Duration) -> Int {
    let isSettled = state.wait(atMost: limit) { $0.outbox.isEmpty ? true : nil } ?? false
    return isSettled ? 0 : state.read { $0.outbox.undelivered }
  }

  /// Ends the threads; what is not delivered is not sent any more.
  package func end() {
    close()
    state.change { $0.phase = .ended }
    asking.cancel()
  }

  /// Ends the threads, waits for them, and says goodbye to a coordinator that answers.
  package func endAndLeave() {
    end()
    let isAway = state.read { $0.awaySince != nil }
    for thread in state.read({ $0.threads }) { thread.join() }
    state.read { $0.threads = [] }
    // It is courtesy: a coordinator that does not hear it sees the heartbeats stop.
    if !isAway { _ = Result { () throws(CoordinatorError) in try client.leave(name) } }
  }

  // MARK: Slots

  /// The next trial, when the coordinator has one; every slot asks for itself.
  ///
  /// - Parameter limit: How long to wait; nil for as long as it takes.
  /// - Returns: ``Supply/never`` when the studies need no further trials (asked once more, it looks
  ///   again), and when this worker is closed.
  /// - Throws: ``CoordinatorError/refused(status:code:message:)`` when the coordinator gives none.
  package func take(
    atMost limit: Duration? = nil
  ) throws(CoordinatorError) -> Supply<RemoteTrial> {
    state.change { state in
      if state.coming > 0 { state.coming -= 1 }
      state.waiting += 1
      state.isDone = false
    }
    let taken: Result<Supply<RemoteTrial>, CoordinatorError>? = state.wait(atMost: limit) { state in
      guard let taken = state.takeNext() else { return nil }
      // Not later: the claimer would ask for one more trial in between.
      state.waiting -= 1
      return taken
    }
    if let taken { return try taken.get() }
    state.change { $0.waiting -= 1 }
    return .later(.zero)
  }

  /// Since when the coordinator does not answer; nil when it does.
  package var awaySince: ContinuousClock.Instant? { state.read { $0.awaySince } }

  /// How many trials the slots hold.
  package var takenCount: Int { state.read { $0.held.count - $0.ready.count } }

  /// Whether no further trials are claimed.
  package var isClosed: Bool { state.read { $0.phase != .open } }

  /// Runs no trials of a study from now on.
  package func refuse(_ study: String) {
    state.change { state in
      if !state.refused.contains(study) { state.refused.append(study) }
    }
  }

  /// Ends a trial; its result is delivered by and by.
  ///
  /// - Parameter wantsNext: Whether the slot comes back for another trial, which is then asked for
  ///   with the same request.
  /// - Returns: false when the trial is not this worker's any more.
  @discardableResult
  func finish(_ trial: RemoteTrial, _ outcome: Outcome, wantsNext: Bool) -> Bool {
    if trial.isLost {
      state.change { state in
        state.outbox.drop(trial.lease)
        state.held[trial.lease] = nil
        if wantsNext { state.coming += 1 }
      }
      return false
    }
    let complete = state.read {
      $0.outbox.completed(TrialResult(lease: trial.lease, outcome: outcome))
    }
    // Written down before it can be sent.
    keeper?.keep(complete)
    state.change { state in
      state.outbox.finish(complete)
      if wantsNext { state.coming += 1 }
    }
    return true
  }

  /// Ends a trial and waits until the coordinator has answered; when the worker ends before that,
  /// what becomes of the result is not known, and the trial counts as lost.
  func finishAndWait(_ trial: RemoteTrial, _ outcome: Outcome) -> Verdict {
    let lease = trial.lease
    state.read { $0.awaited[lease] = .some(nil) }
    guard finish(trial, outcome, wantsNext: false) else {
      state.read { _ = $0.awaited.removeValue(forKey: lease) }
      return trial.takenOver
    }
    let verdict: Verdict? = state.wait { state in
      if case .some(.some(let verdict)) = state.awaited[lease] {
        state.awaited[lease] = nil
        return verdict
      }
      return state.phase == .ended ? trial.takenOver : nil
    }
    return verdict ?? trial.takenOver
  }

  // MARK: For trials

  func send(_ content: Report.Content, of trial: RemoteTrial) {
    state.change { $0.outbox.add(Report(lease: trial.lease, content)) }
  }

  /// Waits until the coordinator has answered the trial's reports, unless it is away.
  func deliverReports(of trial: RemoteTrial) {
    state.change { $0.outbox.isUrgent = true }
    _ = state.wait { state -> Bool? in
      let isOver =
        state.outbox.hasDelivered(trial.lease) || state.awaySince != nil || state.phase == .ended
        || trial.isLost
      return isOver ? true : nil
    }
  }

  /// Asks for a parameter's value, again and again while the coordinator is away.
  func suggest(_ parameter: Parameter, for trial: RemoteTrial) throws -> Double {
    let request = SuggestRequest(worker: name, lease: trial.lease, parameters: [parameter])
    var backoff = Backoff()
    while true {
      if trial.isLost { throw StoreError.leaseLost(trial: trial.number) }
      do throws(CoordinatorError) {
        let answer = try client.suggest(request, cancelledBy: asking)
        guard let value = answer.internalValues.first else {
          throw .notACoordinator(address: client.address.text, problem: "it suggested nothing")
        }
        return value
      } catch {
        switch error.code {
        case "lease_lost"?, "unknown_lease"?:
          trial.take(.lost("\(error)"))
          throw StoreError.leaseLost(trial: trial.number)
        case "unknown_worker"?: try register()
        default:
          guard error.isTransient else { throw error }
          wentAway(error)
          wait(backoff.pause(), or: { trial.isStopped })
          if trial.isStopped || state.read({ $0.phase == .ended }) { throw error }
        }
      }
    }
  }

  /// Waits that long, or until the worker ends.
  func wait(_ time: Duration, or isOver: @Sendable () -> Bool = { false }) {
    _ = state.wait(atMost: time) { $0.phase == .ended || isOver() ? true : nil }
  }
}
