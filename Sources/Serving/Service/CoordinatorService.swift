internal import Coordination
internal import Dispatch
internal import Messages
internal import Stores
internal import StudyModel
internal import Synchronization
internal import System

/// Answers the API's calls: who may do what, which study it is about, and what comes of it.
///
/// serving → draining (claims are refused, the rest is answered) → closed.
final class CoordinatorService: HTTPHandler {
  let settings: ServiceSettings
  let store: any StudyStore
  let servedStudies: ServedStudies
  let claimQueue: ClaimQueue
  let workers: WorkerRegistry
  /// The store as pages read it.
  let viewed: any StudyStore
  let views: LivePages
  let figures: FigureRenderer
  let overviews = OverviewCache()
  let metrics = ServerMetrics()
  /// Tells workers that the coordinator was started anew.
  let instance = String(Token.random().prefix(12))
  private let authenticator: Authenticator
  let lanes: Lanes
  private let isDraining = Atomic<Bool>(false)
  private let isClosed = Atomic<Bool>(false)
  private let clock = DispatchQueue(label: "needletail.service")
  /// When studies and workers are looked at again, in milliseconds; only touched by the clock.
  private let nextLook = Atomic<UInt64>(0)
  private let looks = Atomic<Int>(0)

  /// - Parameter readers: Store objects for pages to read, one for what is live and one for
  ///   figures: what one object wrote, it may not tell as a change.
  init(
    _ store: any StudyStore,
    readers: (views: any StudyStore, figures: any StudyStore), _ settings: ServiceSettings
  ) {
    self.store = store
    viewed = ReadOnlyStore(readers.views)
    views = LivePages(viewed, log: settings.log)
    figures = FigureRenderer(ReadOnlyStore(readers.figures), log: settings.log)
    self.settings = settings
    lanes = Lanes(capacity: settings.requestsInFlight)
    authenticator = Authenticator(TokenStore(store), settings.access)
    workers = WorkerRegistry(leaseDuration: settings.leaseDuration)
    let link = DeskLink()
    servedStudies = ServedStudies(store, leaseDuration: settings.leaseDuration, log: settings.log) {
      _ in
      link.claimQueue.withLock { $0 }?.serveWaiters()
    }
    claimQueue = ClaimQueue(servedStudies, lanes.workers)
    link.claimQueue.withLock { $0 = claimQueue }
    views.onCountingWorkers { [claimQueue] study in claimQueue.waiting(for: study) }
    views.onLook { [weak self] studies in
      guard let self else { return OverviewStream.Look() }
      return try look(at: studies)
    }
  }

  /// What is served tells the claim queue, and is made before it.
  private final class DeskLink: Sendable {
    let claimQueue = Lock<ClaimQueue?>(nil)
  }

  // MARK: Requests

  func handle(_ exchange: HTTPExchange) {
    let start = ServerTime.seconds
    let found = Result { () throws(APIError) in try find(exchange.request) }
    // What is refused is logged, which may take time.
    let isRefused = settings.isCertificateRequired && !exchange.request.hasCertificate
    let lane: Lanes.Kind =
      if case .success((let route, _)) = found, !isRefused { route.lane } else { .viewers }
    guard let queue = lanes.queue(lane) else { return answer(exchange, found, since: start) }
    let job: @Sendable () -> Void = { [self] in answer(exchange, found, since: start) }
    if authenticator.canJudge(exchange.request.authorization) {
      return enqueue(job, in: queue, for: exchange)
    }
    let shownAt = ServerTime.milliseconds
    let reading: @Sendable () -> Void = { [self] in
      do {
        try authenticator.read(since: shownAt)
      } catch {
        return exchange.respond(APIError(error).response)
      }
      enqueue(job, in: queue, for: exchange)
    }
    enqueue(reading, in: lanes.tokens, for: exchange)
  }

  /// Has a request answered in a lane, or refuses it.
  private func enqueue(
    _ job: @escaping @Sendable () -> Void, in queue: JobQueue, for exchange: HTTPExchange
  ) {
    switch queue.add(job) {
    case .added: break
    case .full:
      exchange.respond(
        APIError(
          503, "overloaded",
          "\(settings.requestsInFlight) requests wait to be answered; try again later",
          retryAfter: 1
        ).response)
    case .closed: exchange.respond(Self.shuttingDown.response)
    }
  }

  private func answer(
    _ exchange: HTTPExchange, _ found: Result<(Route, [String]), APIError>, since start: Double
  ) {
    var label = "other"
    let response: HTTPResponse?
    do {
      let (route, values) = try found.get()
      label = "\(route.method) \(route.template)"
      let call = Route.Call(
        exchange: exchange, grant: try grant(for: exchange.request, route), values: values)
      let named = label
      exchange.onAnswer { [metrics] status in
        metrics.answered(named, status: status, seconds: ServerTime.seconds - start)
      }
      response = try route.run(self, call)
    } catch {
      let refusal = APIError(error)
      if refusal.status == 401 || refusal.status == 403 {
        metrics.count { $0.refusedTokens += 1 }
        settings.log("refused \(label) from \(exchange.request.peer): \(refusal.code)")
      } else if refusal.status >= 500 {
        settings.log("failed \(label): \(refusal.message)")
      }
      response = refusal.response
    }
    if let response { exchange.respond(response) }
  }

