internal import StudyFiles
internal import System
internal import Trials

/// What came of the trial.
extension TrialRun {
  /// Waits for the command, which has exited, takes the rest of what it said, and judges.
  func conclude(_ result: inout CommandResult) {
    // In this order: while the process is not waited for, the handle cannot hit another.
    let requested = stop.reason
    stop.detach()
    guard let (end, usage, left) = command.wait() else { return }
    takeRest()
    serveChannel()
    if score.values.isIncomplete { takeOfflineRuns() }
    result.usage = usage
    judge(end, stoppedFor: requested ?? stop.reason, &result)
    if !left.isEmpty {
      let numbers = left.map(String.init).joined(separator: ", ")
      result.notes.append("SIGKILL does not end what it left running: process \(numbers)")
    }
  }

  /// Judges while the command waits for another trial: as if it had exited with 0.
  func concludeWaiting(_ result: inout CommandResult) {
    takeRest()
    judge(.exited(CommandExit.completed), stoppedFor: nil, &result)
    // The first trial is the one that the environment names.
    if hasNote || command.served == 1 { note(isServing: false) }
  }

  private func takeRest() {
    command.drain { take($0) }
    command.output.finish { take($0) }
    command.errors.finish { take($0) }
    unsafe withUnsafeTemporaryAllocation(
      byteCount: CommandProcess.bufferSize, alignment: 16
    ) { buffer in
      unsafe followed?.finish(into: buffer) { take($0) }
    }
    events?.look { take($0) }
  }

  /// Takes what a program logged to W&B's own client, where nothing else has the values.
  private func takeOfflineRuns() {
    for entry in OfflineRun.entries(in: environment.folder) {
      let reading = MetricReading(
        objectives: objective.metricNames, stepNames: entry.isSummary ? [] : ["_step"],
        takesAll: objective.keepsAll)
      for measurement in reading.measurements(in: entry.values) { take(measurement, asks: true) }
    }
  }

  private func judge(
    _ end: ChildProcess.End, stoppedFor reason: StopHandle.Reason?, _ result: inout CommandResult
  ) {
    var outcome = outcome(of: end, stoppedFor: reason)
    if case .completed = outcome, !hasToldValues,
      let fault = command.output.fault ?? command.errors.fault
    {
      outcome = .refused(fault)
    }
    if let fault = diskFault(behind: outcome) {
      result.fault = fault
      if outcome.mayComeOfTheDisk { outcome = .machineFault(fault) }
    }
    result.outcome = score.record(outcome) { seenNames }
    result.notes = notes(on: end, result.outcome)
    if result.outcome.isExplainedByErrors { result.lastErrors = lastErrors }
  }

  /// Why nothing can be written where the trial's files are: its logs met that, or it failed and
  /// nothing can be written now. nil when it is not so.
  private func diskFault(behind outcome: CommandOutcome) -> MachineFault? {
    let folder = environment.folder
    let met = command.output.log.fault ?? command.errors.log.fault
    let error = met ?? (outcome.mayComeOfTheDisk ? TrialFolders.diskFault(of: folder) : nil)
    return error.map { MachineFault("the trial's files cannot be written to '\(folder)'", $0) }
  }

  private func notes(on end: ChildProcess.End, _ outcome: CommandOutcome) -> [String] {
    var notes = [command.output.log.note, command.errors.log.note, events?.note]
      .compactMap { $0 }
    if let note = score.stepNote { notes.append(note) }
    if case .completed = outcome, let failure = failure(of: end) {
      notes.append("\(failure.reason); the value that it had told before stands")
    }
    return notes
  }

  private func outcome(
    of end: ChildProcess.End, stoppedFor reason: StopHandle.Reason?
  ) -> CommandOutcome {
    if let reason {
      // One that told its values and went with 0 was done before it noticed.
      guard case .exited(0) = end, hasToldValues, !reason.isLoss else {
        return objective.outcome(of: reason)
      }
    }
    // What a program does after it has said so (such as failing for want of a best trial) is no
    // matter.
    switch toldOutcome {
    case .pruned?, .prunedItself?, .infeasible?: if let toldOutcome { return toldOutcome }
    default: break
    }
    switch end {
    case .exited(CommandExit.completed):
      if let toldOutcome { return toldOutcome }
      readResultFile()
      return score.values.outcome { seenNames }
    case .exited(CommandExit.tryAgain): return .tryAgain
    case .exited(CommandExit.interrupted): return .requeued
    case .exited(CommandExit.infeasible): return .infeasible
    case .exited(CommandExit.pruned): return prunedOutcome
    default: break
    }
    if let toldOutcome { return toldOutcome }
    let failure = failure(of: end) ?? .failed(code: 0, detail: "")
    // Values that were told are the trial's, whatever the command fails at afterwards.
    guard let told = score.values.toldOutcome, told.values != nil,
      score.constraints.problem(expecting: objective.constraints, seen: { [] }) == nil
    else { return failure }
    return told
  }

  /// How a run ends whose command failed by itself; nil when it did not.
  private func failure(of end: ChildProcess.End) -> CommandOutcome? {
    switch end {
    case .exited(CommandExit.completed): nil
    case .exited(let code): .failed(code: code, detail: String(lastErrors.last?.prefix(200) ?? ""))
    case .signalled(let signal): .signalled(signal)
    }
  }

  /// How it ends when the command stops by itself: as the pruner wanted, if it did.
  var prunedOutcome: CommandOutcome {
    pruningReason.map { .pruned(reason: $0) } ?? .prunedItself
  }

  /// The last lines of the command's errors that say something.
  private var lastErrors: [String] { LastLines.of(command.errors.log.tail) }

  /// Names that the command printed beside values.
  private var seenNames: [String] {
    MetricReading.names(in: command.output.log.tail + command.errors.log.tail, limit: 8)
  }

  private func readResultFile() {
    guard followed == nil, events == nil else { return }
    let collection = objective.collection
    let reading = MetricReading(
      objectives: objective.metricNames, stepNames: collection.stepNames,
      takesAll: objective.keepsAll)
    for path in objective.resultPaths(in: environment) {
      for measurement in ResultFile.measurements(
        at: path, isYAML: collection.format == .yaml, reading)
      {
        take(measurement)
      }
    }
  }
}
