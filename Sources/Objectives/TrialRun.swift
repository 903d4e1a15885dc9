internal import JSON
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// One run of a command: started → followed until it has exited → concluded. Belongs to one thread.
final class TrialRun {
  private let objective: CommandObjective
  private let held: any HeldTrial
  private let stop: StopHandle
  private let follower: RunFollower
  private let environment: TrialEnvironment
  private let start: ContinuousClock.Instant

  private var process: ChildProcess?
  private let family: TrialFamily
  private var output: CommandStream
  private var errors: CommandStream
  private var channel: TrialChannel
  private let wakeUp: DescriptorPair

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

  private static let bufferSize = 65_536
  /// How often a system without exit descriptors is asked whether the command has exited.
  private static let exitCheckMilliseconds = 20
  /// How often files that grow are looked at.
  private static let fileInterval: Duration = .milliseconds(250)
  /// How often adopted orphans that ended are removed from the system's table.
  private static let tidyInterval: Duration = .seconds(10)

  /// Starts the command.
  init(
    _ objective: CommandObjective, _ job: TrialJob, _ held: any HeldTrial,
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
    let family = TrialFamily(mark: environment.folder, rule: objective.stayRule)
    self.family = family
    let collection = objective.collection
    let suffix = ".log"
    func scanner(_ isRead: Bool) -> MetricScanner? {
      isRead
        ? MetricScanner(
          objectives: objective.metricNames, collection: collection,
          takesAll: objective.keepsAll) : nil
    }
    do throws(SystemError) {
      let outputPipe = try Descriptor.pipe()
      let errorPipe = try Descriptor.pipe()
      let socket = try Descriptor.socketPair()
      let wake = try Descriptor.pipe()
      wake.second.stopBlocking()  // who asks for a stop never waits
      let process = try ChildProcess(
        program: program, arguments: words,
        environment: environment.variables(
          adding: objective.variables, objective.parameterVariables, to: objective.inherited,
          spelling: objective.command.spelling, channel: ChildProcess.channelNumber,
          leaving: objective.stayRule) + objective.channelVariables(in: environment),
        folder: objective.folder, output: outputPipe.second, errors: errorPipe.second,
        channel: socket.second)
      family.started(process.number)
      self.process = consume process
      output = CommandStream(
        outputPipe.first, log: "\(environment.folder)/stdout\(suffix)",
        scanner: scanner(collection.source == .stdout || collection.source == .both))
      errors = CommandStream(
        errorPipe.first, log: "\(environment.folder)/stderr\(suffix)",
        scanner: scanner(collection.source == .stderr || collection.source == .both))
      channel = TrialChannel(socket.first)
      wakeUp = wake
    } catch {
      family.started(nil)
      throw ProgramError(program: words.first ?? program, error)
    }
  }

  // MARK: Following

