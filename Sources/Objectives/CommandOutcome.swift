package import StudyModel
internal import System

/// How a command's run for a trial ended.
package enum CommandOutcome: Sendable, Hashable {
  /// It exited with 0 and each objective has a value.
  case completed([Double])
  /// The pruner stopped it.
  case pruned(reason: String)
  /// It said so itself, by exit code ``CommandExit/pruned`` or over the trial channel.
  case prunedItself
  /// It said that the parameters cannot be evaluated.
  case infeasible
  /// It exited with a code that means nothing special; `detail` is the last line of its errors.
  case failed(code: Int32, detail: String)
  /// It said over the trial channel that it failed, and why.
  case reportedFailure(String)
  /// A signal that was not ours ended it.
  case signalled(Int32)
  /// Its time limit ended it.
  case timedOut(limit: Duration)
  /// It held so many bytes of memory and was killed; its limit in bytes.
  case outOfMemory(used: Int, limit: Int)
  /// It was stopped because the study was cancelled.
  case cancelled(reason: String)
  /// This machine may not run the command, or cannot; another may.
  case notHere(String)
  /// It was stopped because a user asked.
  case interrupted
  /// It was stopped because its worker had to go.
  case preempted
  /// It was stopped because the trial is not this worker's any more.
  case lost
  /// It exited with ``CommandExit/tryAgain``.
  case tryAgain
  /// It exited with ``CommandExit/interrupted``: it was interrupted itself and wants to be queued
  /// again.
  case requeued
  /// It exited with 0 without reporting the metric; `seen` are names that it did print.
  case metricMissing(name: String, seen: [String])
  /// Its value of the metric is NaN, or was no number at all.
  case badMetric(name: String, text: String)
  /// Its value of the metric may be more than one number, such as `1,234`.
  case ambiguousMetric(name: String, text: String)
  /// A result came that the trial could not take.
  case refused(String)
  /// The program could not be started.
  case notStarted(program: String, reason: String)
  /// This machine is at fault and cannot run any trial; another may.
  case machineFault(MachineFault)
  /// What is no command ended it like that; why, in a sentence without a full stop.
  case ended(AttemptOutcome, String)
}

/// The exit codes that have a meaning for a trial.
package enum CommandExit {
  /// Done.
  package static let completed: Int32 = 0
  /// Try this trial again later; `EX_TEMPFAIL` of sysexits.
  package static let tryAgain: Int32 = 75
  /// These parameters cannot be evaluated.
  package static let infeasible: Int32 = 80
  /// The program pruned the trial by itself.
  package static let pruned: Int32 = 81
  /// Interrupted; queue the trial again.
  package static let interrupted: Int32 = 130
  /// What a shell says of a command that SIGKILL ended.
  static let killed: Int32 = 137
}

extension CommandOutcome {
  /// The objectives' values; nil unless completed.
  package var values: [Double]? {
    if case .completed(let values) = self { values } else { nil }
  }

  /// The class in which the study keeps it.
  package var attemptOutcome: AttemptOutcome {
    switch self {
    case .completed: .completed
    case .pruned, .prunedItself: .pruned
    case .infeasible: .infeasible
    case .failed(CommandExit.killed, _), .signalled(9), .outOfMemory: .outOfMemory
    case .failed, .reportedFailure, .signalled, .badMetric, .ambiguousMetric, .refused,
      .notStarted:
      .failed
    case .timedOut: .timedOut
    case .interrupted, .requeued: .interrupted
    case .cancelled: .cancelled
    case .preempted, .notHere, .machineFault: .preempted
    case .lost: .lost
    case .tryAgain: .tryAgain
    case .metricMissing: .metricMissing
    case .ended(let outcome, _): outcome
    }
  }

  /// Whether no trial of this command can succeed, so that trying others is pointless.
  package var isHopeless: Bool {
    if case .notStarted = self { true } else { false }
  }

  /// Whether a command that cannot write its files may end like that.
  var mayComeOfTheDisk: Bool {
    switch self {
    case .failed(let code, _): code != CommandExit.killed
    case .signalled(let signal): signal != SIGKILL
    case .reportedFailure, .metricMissing: true
    default: false
    }
  }

  /// Whether the command's errors may tell more than ``reason`` does.
  var isExplainedByErrors: Bool {
    switch self {
    case .failed, .signalled, .metricMissing: true
    default: false
    }
  }

  /// Why, in a sentence without a full stop.
  package var reason: String {
    switch self {
    case .completed: "completed"
    case .pruned(let reason): reason
    case .prunedItself: "the command pruned itself"
    case .infeasible: "the command said that these parameters are infeasible"
    case .failed(CommandExit.killed, _):
      "the command exited with 137: killed, probably because memory ran out"
    case .failed(127, let detail):
      "the command exited with 127, which means 'command not found'"
        + (detail.isEmpty ? "" : ": \(detail)")
    case .failed(let code, let detail):
      "the command exited with \(code)" + (detail.isEmpty ? "" : ": \(detail)")
    case .reportedFailure(let why): why
    case .signalled(9): "the command was killed by SIGKILL, probably because memory ran out"
    case .signalled(let signal): "the command was ended by \(Self.name(of: signal))"
    case .timedOut(let limit): "the command ran longer than its limit of \(Self.text(limit))"
    case .outOfMemory(let used, let limit):
      "the command held \(Self.text(bytes: used)) of memory, more than its limit of "
        + Self.text(bytes: limit)
    case .cancelled(let reason), .notHere(let reason): reason
    case .interrupted: "interrupted by the user"
    case .preempted: "the worker was told to stop"
    case .lost: "the trial was taken over by another worker"
    case .tryAgain: "the command asked to be tried again later (exit code 75)"
    case .requeued: "the command was interrupted (exit code 130)"
    case .metricMissing(let name, let seen):
      "the command exited with 0 without reporting '\(name)'; print \(name)=<number>"
        + (seen.isEmpty
          ? "" : ", or set metric to one that it prints: \(seen.joined(separator: ", "))")
    case .badMetric(let name, let text):
      text.lowercased() == "nan"
        ? "the command reported NaN as '\(name)'"
        : "the command reported '\(text)' as '\(name)', which is not a number"
    case .ambiguousMetric(let name, let text):
      "the command reported '\(text)' as '\(name)', which may mean more than one number; print it with "
        + "a decimal point and without separators"
    case .refused(let problem): problem
    case .notStarted(let program, let reason): "'\(program)' cannot be started: \(reason)"
    case .machineFault(let fault): fault.description
    case .ended(_, let reason): reason
    }
  }

  private static func name(of signal: Int32) -> String {
    let names: [Int32: String] = [
      1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 8: "SIGFPE", 11: "SIGSEGV",
      13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
    ]
    return names[signal] ?? "signal \(signal)"
  }

  /// `1.5 GiB`
  private static func text(bytes: Int) -> String {
    let mebibytes = Double(bytes) / 1_048_576
    return mebibytes < 1_024
      ? "\((mebibytes * 10).rounded() / 10) MiB"
      : "\((mebibytes / 102.4).rounded() / 10) GiB"
  }

  private static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    return attoseconds == 0 ? "\(seconds) s" : "\(duration.inSeconds) s"
  }
}
