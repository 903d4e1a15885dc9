internal import Coordination
internal import JSON
internal import Messages
internal import Objectives
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import Trials

/// What viewers and admins call.
extension CoordinatorService {
  func listStudies(_ call: Route.Call) throws -> HTTPResponse {
    let records = try viewed.studies().filter { call.grant.allows($0.name) }
    return .json(["studies": .array(try records.map { try summary(of: $0, try facts(of: $0)) })])
  }

  func showStudy(_ call: Route.Call) throws -> HTTPResponse {
    .json(try summary(of: try record(call)))
  }

  /// The study that the path names first, if the token is good for it.
  func record(_ call: Route.Call) throws -> StudyRecord {
    try call.check(call.values[0])
    return try servedStudies.record(named: call.values[0])
  }

  /// How a study stands at this moment.
  private func facts(of record: StudyRecord) throws -> StudyFacts {
    try overviews.facts(
      of: record, in: viewed, waitingWorkers: claimQueue.waiting(for: record.name))
  }

  private func summary(of record: StudyRecord) throws -> JSONValue {
    try summary(of: record, try facts(of: record))
  }

  /// The keys of `study list --json`, `seed`, `user_attributes`, `failure`, `ending`, `served`,
  /// `limit`, `file_tag`, `held`.
  ///
  /// - Parameter more: Members that the form has besides.
  func summary(
    of record: StudyRecord, _ facts: StudyFacts, _ more: [JSONValue.Member] = []
  ) throws -> JSONValue {
    let served = servedStudies.all.first { $0.record == record }
    let contents = served?.contents
    let attributes = try viewed.attributes(.user, of: record)
    let study = StoredStudy(record, in: viewed)
    return .object(
      try StudyOverview(record, in: viewed, facts: facts).members + [
        // A text, since it may need all 64 bits.
        .init(
          "seed", served.map { .string(String($0.dispatcher.coordinator.seed)) } ?? .null),
        .init("user_attributes", .object(attributes.map { .init($0.key, $0.value) })),
        .init("failure", try study.failure().map(JSONValue.string) ?? .null),
        .init("ending", try study.ending().map(JSONValue.string) ?? .null),
        .init("served", .bool(served != nil)),
        .init("limit", contents?.limit.map(JSONValue.integer) ?? .null),
        .init("file_tag", contents?.tag.map(JSONValue.string) ?? .null),
        .init("held", .integer(served?.dispatcher.held.count ?? 0)),
      ] + more)
  }

  func studyFile(_ call: Route.Call) throws -> HTTPResponse {
    try call.check(call.values[0])
    let study = try servedStudies.study(named: call.values[0])
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
    var warnings: [String] = []
    switch submission {
    case .file(let text, let name, let trials):
      let file: StudyFile
      do throws(StudyFileError) {
        file = try StudyFile(text: text, path: "the study file")
      } catch {
        throw APIError(400, "bad_study_file", "\(error)")
      }
      try call.check(name ?? file.studyName)
      let submitted = try servedStudies.submit(file, name: name, trials: trials)
      (study, isNew) = (submitted.study, submitted.submission.isNew)
      warnings = submitted.submission.warnings
    case .defineByRun(let name, let directions, let seed):
      try call.check(name)
      (study, isNew) = try servedStudies.submit(name, directions, seed: seed)
    }
    settings.log("study '\(study.name)' \(isNew ? "was created" : "goes on")")
    let said = JSONValue.Member("warnings", .array(warnings.map(JSONValue.string)))
    return .json(
      try summary(of: study.record, try facts(of: study.record), [said]), status: isNew ? 201 : 200)
  }

  func control(_ call: Route.Call, _ control: StudyControl) throws -> HTTPResponse {
    let record = try record(call)
    if let study = servedStudies.all.first(where: { $0.record == record }) {
      try study.dispatcher.setControl(control)
    } else {
      try StoredStudy(record, in: store).setControl(control)
    }
    views.changed(record)
    settings.log("study '\(record.name)' is \(control.rawValue)")
    if control == .running { claimQueue.serveWaiters() }
    return .json(try summary(of: record))
  }

