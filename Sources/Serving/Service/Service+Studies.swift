internal import Coordination
internal import JSON
internal import Messages
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import Trials

/// What viewers and admins call.
extension Service {
  func listStudies(_ call: Route.Call) throws -> HTTPResponse {
    let records = try store.studies().filter { call.grant.allows($0.name) }
    return .json(["studies": .array(try records.map { try summary(of: $0) })])
  }

  func showStudy(_ call: Route.Call) throws -> HTTPResponse {
    .json(try summary(of: try record(call)))
  }

  /// The study that the path names first, if the token is good for it.
  func record(_ call: Route.Call) throws -> StudyRecord {
    try call.check(call.values[0])
    return try book.record(named: call.values[0])
  }

  /// The keys of `study list --json`, `seed`, `user_attributes`, `control`, `served`, `limit`, `file_tag`,
  /// `held`.
  func summary(of record: StudyRecord) throws -> JSONValue {
    let served = book.served.first { $0.record == record }
    let contents = served?.contents
    let attributes = try store.attributes(.user, of: record)
    return .object(
      try StudyOverview(record, in: store).members + [
        // A text, since it may need all 64 bits.
        .init(
          "seed", served.map { .string(String($0.dispatcher.coordinator.seed)) } ?? .null),
        .init("user_attributes", .object(attributes.map { .init($0.key, $0.value) })),
        .init("control", .string(try store.control(of: record).rawValue)),
        .init("served", .bool(served != nil)),
        .init("limit", contents?.limit.map(JSONValue.integer) ?? .null),
        .init("file_tag", contents?.tag.map(JSONValue.string) ?? .null),
        .init("held", .integer(served?.dispatcher.held.count ?? 0)),
      ])
  }

  func studyFile(_ call: Route.Call) throws -> HTTPResponse {
    try call.check(call.values[0])
    let study = try book.study(named: call.values[0])
    var contents = study.contents
    if contents.text == nil {
      try study.refresh()
      contents = study.contents
    }
    guard let text = contents.text, let tag = contents.tag else {
      throw APIError(
        404, "no_study_file",
        "study '\(study.name)' has no study file; its objective is a program "
          + "of its own")
    }
    return .message(StudyFileMessage(file: text, tag: tag))
  }

  func submit(_ call: Route.Call) throws -> HTTPResponse {
    let submission = try StudySubmission(parsing: call.request.body)
    try checkDraining()
    let (study, isNew): (ServedStudy, Bool)
    switch submission {
    case .file(let text, let name, let trials):
      let file: StudyFile
      do throws(StudyFileError) {
        file = try StudyFile(text: text, path: "the study file")
      } catch {
        throw APIError(400, "bad_study_file", "\(error)")
      }
      try call.check(name ?? file.studyName)
      (study, isNew) = try book.submit(file, name: name, trials: trials)
    case .defineByRun(let name, let directions, let seed):
      try call.check(name)
      (study, isNew) = try book.submit(name, directions, seed: seed)
    }
    settings.log("study '\(study.name)' \(isNew ? "was created" : "goes on")")
    return .json(try summary(of: study.record), status: isNew ? 201 : 200)
  }

  func control(_ call: Route.Call, _ control: StudyControl) throws -> HTTPResponse {
    let record = try record(call)
    if let study = book.served.first(where: { $0.record == record }) {
      try study.dispatcher.setControl(control)
    } else {
      try store.setControl(control, of: record)
    }
    settings.log("study '\(record.name)' is \(control.rawValue)")
    if control == .running { desk.serveWaiters() }
    return .json(try summary(of: record))
  }

  func deleteStudy(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let held = book.served.first { $0.record == record }?.dispatcher.held.count ?? 0
    guard held == 0 else {
      throw APIError(
        409, "study_in_use",
        "\(held) trials of study '\(record.name)' are running; cancel it first")
    }
    let total = try store.counts(in: record).values.reduce(0, +)
    book.forget(record)
    try store.delete(record)
    settings.log("study '\(record.name)' was deleted")
    return .json(["name": .string(record.name), "deleted_trials": .integer(total)])
  }

  // MARK: Trials

