internal import Coordination
internal import JSON
internal import Messages
internal import StudyModel
internal import Synchronization
internal import System
internal import Trials

/// What workers call.
extension CoordinatorService {
  func register(_ call: Route.Call) throws -> HTTPResponse {
    let registration = try WorkerRegistration(parsing: call.request.body)
    guard registration.wireProtocol == WireProtocol.version else {
      throw APIError(
        409, "version_skew",
        "worker '\(registration.name)' speaks protocol \(registration.wireProtocol) (version "
          + "\(registration.version)) and this coordinator protocol \(WireProtocol.version) "
          + "(version \(settings.version)); install the same version on both")
    }
    try workers.register(registration, by: call.grant)
    settings.log(
      "worker '\(registration.name)' on \(registration.host) with \(registration.slots) slots")
    let lease = settings.leaseDuration.inSeconds
    let terms = WorkerTerms(
      wireProtocol: WireProtocol.version, coordinator: instance, leaseSeconds: lease,
      heartbeatSeconds: min(lease / 4, 10))
    return .message(terms, status: 201)
  }

  func removeWorker(_ call: Route.Call) throws -> HTTPResponse {
    let name = call.values[0]
    try workers.checkOwner(of: name, is: call.grant)
    // Another study's trials are not given back by who may not touch it.
    let held = servedStudies.all.filter {
      call.grant.allows($0.name) && !$0.dispatcher.held(by: name).isEmpty
    }
    for study in held { try study.dispatcher.workerLeft(name) }
    guard workers.remove(name) || !held.isEmpty else {
      throw APIError(
        404, "unknown_worker", "worker '\(name.prefix(200))' is not registered; it may have left")
    }
    settings.log("worker '\(name)' left")
    return .json(["name": .string(name)])
  }

  func heartbeat(_ call: Route.Call) throws -> HTTPResponse {
    let name = call.values[0]
    let heartbeat = try Heartbeat(parsing: call.request.body)
    try workers.heard(from: name, by: call.grant, draining: heartbeat.draining)
    var news = LeaseNews(orders: [])
    var byStudy: [Int: [String]] = [:]
    for lease in heartbeat.leases {
      guard let study = try servedStudies.study(of: lease) else {
        news.orders.append(StopOrder(lease: lease, .lost("its study does not exist any more")))
        continue
      }
      guard call.grant.allows(study.name) else {
        news.orders.append(StopOrder(lease: lease, .lost("the token is not good for its study")))
        continue
      }
      byStudy[study.record.id, default: []].append(lease)
    }
    for study in servedStudies.all where call.grant.allows(study.name) {
      let leases = byStudy[study.record.id] ?? []
      if leases.isEmpty, study.dispatcher.held(by: name).isEmpty { continue }
      news.orders += try study.dispatcher.heartbeat(name, holding: leases)
    }
    return .message(news)
  }

  func claim(_ call: Route.Call) throws -> HTTPResponse? {
    var request = try ClaimRequest(parsing: call.request.body)
    try check(&request, call)
    let metrics = metrics
    claimQueue.claim(ClaimQueue.Claim(request: request, grant: call.grant), call.exchange) {
      answer in
      metrics.count { $0.assignedTrials += answer.trials.count }
      return .message(answer)
    }
    return nil
  }

  /// Refuses a claim that the worker may not make, and gives it no more than it has slots.
  private func check(_ claim: inout ClaimRequest, _ call: Route.Call) throws {
    try checkDraining()
    let slots = try workers.heard(from: claim.worker, by: call.grant)
    if let study = claim.study { try call.check(study) }
    claim.slots = min(claim.slots, slots)
  }

  func suggest(_ call: Route.Call) throws -> HTTPResponse {
    let request = try SuggestRequest(parsing: call.request.body)
    try workers.checkOwner(of: request.worker, is: call.grant)
    let study = try study(of: request.lease, call)
    let values = try study.dispatcher.suggest(
      request.parameters, under: request.lease, of: request.worker)
    return .message(SuggestAnswer(internalValues: values))
  }

