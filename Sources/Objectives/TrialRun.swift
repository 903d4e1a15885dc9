internal import StudyFiles
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
  let executor: ProcessExecutor
  let objective: TrialObjective
  let held: any HeldTrial
  var stop: StopHandle
  let follower: RunFollower
  let environment: TrialEnvironment
  var start: ContinuousClock.Instant
  let command: CommandProcess
  var phase: Phase

  enum Phase {
    /// The process, which has ended another trial, was told of this one and has not said anything.
    case offered(until: ContinuousClock.Instant)
    case running
    /// The trial has ended, and the process waits for another one.
    case waiting
    /// The trial has ended, and the process is to end.
    case over
  }

  let score: TrialScore
  /// What the command writes and is read while it does; nil where nothing is.
  var followed: FollowedFile?
  var events: EventFiles?
  /// How the command itself said that it ended.
  var toldOutcome: CommandOutcome?
  /// What the pruner answered when the command last asked whether to go on.
  var pruningReason: String?
  /// Whether it told its final values.
  var hasToldValues = false
  /// Whether a note says that the process runs this trial.
  var hasNote = false

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
    _ executor: ProcessExecutor, _ objective: TrialObjective, _ task: TrialTask, program: String,
    words: [String]
  ) throws(ProgramError) {
    self.executor = executor
    self.objective = objective
    held = task.held
    stop = task.stop
    follower = task.follower
    environment = task.environment
    start = task.start
    score = TrialScore(objective, task)
    (followed, events) = Self.growingFiles(objective, environment)
    phase = .running
    do throws(SystemError) {
      command = try CommandProcess(
        program: program, words: words,
        environment: executor.variables(in: environment, of: objective),
        folder: executor.folder, mark: environment.folder, rule: executor.stayRule,
        scanners: executor.scanners(of: objective))
    } catch {
      throw ProgramError(program: words.first ?? program, error)
    }
  }

  /// Offers the trial to the process that waits in an earlier run of the same command.
  init(
    _ executor: ProcessExecutor, _ objective: TrialObjective, _ task: TrialTask,
    continuing earlier: TrialRun
  ) {
    self.executor = executor
    self.objective = objective
    held = task.held
    stop = task.stop
    follower = task.follower
    environment = task.environment
    start = task.start
    score = TrialScore(objective, task)
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
    _ objective: TrialObjective, _ environment: TrialEnvironment
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

  /// Takes a value that the command printed, or logged by its name.
  ///
  /// - Parameter asks: Whether the command asks itself whether to stop.
  func take(_ measurement: Measurement, asks: Bool = false) {
    score.take(measurement, asks: asks)
  }
}
