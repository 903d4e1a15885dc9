internal import Stores
internal import StudyModel
internal import System
internal import Trials

/// How requests are carried out that came together.
extension Dispatcher {
  /// What the store says of a lease that is not known here.
  enum Found {
    case open(Lease)
    case closed(Attempt, Lease)
  }

  /// Carries out the jobs: reports first, then results, then claims; and answers them.
  func process(_ jobs: [Job]) {
    var answers: [Result<DispatchAnswer, any Error>] = jobs.map { _ in
      .success(DispatchAnswer())
    }
    var touched: [ActiveTrial] = []
    for (place, job) in jobs.enumerated() {
      do {
        touched += try record(job.request, &answers[place])
      } catch {
        answers[place] = .failure(error)
      }
    }
    do {
      try coordinator.flush(touched)
    } catch StoreError.leaseLost {
      // The trial knows, and the worker hears of it with its next heartbeat.
    } catch {
      for (place, job) in jobs.enumerated() where !job.request.reports.isEmpty {
        answers[place] = .failure(error)
      }
    }
    exchange(jobs, &answers)
    for (job, answer) in zip(jobs, answers) { job.completion(answer) }
  }

  // MARK: Reports

  /// Records what running trials said, and returns those trials.
  private func record(
    _ request: DispatchRequest, _ answer: inout Result<DispatchAnswer, any Error>
  ) throws -> [ActiveTrial] {
    if request.reports.isEmpty { return [] }
    var orders: [StopOrder] = []
    var trials: [String: ActiveTrial] = [:]
    var order: [String] = []
    func trial(_ lease: String) throws -> ActiveTrial? {
      if let known = trials[lease] { return known }
      if orders.contains(where: { $0.lease == lease }) { return nil }
      do {
        let found = try self.trial(under: lease, of: request.worker)
        trials[lease] = found
        return found
      } catch let error as DispatchError {
        orders.append(StopOrder(lease: lease, .lost("\(error)")))
        return nil
      }
    }
    for item in request.reports {
      do {
        guard let active = try trial(item.lease) else { continue }
        switch item.content {
        case .attribute(let attribute): try active.setAttribute(attribute)
        case .value(let report):
          try active.report(report.value, step: report.step)
          if !order.contains(item.lease) { order.append(item.lease) }
        }
      } catch TrialError.notRunning(let number) {
        trials[item.lease] = nil
        let error = TrialError.notRunning(number: number)
        orders.append(StopOrder(lease: item.lease, .lost("\(error)")))
      }
    }
    for lease in order {
      guard let stop = try trials[lease]?.shouldStop() else { continue }
      orders.append(StopOrder(lease: lease, stop))
    }
    if try coordinator.control() == .cancelled {
      orders += order.map { StopOrder(lease: $0, .cancelledStudy) }
    }
    answer = answer.map { answer in
      var answer = answer
      answer.orders = orders
      return answer
    }
    return Array(trials.values)
  }

  // MARK: Results and claims

  /// A result that can be written, and where its status goes.
  private struct Ending {
    let job: Int
    let place: Int
    let result: TrialResult
    let end: TrialEnd
  }

