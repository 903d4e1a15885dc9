internal import Synchronization
internal import System

/// Lets a change that is under way end before Ctrl-Z stops the process: a process that is stopped
/// with its turn in the queue keeps all others from writing.
///
/// The handler takes SIGTSTP where nothing else does, when the process has its first turn. Outside
/// of a turn the process stops at once, as it would without.
enum TerminalStops {
  // The handler may only touch atomics. Each side writes its own and then reads the other's, so
  // that either the handler sees the turn, or the turn sees that the process is about to stop.
  private static let turns = Atomic<Int>(0)
  private static let isStopping = Atomic<Bool>(false)
  private static let isPending = Atomic<Bool>(false)
  private static let installation: Void = install()

  /// Begins a turn, unless the process is about to stop; then the lock must be given back and be
  /// asked for again.
  static func begin() -> Bool {
    installation
    turns.add(1, ordering: .sequentiallyConsistent)
    guard isStopping.load(ordering: .sequentiallyConsistent) else { return true }
    turns.subtract(1, ordering: .sequentiallyConsistent)
    return false
  }

  /// Ends a turn, and stops the process if it was to stop meanwhile.
  static func end() {
    let left = turns.subtract(1, ordering: .sequentiallyConsistent).newValue
    if left == 0, isPending.exchange(false, ordering: .sequentiallyConsistent) {
      kill(getpid(), SIGTSTP)
    }
  }

  private static func install() {
    // The globals are made now: making them is nothing for a handler.
    _ = turns.load(ordering: .relaxed)
    _ = isStopping.load(ordering: .relaxed)
    _ = isPending.load(ordering: .relaxed)
    var present = sigaction()
    guard unsafe sigaction(SIGTSTP, nil, &present) == 0, present.handler == nil else { return }
    setHandler()
  }

  private static func setHandler() {
    var action = sigaction()
    action.sa_flags = SA_RESTART
    unsafe sigemptyset(&action.sa_mask)
    action.handler = { _ in TerminalStops.stop() }
    unsafe sigaction(SIGTSTP, &action, nil)
  }

  /// Runs in the handler.
  private static func stop() {
    let number = errno
    isStopping.store(true, ordering: .sequentiallyConsistent)
    if turns.load(ordering: .sequentiallyConsistent) > 0 {
      isStopping.store(false, ordering: .sequentiallyConsistent)
      isPending.store(true, ordering: .sequentiallyConsistent)
      // The turn may have ended before it could see that.
      guard turns.load(ordering: .sequentiallyConsistent) == 0,
        isPending.exchange(false, ordering: .sequentiallyConsistent)
      else {
        errno = number
        return
      }
      isStopping.store(true, ordering: .sequentiallyConsistent)
    }
    // The default action, so that a process without a shell that could continue it does not stop.
    var (action, mask, old) = (sigaction(), sigset_t(), sigset_t())
    unsafe sigemptyset(&action.sa_mask)
    action.handler = nil
    unsafe sigaction(SIGTSTP, &action, nil)
    unsafe sigemptyset(&mask)
    unsafe sigaddset(&mask, SIGTSTP)
    kill(getpid(), SIGTSTP)
    unsafe pthread_sigmask(SIG_UNBLOCK, &mask, &old)
    // The process stops here, and goes on after SIGCONT.
    unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
    setHandler()
    isStopping.store(false, ordering: .sequentiallyConsistent)
    errno = number
  }
}