  /// Passes on what the command says until it has exited, and stops it when it must.
  func follow() {
    guard let number = process?.number else { return }
    stop.attach(number, wakeUp: wakeUp.second.number)
    let limit = objective.timeLimit.map { start.advanced(by: $0) }
    let memoryLimit = objective.memoryLimit
    var lastLook = ContinuousClock.now
    var lastTidying = lastLook
    var nextReading = lastLook.advanced(by: Self.fileInterval)
    let isReading = objective.collection.followsFile
    var killTime: ContinuousClock.Instant?
    var polls = [pollfd](repeating: pollfd(), count: 5)
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.bufferSize, alignment: 16) { buffer in
      while true {
        polls[0] = pollfd(fd: output.pollNumber, events: Int16(POLLIN), revents: 0)
        polls[1] = pollfd(fd: errors.pollNumber, events: Int16(POLLIN), revents: 0)
        polls[2] = pollfd(
          fd: channel.isOpen ? channel.number : -1,
          events: Int16(channel.isFull ? POLLOUT : POLLIN), revents: 0)
        polls[3] = pollfd(fd: wakeUp.first.number, events: Int16(POLLIN), revents: 0)
        polls[4] = pollfd(fd: process?.exitSignal ?? -1, events: Int16(POLLIN), revents: 0)
        // An interrupted call changes nothing; its results are cleared above.
        let memoryCheck = memoryLimit == nil ? nil : lastLook.advanced(by: MemoryUse.interval)
        let tidying = Adoption.isOn ? lastTidying.advanced(by: Self.tidyInterval) : nil
        let deadline = [killTime ?? limit, memoryCheck, tidying, isReading ? nextReading : nil]
          .compactMap { $0 }.min()
        _ = unsafe poll(&polls, nfds_t(polls.count), timeout(until: deadline))
        if polls[0].revents != 0 { unsafe output.receive(into: buffer) { take($0) } }
        if polls[1].revents != 0 { unsafe errors.receive(into: buffer) { take($0) } }
        if polls[2].revents != 0 { serveChannel() }
        if isReading, ContinuousClock.now >= nextReading {
          unsafe readFiles(into: buffer)
          nextReading = .now + Self.fileInterval
        }
        // What is printed from here on is not read; only values that were told need no reading.
        if let fault = output.fault ?? errors.fault ?? followed?.fault, !hasToldValues {
          stop.request(.refused(fault))
        }
        if polls[3].revents != 0 { _ = unsafe wakeUp.first.read(into: buffer) }
        if polls[4].revents != 0 { return }
        if process?.exitSignal == nil, process?.hasExited ?? true { return }
        if let memoryLimit, ContinuousClock.now >= lastLook.advanced(by: MemoryUse.interval) {
          // It is killed at once: what grows would grow on while it is asked to go.
          if let used = MemoryUse.excess(of: family.members(with: number), over: memoryLimit) {
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

  private func timeout(until deadline: ContinuousClock.Instant?) -> Int32 {
    var milliseconds: Int32 = process?.exitSignal == nil ? Int32(Self.exitCheckMilliseconds) : -1
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
      family.send(SIGTERM, besides: number)
      family.send(SIGCONT, besides: number)
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
    if channel.isFull { channel.flush() }
    channel.receive { request in
      do {
        return try answer(ChannelRequest(json: request))
      } catch {
        if case StoreError.leaseLost = error { stop.request(.ordered(.lost("\(error)"))) }
        return ["ok": false, "error": .string("\(error)")]
      }
    }
  }

  private func answer(_ request: ChannelRequest) throws -> JSONValue {
    switch request {
    case .trial: return description
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
    }
    return ["ok": true]
  }

  private var description: JSONValue {
    let job = environment.job
    return [
      "ok": true, "study": .string(job.study), "number": .integer(job.number),
      "attempt": .integer(job.attempt), "seed": .integer(job.commandSeed),
      "params": job.parametersJSON,
      "user_attrs": .object(job.userAttributes.map { JSONValue.Member($0.key, $0.value) }),
      "directions": .array(objective.objectives.map { .string($0.direction.rawValue) }),
    ]
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
    guard let process = process.take() else { return }
    // In this order: while the process is not waited for, the handle cannot hit another.
    let requested = stop.reason
    stop.detach()
    let (end, usage, left) = process.wait(ending: family)
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.bufferSize, alignment: 16) { buffer in
      // What the command wrote before its end is there now; a descendant in another session may
      // write for ever.
      unsafe output.receive(rounds: 32, into: buffer) { take($0) }
      unsafe errors.receive(rounds: 32, into: buffer) { take($0) }
    }
    output.finish { take($0) }
    errors.finish { take($0) }
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.bufferSize, alignment: 16) { buffer in
      unsafe followed?.finish(into: buffer) { take($0) }
    }
    events?.look { take($0) }
    serveChannel()
    result.usage = usage
    var outcome = outcome(of: end, stoppedFor: requested ?? stop.reason)
    if case .completed = outcome, !hasToldValues, let fault = output.fault ?? errors.fault {
      outcome = .refused(fault)
    }
    if let fault = diskFault(behind: outcome) {
      result.fault = fault
      if outcome.mayComeOfTheDisk { outcome = .machineFault(fault) }
    }
    result.outcome = recordConstraints(outcome)
    result.notes = notes(on: end, result.outcome)
    if !left.isEmpty {
      let numbers = left.map(String.init).joined(separator: ", ")
      result.notes.append("SIGKILL does not end what it left running: process \(numbers)")
    }
    if result.outcome.isExplainedByErrors { result.lastErrors = lastErrors }
  }

  /// Why nothing can be written where the trial's files are: its logs met that, or it failed and
  /// nothing can be written now. nil when it is not so.
  private func diskFault(behind outcome: CommandOutcome) -> MachineFault? {
    let folder = environment.folder
    let met = output.log.fault ?? errors.log.fault
    let error = met ?? (outcome.mayComeOfTheDisk ? TrialFolders.diskFault(of: folder) : nil)
    return error.map { MachineFault("the trial's files cannot be written to '\(folder)'", $0) }
  }

  private func notes(on end: ChildProcess.End, _ outcome: CommandOutcome) -> [String] {
    var notes = [output.log.note, errors.log.note, events?.note].compactMap { $0 }
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
  private var lastErrors: [String] { LastLines.of(errors.log.tail) }

  /// Names that the command printed beside values.
  private var seenNames: [String] {
    MetricReading.names(in: output.log.tail + errors.log.tail, limit: 8)
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
