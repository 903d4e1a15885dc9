internal import System

/// A program that was started in a process group of its own.
///
/// Noncopyable: it must be waited for exactly once, with ``wait()``.
struct ChildProcess: ~Copyable {
  /// Its number, which is also its group's.
  let number: pid_t
  /// A descriptor that becomes readable when it has exited; nil where the system has none.
  let exitSignal: Int32?

  /// Starts a program.
  ///
  /// Standard input is empty; the channel becomes descriptor ``channelNumber``; no other descriptor
  /// is inherited. Signals are at their defaults and unblocked.
  ///
  /// - Parameters:
  ///   - program: The path; relative to `folder`.
  ///   - arguments: The words, the program's name first.
  ///   - environment: `NAME=value` entries.
  init(
    program: String, arguments: [String], environment: [String], folder: String,
    output: borrowing Descriptor, errors: borrowing Descriptor, channel: borrowing Descriptor
  ) throws(SystemError) {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = unsafe posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, errors.number, 2)
    unsafe posix_spawn_file_actions_adddup2(&actions, channel.number, Self.channelNumber)
    unsafe posix_spawn_file_actions_addchdir_np(&actions, folder)
    #if os(Linux)
      unsafe posix_spawn_file_actions_addclosefrom_np(&actions, Self.channelNumber + 1)
    #endif

    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    #if !os(Linux)
      flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
    #endif
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigfillset(&signals)
    unsafe sigdelset(&signals, SIGKILL)
    unsafe sigdelset(&signals, SIGSTOP)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)

    var process: pid_t = 0
    let code = unsafe withCStrings(arguments) { argv in
      unsafe withCStrings(environment) { envp in
        whileTextIsBusy {
          unsafe posix_spawn(&process, program, &actions, &attributes, argv, envp)
        }
      }
    }
    guard code == 0 else { throw SystemError(code: code) }
    number = process
    #if os(Linux)
      let signal = pidfd_open(process, 0)  // close-on-exec by itself
      exitSignal = signal >= 0 ? signal : nil
    #else
      exitSignal = nil
    #endif
  }

  deinit {
    if let exitSignal { close(exitSignal) }
  }

  /// The number of the channel in the child.
  static let channelNumber: Int32 = 3

  /// Whether it has exited; it stays to be waited for.
  var hasExited: Bool {
    var info = unsafe siginfo_t()
    let options = WEXITED | WNOHANG | WNOWAIT
    guard unsafe waitid(P_PID, id_t(number), &info, options) == 0 else { return true }
    #if os(Linux)
      return unsafe info.si_signo != 0
    #else
      return unsafe info.si_pid != 0
    #endif
  }

  /// How it ended.
  enum End {
    case exited(Int32)
    case signalled(Int32)
  }

  /// Ends what is left of its group and its family, waits for it, and returns how it ended, what it
  /// used, and which members of the family the system does not end.
  ///
  /// While it is not waited for, its number is not given to another process or group, so the order
  /// is what keeps the signal from strangers.
  consuming func wait(
    ending family: TrialFamily
  ) -> (end: End, usage: ResourceUsage, left: [pid_t]) {
    StopHandle.send(SIGKILL, to: number)
    let left = family.end(of: number)
    var status: Int32 = 0
    var usage = rusage()
    while unsafe wait4(number, &status, 0, &usage) < 0, errno == EINTR {}
    family.forget()
    let signal = status & 0x7F
    return (
      signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal), ResourceUsage(usage), left
    )
  }
}

/// What a command and the children that it waited for used.
package struct ResourceUsage: Sendable, Hashable {
  /// Processor time of user and system together.
  package let processorTime: Duration
  /// The largest resident set of one process, in bytes.
  package let peakMemory: Int

  init(_ usage: rusage) {
    processorTime =
      .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + .microseconds(Int(usage.ru_utime.tv_usec) + Int(usage.ru_stime.tv_usec))
    #if os(Linux)
      peakMemory = usage.ru_maxrss * 1_024
    #else
      peakMemory = usage.ru_maxrss
    #endif
  }
}

/// Calls `body` with the strings as C has them, behind which comes a null; two allocations in all.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  let size = strings.reduce(0) { $0 + $1.utf8.count + 1 }
  return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(size, 1)) { text in
    unsafe withUnsafeTemporaryAllocation(
      of: UnsafeMutablePointer<CChar>?.self, capacity: strings.count + 1
    ) { pointers in
      var place = 0
      for (index, string) in strings.enumerated() {
        unsafe pointers.initializeElement(at: index, to: text.baseAddress.map { unsafe $0 + place })
        for byte in string.utf8 {
          unsafe text.initializeElement(at: place, to: CChar(bitPattern: byte))
          place += 1
        }
        unsafe text.initializeElement(at: place, to: 0)
        place += 1
      }
      unsafe pointers.initializeElement(at: strings.count, to: nil)
      guard let first = pointers.baseAddress else { preconditionFailure("an empty allocation") }
      return unsafe body(UnsafePointer(first))
    }
  }
}
