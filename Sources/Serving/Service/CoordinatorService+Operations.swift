internal import Coordination
internal import JSON
internal import Messages
internal import Stores
internal import StudyModel
internal import Trials

/// What those who run the coordinator call.
extension CoordinatorService {
  func health() -> HTTPResponse {
    guard !isEnding else {
      return APIError(503, "shutting_down", "the coordinator is being stopped", retryAfter: 5)
        .response
    }
    return .json([
      "status": "ok", "version": .string(settings.version), "coordinator": .string(instance),
      "read_only": .bool(settings.isReadOnly),
    ])
  }

  func openAPI() -> HTTPResponse {
    HTTPResponse(
      status: 200, contentType: "application/json", body: PackageResources.openapi_json)
  }

  func listWorkers(_ call: Route.Call) throws -> HTTPResponse {
    .json(try workerList(for: call.grant.studies))
  }

  /// The workers with what they run of these studies, nil for all; and who holds trials of the
  /// store without being known here, such as `needletail run`. Of the workers those that run such a
  /// trial, or can run no others.
  func workerList(for studies: Set<String>?) throws -> JSONValue {
    var running: [String: [WorkerSummary.Held]] = [:]
    for study in servedStudies.all where studies?.contains(study.name) ?? true {
      for lease in study.dispatcher.held {
        running[Self.plainName(lease.worker), default: []].append(
          WorkerSummary.Held(
            study: study.name, trial: lease.trial.number, attempt: lease.attempt))
      }
    }
    let known = workers.all
    let shown = known.filter { name, entry in
      guard let studies else { return true }
      return running[name] != nil || entry.studies?.isSubset(of: studies) ?? false
    }
    let summaries = shown.map { name, entry in
      WorkerSummary(
        name: name, host: entry.host, version: entry.version, slots: entry.slots,
        state: workers.state(of: entry),
        running: (running[name] ?? []).sorted { ($0.study, $0.trial) < ($1.study, $1.trial) },
        lastHeartbeatAt: entry.heardAtDate.rfc3339)
    }
    let names = Set(known.map(\.name))
    var holders: [JSONValue] = []
    for record in try viewed.studies() where studies?.contains(record.name) ?? true {
      for lease in try viewed.openLeases(in: record).sorted(by: {
        $0.trial.number < $1.trial.number
      })
      where !names.contains(Self.plainName(lease.worker)) {
        holders.append([
          "worker": .string(Self.plainName(lease.worker)), "study": .string(record.name),
          "trial": .integer(lease.trial.number), "attempt": .integer(lease.attempt),
        ])
      }
    }
    return ["workers": .array(summaries.map(\.json)), "holders": .array(holders)]
  }

  func metricsPage(_ call: Route.Call) throws -> HTTPResponse {
    var page = PrometheusText()
    try addStudies(to: &page, call)
    // The rest tells of all studies.
    guard call.grant.studies == nil else {
      return .text(page.text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
    let counts = metrics.snapshot
    page.begin("assigned_trials_total", .counter, "Trials handed to workers.")
    page.add("assigned_trials_total", Double(counts.assignedTrials))
    page.begin("results_total", .counter, "Results by what became of them.")
    for status in ["accepted", "repeated", "lost", "refused"] {
      page.add("results_total", ["status": status], Double(counts.results[status] ?? 0))
    }
    page.begin("outcomes_total", .counter, "Accepted results by outcome.")
    for (outcome, count) in counts.outcomes.sorted(by: { $0.key < $1.key }) {
      page.add("outcomes_total", ["outcome": outcome], Double(count))
    }
    page.begin("reports_total", .counter, "Intermediate values that arrived.")
    page.add("reports_total", Double(counts.reports))
    page.begin("refused_access_total", .counter, "Requests refused with 401 or 403.")
    page.add("refused_access_total", Double(counts.refusedTokens))
    page.begin("waiting_claims", .gauge, "Long polls that wait for a trial.")
    page.add("waiting_claims", Double(claimQueue.waiting))
    addWorkers(to: &page)
    addRequests(to: &page, counts)
    return .text(page.text, contentType: "text/plain; version=0.0.4; charset=utf-8")
  }

  private func addStudies(to page: inout PrometheusText, _ call: Route.Call) throws {
    let studies = servedStudies.all.filter { call.grant.allows($0.name) }
    page.begin("trials", .gauge, "Trials of the served studies by state.")
    for study in studies {
      let counts = try viewed.counts(in: study.record)
      for state in TrialState.allCases {
        page.add(
          "trials", ["study": study.name, "state": state.name], Double(counts[state] ?? 0))
      }
    }
    page.begin("study_status", .gauge, "1 for the status that the study has, 0 for the others.")
    for study in studies {
      let facts = try overviews.facts(
        of: study.record, in: store, waitingWorkers: claimQueue.waiting(for: study.name))
      for status in StudyStatus.allCases {
        page.add(
          "study_status", ["study": study.name, "status": status.rawValue],
          facts.status == status ? 1 : 0)
      }
    }
    page.begin("lost_attempts_total", .counter, "Attempts that were lost and are repeated.")
    for study in studies {
      page.add("lost_attempts_total", ["study": study.name], Double(study.lostAttempts))
    }
    page.begin("leases", .gauge, "Trials that workers hold.")
    for study in studies {
      page.add("leases", ["study": study.name], Double(study.dispatcher.held.count))
    }
  }

  private func addWorkers(to page: inout PrometheusText) {
    let entries = workers.all
    page.begin("workers", .gauge, "Registered workers by state.")
    for state in WorkerSummary.State.allCases {
      let count = entries.count { workers.state(of: $0.entry) == state }
      page.add("workers", ["state": state.rawValue], Double(count))
    }
    page.begin("worker_slots", .gauge, "Slots of the workers that are not lost.")
    let slots = entries.filter { workers.state(of: $0.entry) != .lost }.map(\.entry.slots)
    page.add("worker_slots", Double(slots.reduce(0, +)))
  }

  private func addRequests(to page: inout PrometheusText, _ counts: ServerMetrics.Counts) {
    page.begin("http_requests_total", .counter, "Requests by route and status.")
    for (request, count) in counts.requests.sorted(by: {
      ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status)
    }) {
      page.add(
        "http_requests_total", ["route": request.route, "status": String(request.status)],
        Double(count))
    }
    let name = "http_request_duration_seconds"
    page.begin(name, .histogram, "Time to the answer; long polls include their waiting.")
    for (route, histogram) in counts.durations.sorted(by: { $0.key < $1.key }) {
      var sum = 0
      for (bound, count) in zip(ServerMetrics.bounds, histogram.counts) {
        sum += count
        page.add("\(name)_bucket", ["route": route, "le": "\(bound)"], Double(sum))
      }
      page.add("\(name)_bucket", ["route": route, "le": "+Inf"], Double(histogram.total))
      page.add("\(name)_sum", ["route": route], histogram.sum)
      page.add("\(name)_count", ["route": route], Double(histogram.total))
    }
  }
}
