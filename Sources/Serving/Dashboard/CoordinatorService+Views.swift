internal import Analysis
internal import Coordination
internal import Dashboard
internal import JSON
internal import Messages
internal import Objectives
internal import Plotting
internal import Stores
internal import Studies
internal import StudyModel

/// What the pages of the dashboard ask beside the other calls.
extension CoordinatorService {
  func showSeries(_ call: Route.Call) throws -> HTTPResponse? {
    views.answer(call.exchange, about: try record(call)) { stream in
      HTTPResponse(status: 200, contentType: "application/json", body: stream.series())
    }
    return nil
  }

  func showTable(_ call: Route.Call) throws -> HTTPResponse? {
    let record = try record(call)
    let sort = call.query("sort") ?? "number"
    guard let key = TableQuery.Key(sort) else {
      throw APIError(
        400, "bad_request",
        "'sort' is '\(sort.prefix(40))'; give number, state, start, duration, reports, value, value_1 or "
          + "parameter:NAME")
    }
    let order = call.query("order") ?? "ascending"
    guard order == "ascending" || order == "descending" else {
      throw APIError(
        400, "bad_request", "'order' is '\(order.prefix(40))'; give ascending or descending")
    }
    let states = try (call.query("state") ?? "").split(separator: ",").map(Self.state)
    let offset = try number(call, "offset", in: 0...Int(Int32.max), otherwise: 0)
    let limit = try number(call, "limit", in: 1...1_000, otherwise: 100)
    let search = call.query("search") ?? ""
    guard search.unicodeScalars.count <= 1_000 else {
      throw APIError(400, "bad_request", "'search' has more than 1000 characters; search for less")
    }
    let query = TableQuery(
      key: key, isDescending: order == "descending", states: Set(states),
      search: search)
    views.answer(call.exchange, about: record) { stream in
      HTTPResponse(
        status: 200, contentType: "application/json",
        body: stream.table(query, offset: offset, limit: limit))
    }
    return nil
  }

  func followStudy(_ call: Route.Call) throws -> HTTPResponse? {
    try checkDraining()
    views.follow(try record(call), call.exchange, from: call.request.lastEvent)
    return nil
  }

  func followAll(_ call: Route.Call) throws -> HTTPResponse? {
    try checkDraining()
    views.followOverview(call.exchange, studies: call.grant.studies)
    return nil
  }

  /// What those are told who follow studies and workers; of a token's studies, nil for all.
  func look(at studies: Set<String>?) throws -> OverviewStream.Look {
    var look = OverviewStream.Look()
    for record in try viewed.studies() where studies?.contains(record.name) ?? true {
      let facts = try overviews.facts(
        of: record, in: viewed, waitingWorkers: claimQueue.waiting(for: record.name))
      look.studies.append(
        (record.name, try overviews.form(of: record) { try summary(of: record, facts) }))
    }
    look.workers = try workerList(for: studies).bytes(nonFinite: .strings)
    return look
  }

  // MARK: Figures

  func showFigure(_ call: Route.Call) throws -> HTTPResponse? {
    try draw(call.values[1], of: [try record(call)], call)
    return nil
  }

  func compareStudies(_ call: Route.Call) throws -> HTTPResponse? {
    let names = call.request.query.filter { $0.name == "study" }.map(\.value)
    guard (1...12).contains(names.count) else {
      throw APIError(
        400, "bad_request", "'study' is given \(names.count) times; give it for 1 to 12 studies")
    }
    let records = try names.map { name in
      try call.check(name)
      return try servedStudies.record(named: name)
    }
    try draw(call.values[0], of: records, call)
    return nil
  }

