package import StudyModel

/// The leases that a coordinator handed out: who is heard of, what is to be renewed in the store,
/// what ran out, and what a result that arrives is worth. Pure: no clock, no I/O; an event and the
/// steady time go in, actions come out.
///
/// A lease is *held* from its handing out to its end. While its worker is heard of, its deadline
/// moves on, and the store's copy of it follows by renewal: never later than what the worker
/// earned, so that any other coordinator on the store may judge by the store's deadline alone. When
/// the deadline passes the lease has *run out*: any worker may take the trial over, and until one
/// does, the worker that is heard of again has it back; after another such time the table forgets
/// it. It *ends* by its worker's result, by being given back, or when the store says that another
/// worker took the trial over. Whether a token is live is the store's to say in the end; the table
/// knows what needs no question.
package struct LeaseTable: Sendable, Hashable {
  /// A lease that did not end yet.
  package struct Held: Sendable, Hashable {
    /// The lease itself, with its trial and its worker.
    package let lease: Lease
    /// When it runs out unless the worker is heard of before.
    package var deadline: Duration
    /// When it runs out as far as the store knows.
    package var stored: Duration
    /// Whether a result under it is being written.
    package var isEnding = false
    /// Whether it ran out, and that was said.
    package var hasRunOut = false

    var worker: String { lease.worker }
    var trial: Int { lease.trial.number }
  }

  /// How a lease ended.
  package enum Ending: Sendable, Hashable {
    /// A result was taken under it.
    case result
    /// It was given back, or another worker has the trial; why.
    case lost(String)
  }

  /// What happened, as the table is told.
  package enum Event: Sendable, Hashable {
    /// The store gave a trial to a worker; its deadline there is `stored`.
    case handedOut(Lease, stored: Duration)
    /// An open attempt was found in the store, whose worker an earlier coordinator served.
    case takenUp(Lease)
    /// A worker lives and holds these tokens.
    case heard(worker: String, tokens: [String])
    /// A result came.
    case resultCame(token: String, worker: String)
    /// The result is in the store.
    case resultTaken(token: String)
    /// The result could not be written; the lease is as it was.
    case resultFailed(token: String)
    /// The store knows that the lease is not live.
    case foundLost(token: String, reason: String)
    /// The store has these deadlines now.
    case renewed([Renewal])
    /// The store did not answer when the renewal was sent.
    case renewalFailed
    /// The worker says that it leaves.
    case left(worker: String)
    /// The lease was given back.
    case givenBack(token: String, reason: String)
    /// The study was cancelled; its workers are to stop.
    case cancelled(Bool)
    /// A user wants the trials under these tokens stopped, and no others any more.
    case stopWished(Set<String>)
    /// Time went by.
    case time
  }

  /// A deadline for the store.
  package struct Renewal: Sendable, Hashable {
    /// The lease that is kept.
    package let lease: Lease
    /// When it is to run out, by the table's clock.
    package let deadline: Duration
  }

  /// What the keeper of the table is to do now.
  package enum Action: Sendable, Hashable {
    /// Write these deadlines, then say ``Event/renewed(_:)``, ``Event/foundLost(token:reason:)`` or
    /// ``Event/renewalFailed``.
    case renew([Renewal])
    /// Write the result, then say what became of it.
    case takeResult(token: String)
    /// The result is not to be written now: another one under the token is, or was.
    case refuse(token: String, Refusal)
    /// Give the lease back as preempted, then say ``Event/givenBack(token:reason:)``.
    case giveBack(Lease)
    /// Tell the worker that it holds this no longer.
    case tellLost(token: String, reason: String)
    /// Tell the worker to stop this trial.
    case tellStop(token: String)
    /// Ask the store about this token, which the table does not know.
    case lookUp(token: String)
    /// Tell those who wait for a trial that there may be one.
    case wake
  }

  /// Why a result is not written.
  package enum Refusal: Sendable, Hashable {
    /// One under the same token is being written.
    case isEnding
    case ended(Ending)
    /// Another worker holds that token.
    case notYours
  }

  /// How long after its deadline a lease has run out for the store too: its deadline there may be a
  /// little later, by as long as writing it down took.
  package static let slack: Duration = .milliseconds(50)

  /// How long a lease lasts without its worker being heard of.
  package let duration: Duration
  /// The leases that did not end, by token.
  package private(set) var held: [String: Held] = [:]
  private var tokens: [Int: String] = [:]
  private var isCancelled = false
  private var stopWishes: Set<String> = []
  /// Whether a renewal is under way.
  private var isRenewing = false
  /// The endings that are remembered, the latest at the end of ``endedOrder``.
  private var endings: [String: Ending] = [:]
  private var endedOrder: [String] = []
  private let memory: Int

  /// - Parameters:
  ///   - duration: At least two seconds in practice.
  ///   - memory: How many leases that ended are remembered at least; the store knows all.
  package init(duration: Duration, memory: Int = 4_096) {
    self.duration = duration
    self.memory = memory
  }

  /// The token under which a trial is held; nil without one.
  package func token(of trial: Int) -> String? { tokens[trial] }

  /// How a lease ended that the table still remembers; nil for others.
  package func ending(of token: String) -> Ending? { endings[token] }

  /// When ``Event/time`` has something to do next; nil while nothing is held.
  package var nextMoment: Duration? {
    var next: Duration?
    for lease in held.values {
      let moment =
        lease.hasRunOut
        ? lease.deadline + duration
        : min(
          lease.deadline + Self.slack, isRenewing ? .seconds(1 << 40) : renewalMoment(of: lease))
      next = min(next ?? moment, moment)
    }
    return next
  }

  /// When the store's deadline of a lease that has earned a later one must be moved.
  private func renewalMoment(of lease: Held) -> Duration {
    lease.deadline > lease.stored ? lease.stored - duration * 2 / 3 : lease.deadline + Self.slack
  }

  /// Takes in what happened and returns what is to be done about it.
  package mutating func handle(_ event: Event, at now: Duration) -> [Action] {
    switch event {
    case .handedOut(let lease, let stored):
      begin(Held(lease: lease, deadline: stored, stored: stored))
      return []
    case .takenUp(let lease):
      guard held[lease.token] == nil else { return [] }
      begin(Held(lease: lease, deadline: now + duration, stored: now))
      return renewals(at: now)
    case .heard(let worker, let tokens):
      return heard(from: worker, tokens, at: now)
    case .resultCame(let token, let worker):
      return resultCame(token, from: worker)
    case .resultTaken(let token):
      end(token, .result)
      return []
    case .resultFailed(let token):
      held[token]?.isEnding = false
      return []
    case .foundLost(let token, let reason):
      end(token, .lost(reason))
      return []
    case .renewed(let renewals):
      isRenewing = false
      for renewal in renewals { held[renewal.lease.token]?.stored = renewal.deadline }
      return []
    case .renewalFailed:
      isRenewing = false
      return []
    case .left(let worker):
      return held.values.filter { $0.worker == worker && !$0.isEnding }
        .sorted { $0.trial < $1.trial }.map { .giveBack($0.lease) }
    case .givenBack(let token, let reason):
      end(token, .lost(reason))
      return [.wake]
    case .cancelled(let isCancelled):
      self.isCancelled = isCancelled
      return []
    case .stopWished(let tokens):
      stopWishes = tokens
      return []
    case .time:
      return timePassed(now)
    }
  }

  private mutating func begin(_ lease: Held) {
    let token = lease.lease.token
    // The store hands a trial out again only when the lease before is not live.
    if let before = tokens[lease.trial], before != token {
      end(before, .lost("its lease ran out, and trial \(lease.trial) runs elsewhere"))
    }
    held[token] = lease
    tokens[lease.trial] = token
    forget(token)
  }

  private mutating func end(_ token: String, _ ending: Ending) {
    if let lease = held.removeValue(forKey: token), tokens[lease.trial] == token {
      tokens[lease.trial] = nil
    }
    guard endings[token] == nil else { return }
    endings[token] = ending
    endedOrder.append(token)
    guard endedOrder.count >= 2 * memory else { return }
    for old in endedOrder.prefix(memory) { endings[old] = nil }
    endedOrder.removeFirst(memory)
  }

  private mutating func forget(_ token: String) {
    guard endings.removeValue(forKey: token) != nil else { return }
    endedOrder.removeAll { $0 == token }
  }

  private mutating func heard(
    from worker: String, _ tokens: [String], at now: Duration
  ) -> [Action] {
    var actions: [Action] = []
    for token in tokens {
      guard var lease = held[token] else {
        switch endings[token] {
        case .result?: break
        case .lost(let reason)?: actions.append(.tellLost(token: token, reason: reason))
        case nil: actions.append(.lookUp(token: token))
        }
        continue
      }
      guard lease.worker == worker else {
        actions.append(.tellLost(token: token, reason: "another worker holds it"))
        continue
      }
      lease.deadline = max(lease.deadline, now + duration)
      lease.hasRunOut = false
      held[token] = lease
      if isCancelled || stopWishes.contains(token) { actions.append(.tellStop(token: token)) }
    }
    return actions + renewals(at: now)
  }

  private mutating func resultCame(_ token: String, from worker: String) -> [Action] {
    guard let lease = held[token] else {
      if let ending = endings[token] { return [.refuse(token: token, .ended(ending))] }
      return [.lookUp(token: token)]
    }
    guard lease.worker == worker else { return [.refuse(token: token, .notYours)] }
    guard !lease.isEnding else { return [.refuse(token: token, .isEnding)] }
    held[token]?.isEnding = true
    return [.takeResult(token: token)]
  }

  private mutating func timePassed(_ now: Duration) -> [Action] {
    var actions = renewals(at: now)
    var hasNews = false
    for (token, lease) in held where lease.deadline + Self.slack <= now && !lease.isEnding {
      if !lease.hasRunOut {
        held[token]?.hasRunOut = true
        hasNews = true
      } else if lease.deadline + duration <= now {
        // Another coordinator may have given the trial to its worker. The store knows.
        held[token] = nil
        if tokens[lease.trial] == token { tokens[lease.trial] = nil }
      }
    }
    if hasNews { actions.append(.wake) }
    return actions
  }

  /// The deadlines that the store must have: all that are behind, once one of them presses.
  private mutating func renewals(at now: Duration) -> [Action] {
    guard !isRenewing else { return [] }
    let behind = held.values.filter { $0.deadline > max($0.stored, now) }
    guard behind.contains(where: { renewalMoment(of: $0) <= now }) else { return [] }
    isRenewing = true
    let renewals = behind.map { Renewal(lease: $0.lease, deadline: $0.deadline) }
    return [.renew(renewals.sorted { $0.lease.trial.number < $1.lease.trial.number })]
  }
}
