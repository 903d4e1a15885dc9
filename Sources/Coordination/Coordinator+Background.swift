internal import Dispatch
internal import Stores
internal import StudyModel
internal import System
internal import Trials

/// What goes on while trials are active: their reports are written, and their leases renewed.
extension Coordinator {
  func scheduleTick() {
    let isNeeded = state.withLock { state in
      guard !state.isTicking, !state.active.isEmpty else { return false }
      state.isTicking = true
      return true
    }
    guard isNeeded else { return }
    queue.asyncAfter(deadline: .now() + Self.writeDelay) { [weak self] in
      guard let self else { return }
      self.state.withLock { $0.isTicking = false }
      self.maintain()
      self.scheduleTick()
    }
  }

  /// Writes what is unwritten, and keeps the leases of what this process runs.
  package func maintain() {
    let now = steadyTime
    let active = state.withLock { state in
      state.active = state.active.filter { $0.value.trial != nil }
      return state.active.values.compactMap(\.trial)
    }
    let actions = leases.withLock { leases in
      // What runs in this process lives as long as its objective holds it.
      let own = active.filter { $0.lease?.worker == worker }.map(\.token)
        .filter { leases.table.held[$0] != nil }
      let heard = leases.table.handle(.heard(worker: worker, tokens: own), at: now)
      return heard + leases.table.handle(.time, at: now)
    }
    // A failure is not lost: the changes stay with the trial, and telling it meets the same error.
    _ = Result { () throws(StoreError) in try flush(active) }
    followStopWishes(of: active, at: now)
    perform(actions)
  }

  /// Stops the trials that a user wants stopped, as of a second ago.
  private func followStopWishes(of active: [ActiveTrial], at now: Duration) {
    let isDue = leases.withLock { leases in
      guard !leases.table.held.isEmpty, now - leases.wishesReadAt >= Self.controlDelay else {
        return false
      }
      leases.wishesReadAt = now
      return true
    }
    // A store that cannot be read is asked again a moment later.
    guard isDue,
      case .success(let wishes) = Result(catching: { () throws(StoreError) in
        try StopWishes(of: study, in: store)
      })
    else { return }
    _ = handle(.stopWished(wishes.tokens))
    for trial in active where wishes.tokens.contains(trial.token) { trial.stop(.stoppedByUser) }
  }

  /// Why the trial under a lease is to stop, of which its table says so.
  func stop(under token: String) -> Stop {
    leases.withLock { $0.control?.0 == .cancelled } ? .cancelledStudy : .stoppedByUser
  }

  // MARK: Leases

  /// Tells the lease table what happened.
  func handle(_ event: LeaseTable.Event) -> [LeaseTable.Action] {
    let now = steadyTime
    return leases.withLock { $0.table.handle(event, at: now) }
  }

  /// Does those of the actions that do not concern a worker.
  func perform(_ actions: [LeaseTable.Action]) {
    for case .renew(let renewals) in actions { renew(renewals) }
    if actions.contains(.wake) { leases.withLock { $0.onWake }?() }
  }

  /// Sets what is called, from any thread, when a lease ran out or was given back.
  func onWake(_ body: @escaping @Sendable () -> Void) {
    leases.withLock { $0.onWake = body }
  }

  /// The leases that did not end, by trial.
  var held: [Lease] {
    leases.withLock { $0.table.held.values.map(\.lease) }
      .sorted { $0.trial.number < $1.trial.number }
  }

  /// The lease of that token, unless it ended.
  func held(under token: String) -> Lease? {
    leases.withLock { $0.table.held[token]?.lease }
  }

  /// When the lease table wants to see the time next.
  var nextMoment: Duration? { leases.withLock { $0.table.nextMoment } }

  /// Moves deadlines in the store. A busy store is asked again at the next tick; there is a third
  /// of the lease's time for that at least.
  private func renew(_ renewals: [LeaseTable.Renewal]) {
    let lost: [Lease]
    do throws(StoreError) {
      let (steady, now) = (steadyTime, try leaseTime())
      lost = try store.renew(
        renewals.map {
          LeaseRenewal($0.lease, until: now.advanced(by: $0.deadline - steady))
        }, in: study)
    } catch {
      _ = handle(.renewalFailed)
      return
    }
    _ = handle(.renewed(renewals))
    for lease in lost { _ = handle(.foundLost(token: lease.token, reason: Self.ranOut)) }
    let trials =
      lost.isEmpty
      ? [] : state.withLock { state in lost.compactMap { state.active[$0.trial.number]?.trial } }
    for trial in trials where lost.contains(where: { $0.token == trial.token }) { trial.lost() }
  }

  /// Why a lease was lost, when the store says no more.
  static let ranOut = "its lease ran out"
}
