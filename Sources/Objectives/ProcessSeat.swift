/// Keeps the process of a command between two trials of a slot. Belongs to the slot's thread.
///
/// Empty → taken, when a trial has ended whose process waits for another one → empty, when the next
/// trial of the same command takes the process, or the process is dismissed.
package final class ProcessSeat {
  private var run: TrialRun?
  private var identity: ProcessExecutor.Identity?

  /// An empty seat.
  package init() {}

  /// Keeps the process of a run that has ended.
  func keep(_ run: TrialRun, of identity: ProcessExecutor.Identity) {
    precondition(self.run == nil, "a seat has room for one process")
    self.run = run
    self.identity = identity
  }

  /// The run whose process waits for a trial of that command; another command's process is
  /// dismissed.
  func take(for identity: ProcessExecutor.Identity, stoppedBy stop: StopHandle) -> TrialRun? {
    guard self.identity === identity else {
      clear(stoppedBy: stop)
      return nil
    }
    defer {
      run = nil
      self.identity = nil
    }
    return run
  }

  /// Whether a process waits here.
  package var isTaken: Bool { run != nil }

  /// Lets the process that waits here go, and waits for its end.
  ///
  /// - Parameter stop: Ends it early.
  package func clear(stoppedBy stop: StopHandle) {
    let last = run
    run = nil
    identity = nil
    last?.dismiss(stoppedBy: stop)
  }

  deinit { run?.dismiss(stoppedBy: StopHandle()) }
}
