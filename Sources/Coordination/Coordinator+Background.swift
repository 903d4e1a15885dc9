internal import Dispatch
internal import StudyModel
internal import Synchronization

/// What goes on while trials are active: their reports are written, and their leases renewed.
extension Coordinator {
  func scheduleTick() {
    let isNeeded = state.withLock { state in
      guard !state.isTicking, !state.active.isEmpty else { return false }
      state.isTicking = true
      return true
    }
    guard isNeeded else { return }
    queue.asyncAfter(deadline: .now() + Self.writeDelay) { [weak self] in self?.tick() }
  }

  private func tick() {
    let (active, renews) = state.withLock { state in
      state.isTicking = false
      let due = state.leasesRenewedAt.advanced(by: leaseDuration / 3)
      state.active = state.active.filter { $0.value.trial != nil }
      return (state.active.values.compactMap(\.trial), due <= .now())
    }
    // A failure is not lost: the changes stay with the trial, and telling it meets the same error.
    for trial in active { _ = Result { () throws(StoreError) in try trial.flush() } }
    if renews { renewLeases() }
    scheduleTick()
  }

  private func renewLeases() {
    let now = Timestamp.now()
    let renewal = Result { () throws(StoreError) in
      try store.renewLeases(
        of: worker, in: study, until: now.advanced(by: leaseDuration))
    }
    // A busy store is asked again at the next tick; the deadline has two more thirds to go.
    if case .success = renewal { state.withLock { $0.leasesRenewedAt = now } }
  }
}