  private func exchange(
    _ jobs: [Job], _ answers: inout [Result<DispatchAnswer, any Error>]
  ) {
    var statuses = jobs.map { [Verdict?](repeating: nil, count: $0.request.results.count) }
    var failures = [(any Error)?](repeating: nil, count: jobs.count)
    var trials = jobs.map { _ in [ActiveTrial]() }
    var isFirst = true
    while true {
      // A result that comes twice in one batch is looked at again when the first one is written.
      var endings: [Ending] = []
      var isTwice = false
      for (job, entry) in jobs.enumerated() where failures[job] == nil {
        for (place, result) in entry.request.results.enumerated()
        where statuses[job][place] == nil {
          do {
            switch try receive(result, from: entry.request.worker) {
            case .end(let end):
              endings.append(Ending(job: job, place: place, result: result, end: end))
            case .status(let status): statuses[job][place] = status
            case .later: isTwice = true
            }
          } catch {
            failures[job] = error
          }
        }
      }
      let claims = isFirst ? jobs.indices.filter { jobs[$0].request.claiming > 0 } : []
      if endings.isEmpty, claims.isEmpty { break }
      let requests = claims.map { job in
        let request = jobs[job].request
        return TrialRequest(
          worker: RemoteWorker.storeName(request.worker), count: request.claiming)
      }
      do {
        let done = try coordinator.exchange(
          endings.map(\.end), requests, limit: limit, assigning: space)
        for (ending, told) in zip(endings, done.told) {
          do {
            statuses[ending.job][ending.place] = try conclude(
              ending.result, told, of: jobs[ending.job].request.worker)
          } catch {
            failures[ending.job] = error
          }
        }
        for (job, taken) in zip(claims, done.taken) {
          trials[job] = taken
          if taken.isEmpty, let failure = done.failure { failures[job] = failure }
        }
        noteClaims(requests, done)
      } catch {
        for ending in endings { keep(ending.end.active) }
        for job in Set(endings.map(\.job) + claims) { failures[job] = error }
      }
      isFirst = false
      guard isTwice else { break }
    }
    for job in jobs.indices {
      if let failure = failures[job], trials[job].isEmpty {
        answers[job] = .failure(failure)
      } else if case .success(var answer) = answers[job] {
        answer.results = statuses[job].map { $0 ?? .refused("it was not looked at; send it again") }
        answer.trials = trials[job]
        answers[job] = .success(answer)
      }
    }
  }

  /// Takes note of what was handed out, and of what there is no more of.
  private func noteClaims(_ requests: [TrialRequest], _ done: ExchangeResult) {
    if requests.isEmpty { return }
    let isShort = zip(requests, done.taken).contains { $1.count < $0.count }
    let now = coordinator.steadyTime
    state.withLock { state in
      for trial in done.taken.joined() { state.trials[trial.token] = trial }
      guard isShort, done.failure == nil else { return }
      state.isWanted = true
      state.emptyUntil = now + Self.lookInterval
      if done.hasRunDry { state.hasRunDry = true }
    }
  }

  private enum Reception {
    case end(TrialEnd)
    case status(Verdict)
    /// One under the same token is being written.
    case later
  }

  /// Looks at a result that came: whether it is to be written.
  private func receive(
    _ result: TrialResult, from worker: String
  ) throws -> Reception {
    let active: ActiveTrial
    do {
      let ticket = try parse(result.lease)
      let name = RemoteWorker.storeName(worker)
      if coordinator.held(under: ticket.token) == nil,
        case .closed(let attempt, let lease) = try lookUp(ticket, result.lease, of: worker)
      {
        return .status(try status(of: result, attempt, lease))
      }
      active = try trial(under: result.lease, of: worker)
      for action in coordinator.handle(.resultCame(token: ticket.token, worker: name)) {
        switch action {
        case .refuse(_, .isEnding): return .later
        case .refuse(_, .notYours):
          throw DispatchError.notYours(lease: result.lease, worker: worker)
        default: continue
        }
      }
    } catch let error as DispatchError {
      return .status(.refused("\(error)"))
    }
    do {
      for attribute in result.attributes { try active.setAttribute(attribute) }
      for report in result.reports { try active.report(report.value, step: report.step) }
    } catch TrialError.notRunning {
      // It was lost a moment ago; telling it finds that out.
    } catch {
      return .end(TrialEnd(active, .ended(.failed, reason: "\(error)")))
    }
    return .end(TrialEnd(active, result.outcome))
  }

  /// The status of a result that was sent to the store.
  private func conclude(
    _ result: TrialResult, _ told: Result<Trial, any Error>, of worker: String
  ) throws -> Verdict {
    let ticket = try parse(result.lease)
    switch told {
    case .success(let trial):
      let now = coordinator.steadyTime
      state.withLock { state in
        state.trials[ticket.token] = nil
        if !trial.state.isFinished { state.retries.append(now + coordinator.retries.delay) }
      }
      return .accepted(trial)
    case .failure(StoreError.leaseLost), .failure(TrialError.notRunning):
      state.withLock { $0.trials[ticket.token] = nil }
      switch try lookUp(ticket, result.lease, of: worker) {
      case .closed(let attempt, let lease): return try status(of: result, attempt, lease)
      case .open:
        // Another request ends it at this moment; the worker asks again.
        _ = coordinator.handle(.resultFailed(token: ticket.token))
        throw StoreError.leaseLost(trial: ticket.trial)
      }
    case .failure(let error as StoreError) where error.isWorthRetrying:
      _ = coordinator.handle(.resultFailed(token: ticket.token))
      throw error
    case .failure(let error):
      _ = coordinator.handle(.resultFailed(token: ticket.token))
      return .refused("\(error)")
    }
  }

