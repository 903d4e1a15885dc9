internal import JSON
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import Trials

/// What the run answers its command over the channel, and how its process goes on to other trials.
extension TrialRun {
  func serveChannel() {
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
    // Threads log until the very end.
    case .over:
      if case .log = request { return .none }
      return .now(try answerAfterEnd(request))
    case .offered: phase = .running
    case .running, .waiting: break
    }
    switch request {
    case .next: return try handOver()
    case .taken: return .none
    case .log(let metrics, let step, let asks):
      for metric in metrics { take(measurement(of: metric, step), asks: asks) }
      return .none
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
      score.values.add(value, of: 0)
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
    case .setConstraint(let name, let value): score.constraints.add(value, as: name)
    case .tell(let told):
      score.values.tell(told)
      hasToldValues = true
    case .tellPruned: toldOutcome = prunedOutcome
    case .tellInfeasible: toldOutcome = .infeasible
    case .tellFailed(let reason): toldOutcome = .reportedFailure(reason)
    case .next, .taken, .log: break
    }
    return ["ok": true]
  }

  /// A value that was logged by its name, whichever metric it is of.
  private func measurement(of metric: Attribute, _ step: Int?) -> Measurement {
    let names = objective.metricNames
    let place = names.firstIndex(of: metric.key)
    return Measurement(
      objective: place ?? names.count, spelled: MetricReading.spelled(metric.value),
      text: metric.value.string ?? metric.value.text(), step: step.map { .number($0) } ?? .none,
      name: place == nil ? metric.key : nil)
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
      .init("reuse", .string(executor.reuse.text)),
    ]
  }

  // MARK: One process, several trials

  /// Tells the process, which waits, of the trial. What it said before is not of this one.
  func offer() {
    command.drain { _ in }
    command.serve(environment.folder, scanners: executor.scanners(of: objective))
    let change = environment.change(
      adding: executor.variables, executor.parameterVariables,
      spelling: executor.command.spelling, folder: executor.folder)
    command.channel.giveOwedAnswer(.object(description + change))
  }

  /// Leaves word of which trial the process runs, for who takes another attempt at it. Without the
  /// word that attempt goes on all the same, so that a disk that is full is not this run's matter.
  func note(isServing: Bool) {
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
    guard command.served < executor.reuse.limit,
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

  func finish(stoppedBy stop: StopHandle) {
    phase = .over
    self.stop = stop
    start = .now
    _ = follow()
    stop.detach()
    _ = command.wait()
    command.drain { _ in }
  }
}
