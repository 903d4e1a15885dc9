internal import Synchronization
internal import System
internal import Working

/// Counts the signals that ask the process to end: SIGINT raises the level by one, SIGTERM and
/// SIGHUP raise it to `stop` at least.
///
/// Works by a handler, not by blocking the signals, because children would inherit the block. One
/// per process.
struct StopRequests {
  private let before: [(signal: Int32, action: sigaction)]

  /// Begins to listen; wakes those who poll ``wakeUp`` at each signal.
  ///
  /// - Parameters:
  ///   - drains: Whether SIGTERM and SIGHUP raise the level by one, as SIGINT does: for a daemon,
  ///     which they tell to finish.
  ///   - reloads: Whether SIGHUP asks for files to be read again instead, see ``takeReload()``.
  init(drains: Bool = false, reloads: Bool = false) {
    requests.listen(drains: drains, reloads: reloads)
    var before: [(Int32, sigaction)] = []
    for number in [SIGINT, SIGTERM, SIGHUP] {
      var old = sigaction()
      sigaction(number, nil, &old)
      before.append((number, old))
      // A signal that the parent wants ignored, as nohup does, stays ignored.
      guard !Self.isIgnored(old) else { continue }
      var action = sigaction()
      action.handler = { number in requests.take(number) }
      action.sa_flags = Int32(SA_RESTART)
      sigaction(number, &action, nil)
    }
    self.before = before
  }

  /// Lets the handlers of this process stay until it exits: a signal that comes between the end of
  /// a verb and the exit must not replace the exit code.
  static func stayUntilExit() { requests.stayUntilExit() }

  /// Puts back what was there before, unless it is to stay.
  func end() {
    guard !requests.areHandlersStaying else { return }
    for (number, action) in before {
      var action = action
      sigaction(number, &action, nil)
    }
  }

  /// What has been asked for so far.
  var level: StopLevel { StopLevel(rawValue: min(requests.level, 3)) ?? .kill }

  /// Whether a SIGTERM or SIGHUP was among them, as schedulers send it.
  var isPreempted: Bool { requests.isPreempted }

  /// Whether a SIGHUP has asked for files to be read again since this was asked last.
  func takeReload() -> Bool { requests.takeReload() }

  /// Waits until a signal arrives, ``wake()`` is called, or the time is over.
  func wait(milliseconds: Int32) {
    var poller = pollfd(fd: requests.channel.read, events: Int16(POLLIN), revents: 0)
    guard poll(&poller, 1, milliseconds) > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 512)
    _ = read(requests.channel.read, &bytes, bytes.count)
  }

  /// Ends a ``wait(milliseconds:)`` in another thread.
  static func wake() { requests.wake() }

  private static func isIgnored(_ action: sigaction) -> Bool {
    return unsafeBitCast(action.handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}

/// What the handler writes to: atomics and a pipe, all made before the first signal.
private let requests = SignalState()

private final class SignalState: Sendable {
  let channel: (read: Int32, write: Int32)
  private let interrupts = Atomic<Int>(0)
  private let terminations = Atomic<Int>(0)
  private let drains = Atomic(false)
  private let reloads = Atomic(false)
  private let reloadsWanted = Atomic<Int>(0)
  private let handlersStay = Atomic(false)

  init() {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) == 0 {
      for end in ends {
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
      }
    }
    channel = (ends[0], ends[1])
  }

  /// Starts from nothing.
  func listen(drains: Bool, reloads: Bool) {
    self.drains.store(drains, ordering: .relaxed)
    self.reloads.store(reloads, ordering: .relaxed)
    reloadsWanted.store(0, ordering: .relaxed)
    interrupts.store(0, ordering: .relaxed)
    terminations.store(0, ordering: .relaxed)
  }

  var areHandlersStaying: Bool { handlersStay.load(ordering: .relaxed) }

  func stayUntilExit() { handlersStay.store(true, ordering: .relaxed) }

  var isPreempted: Bool { terminations.load(ordering: .relaxed) > 0 }

  func takeReload() -> Bool { reloadsWanted.exchange(0, ordering: .relaxed) > 0 }

  var level: Int {
    let terminations = terminations.load(ordering: .relaxed)
    if drains.load(ordering: .relaxed) {
      return interrupts.load(ordering: .relaxed) + terminations
    }
    return max(interrupts.load(ordering: .relaxed), terminations > 0 ? terminations + 1 : 0)
  }

  /// Called in the handler: only atomics, `write` and `_exit`.
  func take(_ number: Int32) {
    if number == SIGHUP, reloads.load(ordering: .relaxed) {
      reloadsWanted.wrappingAdd(1, ordering: .relaxed)
      wake()
      return
    }
    if number == SIGINT {
      interrupts.wrappingAdd(1, ordering: .relaxed)
    } else {
      terminations.wrappingAdd(1, ordering: .relaxed)
    }
    // A user who asks five times wants it to end whatever it is doing.
    if level >= 5 { _exit(ExitCode.interrupted.rawValue) }
    wake()
  }

  func wake() {
    let saved = errno
    var byte: UInt8 = 0
    _ = write(channel.write, &byte, 1)
    errno = saved
  }
}