  func listTrials(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let wanted = try call.query("state").map(Self.state)
    let limit = try number(call, "limit", in: 1...1_000, otherwise: 100)
    let after = try number(call, "after", in: -1...Int(Int32.max), otherwise: -1)
    let total = try store.counts(in: record).values.reduce(0, +)
    var found: [Trial] = []
    var next = after + 1
    // A page at a time, since a study may have more trials than an answer should hold.
    while next < total, found.count < limit {
      let end = min(total, next + (wanted == nil ? limit : 1_000))
      let page = try store.trials(in: record, numbers: Array(next..<end))
      let fitting = page.filter { wanted == nil || $0.state == wanted }
      found += fitting.prefix(limit - found.count)
      next = found.count == limit ? (found.last?.number ?? end) + 1 : end
    }
    return .json([
      "trials": .array(found.map { form(of: $0, call) }),
      "after": next < total ? .integer(next - 1) : .null,
    ])
  }

  /// The trial's form; with `distributions=true` what its parameters ranged over, too.
  private func form(of trial: Trial, _ call: Route.Call) -> JSONValue {
    guard call.query("distributions") == "true", case .object(let members) = trial.jsonForm else {
      return trial.jsonForm
    }
    let distributions = trial.parameters.map { JSONValue.Member($0.name, $0.distribution.json) }
    return .object(members + [.init("distributions", .object(distributions))])
  }

  /// The state of that name.
  static func state(_ text: some StringProtocol) throws(APIError) -> TrialState {
    guard let state = TrialState.allCases.first(where: { $0.name == text }) else {
      let names = TrialState.allCases.map(\.name).joined(separator: ", ")
      throw APIError(400, "bad_request", "'state' is '\(text.prefix(40))'; give one of \(names)")
    }
    return state
  }

  /// The number behind the question mark under that name.
  func number(
    _ call: Route.Call, _ name: String, in range: ClosedRange<Int>, otherwise: Int
  ) throws(APIError) -> Int {
    guard let text = call.query(name) else { return otherwise }
    guard let number = Int(text), range.contains(number) else {
      throw APIError(
        400, "bad_request",
        "'\(name)' is '\(text.prefix(40))'; give a whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
    }
    return number
  }

  func showTrial(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let number = try trialNumber(call)
    guard number <= Int(Int32.max),
      let trial = try store.trials(in: record, numbers: [number]).first,
      case .object(let members) = form(of: trial, call)
    else { throw StoreError.unknownTrial(number: number, study: record.name) }
    let attempts = try store.attempts(of: number, in: record)
    return .json(.object(members + [.init("attempts", .array(attempts.map(\.jsonForm)))]))
  }

  /// The number of a trial that the path names second.
  func trialNumber(_ call: Route.Call) throws(APIError) -> Int {
    guard let number = Int(call.values[1]), number >= 0 else {
      throw APIError(
        400, "bad_request",
        "'\(call.values[1].prefix(40))' is no trial's number; they count from 0")
    }
    return number
  }

  func enqueue(_ call: Route.Call) throws -> HTTPResponse {
    let request = try EnqueueRequest(parsing: call.request.body)
    let record = try record(call)
    let study = try book.study(named: record.name)
    guard !request.parameters.isEmpty else {
      throw APIError(400, "bad_request", "'parameters' is empty; give a value for at least one")
    }
    try check(request, of: study)
    let trial = try study.dispatcher.coordinator.enqueue(request.parameters)
    study.dispatcher.wake()
    desk.serveWaiters()
    return .json(["number": .integer(trial.number)], status: 201)
  }

  /// Refuses values that the study's parameters cannot take, as far as they are known beforehand.
  private func check(_ request: EnqueueRequest, of study: ServedStudy) throws {
    guard let text = study.contents.text else { return }
    let space = try StudyFile(text: text, path: "the study file").space
    guard !space.parameters.isEmpty else { return }
    for (name, value) in request.parameters {
      guard let parameter = space.parameters.first(where: { $0.name == name }) else {
        let names = space.parameters.map(\.name).prefix(16).joined(separator: ", ")
        throw APIError(
          400, "bad_request",
          "study '\(study.name)' has no parameter '\(name.prefix(100))'; it has "
            + names)
      }
      guard let number = parameter.distribution.internalValue(of: value),
        parameter.distribution.contains(number)
      else {
        throw APIError(
          400, "bad_request",
          "'\(name.prefix(100))' cannot be \(JSONValue(value).text(nonFinite: .strings)): it is "
            + parameter.distribution.summary)
      }
    }
  }
}
