internal import JSON
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// One run of a command for a trial. Belongs to one thread.
///
/// Of a process of its own: started → followed until it has exited → concluded. Of a process that
/// served another trial before: offered → followed; when the process does not take the trial, the
/// run is given up and another one begins. A process that asks for another trial has the run
/// concluded while it waits; then the run holds the process, until the next one takes it or it is
/// told to go.
final class TrialRun {
  private let objective: CommandObjective
  private let held: any HeldTrial
  private var stop: StopHandle
  private let follower: RunFollower
  private let environment: TrialEnvironment
  private var start: ContinuousClock.Instant
  private let command: CommandProcess
  private var phase: Phase

  private enum Phase {
    /// The process, which has ended another trial, was told of this one and has not said anything.
    case offered(until: ContinuousClock.Instant)
    case running
    /// The trial has ended, and the process waits for another one.
    case waiting
    /// The trial has ended, and the process is to end.
    case over
  }

  private var values: ObjectiveValues
  private var constraints: ConstraintValues
  private var further = FurtherValues()
  /// What the command writes and is read while it does; nil where nothing is.
  private var followed: FollowedFile?
  private var events: EventFiles?
  /// The first step that may mean more than one number.
  private var ambiguousStep: String?
  /// How the command itself said that it ended.
  private var toldOutcome: CommandOutcome?
  /// What the pruner answered when the command last asked whether to go on.
  private var pruningReason: String?
  /// Whether it told its final values.
  private var hasToldValues = false
  /// Whether a note says that the process runs this trial.
  private var hasNote = false

  /// How often a system without exit descriptors is asked whether the command has exited.
  private static let exitCheckMilliseconds = 20
  /// How often files that grow are looked at.
  private static let fileInterval: Duration = .milliseconds(250)
  /// How often adopted orphans that ended are removed from the system's table.
  private static let tidyInterval: Duration = .seconds(10)
  /// How long a process may take to say that it has got a trial; one that does not is replaced.
  private static let takingTime: Duration = .seconds(10)
  /// How long a trial runs before a note says which process runs it; others do not get the trial
  /// sooner, since a lease is longer.
  private static let noteTime: Duration = .seconds(1)

  /// Starts the command.
  init(
    _ objective: CommandObjective, _ held: any HeldTrial,
    _ stop: StopHandle, _ follower: RunFollower, _ environment: TrialEnvironment, program: String,
    words: [String],
    start: ContinuousClock.Instant
  ) throws(ProgramError) {
    self.objective = objective
    self.held = held
    self.stop = stop
    self.follower = follower
    self.environment = environment
    self.start = start
    values = ObjectiveValues(objective.objectives)
    constraints = ConstraintValues(objective.constraintBounds)
    (followed, events) = Self.growingFiles(objective, environment)
    phase = .running
    do throws(SystemError) {
      command = try CommandProcess(
        program: program, words: words,
        environment: environment.variables(
          adding: objective.variables, objective.parameterVariables, to: objective.inherited,
          spelling: objective.command.spelling, channel: ChildProcess.channelNumber,
          leaving: objective.stayRule) + objective.channelVariables(in: environment),
        folder: objective.folder, mark: environment.folder, rule: objective.stayRule,
        scanners: objective.scanners)
    } catch {
      throw ProgramError(program: words.first ?? program, error)
    }
  }

  /// Offers the trial to the process that waits in an earlier run of the same command.
  init(
    _ objective: CommandObjective, _ held: any HeldTrial,
    _ stop: StopHandle, _ follower: RunFollower, _ environment: TrialEnvironment,
    continuing earlier: TrialRun, start: ContinuousClock.Instant
  ) {
    self.objective = objective
    self.held = held
    self.stop = stop
    self.follower = follower
    self.environment = environment
    self.start = start
    values = ObjectiveValues(objective.objectives)
    constraints = ConstraintValues(objective.constraintBounds)
    (followed, events) = Self.growingFiles(objective, environment)
    command = earlier.command
    phase = .offered(until: .now + Self.takingTime)
    offer()
  }

  // MARK: Following

