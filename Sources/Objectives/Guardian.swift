internal import StudyModel
internal import System

/// A small process that outlives this one, to end the commands that it leaves behind when it is
/// killed.
///
/// Commands are known by a variable of their environment, which their descendants have too,
/// whatever process group or session they are in; who has dropped it is known while its parent
/// lives. What the ``StayRule`` spares stays. Does nothing where the system does not show
/// environments (anything but Linux); there a command ends when it next writes.
package struct Guardian: Sendable {
  /// The variable for the environment of each command, as `NAME=value`.
  package let mark: String
  /// Whose closing tells the guardian that this process is gone.
  private let line: Int32
  private let process: pid_t

  /// Starts a guardian. Must come before this process has other threads.
  ///
  /// - Returns: nil when the system has no process for it, or does not show environments.
  package static func start() -> Guardian? {
    #if os(Linux)
      let mark = "NEEDLETAIL_WORKER=\(Token.random())"
      var ends: [Int32] = [-1, -1]
      guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
      let rule = StayRule()
      let process = nt_fork()
      guard process != 0 else { watch(ends[0], for: mark, sparing: rule) }
      close(ends[0])
      guard process > 0 else {
        close(ends[1])
        return nil
      }
      Adoption.note(process)
      return Guardian(mark: mark, line: ends[1], process: process)
    #else
      return nil
    #endif
  }

  /// Tells the guardian that everything ended in order, and waits until it is gone.
  package func dismiss() {
    var byte: UInt8 = 0
    while unsafe write(line, &byte, 1) < 0, errno == EINTR {}
    close(line)
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  // MARK: In the guardian

  #if os(Linux)
    /// Waits for the end of the process that forked this one.
    private static func watch(_ line: Int32, for mark: String, sparing rule: StayRule) -> Never {
      // Neither a terminal's signals nor a closed session are for it.
      setsid()
      for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2] {
        signal(number, SIG_IGN)
      }
      // Locks, pipes and sockets of the worker must end with the worker.
      let kept: Int32 = 3
      if line != kept { dup2(line, kept) }
      _ = nt_close_from(kept + 1)
      let null = unsafe open("/dev/null", O_RDWR)
      for number in Int32(0)...2 { dup2(null, number) }
      if null > kept { close(null) }
      var byte: UInt8 = 0
      while true {
        let count = unsafe read(kept, &byte, 1)
        if count < 0, errno == EINTR { continue }
        if count == 0 { endAll(with: mark, sparing: rule) }
        _exit(0)
      }
    }

    /// Ends all processes with the mark, and what they started; again and again, since they may
    /// start others meanwhile.
    private static func endAll(with mark: String, sparing rule: StayRule) {
      let parts = mark.split(separator: "=", maxSplits: 1).map(String.init)
      var quietRounds = 0
      for _ in 0..<500 where quietRounds < 3 {
        let marked = Processes.all().filter {
          $0 != getpid() && Processes.variable(parts[0], of: $0) == parts[1]
        }
        let family = Processes.families(of: marked, without: rule.spares)
          .compactMap(Processes.facts).filter { !$0.hasEnded }
        for process in family { Processes.send(SIGKILL, to: process) }
        quietRounds = family.isEmpty ? quietRounds + 1 : 0
        usleep(10_000)
      }
    }
  #endif
}
