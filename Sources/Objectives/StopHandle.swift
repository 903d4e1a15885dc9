internal import System
package import Trials

/// Stops one run of a trial, from any thread and at any time.
///
/// States: idle → running → over; a run attaches its process and detaches it before its number is
/// free for others; one without a process attaches what gives it up. The first request counts;
/// SIGTERM goes to the whole process group at once and to the rest of the family by the thread that
/// follows it; SIGKILL follows when the grace period is over.
package final class StopHandle: Sendable {
  /// Why a command is stopped.
  package enum Reason: Sendable, Hashable {
    case interrupted
    case preempted
    /// The trial is to stop.
    case ordered(Stop)
    case timeLimit
    /// It holds more memory than it may: so many bytes.
    case memoryLimit(Int)
    /// The trial could not take what the command reported.
    case refused(String)

    /// Whether the trial is not this worker's any more.
    var isLoss: Bool {
      if case .ordered(let stop) = self { stop.isLoss } else { false }
    }
  }

  private struct State {
    var reason: Reason?
    var isKilled = false
    /// The leader of the process group, while it runs.
    var process: pid_t?
    /// Where a byte wakes the thread that runs the command.
    var wakeUp: Int32?
    /// Gives up what is no process.
    var giveUp: (@Sendable () -> Void)?
  }

  private let state = Lock(State())

  package init() {}

  /// Asks the command to end.
  package func request(_ reason: Reason) {
    state.withLock { state in
      guard state.reason == nil else { return }
      state.reason = reason
      if let process = state.process { Self.terminate(process) }
      Self.wake(state)
    }
  }

  /// Ends the command at once; counts as a request for the reason `interrupted` if none came
  /// before.
  package func kill() {
    state.withLock { state in
      if state.reason == nil { state.reason = .interrupted }
      state.isKilled = true
      if let process = state.process { Self.send(SIGKILL, to: process) }
      Self.wake(state)
    }
  }

  /// Why the command is to stop; nil when it may go on.
  package var reason: Reason? { state.withLock { $0.reason } }

  /// Takes note of the running process; a request that came before reaches it now.
  func attach(_ process: pid_t, wakeUp: Int32) {
    state.withLock { state in
      state.process = process
      state.wakeUp = wakeUp
      if state.reason != nil { Self.terminate(process) }
      if state.isKilled { Self.send(SIGKILL, to: process) }
    }
  }

  /// Takes note of what ends a run that is no process; a request that came before reaches it now.
  ///
  /// - Parameter giveUp: Called for each request, until it is detached; must not wait, nor ask this
  ///   handle.
  func attach(_ giveUp: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.giveUp = giveUp
      if state.reason != nil { giveUp() }
    }
  }

  /// Forgets the process, which must not be waited for before, or what was attached in its place.
  func detach() {
    state.withLock { state in
      state.process = nil
      state.wakeUp = nil
      state.giveUp = nil
    }
  }

  /// Forgets the process, unless it was asked to end; returns whether it was not.
  func detachUnlessStopped() -> Bool {
    state.withLock { state in
      guard state.reason == nil else { return false }
      state.process = nil
      state.wakeUp = nil
      return true
    }
  }

  private static func terminate(_ process: pid_t) {
    send(SIGTERM, to: process)
    // A stopped process would only see the signal when it is continued.
    send(SIGCONT, to: process)
  }

  /// Sends the signal to the group of the command that runs or is not waited for; SIGKILL also to
  /// the command, which may have left its group. A failure means that none is left.
  static func send(_ signal: Int32, to group: pid_t) {
    _ = System.kill(-group, signal)
    if signal == SIGKILL { _ = System.kill(group, signal) }
  }

  private static func wake(_ state: State) {
    state.giveUp?()
    guard let wakeUp = state.wakeUp else { return }
    var byte: UInt8 = 0
    // A full pipe wakes as well.
    _ = unsafe write(wakeUp, &byte, 1)
  }
}
