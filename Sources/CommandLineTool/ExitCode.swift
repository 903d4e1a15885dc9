/// How the process ends.
public enum ExitCode: Int32, Sendable, Hashable, CaseIterable {
  /// Done.
  case success = 0
  /// The question was fine, the answer is empty: no completed trial, no such thing to show.
  case nothingFound = 1
  /// It failed; one sentence on stderr says why.
  case failed = 2
  /// Wrong usage: an unknown option, a missing argument. The value of `EX_USAGE` in sysexits.
  case usage = 64
  /// Another process is in the way; trying again later may help. `EX_TEMPFAIL` in sysexits.
  case tryAgain = 75
  /// Stopped by Ctrl-C or SIGTERM; what was running is queued again.
  case interrupted = 130

  /// What the help says of it.
  package var meaning: String {
    switch self {
    case .success: "done"
    case .nothingFound: "found nothing"
    case .failed: "failed; one sentence on stderr says why"
    case .usage: "wrong usage"
    case .tryAgain:
      "try again later: the store is locked, its disk is full, or the server is away"
    case .interrupted: "interrupted; running trials are queued again"
    }
  }
}