  private func find(_ request: HTTPRequest) throws(APIError) -> (Route, [String]) {
    var methods: [String] = []
    for route in Route.all {
      guard let values = route.match(request.path) else { continue }
      if route.method == request.method { return (route, values) }
      methods.append(route.method)
    }
    guard methods.isEmpty else {
      var error = APIError(
        405, "method_not_allowed", "this path takes \(methods.joined(separator: ", "))")
      error.allowed = methods
      throw error
    }
    throw APIError(404, "unknown_path", "there is no such path; see /v1/openapi.json")
  }

  private func grant(for request: HTTPRequest, _ route: Route) throws -> Grant {
    if settings.isCertificateRequired, !request.hasCertificate {
      throw APIError(
        403, "certificate_missing",
        "this coordinator needs a client certificate of its authority; send one")
    }
    guard let role = route.role else {
      return Grant(role: .viewer, studies: nil, holder: nil)
    }
    if settings.isReadOnly, request.method != "GET" {
      throw APIError(
        403, "read_only",
        "this server only shows the store; needletail serve changes studies, or needletail study")
    }
    let grant = try authenticator.grant(
      for: request.authorization, changing: request.method != "GET")
    if !grant.hasToken { try checkBrowser(request) }
    guard grant.role >= role else {
      throw APIError(
        403, "wrong_role",
        "this call needs the role \(role.rawValue), and the token has the role "
          + grant.role.rawValue)
    }
    return grant
  }

  /// Where no token is needed, a web page that the user happens to look at must not command the
  /// coordinator: neither by a request to this address nor by a name of its own for it.
  private func checkBrowser(_ request: HTTPRequest) throws(APIError) {
    if request.method != "GET", request.origin != nil {
      throw APIError(403, "cross_origin", "requests of web pages need a token")
    }
    guard settings.isLoopback, let host = request.host else { return }
    let name = host.split(separator: ":").first.map { $0.lowercased() } ?? ""
    let isAddress = host.hasPrefix("[") || name.utf8.allSatisfy { $0 == 46 || 48...57 ~= $0 }
    guard isAddress || name == "localhost" || name == settings.host.lowercased() else {
      throw APIError(
        403, "foreign_host",
        "the header Host is '\(name.prefix(100))'; without a token give localhost or an address")
    }
  }

  /// Whether no trial is handed out any more.
  var isEnding: Bool { isDraining.load(ordering: .relaxed) }

  /// Does a job of the workers' lane on another thread.
  func run(_ job: @escaping @Sendable () -> Void) { lanes.workers.run(job) }

  /// Refuses what would start something new while the coordinator ends.
  func checkDraining() throws(APIError) {
    if isEnding { throw Self.shuttingDown }
  }

  private static var shuttingDown: APIError {
    APIError(
      503, "shutting_down", "the coordinator is being stopped; ask again when it is back",
      retryAfter: 5)
  }

  // MARK: Time

  /// Begins to look after what waits. Call once.
  func start() throws {
    if settings.isReadOnly { return }
    try servedStudies.refresh()
    tick()
  }

  private func tick() {
    clock.asyncAfter(deadline: .now() + .milliseconds(100)) { [weak self] in
      guard let self, !isClosed.load(ordering: .relaxed) else { return }
      claimQueue.answerLate()
      let now = ServerTime.milliseconds
      if nextLook.load(ordering: .relaxed) <= now {
        nextLook.store(now + 1_000, ordering: .relaxed)
        authenticator.readAhead(settings.log)
        look()
      }
      tick()
    }
  }

  private func look() {
    do {
      // Others' changes are seen within two seconds.
      if looks.wrappingAdd(1, ordering: .relaxed).newValue % 2 == 0 { try servedStudies.refresh() }
    } catch {
      settings.log("the store could not be looked at: \(error)")
    }
    claimQueue.answerDone()
    let holding = servedStudies.all.flatMap { $0.dispatcher.held.map { Self.plainName($0.worker) } }
    workers.forgetLost(holding: Set(holding))
  }

  /// The worker's own name, of the one that leases have.
  static func plainName(_ worker: String) -> String {
    worker.hasPrefix("worker:") ? String(worker.dropFirst(7)) : worker
  }

  /// Refuses claims from now on, and answers those who wait.
  func drain() {
    isDraining.store(true, ordering: .relaxed)
    claimQueue.close()
    views.close()
  }

  /// Ends what runs in the background. Leases stay, so that workers go on when a coordinator is
  /// back.
  func close() {
    isClosed.store(true, ordering: .relaxed)
    servedStudies.close()
    lanes.close()
  }
}