  /// Why a run is followed no further.
  enum Pause {
    /// The process has exited.
    case exited
    /// The process waits for another trial.
    case waiting
    /// The process does not take the trial, and has to be ended.
    case notTaken
  }

  /// Passes on what the command says until it has exited or waits for another trial, and stops it
  /// when it must.
  func follow() -> Pause {
    guard let number = command.number else { return .exited }
    stop.attach(number, wakeUp: command.wakeUp.second.number)
    let limit = objective.timeLimit.map { start.advanced(by: $0) }
    let memoryLimit = objective.memoryLimit
    // The first trial's stands in the environment.
    var noteTime = command.served > 1 ? start.advanced(by: Self.noteTime) : nil
    var lastLook = ContinuousClock.now
    var lastTidying = lastLook
    var nextReading = lastLook.advanced(by: Self.fileInterval)
    let isReading = objective.collection.followsFile
    var killTime: ContinuousClock.Instant?
    var polls = [pollfd](repeating: pollfd(), count: 5)
    return unsafe withUnsafeTemporaryAllocation(
      byteCount: CommandProcess.bufferSize, alignment: 16
    ) { buffer in
      while true {
        if offerEnd != nil, stop.reason == nil, !command.channel.isOpen { return .notTaken }
        polls[0] = pollfd(fd: command.output.pollNumber, events: Int16(POLLIN), revents: 0)
        polls[1] = pollfd(fd: command.errors.pollNumber, events: Int16(POLLIN), revents: 0)
        polls[2] = pollfd(
          fd: command.channel.isOpen ? command.channel.number : -1,
          events: Int16(command.channel.isFull ? POLLOUT : POLLIN), revents: 0)
        polls[3] = pollfd(fd: command.wakeUp.first.number, events: Int16(POLLIN), revents: 0)
        polls[4] = pollfd(fd: command.exitSignal ?? -1, events: Int16(POLLIN), revents: 0)
        // An interrupted call changes nothing; its results are cleared above.
        let memoryCheck = memoryLimit == nil ? nil : lastLook.advanced(by: MemoryUse.interval)
        let tidying = Adoption.isOn ? lastTidying.advanced(by: Self.tidyInterval) : nil
        let reading = isReading ? nextReading : nil
        let deadline = [killTime ?? limit, offerEnd, memoryCheck, tidying, noteTime, reading]
          .compactMap { $0 }.min()
        _ = unsafe poll(&polls, nfds_t(polls.count), timeout(until: deadline))
        if polls[0].revents != 0 { unsafe command.output.receive(into: buffer) { take($0) } }
        if polls[1].revents != 0 { unsafe command.errors.receive(into: buffer) { take($0) } }
        if polls[2].revents != 0 { serveChannel() }
        if isReading, ContinuousClock.now >= nextReading {
          unsafe readFiles(into: buffer)
          nextReading = .now + Self.fileInterval
        }
        if case .waiting = phase { return .waiting }
        // What is printed from here on is not read; only values that were told need no reading.
        let fault = command.output.fault ?? command.errors.fault ?? followed?.fault
        if let fault, !hasToldValues {
          stop.request(.refused(fault))
        }
        if polls[3].revents != 0 { _ = unsafe command.wakeUp.first.read(into: buffer) }
        let hasExited =
          polls[4].revents != 0 || (command.exitSignal == nil && command.hasExited)
        if let offerEnd, stop.reason == nil, hasExited || ContinuousClock.now >= offerEnd {
          return .notTaken
        }
        if hasExited { return .exited }
        if let time = noteTime, ContinuousClock.now >= time {
          noteTime = nil
          if case .running = phase { note(isServing: true) }
        }
        if let memoryLimit, ContinuousClock.now >= lastLook.advanced(by: MemoryUse.interval) {
          // It is killed at once: what grows would grow on while it is asked to go.
          if let used = MemoryUse.excess(
            of: command.family.members(with: number), over: memoryLimit)
          {
            stop.request(.memoryLimit(used))
            stop.kill()
          }
          lastLook = .now
        }
        if let tidying, ContinuousClock.now >= tidying {
          Adoption.tidy()
          lastTidying = .now
        }
        enforceLimits(limit, &killTime, number)
      }
    }
  }

