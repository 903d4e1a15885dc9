internal import Dispatch
package import Stores
package import StudyModel
internal import System
package import Trials

/// Hands the trials of one study to workers that are known by name, and takes their results under
/// lease tokens.
///
/// A worker is alive while it is heard of; its leases are in memory (a ``LeaseTable``), and in the
/// store as open attempts of the worker `worker:NAME`, whose deadlines are renewed for all workers
/// together. A dispatcher that is made after another one died takes up the open attempts it finds:
/// each has a whole lease's time to be heard of again, under its old token. Requests that come
/// while others are being written are written together, by one thread at a time. Thread-safe.
package final class Dispatcher: Sendable {
  /// The coordinator of the one study whose trials are handed out.
  package let coordinator: Coordinator
  let space: SearchSpace?
  let state: Lock<State>
  private let queue = DispatchQueue(label: "needletail.dispatcher")
  /// Requests may keep the other queue busy for long.
  private let timeQueue = DispatchQueue(label: "needletail.dispatcher.time")

  struct State {
    var limit: Int?
    /// The trials that were handed out here or heard of, by token.
    var trials: [String: ActiveTrial] = [:]
    /// What came since the last batch was begun.
    var jobs: [Job] = []
    var isWorking = false
    /// Whether a worker asked for a trial and got none.
    var isWanted = false
    /// Until then there is nothing to hand out, as far as one knows.
    var emptyUntil: Duration = .zero
    /// Whether the study had nothing to claim and its number of trials, when last asked.
    var hasRunDry = false
    /// When trials that failed may be tried again.
    var retries: [Duration] = []
    var onAvailable: @Sendable () -> Void = {}
    var isClosed = false
    /// Tells what other processes queue, if the store can.
    var watch: StoreWatch?
  }

  /// A request with where its answer goes.
  struct Job {
    let request: DispatchRequest
    let completion: @Sendable (Result<DispatchAnswer, any Error>) -> Void
  }

  /// How often the store is asked whether another process left something to run, while a worker
  /// waits.
  static let lookInterval: Duration = .milliseconds(500)

  /// Creates a dispatcher, and takes up what remote workers hold.
  ///
  /// - Parameters:
  ///   - coordinator: Its lease duration is the workers'.
  ///   - limit: How many trials the study may have; nil for no limit.
  ///   - space: The parameters that are known beforehand; nil when objectives ask for theirs.
  ///   - keepsTime: Whether it looks at the clock by itself; a test calls ``tick()`` instead.
  package init(
    _ coordinator: Coordinator, limit: Int?, space: SearchSpace?, keepsTime: Bool = true
  ) throws {
    self.coordinator = coordinator
    self.space = space
    state = Lock(State(limit: limit))
    coordinator.onWake { [weak self] in self?.wake() }
    let token = coordinator.study.token
    let watch = coordinator.store.watch { [weak self] changed in
      if changed == nil || changed == token { self?.wake() }
    }
    state.withLock { $0.watch = watch }
    try takeUp()
    if keepsTime { scheduleTick() }
  }

  /// Takes up what remote workers hold under an earlier dispatcher.
  ///
  /// A trial without the parameters that each must have was never handed to its worker, or a crash
  /// of the database's server took them back: it is run again.
  private func takeUp() throws(StoreError) {
    let store = coordinator.store
    let leases = try store.openLeases(in: coordinator.study).filter {
      RemoteWorker.name(inStore: $0.worker) != nil
    }
    if leases.isEmpty { return }
    let trials = try store.trials(in: coordinator.study, numbers: leases.map(\.trial.number))
    let bare = Set(trials.filter { $0.parameters.isEmpty }.map(\.number))
    let needsParameters = space.map { !$0.parameters.isEmpty } ?? false
    for lease in leases {
      if needsParameters, bare.contains(lease.trial.number) {
        _ = try store.close(
          lease, as: .lost, reason: "its parameters were not stored when its coordinator ended",
          retryAt: try store.leaseTime(in: coordinator.study))
      } else {
        coordinator.perform(coordinator.handle(.takenUp(lease)))
      }
    }
  }

  /// How many trials the study may have; nil for no limit.
  package var limit: Int? {
    get { state.withLock { $0.limit } }
    set {
      state.withLock { state in
        state.limit = newValue
        state.hasRunDry = false
      }
      wake()
    }
  }

  // MARK: Requests

  /// Does what the request says and returns when it is durable. Blocks.
  package func exchange(_ request: DispatchRequest) throws -> DispatchAnswer {
    let done = DispatchSemaphore(value: 0)
    let result = Lock<Result<DispatchAnswer, any Error>?>(nil)
    exchange(request) { answer in
      result.withLock { $0 = answer }
      done.signal()
    }
    done.wait()
    guard let answer = result.withLock({ $0 }) else {
      preconditionFailure("a request was answered by nothing")
    }
    return try answer.get()
  }

  /// Does what the request says, then calls `completion`, which must not block, on some thread.
  package func exchange(
    _ request: DispatchRequest,
    completion: @escaping @Sendable (Result<DispatchAnswer, any Error>) -> Void
  ) {
    let now = coordinator.steadyTime
    enum Way { case empty, queued, start }
    let way: Way = state.withLock { state in
      let isClaim = request.results.isEmpty && request.reports.isEmpty
      if isClaim, now < state.emptyUntil {
        state.isWanted = true
        return .empty
      }
      state.jobs.append(Job(request: request, completion: completion))
      if state.isWorking { return .queued }
      state.isWorking = true
      return .start
    }
    switch way {
    case .empty: completion(.success(DispatchAnswer()))
    case .queued: return
    case .start: queue.async { self.work() }
    }
  }

  /// Hands out up to `count` trials; none when there is none at the moment.
  package func claim(_ count: Int, for worker: String) throws -> [ActiveTrial] {
    try exchange(DispatchRequest(worker: worker, claiming: count)).trials
  }

  /// Ends trials.
  package func finish(
    _ results: [TrialResult], of worker: String
  ) throws -> [Verdict] {
    try exchange(DispatchRequest(worker: worker, results: results)).results
  }

  private func work() {
    while true {
      let jobs = state.withLock { state in
        let jobs = state.jobs
        state.jobs = []
        if jobs.isEmpty { state.isWorking = false }
        return jobs
      }
      if jobs.isEmpty { return }
      process(jobs)
    }
  }

  // MARK: Trials and workers

  /// The trial that the worker runs under that lease.
  ///
  /// - Throws: ``DispatchError``, and what the store throws.
  package func trial(under lease: String, of worker: String) throws -> ActiveTrial {
    let ticket = try parse(lease)
    let name = RemoteWorker.storeName(worker)
    if let held = coordinator.held(under: ticket.token) {
      guard held.worker == name else {
        throw DispatchError.notYours(lease: lease, worker: worker)
      }
      if let known = state.withLock({ $0.trials[ticket.token] }) { return known }
      return try takeUp(held)
    }
    switch try lookUp(ticket, lease, of: worker) {
    case .open(let found):
      coordinator.perform(coordinator.handle(.takenUp(found)))
      return try takeUp(found)
    case .closed(let attempt, _) where attempt.outcome == .lost:
      throw DispatchError.leaseLost(trial: ticket.trial, reason: attempt.reason)
    case .closed(let attempt, _):
      guard attempt.outcome == .preempted || attempt.outcome == .interrupted else {
        throw DispatchError.trialEnded(trial: ticket.trial)
      }
      throw DispatchError.leaseLost(trial: ticket.trial, reason: attempt.reason)
    }
  }

  /// Chooses parameters of a running trial and returns their internal values when they are in the
  /// store.
  ///
  /// - Throws: ``DispatchError``, ``TrialError``, and what store and sampler throw.
  package func suggest(
    _ parameters: [Parameter], under lease: String, of worker: String
  ) throws -> [Double] {
    let active = try trial(under: lease, of: worker)
    for parameter in parameters { _ = try active.suggest(parameter) }
    try coordinator.flush([active])
    let assigned = active.snapshot.parameters
    return parameters.compactMap { parameter in
      assigned.first { $0.name == parameter.name }?.internalValue
    }
  }

  /// Takes note that a worker lives and holds these leases. Asks the store only about leases that
  /// the table does not know, and of those about ``mostLookUps`` at most: the others come up next
  /// time.
  package func heartbeat(_ worker: String, holding leases: [String]) throws -> [StopOrder] {
    var lookUps = 0
    var orders: [StopOrder] = []
    var tickets: [String: String] = [:]
    for lease in leases {
      if let ticket = LeaseTicket(lease), ticket.studyID == coordinator.study.id {
        tickets[ticket.token] = lease
      } else {
        orders.append(StopOrder(lease: lease, .lost("\(DispatchError.unknownLease(lease))")))
      }
    }
    let name = RemoteWorker.storeName(worker)
    let actions = coordinator.handle(.heard(worker: name, tokens: tickets.keys.sorted()))
    for action in actions {
      switch action {
      case .tellLost(let token, let reason):
        orders.append(StopOrder(lease: tickets[token] ?? token, .lost(reason)))
      case .tellStop(let token):
        let stop = coordinator.stop(under: token)
        orders.append(StopOrder(lease: tickets[token] ?? token, stop))
      case .lookUp(let token):
        guard let lease = tickets[token], lookUps < Self.mostLookUps else { continue }
        lookUps += 1
        do {
          _ = try trial(under: lease, of: worker)
        } catch let error as DispatchError {
          orders.append(StopOrder(lease: lease, .lost("\(error)")))
        }
      default: continue
      }
    }
    if actions.contains(where: { if case .renew = $0 { true } else { false } }) {
      timeQueue.async { self.coordinator.perform(actions) }
    }
    return orders
  }

  private static let mostLookUps = 64

  /// Gives back what a worker holds that leaves in order.
  package func workerLeft(_ worker: String) throws {
    let reason = "worker '\(worker)' left"
    var ends: [TrialEnd] = []
    for case .giveBack(let lease) in coordinator.handle(
      .left(worker: RemoteWorker.storeName(worker)))
    {
      ends.append(
        TrialEnd(
          try trial(under: lease.ticket, of: worker), .ended(.preempted, reason: reason)))
    }
    let told = try coordinator.exchange(ends, []).told
    state.withLock { state in
      for end in ends { state.trials[end.active.token] = nil }
    }
    wake()
    for result in told { _ = try result.get() }
  }

  /// The leases that workers hold.
  package var held: [Lease] {
    coordinator.held.filter { RemoteWorker.name(inStore: $0.worker) != nil }
  }

  /// The leases that one worker holds.
  package func held(by worker: String) -> [Lease] {
    let name = RemoteWorker.storeName(worker)
    return coordinator.held.filter { $0.worker == name }
  }

  /// Whether nothing will ever be handed out again: the study has its number of trials, and none is
  /// running under a lease or waiting; or it was stopped, and nothing runs here.
  package var isExhausted: Bool {
    get throws {
      switch try coordinator.control() {
      case .stopped, .cancelled: return held.isEmpty
      case .paused: return false
      case .running:
        guard state.withLock({ $0.hasRunDry }) else { return false }
        return try !coordinator.store.hasClaimable(in: coordinator.study, at: .distantFuture)
      }
    }
  }

  /// Leaves the user's wish in the store and follows it at once; others follow within two seconds.
  package func setControl(_ control: StudyControl) throws(StoreError) {
    try coordinator.store.setControl(control, of: coordinator.study)
    coordinator.noteControl(control, readAt: coordinator.steadyTime)
    wake()
  }

  // MARK: Time

  /// Sets what is called, from any thread, when a claim that found nothing may find something now.
  package func onAvailable(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.onAvailable = body }
  }

  /// Stops keeping time. Leases stay as they are, for the next dispatcher.
  package func close() {
    state.withLock { $0.isClosed = true }
  }

  /// Looks at the clock: renews leases, and wakes those who wait for trials when there may be one.
  package func tick() {
    coordinator.maintain()
    let now = coordinator.steadyTime
    // What the user wants of the study is read here, so that no heartbeat reads the store for it. A
    // store that cannot be read is asked again a moment later.
    if forgetEnded() { _ = Result { try coordinator.control() } }
    let (isDue, looks) = state.withLock { state in
      let isDue = state.retries.contains { $0 <= now }
      state.retries.removeAll { $0 <= now }
      return (isDue, state.isWanted && state.emptyUntil <= now)
    }
    if isDue {
      wake()
    } else if looks {
      lookAround(now)
    }
  }

  /// Whether another process left something to run, or the user wants the study to go on.
  private func lookAround(_ now: Duration) {
    // A store that cannot be read is asked again a moment later.
    let isAvailable = Result {
      let study = coordinator.study
      let mayHandOut = try coordinator.control().handsOut
      let hasRunDry = state.withLock { $0.hasRunDry }
      return try mayHandOut
        && (!hasRunDry
          || coordinator.store.hasClaimable(in: study, at: try coordinator.leaseTime()))
    }
    if case .success(true) = isAvailable {
      wake()
    } else {
      state.withLock { $0.emptyUntil = now + Self.lookInterval }
    }
  }

  /// Lets a claim ask the store again: there may be something to run, which this process did.
  package func wake() {
    let body: (@Sendable () -> Void)? = state.withLock { state in
      state.emptyUntil = .zero
      guard state.isWanted else { return nil }
      state.isWanted = false
      return state.onAvailable
    }
    body?()
  }

  /// Forgets trials whose leases ended; whether some did not.
  private func forgetEnded() -> Bool {
    let live = Set(coordinator.held.map(\.token))
    state.withLock { state in
      state.trials = state.trials.filter { live.contains($0.key) }
    }
    return !live.isEmpty
  }

  private func scheduleTick() {
    let now = coordinator.steadyTime
    let next: Duration? = state.withLock { state in
      if state.isClosed { return nil }
      return state.retries.min() ?? now + Self.lookInterval
    }
    guard let next else { return }
    let moment = min(next, coordinator.nextMoment ?? next, now + Self.lookInterval)
    let milliseconds = max(20, (moment - now).millisecondsRoundedUp)
    timeQueue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak self] in
      guard let self else { return }
      self.tick()
      self.scheduleTick()
    }
  }
}