  /// The study of a lease that the token is good for.
  private func study(of lease: String, _ call: Route.Call) throws -> ServedStudy {
    guard let study = try servedStudies.study(of: lease) else {
      throw APIError(
        404, "unknown_lease", "no trial is held under the lease '\(lease.prefix(100))'")
    }
    try call.check(study.name)
    return study
  }

  func report(_ call: Route.Call) throws -> HTTPResponse? {
    let batch = try ReportBatch(parsing: call.request.body)
    try workers.checkOwner(of: batch.worker, is: call.grant)
    var requests: [(study: ServedStudy, request: DispatchRequest)] = []
    var news = LeaseNews(orders: [])
    /// The request to the lease's study; nil for a lease of none.
    func place(of lease: String) throws -> Int? {
      let study = try servedStudies.study(of: lease)
      guard let study, call.grant.allows(study.name) else {
        let isKnown = news.orders.contains { $0.lease == lease }
        if !isKnown {
          let reason =
            study == nil ? "no trial is held under it" : "the token is not good for its study"
          news.orders.append(StopOrder(lease: lease, .lost(reason)))
        }
        return nil
      }
      if let known = requests.firstIndex(where: { $0.study === study }) { return known }
      requests.append((study, DispatchRequest(worker: batch.worker)))
      return requests.count - 1
    }
    for report in batch.reports {
      guard let place = try place(of: report.lease) else { continue }
      requests[place].request.reports.append(report)
    }
    metrics.count { $0.reports += batch.reports.count(where: \.isValue) }
    guard !requests.isEmpty else { return .message(news) }
    let gathered = Gathered(news, requests.count)
    for (study, request) in requests {
      study.dispatcher.exchange(request) { outcome in
        switch outcome {
        case .success(let answer):
          if let news = gathered.add(answer.orders) { call.exchange.respond(.message(news)) }
        case .failure(let error): call.exchange.respond(APIError(error).response)
        }
      }
    }
    return nil
  }

  /// What several studies say to one batch of reports.
  private final class Gathered: Sendable {
    private let state: Lock<(news: LeaseNews, left: Int)>

    init(_ news: LeaseNews, _ count: Int) { state = Lock((news, count)) }

    /// All of it when this is the last, else nil.
    func add(_ orders: [StopOrder]) -> LeaseNews? {
      state.withLock { state in
        state.news.orders += orders
        state.left -= 1
        return state.left == 0 ? state.news : nil
      }
    }
  }

  // MARK: Results

  func finish(_ call: Route.Call) throws -> HTTPResponse? {
    var batch = try ResultBatch(parsing: call.request.body)
    try workers.checkOwner(of: batch.worker, is: call.grant)
    if let claim = batch.claim {
      guard claim.worker == batch.worker else {
        throw APIError(400, "bad_request", "'claim.worker' is not 'worker'; name one worker")
      }
      if let study = claim.study { try call.check(study) }
      if let slots = workers.slots(of: claim.worker) {
        batch.claim?.slots = min(claim.slots, slots)
      }
    }
    var groups: [(study: ServedStudy, places: [Int])] = []
    var items = batch.results.map {
      ResultAnswer.Item(lease: $0.lease, .lost("no trial is held under this lease"))
    }
    for (place, result) in batch.results.enumerated() {
      guard let study = try servedStudies.study(of: result.lease) else { continue }
      guard call.grant.allows(study.name) else {
        items[place].verdict = .refused("the token is not good for study '\(study.name)'")
        continue
      }
      if let group = groups.firstIndex(where: { $0.study === study }) {
        groups[group].places.append(place)
      } else {
        groups.append((study, [place]))
      }
    }
    let delivery = Delivery(
      batch: batch, call: call, items: Lock(items), left: Atomic(groups.count),
      mergedClaim: mergedClaim(batch, groups.map(\.study), call))
    guard !groups.isEmpty else {
      conclude(delivery, claimed: nil)
      return nil
    }
    for (study, places) in groups { deliver(delivery, to: study, places) }
    return nil
  }

  /// Results on their way to their studies.
  final class Delivery: Sendable {
    let batch: ResultBatch
    let call: Route.Call
    let items: Lock<[ResultAnswer.Item]>
    /// Studies that did not answer yet.
    let left: Atomic<Int>
    /// The claim, when the only study that it is about is the one of the results: both then share a
    /// transaction.
    let mergedClaim: ClaimRequest?

