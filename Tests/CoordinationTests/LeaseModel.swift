import Coordination
import StudyModel

/// A lease table with the store, the workers and the network around it, small enough to visit every
/// state that it can get into.
///
/// The store is what a `StudyStore` promises and no more: attempts that close once, deadlines, and
/// a fence. A coordinator may die between any two events; workers may fall silent, send a result
/// twice, or never hear what they got.
struct LeaseModel: Hashable {
  struct Attempt: Hashable {
    let worker: String
    let token: String
    /// The store's deadline.
    var deadline: Duration
    var isOpen = true
    /// When the worker was last heard of, by a coordinator that was alive since.
    var heardAt: Duration
  }

  struct Trial: Hashable {
    var attempts: [Attempt] = []
    /// The tokens whose results were applied; one at most.
    var applied: [String] = []

    var isFinished: Bool { !applied.isEmpty }
    var token: String? { attempts.last.flatMap { $0.isOpen ? $0.token : nil } }
  }

  enum Event: Hashable {
    /// The worker asks for a trial; the answer may never reach it.
    case claim(String, arrives: Bool)
    /// Another coordinator on the store takes a trial for a worker of its own.
    case claimElsewhere
    case heartbeat(String, renews: Bool)
    /// The worker sends the result of what it holds, which the coordinator may survive or not.
    case result(String, Int, Delivery)
    case leave(String)
    case pass(Int)
    case crash
  }

  enum Delivery: Hashable, CaseIterable {
    case answered
    /// The answer is lost, so the worker will send the result again.
    case unanswered
    /// The store fails before it has written anything.
    case storeFails
    /// The coordinator dies after the store has written and before it answers.
    case crashes
  }

  static let leaseTime: Duration = .seconds(10)
  static let limit = 2
  static let study = StudyRecord(id: 1, token: "study", name: "s", directions: [.minimize])

  var table = LeaseTable(duration: leaseTime, memory: 2)
  var now: Duration = .zero
  var trials: [Trial] = []
  /// What each worker believes to hold, and whether it was told that the result is in.
  var workers: [String: [Int: String]] = ["a": [:], "b": [:]]
  /// Whether a renewal has failed, so that living leases may be lost.
  var hasFailed = false
  /// What went against the promises; the search stops at the first.
  var faults: [String] = []

  /// What may happen next.
  var events: [Event] {
    var events: [Event] = [.pass(3), .pass(10), .crash, .claimElsewhere]
    for worker in ["a", "b"] {
      events += [.claim(worker, arrives: true), .heartbeat(worker, renews: true)]
      if worker == "a" {
        events += [.claim(worker, arrives: false), .heartbeat(worker, renews: false)]
      }
      let held = workers[worker, default: [:]].keys.sorted()
      for trial in held {
        events += Delivery.allCases.filter { worker == "a" || $0 == .answered }
          .map { .result(worker, trial, $0) }
      }
      if !held.isEmpty { events.append(.leave(worker)) }
    }
    return events
  }

  mutating func take(_ event: Event) {
    switch event {
    case .claim(let worker, let arrives):
      guard let (number, token) = claim(for: worker) else { return }
      let lease = lease(number, token, worker)
      perform(table.handle(.handedOut(lease, stored: now + Self.leaseTime), at: now))
      if arrives { workers[worker]?[number] = token }
    case .claimElsewhere:
      _ = claim(for: "elsewhere")
    case .heartbeat(let worker, let renews):
      let held = workers[worker, default: [:]]
      let actions = table.handle(.heard(worker: worker, tokens: held.values.sorted()), at: now)
      for (number, token) in held where trials[number].token == token {
        trials[number].attempts[trials[number].attempts.count - 1].heardAt = now
      }
      for action in actions { answer(action, worker) }
      perform(actions, renews: renews)
    case .result(let worker, let number, let delivery):
      send(worker, number, delivery)
    case .leave(let worker):
      for case .giveBack(let lease) in table.handle(.left(worker: worker), at: now) {
        _ = close(lease.trial.number, lease.token)
        perform(table.handle(.givenBack(token: lease.token, reason: "left"), at: now))
      }
      workers[worker] = [:]
    case .pass(let seconds):
      // A coordinator looks at the clock at least once a second.
      for _ in 0..<seconds {
        now += .seconds(1)
        perform(table.handle(.time, at: now))
      }
    case .crash:
      crash()
    }
    check()
  }

  private mutating func crash() {
    table = LeaseTable(duration: Self.leaseTime, memory: 2)
    for number in trials.indices {
      guard let token = trials[number].token, let last = trials[number].attempts.last,
        last.worker != "elsewhere"
      else { continue }
      trials[number].attempts[trials[number].attempts.count - 1].heardAt = now
      perform(table.handle(.takenUp(lease(number, token, last.worker)), at: now))
    }
  }

  private func lease(_ number: Int, _ token: String, _ worker: String) -> Lease {
    Lease(
      study: Self.study, trial: TrialReference(id: number, number: number),
      attempt: trials[number].attempts.count, worker: worker, token: token)
  }

  // MARK: The store

  private mutating func claim(for worker: String) -> (Int, String)? {
    for number in trials.indices where !trials[number].isFinished {
      let last = trials[number].attempts[trials[number].attempts.count - 1]
      if last.isOpen {
        guard last.deadline <= now else { continue }
        if !hasFailed, last.worker != "elsewhere", now - last.heardAt < Self.leaseTime {
          faults.append("trial \(number) was taken from \(last.worker), who was heard of")
        }
        _ = close(number, last.token)
      }
      return (number, open(number, worker))
    }
    guard trials.count < Self.limit else { return nil }
    trials.append(Trial())
    return (trials.count - 1, open(trials.count - 1, worker))
  }