  func deleteStudy(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let held = servedStudies.all.first { $0.record == record }?.dispatcher.held.count ?? 0
    guard held == 0 else {
      throw APIError(
        409, "study_in_use",
        "\(held) trials of study '\(record.name)' are running; cancel it first")
    }
    let total = try store.counts(in: record).values.reduce(0, +)
    servedStudies.forget(record)
    try store.delete(record)
    settings.log("study '\(record.name)' was deleted")
    removeFiles(of: record)
    return .json(["name": .string(record.name), "deleted_trials": .integer(total)])
  }

  /// Removes the files of a study's trials, as far as they are where this server knows.
  private func removeFiles(of record: StudyRecord) {
    guard let parent = settings.trialFolder else { return }
    let folders = TrialFolders(in: parent, study: record.name, token: record.token)
    if case .failed(let reason) = folders.remove() {
      settings.log("the files of study '\(record.name)' stay in \(folders.base): \(reason)")
    }
  }

  // MARK: Trials

  func listTrials(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let wanted = try call.query("state").map(Self.state)
    let limit = try number(call, "limit", in: 1...1_000, otherwise: 100)
    let after = try number(call, "after", in: -1...Int(Int32.max), otherwise: -1)
    let total = try viewed.counts(in: record).values.reduce(0, +)
    // A part at a time: what is left out here comes with the next call.
    let start = min(after + 1, total)
    let end = min(total, start + (wanted == nil ? limit : Self.longestSearch))
    var numbers = Array(start..<min(end, start + limit))
    var next = end
    if let wanted {
      numbers = try viewed.numbers(of: wanted, in: record, from: start..<end, atMost: limit)
      if numbers.count == limit { next = (numbers.last ?? end) + 1 }
    }
    let found = try viewed.trials(in: record, numbers: numbers)
      .filter { wanted == nil || $0.state == wanted }
    let interrupted =
      found.contains { $0.state == .running } ? try viewed.interruptedTrials(in: record) : []
    return .json([
      "trials": .array(found.map { form(of: $0, interrupted, call) }),
      "after": next < total ? .integer(next - 1) : .null,
    ])
  }

  /// How many trials one call looks through for those in a state.
  private static let longestSearch = 100_000

  /// The trial's form; with `distributions=true` what its parameters ranged over, too.
  private func form(
    of trial: Trial, _ interrupted: Set<Int>, _ call: Route.Call
  ) -> JSONValue {
    let form = trial.jsonForm(isInterrupted: interrupted.contains(trial.number))
    guard call.query("distributions") == "true", case .object(let members) = form else {
      return form
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
      let trial = try viewed.trials(in: record, numbers: [number]).first,
      case .object(let members) = form(
        of: trial, trial.state == .running ? try viewed.interruptedTrials(in: record) : [], call)
    else { throw StoreError.unknownTrial(number: number, study: record.name) }
    let attempts = try viewed.attempts(of: trial, in: record)
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
    let study = try servedStudies.study(named: record.name)
    guard !request.parameters.isEmpty else {
      throw APIError(400, "bad_request", "'parameters' is empty; give a value for at least one")
    }
    try check(request, of: study)
    let trial = try study.dispatcher.coordinator.enqueue(request.parameters)
    study.dispatcher.wake()
    claimQueue.serveWaiters()
    return .json(["number": .integer(trial.number)], status: 201)
  }

  /// Refuses values that the study's parameters cannot take, as far as they are known beforehand.
  private func check(_ request: EnqueueRequest, of study: ServedStudy) throws {
    guard let space = try study.contents.plan.file(of: study.name)?.space,
      !space.parameters.isEmpty
    else { return }
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
