internal import Coordination
internal import JSON
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// What is known of a study beside its trials: what the user wants of it, its budget, how it samples.
struct StudyStatus: Sendable, Equatable {
  private(set) var control = StudyControl.running
  /// How many trials it is to have; nil when nobody said.
  private(set) var limit: Int?
  private var sampler: String?
  private var pruner: String?
  private var metrics: [String] = []
  private var hasCommand = false
  private var note = StudyNote()
  /// The study file that the above comes from.
  private var file: String?

  /// Reads it anew.
  mutating func read(of record: StudyRecord, in store: any StudyStore) throws {
    control = try store.control(of: record)
    let system = try store.attributes(.system, of: record)
    note = StudyNote(system)
    let text = try store.note(ServedStudy.Note.file, of: record)
    if text != file || text == nil {
      file = text
      read(text, metrics: system.first { $0.key == "study:metric_names" }?.value)
    }
    let wanted = try store.note(ServedStudy.Note.trials, of: record).flatMap { Int($0) }
    limit = wanted ?? fileLimit
  }

  private var fileLimit: Int?

  private mutating func read(_ text: String?, metrics stored: JSONValue?) {
    (sampler, pruner, fileLimit, hasCommand) = (nil, nil, nil, false)
    metrics = stored?.array?.compactMap(\.string) ?? []
    // A file that this version cannot read says nothing here; who serves the study says why.
    guard let text,
      case .success(let file) = Result(catching: { try StudyFile(text: text, path: "study file") })
    else { return }
    sampler = file.sampler?.name
    pruner = file.pruner?.name
    fileLimit = file.trials
    hasCommand = file.command != nil
    if !file.objectives.isEmpty { metrics = file.objectives.map(\.name) }
  }

  /// The objectives' names, one each; nil when they are not known.
  var metricNames: [String]? { metrics.isEmpty ? nil : metrics }

  /// Keys: `control`, `limit`, `sampler`, `pruner`, `metrics`, `has_command`, `note`, `note_version`.
  var json: JSONValue {
    [
      "control": .string(control.rawValue),
      "limit": limit.map(JSONValue.integer) ?? .null,
      "sampler": sampler.map(JSONValue.string) ?? .null,
      "pruner": pruner.map(JSONValue.string) ?? .null,
      "metrics": .array(metrics.map(JSONValue.string)),
      "has_command": .bool(hasCommand),
      "note": .string(note.text),
      "note_version": .integer(note.version),
    ]
  }
}
