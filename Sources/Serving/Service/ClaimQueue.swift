internal import Coordination
internal import Messages
internal import StudyModel
internal import System
internal import Trials

/// Hands trials to workers, and lets those wait for whom there is none.
///
/// A claim that finds nothing waits without a thread; when a study may have trials again, those who
/// wait are served in the order they came, sixteen at a time, so that their claims share
/// transactions.
final class ClaimQueue: Sendable {
  private let servedStudies: ServedStudies
  private let jobs: JobQueue
  private let state = Lock(State())
  /// How many of those who wait are served at a time.
  private static let batch = 16

  /// A claim, and who made it.
  struct Claim: Sendable {
    let request: ClaimRequest
    let grant: Grant

    /// Claims with equal keys are about the same studies.
    var key: Key {
      Key(study: request.study, studies: grant.studies, refused: Set(request.refused))
    }
  }

  struct Key: Hashable, Sendable {
    /// The only study; nil for all with a command.
    let study: String?
    /// Those that the token is good for; nil for all.
    let studies: Set<String>?
    /// Those whose trials the worker does not take.
    let refused: Set<String>

    /// Whether a served study is one of them.
    func includes(_ served: ServedStudy) -> Bool {
      if refused.contains(served.name) { return false }
      if let study { return study == served.name }
      return served.hasCommand && studies?.contains(served.name) ?? true
    }
  }

  private struct Waiter: Sendable {
    let claim: Claim
    let exchange: HTTPExchange
    /// In milliseconds of the server's clock.
    let deadline: UInt64
    /// The answer when the claim fails; nil for the failure itself.
    let fallback: HTTPResponse?
    /// What goes into the answer beside the trials.
    let answer: @Sendable (ClaimAnswer) -> HTTPResponse

    func fail(_ error: any Error) { exchange.respond(fallback ?? APIError(error).response) }
  }

  private struct State {
    var waiters: [Waiter] = []
    /// Grows when trials may have become available.
    var generation = 0
    var isServing = false
    var isClosed = false
  }

  init(_ servedStudies: ServedStudies, _ jobs: JobQueue) {
    self.servedStudies = servedStudies
    self.jobs = jobs
  }

  /// How many claims wait.
  var waiting: Int { state.withLock { $0.waiters.count } }

  /// How many claims wait that a trial of this study would answer.
  func waiting(for study: String) -> Int {
    guard let served = servedStudies.all.first(where: { $0.name == study }) else { return 0 }
    return state.withLock { $0.waiters.count { $0.claim.key.includes(served) } }
  }

  // MARK: Claiming

  /// Claims now, or when there is something to claim, and answers the exchange.
  ///
  /// - Parameters:
  ///   - fallback: The answer when the claim fails; nil for the failure itself.
  ///   - answer: Makes the answer; called once.
  func claim(
    _ claim: Claim, _ exchange: HTTPExchange, fallback: HTTPResponse? = nil,
    answer: @escaping @Sendable (ClaimAnswer) -> HTTPResponse
  ) {
    let deadline =
      ServerTime.milliseconds
      + UInt64(clamped: claim.request.waitSeconds * 1_000, to: 0...86_400_000)
    attempt(
      Waiter(
        claim: claim, exchange: exchange, deadline: deadline, fallback: fallback, answer: answer))
  }

  /// Tries once; what finds nothing goes to those who wait.
  private func attempt(_ waiter: Waiter) {
    let generation = state.withLock { $0.generation }
    take(waiter.claim) { [self] result in
      switch result {
      case .failure(let error): waiter.fail(error)
      case .success(let found):
        if !found.trials.isEmpty || found.done || waiter.deadline <= ServerTime.milliseconds {
          waiter.exchange.respond(waiter.answer(found))
          return
        }
        let outcome = state.withLock { state -> Bool? in
          if state.isClosed { return nil }
          // Something may have come between the look and the wait.
          guard state.generation == generation else { return false }
          state.waiters.append(waiter)
          return true
        }
        switch outcome {
        case nil: waiter.exchange.respond(waiter.answer(found))
        case false?: run { [self] in attempt(waiter) }
        case true?: break
        }
      }
    }
  }

  /// Claims from the studies in turn, those with the fewest running trials first.
  func take(
    _ claim: Claim, completion: @escaping @Sendable (Result<ClaimAnswer, any Error>) -> Void
  ) {
    do {
      let studies = try candidates(claim)
      let open = studies.filter { !$0.isOverTime }
      let order =
        open.count < 2
        ? open : open.map { ($0, $0.dispatcher.held.count) }.sorted { $0.1 < $1.1 }.map(\.0)
      var shares: [(ServedStudy, Int)] = []
      // First each its share, then those who want more.
      var left = claim.request.slots
      for (index, study) in order.enumerated() where left > 0 {
        let share = (left + order.count - index - 1) / (order.count - index)
        shares.append((study, share))
        left -= share
      }
      if order.count > 1 { shares += order.map { ($0, claim.request.slots) } }
      collect(claim, studies, shares[...], [], completion)
    } catch {
      completion(.failure(error))
    }
  }

  private func candidates(_ claim: Claim) throws -> [ServedStudy] {
    // One that is named is served from now on.
    if let name = claim.request.study { _ = try servedStudies.study(named: name) }
    let key = claim.key
    return servedStudies.all.filter(key.includes)
  }