  private func keep(_ active: ActiveTrial) {
    _ = coordinator.handle(.resultFailed(token: active.token))
  }

  /// The status of a result for an attempt that ended before: the same result again, or one that
  /// comes too late.
  private func status(
    of result: TrialResult, _ attempt: Attempt, _ lease: Lease
  ) throws -> Verdict {
    let outcome = result.outcome.checked(objectives: coordinator.study.directions.count)
    if outcome.isRecorded(as: attempt.outcome) {
      // It was committed, and the process that did it may have died before the disk had it.
      try coordinator.store.synchronize()
      let trials = try coordinator.store.trials(
        in: coordinator.study, numbers: [lease.trial.number])
      guard let trial = trials.first else {
        throw StoreError.unknownTrial(number: lease.trial.number, study: coordinator.study.name)
      }
      return .repeated(trial)
    }
    try coordinator.store.addLateResult(
      "came too late: \(outcome.summary)", reports: result.reports, to: lease)
    let ending = attempt.reason.isEmpty ? attempt.outcome?.rawValue ?? "" : attempt.reason
    return .lost(
      "\(DispatchError.leaseLost(trial: lease.trial.number, reason: ending)); "
        + "the result was kept in the attempt log")
  }

  // MARK: Looking up

  /// Reads a ticket of this study.
  func parse(_ lease: String) throws(DispatchError) -> LeaseTicket {
    guard let ticket = LeaseTicket(lease), ticket.studyID == coordinator.study.id else {
      throw .unknownLease(lease)
    }
    return ticket
  }

  /// Asks the store about a lease that is not held here.
  func lookUp(_ ticket: LeaseTicket, _ lease: String, of worker: String) throws -> Found {
    let (store, study) = (coordinator.store, coordinator.study)
    guard
      let attempt = try store.attempts(of: ticket.trial, in: study).first(where: {
        $0.number == ticket.attempt && $0.token == ticket.token
      }), let trial = try store.trials(in: study, numbers: [ticket.trial]).first
    else { throw DispatchError.unknownLease(lease) }
    guard attempt.worker == RemoteWorker.storeName(worker) else {
      throw DispatchError.notYours(lease: lease, worker: worker)
    }
    let found = Lease(
      study: study, trial: trial.reference, attempt: attempt.number, worker: attempt.worker,
      token: attempt.token)
    return attempt.endedAt == nil ? .open(found) : .closed(attempt, found)
  }

  /// Makes a trial that a worker holds an active one here.
  func takeUp(_ lease: Lease) throws -> ActiveTrial {
    let active = try coordinator.resume(lease)
    return state.withLock { state in
      if let known = state.trials[lease.token] { return known }
      state.trials[lease.token] = active
      return active
    }
  }
}

extension Outcome {
  /// Whether an attempt that ended so is recorded with that outcome.
  fileprivate func isRecorded(as outcome: AttemptOutcome?) -> Bool {
    switch self {
    case .completed: outcome == .completed
    case .pruned: outcome == .pruned
    case .ended(let kind, _): outcome == kind || outcome == .failed
    }
  }

  /// The outcome in a few words.
  fileprivate var summary: String {
    switch self {
    case .completed(let values):
      "completed with \(values.map(\.description).joined(separator: ", "))"
    case .pruned: "pruned"
    case .ended(let kind, let reason):
      reason.isEmpty ? kind.rawValue : "\(kind.rawValue), \(reason)"
    }
  }
}

extension StoreError {
  /// Whether the same call may succeed later: the store is at fault, not what it was given.
  var isWorthRetrying: Bool {
    switch self {
    case .busy, .full, .io, .readOnly: true
    default: false
    }
  }
}
