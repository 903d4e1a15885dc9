internal import Coordination
internal import Trials

/// One call of the API: method, path, who may call it, and what it does.
struct Route: Sendable {
  /// A request on its way to a route.
  struct Call: Sendable {
    let exchange: HTTPExchange
    let grant: Grant
    /// The values of the path's `{…}` parts, in their order.
    let values: [String]

    var request: HTTPRequest { exchange.request }

    /// The last value behind the question mark under that name.
    func query(_ name: String) -> String? { request.query.last { $0.name == name }?.value }

    /// Refuses a study that the token is not good for.
    func check(_ study: String) throws(APIError) {
      guard grant.allows(study) else {
        throw APIError(
          403, "wrong_study", "the token is not good for study '\(study.prefix(200))'")
      }
    }
  }

  let method: String
  /// `/v1/studies/{name}`
  let template: String
  /// The least role that may call it; nil for everybody.
  let role: Role?
  /// Answers, or returns nil and answers later.
  let run: @Sendable (CoordinatorService, Call) throws -> HTTPResponse?
  /// The threads that answer it.
  let lane: Lanes.Kind

  init(
    _ method: String, _ template: String, _ role: Role?, lane: Lanes.Kind? = nil,
    _ run: @escaping @Sendable (CoordinatorService, Call) throws -> HTTPResponse?
  ) {
    self.method = method
    self.template = template
    self.role = role
    self.run = run
    self.lane =
      lane ?? (role == nil ? .immediate : role == .viewer && method == "GET" ? .viewers : .workers)
    parts = template.split(separator: "/").map(String.init)
  }

  private let parts: [String]

  /// The values of the `{…}` parts; nil when the path is another one.
  func match(_ path: [String]) -> [String]? {
    guard path.count == parts.count else { return nil }
    var values: [String] = []
    for (part, given) in zip(parts, path) {
      if part.hasPrefix("{") {
        values.append(given)
      } else if part != given {
        return nil
      }
    }
    return values
  }
}

extension Route {
  /// All calls. The OpenAPI document describes the same ones.
  static let all: [Route] = [
    Route("GET", "/healthz", nil) { service, _ in service.health() },
    Route("GET", "/metrics", .viewer) { service, call in try service.metricsPage(call) },
    Route("GET", "/v1/openapi.json", nil) { service, _ in service.openAPI() },
    Route("GET", "/", nil) { service, call in service.page(call) },
    Route("GET", "/studies/{name}", nil) { service, call in service.page(call) },
    Route("GET", "/studies/{name}/trials/{number}", nil) { service, call in service.page(call) },
    Route("GET", "/workers", nil) { service, call in service.page(call) },
    Route("GET", "/compare", nil) { service, call in service.page(call) },
    Route("GET", "/assets/{file}", nil) { service, call in try service.asset(call) },
    Route("GET", "/v1/events", .viewer) { service, call in try service.followAll(call) },
    Route("GET", "/v1/figures/{kind}", .viewer) { service, call in
      try service.compareStudies(call)
    },
    Route("GET", "/v1/studies/{name}/series", .viewer) { service, call in
      try service.showSeries(call)
    },
    Route("GET", "/v1/studies/{name}/table", .viewer) { service, call in
      try service.showTable(call)
    },
    Route("GET", "/v1/studies/{name}/events", .viewer) { service, call in
      try service.followStudy(call)
    },
    Route("GET", "/v1/studies/{name}/figures/{kind}", .viewer) { service, call in
      try service.showFigure(call)
    },
    Route("GET", "/v1/studies/{name}/importances", .viewer) { service, call in
      try service.showImportances(call)
    },
    Route("GET", "/v1/studies/{name}/best", .viewer) { service, call in
      try service.showBest(call)
    },
    Route("POST", "/v1/studies/{name}/note", .admin) { service, call in
      try service.writeNote(call)
    },
    Route("GET", "/v1/studies/{name}/trials/{number}/log", .viewer) { service, call in
      try service.showLog(call)
    },
    Route("POST", "/v1/studies/{name}/trials/{number}/retry", .admin) { service, call in
      try service.retry(call)
    },
    Route("POST", "/v1/studies/{name}/trials/{number}/stop", .admin) { service, call in
      try service.stopTrial(call)
    },
    Route("POST", "/v1/studies/{name}/rename", .admin) { service, call in
      try service.rename(call)
    },
    Route("POST", "/v1/studies/{name}/clone", .admin) { service, call in
      try service.clone(call)
    },
    Route("POST", "/v1/studies/{name}/edit", .admin) { service, call in
      try service.edit(call)
    },
    Route("DELETE", "/v1/studies/{name}/trials/{number}", .admin) { service, call in
      try service.deleteTrial(call)
    },
    Route("POST", "/v1/workers", .worker) { service, call in try service.register(call) },
    Route("GET", "/v1/workers", .viewer) { service, call in try service.listWorkers(call) },
    Route("DELETE", "/v1/workers/{name}", .worker) { service, call in
      try service.removeWorker(call)
    },
    Route("POST", "/v1/workers/{name}/heartbeat", .worker, lane: .heartbeats) { service, call in
      try service.heartbeat(call)
    },
    Route("POST", "/v1/claims", .worker) { service, call in try service.claim(call) },
    Route("POST", "/v1/suggest", .worker) { service, call in try service.suggest(call) },
    Route("POST", "/v1/reports", .worker) { service, call in try service.report(call) },
    Route("POST", "/v1/results", .worker) { service, call in try service.finish(call) },
    Route("GET", "/v1/studies", .viewer) { service, call in try service.listStudies(call) },
    Route("POST", "/v1/studies", .admin) { service, call in try service.submit(call) },
    Route("GET", "/v1/studies/{name}", .viewer) { service, call in try service.showStudy(call) },
    Route("DELETE", "/v1/studies/{name}", .admin) { service, call in
      try service.deleteStudy(call)
    },
    Route("GET", "/v1/studies/{name}/file", .worker) { service, call in
      try service.studyFile(call)
    },
    Route("GET", "/v1/studies/{name}/trials", .viewer) { service, call in
      try service.listTrials(call)
    },
    Route("POST", "/v1/studies/{name}/trials", .admin) { service, call in
      try service.enqueue(call)
    },
    Route("GET", "/v1/studies/{name}/trials/{number}", .viewer) { service, call in
      try service.showTrial(call)
    },
    Route("POST", "/v1/studies/{name}/pause", .admin) { service, call in
      try service.control(call, .paused)
    },
    Route("POST", "/v1/studies/{name}/resume", .admin) { service, call in
      try service.control(call, .running)
    },
    Route("POST", "/v1/studies/{name}/stop", .admin) { service, call in
      try service.control(call, .stopped)
    },
    Route("POST", "/v1/studies/{name}/cancel", .admin) { service, call in
      try service.control(call, .cancelled)
    },
  ]
}