    init(
      batch: ResultBatch, call: Route.Call, items: consuming Lock<[ResultAnswer.Item]>,
      left: consuming Atomic<Int>, mergedClaim: ClaimRequest?
    ) {
      self.batch = batch
      self.call = call
      self.items = items
      self.left = left
      self.mergedClaim = mergedClaim
    }
  }

  private func mergedClaim(
    _ batch: ResultBatch, _ studies: [ServedStudy], _ call: Route.Call
  ) -> ClaimRequest? {
    guard let claim = batch.claim, studies.count == 1, let study = studies.first,
      !study.isOverTime, !isEnding
    else { return nil }
    do throws(APIError) {
      // One that has to register first would not be told of the trials.
      try workers.heard(from: claim.worker, by: call.grant)
    } catch {
      return nil
    }
    let key = ClaimQueue.Claim(request: claim, grant: call.grant).key
    let asked = servedStudies.all.filter(key.includes)
    return asked.count == 1 && asked.first === study ? claim : nil
  }

  private func deliver(_ delivery: Delivery, to study: ServedStudy, _ places: [Int]) {
    let results = places.map { delivery.batch.results[$0] }
    let claim = delivery.mergedClaim
    let request = DispatchRequest(
      worker: delivery.batch.worker, results: results, claiming: claim?.slots ?? 0)
    study.dispatcher.exchange(request) { [self] outcome in
      run { [self] in
        let answer: DispatchAnswer
        switch outcome {
        case .success(let found): answer = found
        case .failure(let error):
          // Nothing of this study was applied; the worker sends all again.
          delivery.call.exchange.respond(APIError(error).response)
          return
        }
        delivery.items.withLock { items in
          for (place, verdict) in zip(places, answer.results) { items[place].verdict = verdict }
        }
        count(results, answer)
        guard delivery.left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
        else { return }
        conclude(delivery, claimed: claim == nil ? nil : answer.trials.map(study.assignment))
      }
    }
  }

  private func count(_ results: [TrialResult], _ answer: DispatchAnswer) {
    metrics.count { counts in
      for (result, verdict) in zip(results, answer.results) {
        counts.results[verdict.name, default: 0] += 1
        if case .accepted = verdict {
          counts.outcomes[result.outcome.kind.rawValue, default: 0] += 1
        }
      }
      counts.reports += results.reduce(0) { $0 + $1.reports.count }
    }
  }

  /// Answers the results, after the claim that came with them.
  private func conclude(_ delivery: Delivery, claimed: [Assignment]?) {
    let items = delivery.items.withLock { $0 }
    let metrics = metrics
    let answer: @Sendable (ClaimAnswer?) -> HTTPResponse = { claimed in
      metrics.count { $0.assignedTrials += claimed?.trials.count ?? 0 }
      return .message(ResultAnswer(results: items, claimed: claimed))
    }
    // What was handed out is the worker's, also while the coordinator ends.
    if let claimed, !claimed.isEmpty {
      delivery.call.exchange.respond(answer(ClaimAnswer(trials: claimed, done: false)))
      return
    }
    guard let request = delivery.batch.claim, !isEnding else {
      delivery.call.exchange.respond(answer(nil))
      return
    }
    do throws(APIError) {
      try workers.heard(from: request.worker, by: delivery.call.grant)
    } catch {
      // The results were taken; the claim has to wait until the worker has registered.
      delivery.call.exchange.respond(answer(nil))
      return
    }
    let claim = ClaimQueue.Claim(request: request, grant: delivery.call.grant)
    claimQueue.claim(
      claim, delivery.call.exchange,
      fallback: .message(ResultAnswer(results: items, claimed: nil))
    ) { answer($0) }
  }
}

extension Report {
  /// Whether it is a value at a step.
  fileprivate var isValue: Bool {
    if case .value = content { true } else { false }
  }
}

extension HTTPResponse {
  /// A body of the API.
  static func message(_ message: some Message, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "application/json", body: message.body)
  }
}