  private func draw(_ name: String, of studies: [StudyRecord], _ call: Route.Call) throws {
    guard let kind = PlotKind(spelled: name) else {
      throw APIError(
        404, "unknown_figure",
        "there is no figure '\(name.prefix(40))'; there are "
          + PlotKind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard studies.count == 1 || kind.takesSeveralStudies else {
      throw APIError(
        400, "bad_request", "\(kind.rawValue) shows one study; history and edf show several")
    }
    var request = FigureRenderer.Request(
      kind: kind, format: try word(call, "format", otherwise: .svg),
      scale: try word(call, "scale", otherwise: .automatic), studies: studies)
    if call.query("objective") != nil {
      request.objective = try number(call, "objective", in: 0...1_000, otherwise: 0)
    }
    if call.query("width") != nil {
      request.width = try number(call, "width", in: 320...4_000, otherwise: 320)
    }
    if call.query("height") != nil {
      request.height = try number(call, "height", in: 300...4_000, otherwise: 300)
    }
    let parameters = call.request.query.filter { $0.name == "parameter" }.map(\.value)
    if !parameters.isEmpty { request.parameters = parameters }
    let wanted = request
    views.versions(of: studies, call.exchange) { [figures] versions in
      figures.draw(wanted, versions: versions, call.exchange)
    }
  }

  /// One of the words of an enumeration behind the question mark.
  private func word<Word: RawRepresentable<String> & CaseIterable>(
    _ call: Route.Call, _ name: String, otherwise: Word
  ) throws(APIError) -> Word {
    guard let text = call.query(name) else { return otherwise }
    guard let word = Word(rawValue: text) else {
      let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw APIError(400, "bad_request", "'\(name)' is '\(text.prefix(40))'; give one of \(known)")
    }
    return word
  }

  func showImportances(_ call: Route.Call) throws -> HTTPResponse? {
    let record = try record(call)
    let method: ImportanceMethod = try word(call, "evaluator", otherwise: .pedANOVA)
    let objective: Int? =
      call.query("objective") == nil
      ? nil : try number(call, "objective", in: 0...1_000, otherwise: 0)
    views.versions(of: [record], call.exchange) { [figures] versions in
      figures.read(record, version: versions[0], call.exchange) { trials in
        let found: ParameterImportances
        do throws(AnalysisError) {
          found = try ParameterImportances.assess(
            trials, directions: record.directions, objective: objective, by: method, seed: 0)
        } catch {
          throw APIError(409, "not_assessable", "study '\(record.name)': \(error)")
        }
        return .json([
          "evaluator": .string(method.rawValue),
          "importances": .array(
            found.entries.map {
              ["parameter": .string($0.parameter), "importance": .float($0.importance)]
            }),
          "notes": .array(found.notes.map(JSONValue.string)),
        ])
      }
    }
    return nil
  }

  /// Which trial to use, and how sure that is.
  func showBest(_ call: Route.Call) throws -> HTTPResponse? {
    let record = try record(call)
    guard record.directions.count == 1 else {
      throw APIError(
        409, "not_assessable",
        "study '\(record.name)' has \(record.directions.count) objectives, of which no trial is the "
          + "best; see the figure pareto")
    }
    views.versions(of: [record], call.exchange) { [figures] versions in
      figures.read(record, version: versions[0], call.exchange) { trials in
        let found = Recommendation.assess(trials, direction: record.directions[0])
        return .json(
          found?.jsonForm ?? ["use": .null, "luckiest": .null, "candidates": [], "completed": 0])
      }
    }
    return nil
  }

  // MARK: Logs

  func showLog(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let number = try trialNumber(call)
    let word = call.query("stream") ?? "stdout"
    guard let stream = TrialLogs.Stream(rawValue: word) else {
      throw APIError(
        400, "bad_request", "'stream' is '\(word.prefix(40))'; give stdout or stderr")
    }
    let size = try self.number(call, "bytes", in: 1...1 << 20, otherwise: 32 << 10)
    let attempt = try self.number(call, "attempt", in: 1...1_000_000, otherwise: 1)
    let start =
      call.query("from") == nil
      ? nil : try self.number(call, "from", in: 0...Int(Int32.max), otherwise: 0)
    // No log is no fault: pages ask without knowing.
    func nothing(_ reason: String) -> HTTPResponse {
      .json([
        "stream": .string(word), "attempt": .integer(attempt), "text": .null,
        "reason": .string(reason), "size": 0, "skipped": 0, "end": 0,
      ])
    }
    guard let folder = settings.trialFolder else {
      return nothing("this server does not know where the trials' files are")
    }
    let logs = TrialLogs(in: folder, of: record, seed: try seed(of: record))
    guard let part = logs.part(stream, of: number, attempt: attempt, from: start, size: size) else {
      return nothing(
        "there is no \(word) of trial \(number) here; it stands on the machine that ran it")
    }
    return .json([
      "stream": .string(word), "attempt": .integer(attempt), "text": .string(part.text),
      "reason": .null, "size": .integer(part.size), "skipped": .integer(part.skipped),
      "end": .integer(part.end),
    ])
  }

  // MARK: Writing

  /// Queues a trial with the parameters of one that failed, which stays as it is.
  func retry(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let number = try trialNumber(call)
    try checkDraining()
    let study = try servedStudies.study(named: record.name)
    let added = try study.study.retry(number)
    study.dispatcher.wake()
    claimQueue.serveWaiters()
    settings.log("trial \(number) of study '\(record.name)' is tried again as \(added.number)")
    return .json(["number": .integer(added.number)], status: 201)
  }

  /// Asks the worker of a running trial to stop it; says which that is, and does not wait for it.
  func stopTrial(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let number = try trialNumber(call)
    let lease = try StoredStudy(record, in: store).stop(number)
    let worker = Self.plainName(lease.worker)
    settings.log("trial \(number) of study '\(record.name)' is to be stopped by \(worker)")
    return .json(["number": .integer(number), "worker": .string(worker)], status: 202)
  }

  /// Replaces the study's note, if it is still the one that the caller knows.
  func writeNote(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let request = try NoteRequest(parsing: call.request.body)
    let note = StudyNote(try store.attributes(.system, of: record))
    guard note.version == request.version else {
      throw APIError(
        409, "note_changed",
        "somebody else has changed the note meanwhile (it has version \(note.version) now); read it and "
          + "try again")
    }
    for attribute in note.attributes(replacingTextBy: request.text) {
      try store.set(attribute, .system, of: record)
    }
    views.changed(record)
    return .json(["version": .integer(note.version + 1)])
  }
}