  /// What is read beside the streams, from where it ends before the command starts.
  private static func growingFiles(
    _ objective: CommandObjective, _ environment: TrialEnvironment
  ) -> (FollowedFile?, EventFiles?) {
    let collection = objective.collection
    guard let path = objective.resultPath(in: environment) else { return (nil, nil) }
    if collection.format == .tensorboard {
      return (
        nil, EventFiles(path, names: objective.metricNames, takesAll: objective.keepsAll)
      )
    }
    guard collection.followsFile else { return (nil, nil) }
    let scanner = MetricScanner(
      objectives: objective.metricNames, collection: collection, takesAll: objective.keepsAll)
    return (FollowedFile(path, scanner: scanner), nil)
  }

  /// Takes what files that grow have got since the last time.
  private func readFiles(into buffer: UnsafeMutableRawBufferPointer) {
    unsafe followed?.look(into: buffer) { take($0) }
    events?.look { take($0) }
  }

  /// Until when the process may take the trial; nil when it has it.
  private var offerEnd: ContinuousClock.Instant? {
    if case .offered(let end) = phase { end } else { nil }
  }

  private func timeout(until deadline: ContinuousClock.Instant?) -> Int32 {
    var milliseconds: Int32 = command.exitSignal == nil ? Int32(Self.exitCheckMilliseconds) : -1
    if let deadline {
      let left = ContinuousClock.now.duration(to: deadline)
      let capped = Int32(clamping: max(0, min(left.millisecondsRoundedUp, 3_600_000)))
      milliseconds = milliseconds < 0 ? capped : min(milliseconds, capped)
    }
    return milliseconds
  }

  private func enforceLimits(
    _ limit: ContinuousClock.Instant?, _ killTime: inout ContinuousClock.Instant?,
    _ number: pid_t
  ) {
    if stop.reason == nil, let limit, ContinuousClock.now >= limit { stop.request(.timeLimit) }
    guard stop.reason != nil else { return }
    let now = ContinuousClock.now
    guard let time = killTime else {
      killTime = now.advanced(by: objective.gracePeriod)
      // The command's group has got it already.
      command.family.send(SIGTERM, besides: number)
      command.family.send(SIGCONT, besides: number)
      return
    }
    if now >= time {
      StopHandle.send(SIGKILL, to: number)
      // It dies at once unless the kernel holds it; then it is asked for again, but not in a loop.
      killTime = now.advanced(by: .seconds(1))
    }
  }

  // MARK: What the command says

  private func serveChannel() {
    if command.channel.isFull { command.channel.flush() }
    command.channel.receive { request in
      do {
        return try answer(ChannelRequest(json: request))
      } catch {
        if case StoreError.leaseLost = error { stop.request(.ordered(.lost("\(error)"))) }
        return .now(["ok": false, "error": .string("\(error)")])
      }
    }
  }

  private func answer(_ request: ChannelRequest) throws -> TrialChannel.Answer {
    switch phase {
    case .over: return .now(try answerAfterEnd(request))
    case .offered: phase = .running
    case .running, .waiting: break
    }
    switch request {
    case .next: return try handOver()
    case .taken: return .none
    default: return .now(try answerOfTrial(request))
    }
  }

  private func answerOfTrial(_ request: ChannelRequest) throws -> JSONValue {
    switch request {
    case .trial: return .object(description)
    case .suggest(let parameter):
      let value = try held.suggest(parameter)
      follower.suggested()
      return ["ok": true, "value": JSONValue(value)]
    case .report(let value, let step):
      // Of several runs the first one is compared with other trials.
      if environment.job.replicate == 0 {
        try held.report(value, step: step)
        follower.reported(IntermediateValue(step: step, value: value))
      }
      values.add(value, of: 0)
    case .shouldPrune:
      let reason = environment.job.replicate == 0 ? try held.shouldStop()?.reason : nil
      pruningReason = reason
      return [
        "ok": true, "prune": .bool(reason != nil), "reason": reason.map(JSONValue.string) ?? .null,
      ]
    case .setUserAttribute(let attribute): try held.setAttribute(attribute)
    case .setStudyAttribute(let attribute): try held.setStudyAttribute(attribute)
    case .enqueue(let values, let attributes):
      try held.enqueue(
        values.map { ($0.key, $0.value.parameterValue) }, attributes: attributes)
    case .setConstraint(let name, let value): constraints.add(value, as: name)
    case .tell(let told):
      values.tell(told)
      hasToldValues = true
    case .tellPruned: toldOutcome = prunedOutcome
    case .tellInfeasible: toldOutcome = .infeasible
    case .tellFailed(let reason): toldOutcome = .reportedFailure(reason)
    case .next, .taken: break
    }
    return ["ok": true]
  }