  private func collect(
    _ claim: Claim, _ studies: [ServedStudy], _ shares: ArraySlice<(ServedStudy, Int)>,
    _ taken: [Assignment],
    _ completion: @escaping @Sendable (Result<ClaimAnswer, any Error>) -> Void
  ) {
    let left = claim.request.slots - taken.count
    guard left > 0, let (study, share) = shares.first else {
      completion(Result { try Self.answer(taken, studies, to: claim.key) })
      return
    }
    study.dispatcher.exchange(
      DispatchRequest(worker: claim.request.worker, claiming: min(share, left))
    ) { [self] result in
      run { [self] in
        switch result {
        case .success(let answer):
          collect(
            claim, studies, shares.dropFirst(), taken + answer.trials.map(study.assignment),
            completion)
        case .failure(let error):
          // What was taken already is the worker's; the next claim meets the error again.
          completion(
            taken.isEmpty ? .failure(error) : .success(ClaimAnswer(trials: taken, done: false)))
        }
      }
    }
  }

  /// The answer to a claim that got these trials from these studies. A worker that takes none of
  /// any study is done, whatever others have to do.
  static func answer(
    _ trials: [Assignment], _ studies: [ServedStudy], to key: Key
  ) throws -> ClaimAnswer {
    let isDone =
      try trials.isEmpty && (!studies.isEmpty || !key.refused.isEmpty)
      && studies.allSatisfy { try $0.isExhausted }
    return ClaimAnswer(trials: trials, done: isDone)
  }

  /// Runs a job on another thread, or here when too many wait.
  private func run(_ job: @escaping @Sendable () -> Void) {
    jobs.run(job)
  }

  // MARK: Waiting

  /// Serves those who wait, since a study may have trials.
  func serveWaiters() {
    let starts = state.withLock { state in
      state.generation += 1
      guard !state.isServing, !state.waiters.isEmpty else { return false }
      state.isServing = true
      return true
    }
    if starts { run { [self] in serveBatch(dry: []) } }
  }

  /// Serves the first that may get something; `dry` are the keys that got nothing since the last
  /// change.
  private func serveBatch(dry: Set<Key>) {
    let (batch, generation) = state.withLock { state -> ([Waiter], Int) in
      var batch: [Waiter] = []
      var kept: [Waiter] = []
      for waiter in state.waiters {
        if batch.count < Self.batch, !dry.contains(waiter.claim.key) {
          batch.append(waiter)
        } else {
          kept.append(waiter)
        }
      }
      state.waiters = kept
      if batch.isEmpty { state.isServing = false }
      return (batch, state.generation)
    }
    guard !batch.isEmpty else { return }
    let round = Lock((left: batch.count, dry: dry, unserved: [Waiter]()))
    let shared = Shared(round)
    for waiter in batch {
      serve(waiter) { [self] isServed in
        let end = shared.value.withLock { round -> (Set<Key>, [Waiter])? in
          round.left -= 1
          if !isServed {
            round.dry.insert(waiter.claim.key)
            round.unserved.append(waiter)
          }
          return round.left == 0 ? (round.dry, round.unserved) : nil
        }
        guard let (dry, unserved) = end else { return }
        let isStale = state.withLock { state in
          state.waiters = unserved + state.waiters
          return state.generation != generation
        }
        run { [self] in serveBatch(dry: isStale ? [] : dry) }
      }
    }
  }

  private final class Shared: Sendable {
    let value: Lock<(left: Int, dry: Set<Key>, unserved: [Waiter])>
    init(_ value: consuming Lock<(left: Int, dry: Set<Key>, unserved: [Waiter])>) {
      self.value = value
    }
  }

  /// Tries for one who waits; `completion` gets whether it is answered.
  private func serve(_ waiter: Waiter, completion: @escaping @Sendable (Bool) -> Void) {
    // A trial for a client that has gone would only come back when its lease runs out.
    if waiter.exchange.isClientGone {
      waiter.exchange.respond(waiter.answer(ClaimAnswer(trials: [], done: false)))
      completion(true)
      return
    }
    take(waiter.claim) { result in
      switch result {
      case .failure(let error):
        waiter.fail(error)
        completion(true)
      case .success(let found):
        let isAnswer = !found.trials.isEmpty || found.done
        if isAnswer { waiter.exchange.respond(waiter.answer(found)) }
        completion(isAnswer)
      }
    }
  }

  /// Answers those who waited as long as they wanted to. Called a few times a second.
  func answerLate() {
    let now = ServerTime.milliseconds
    let late = state.withLock { state in
      guard state.waiters.contains(where: { $0.deadline <= now }) else { return [Waiter]() }
      let late = state.waiters.filter { $0.deadline <= now }
      state.waiters.removeAll { $0.deadline <= now }
      return late
    }
    for waiter in late {
      waiter.exchange.respond(waiter.answer(ClaimAnswer(trials: [], done: false)))
    }
  }

  /// Answers those for whom nothing will ever come. Called every second or so.
  func answerDone() {
    let keys = state.withLock { Set($0.waiters.map(\.claim.key)) }
    let isAnyDone = keys.contains { key in
      let done = Result {
        try Self.answer([], servedStudies.all.filter(key.includes), to: key).done
      }
      // A store that cannot be asked now is asked again in a second.
      return if case .success(true) = done { true } else { false }
    }
    if isAnyDone { serveWaiters() }
  }

  /// Answers all who wait, and lets none wait any more.
  func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters {
      waiter.exchange.respond(waiter.answer(ClaimAnswer(trials: [], done: false)))
    }
  }
}