  private mutating func open(_ number: Int, _ worker: String) -> String {
    let token = "\(number)-\(trials[number].attempts.count)"
    trials[number].attempts.append(
      Attempt(worker: worker, token: token, deadline: now + Self.leaseTime, heardAt: now))
    return token
  }

  private mutating func close(_ number: Int, _ token: String) -> Bool {
    guard trials[number].token == token else { return false }
    trials[number].attempts[trials[number].attempts.count - 1].isOpen = false
    return true
  }

  private mutating func renew(_ renewals: [LeaseTable.Renewal]) {
    var lost: [String] = []
    for renewal in renewals {
      let number = renewal.lease.trial.number
      guard trials[number].token == renewal.lease.token else {
        lost.append(renewal.lease.token)
        continue
      }
      let last = trials[number].attempts.count - 1
      trials[number].attempts[last].deadline = max(
        trials[number].attempts[last].deadline, renewal.deadline)
    }
    perform(table.handle(.renewed(renewals), at: now))
    for token in lost { perform(table.handle(.foundLost(token: token, reason: "gone"), at: now)) }
  }

  private mutating func apply(_ number: Int, _ token: String) -> Bool {
    guard close(number, token) else { return false }
    trials[number].applied.append(token)
    return true
  }

  // MARK: The coordinator

  private mutating func perform(_ actions: [LeaseTable.Action], renews: Bool = true) {
    for case .renew(let renewals) in actions {
      if renews {
        renew(renewals)
      } else {
        hasFailed = true
        perform(table.handle(.renewalFailed, at: now))
      }
    }
  }

  /// Takes up what a worker holds that the table does not know; false when it is not live.
  private mutating func lookUp(_ number: Int, _ token: String, _ worker: String) -> Bool {
    guard trials[number].token == token else { return false }
    trials[number].attempts[trials[number].attempts.count - 1].heardAt = now
    perform(table.handle(.takenUp(lease(number, token, worker)), at: now))
    return true
  }

  private mutating func answer(_ action: LeaseTable.Action, _ worker: String) {
    switch action {
    case .tellLost(let token, _): drop(token, worker)
    case .lookUp(let token):
      guard let number = workers[worker]?.first(where: { $0.value == token })?.key else { return }
      if !lookUp(number, token, worker) { drop(token, worker) }
    default: return
    }
  }

  /// The worker stops what it was told it does not hold.
  private mutating func drop(_ token: String, _ worker: String) {
    guard let number = workers[worker]?.first(where: { $0.value == token })?.key else { return }
    if trials[number].token == token {
      faults.append("\(worker) was told that the live token \(token) is lost")
    }
    workers[worker]?[number] = nil
  }

  private mutating func send(_ worker: String, _ number: Int, _ delivery: Delivery) {
    guard let token = workers[worker]?[number] else { return }
    var isApplied: Bool
    var isFirst = true
    while true {
      guard let action = table.handle(.resultCame(token: token, worker: worker), at: now).first
      else {
        faults.append("a result under \(token) was answered by nothing")
        return
      }
      switch action {
      case .takeResult:
        if delivery == .storeFails {
          perform(table.handle(.resultFailed(token: token), at: now))
          return
        }
        isApplied = apply(number, token)
        if delivery == .crashes {
          crash()
          return
        }
        perform(
          table.handle(
            isApplied ? .resultTaken(token: token) : .foundLost(token: token, reason: "gone"),
            at: now))
        if !isApplied { isApplied = trials[number].applied.contains(token) }
      case .refuse(_, .ended(.result)): isApplied = true
      case .refuse(_, .ended(.lost)): isApplied = trials[number].applied.contains(token)
      case .lookUp where isFirst:
        isFirst = false
        if lookUp(number, token, worker) { continue }
        isApplied = trials[number].applied.contains(token)
      default:
        faults.append("a result under \(token) was answered by \(action)")
        return
      }
      break
    }
    if isApplied != trials[number].applied.contains(token) {
      faults.append("\(worker) was told that \(token) is \(isApplied ? "in" : "lost")")
    }
    if delivery == .answered { workers[worker]?[number] = nil }
  }

  // MARK: Promises

  private mutating func check() {
    if trials.count > Self.limit { faults.append("\(trials.count) trials") }
    for (number, trial) in trials.enumerated() {
      if trial.applied.count > 1 { faults.append("trial \(number): \(trial.applied)") }
      if trial.attempts.filter(\.isOpen).count > 1 {
        faults.append("trial \(number) is held twice")
      }
      if trial.attempts.dropLast().contains(where: \.isOpen) {
        faults.append("an attempt at trial \(number) never ended")
      }
      guard let last = trial.attempts.last, last.isOpen else { continue }
      // A dead lease is not kept: its trial may be taken when the lease time is over.
      if now - last.heardAt >= Self.leaseTime, last.deadline > now {
        faults.append("trial \(number) is kept for \(last.worker), who is silent")
      }
    }
    let held = table.held.values.map(\.lease.trial.number)
    if Set(held).count != held.count { faults.append("the table holds a trial twice: \(held)") }
  }

  /// From any state the study comes to its end: every trial has one result.
  mutating func finish() {
    take(.crash)
    take(.pass(10))
    for _ in 0..<2 * Self.limit {
      take(.claim("b", arrives: true))
      for number in workers["b", default: [:]].keys.sorted() {
        take(.result("b", number, .answered))
      }
    }
    if trials.count != Self.limit || trials.contains(where: { $0.applied.count != 1 }) {
      faults.append("the study does not end: \(trials)")
    }
  }
}