  private var description: [JSONValue.Member] {
    let job = environment.job
    return [
      .init("ok", true), .init("study", .string(job.study)), .init("number", .integer(job.number)),
      .init("attempt", .integer(job.attempt)), .init("seed", .integer(job.commandSeed)),
      .init("params", job.parametersJSON),
      .init(
        "user_attrs", .object(job.userAttributes.map { JSONValue.Member($0.key, $0.value) })),
      .init("directions", .array(objective.objectives.map { .string($0.direction.rawValue) })),
      .init("reuse", .string(objective.reuse.text)),
    ]
  }

  // MARK: One process, several trials

  /// Tells the process, which waits, of the trial. What it said before is not of this one.
  private func offer() {
    command.drain { _ in }
    command.serve(environment.folder, scanners: objective.scanners)
    let change = environment.change(
      adding: objective.variables, objective.parameterVariables,
      spelling: objective.command.spelling, folder: objective.folder)
    command.channel.giveOwedAnswer(.object(description + change))
  }

  /// Leaves word of which trial the process runs, for who takes another attempt at it. Without the
  /// word that attempt goes on all the same, so that a disk that is full is not this run's matter.
  private func note(isServing: Bool) {
    guard let identity = command.identity else { return }
    hasNote = true
    _ = Result { try ServiceNote(identity, isServing: isServing).write(in: environment.folder) }
  }

  /// The process asks for another trial: it waits for one, if it may, else it is told to go on to
  /// its end.
  private func handOver() throws(ChannelError) -> TrialChannel.Answer {
    guard toldOutcome != nil || hasToldValues else {
      throw ChannelError("'next' comes before the trial's end; send 'tell' first")
    }
    guard command.served < objective.reuse.limit,
      command.isFit(memoryLimit: objective.memoryLimit), stop.detachUnlessStopped()
    else { return .now(Self.nothingMore) }
    phase = .waiting
    return .later
  }

  private static let nothingMore: JSONValue = ["ok": true, "done": true]

  /// What a program does when its last trial is over concerns its study alone.
  private func answerAfterEnd(_ request: ChannelRequest) throws -> JSONValue {
    switch request {
    case .trial: return .object(description)
    case .next: return Self.nothingMore
    case .setStudyAttribute(let attribute): try held.setStudyAttribute(attribute)
    case .enqueue(let values, let attributes):
      try held.enqueue(
        values.map { ($0.key, $0.value.parameterValue) }, attributes: attributes)
    default: throw ChannelError("trial \(held.number) has ended")
    }
    return ["ok": true]
  }

  /// Tells the process that waits that there is no other trial, and waits for its end: programs do
  /// something when their last trial is over.
  func dismiss(stoppedBy stop: StopHandle) {
    command.channel.giveOwedAnswer(Self.nothingMore)
    finish(stoppedBy: stop)
  }

  /// Ends the process that did not take the trial. One that has closed the channel goes by itself.
  func giveUp() {
    if command.channel.isOpen { stop.detach() } else { finish(stoppedBy: stop) }
    _ = command.wait()
  }

  private func finish(stoppedBy stop: StopHandle) {
    phase = .over
    self.stop = stop
    start = .now
    _ = follow()
    stop.detach()
    _ = command.wait()
    command.drain { _ in }
  }

