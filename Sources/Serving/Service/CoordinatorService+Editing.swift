internal import JSON
internal import Messages
internal import Objectives
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel

/// What admins call to rewrite a study.
extension CoordinatorService {
  func rename(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let request = try RenameRequest(parsing: call.request.body)
    try call.check(request.name)
    let renamed = try StoredStudy(record, in: store).rename(to: request.name).record
    servedStudies.forget(record)
    views.changed(renamed)
    if let folder = settings.trialFolder {
      let logs = TrialLogs(in: folder, of: record, seed: try seed(of: renamed))
      if let problem = logs.rename(from: record.name, to: renamed.name) {
        settings.log("files of study '\(renamed.name)' keep their place: \(problem)")
      }
    }
    settings.log("study '\(record.name)' is called '\(renamed.name)' now")
    return .json(["name": .string(renamed.name)])
  }

  func clone(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let request = try CloneRequest(parsing: call.request.body)
    try call.check(request.name)
    try checkDraining()
    let clone = try StoredStudy(record, in: store).clone(
      as: request.name, file: try request.file.map(read), values: Self.values(request.values),
      isEmpty: request.isEmpty, in: store)
    settings.log("study '\(request.name)' was made of '\(record.name)'")
    return .json(clone.json, status: 201)
  }

  func edit(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let request = try EditRequest(parsing: call.request.body)
    try checkDraining()
    let change: SpaceChange
    if let text = request.file {
      change = .file(try read(text))
    } else {
      change = .pieces(try SpacePieces(request))
    }
    let edited = try StoredStudy(record, in: store).edit(
      change, values: Self.values(request.values))
    servedStudies.forget(record)
    views.changed(edited.study.record)
    settings.log("the space of study '\(record.name)' was edited")
    return .json([
      "name": .string(record.name), "rewritten_trials": .integer(edited.rewritten),
      "notes": .array(edited.notes.map(JSONValue.string)),
    ])
  }

  func deleteTrial(_ call: Route.Call) throws -> HTTPResponse {
    let record = try record(call)
    let number = try trialNumber(call)
    let study = try StoredStudy(record, in: store).delete(trial: number)
    if study.record != record { servedStudies.forget(record) }
    views.changed(study.record)
    if let folder = settings.trialFolder {
      let folders = TrialFolders(in: folder, study: record.name, token: record.token)
      if case .failed(let reason) = folders.remove(trial: number) {
        settings.log("files of trial \(number) of '\(record.name)' stay: \(reason)")
      }
    }
    settings.log("trial \(number) of study '\(record.name)' was deleted")
    return .json(["number": .integer(number)])
  }

  /// The seed of a study that has one, which is part of its workers' folders' names.
  func seed(of record: StudyRecord) throws -> UInt64? {
    try viewed.note("seed", of: record).flatMap { UInt64($0) }
  }

  private func read(_ text: String) throws(APIError) -> StudyFile {
    do throws(StudyFileError) {
      return try StudyFile(text: text, path: "the study file")
    } catch {
      throw APIError(400, "bad_study_file", "\(error)")
    }
  }

  private static func values(_ members: [JSONValue.Member]) -> [FixedValue] {
    members.map { FixedValue(name: $0.name, value: $0.value.parameterValue) }
  }
}