  /// Takes a value that the command printed; with a step it is a report, on which the pruner
  /// decides.
  private func take(_ measurement: Measurement) {
    let constraint = measurement.objective - objective.objectives.count
    guard constraint < 0 else {
      if let name = measurement.name {
        further.add(measurement.spelled, as: name)
      } else if objective.constraints.indices.contains(constraint) {
        constraints.add(
          measurement.spelled, measurement.text, as: objective.constraints[constraint])
      } else {
        further.add(measurement.spelled, as: objective.metricNames[measurement.objective])
      }
      return
    }
    values.add(measurement)
    if case .ambiguous(let text) = measurement.step, ambiguousStep == nil { ambiguousStep = text }
    guard let step = measurement.step.number, let value = measurement.value,
      objective.objectives.count == 1, stop.reason == nil, environment.job.replicate == 0
    else { return }
    do {
      let order = try held.reportPrinted(value, step: step)
      follower.reported(IntermediateValue(step: step, value: value))
      if let order { stop.request(.ordered(order)) }
    } catch StoreError.leaseLost(let number) {
      stop.request(.ordered(.lost("\(StoreError.leaseLost(trial: number))")))
    } catch {
      stop.request(.refused("\(error)"))
    }
  }

  // MARK: Concluding

  /// Waits for the command, which has exited, takes the rest of what it said, and judges.
  func conclude(_ result: inout CommandResult) {
    // In this order: while the process is not waited for, the handle cannot hit another.
    let requested = stop.reason
    stop.detach()
    guard let (end, usage, left) = command.wait() else { return }
    takeRest()
    serveChannel()
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
    result.outcome = recordConstraints(outcome)
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
    if let text = ambiguousStep {
      notes.append(
        "the step '\(text)' may mean more than one number, so its report has none; print steps "
          + "without separators")
    }
    if case .completed = outcome, let failure = failure(of: end) {
      notes.append("\(failure.reason); the value that it had told before stands")
    }
    return notes
  }

  /// Records what constraints there are, and how the run ends then: one that completed must have
  /// reported those of the study file.
  private func recordConstraints(_ outcome: CommandOutcome) -> CommandOutcome {
    switch outcome {
    case .lost, .interrupted, .preempted, .tryAgain, .requeued, .notStarted, .machineFault:
      return outcome
    default: break
    }
    do {
      for attribute in constraints.attributes + further.attributes {
        try held.setAttribute(attribute)
      }
    } catch StoreError.leaseLost {
      return .lost
    } catch {
      return .refused("\(error)")
    }
    guard outcome.values != nil else { return outcome }
    return constraints.problem(expecting: objective.constraints) { seenNames } ?? outcome
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
      return values.outcome { seenNames }
    case .exited(CommandExit.tryAgain): return .tryAgain
    case .exited(CommandExit.interrupted): return .requeued
    case .exited(CommandExit.infeasible): return .infeasible
    case .exited(CommandExit.pruned): return prunedOutcome
    default: break
    }
    if let toldOutcome { return toldOutcome }
    let failure = failure(of: end) ?? .failed(code: 0, detail: "")
    // Values that were told are the trial's, whatever the command fails at afterwards.
    guard let told = values.toldOutcome, told.values != nil,
      constraints.problem(expecting: objective.constraints, seen: { [] }) == nil
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
  private var prunedOutcome: CommandOutcome {
    pruningReason.map { .pruned(reason: $0) } ?? .prunedItself
  }

  /// The last lines of the command's errors that say something.
  private var lastErrors: [String] { LastLines.of(command.errors.log.tail) }

  /// Names that the command printed beside values.
  private var seenNames: [String] {
    MetricReading.names(in: command.output.log.tail + command.errors.log.tail, limit: 8)
  }

  private func readResultFile() {
    guard followed == nil, events == nil, let path = objective.resultPath(in: environment)
    else { return }
    let collection = objective.collection
    let reading = MetricReading(
      objectives: objective.metricNames, stepNames: collection.stepNames,
      takesAll: objective.keepsAll)
    for measurement in ResultFile.measurements(
      at: path, isYAML: collection.format == .yaml, reading)
    {
      take(measurement)
    }
  }
}
