internal import Coordination
internal import JSON
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import Trials

/// What is known of a study beside its trials: what the user wants of it, its budget, how it
/// samples, and who runs it.
struct StudyDetails: Sendable, Equatable {
  private(set) var control = StudyControl.running
  private var isStoppedAsFailing = false
  private var hasComeToItsEnd = false
  /// How many trials it is to have; nil when that was not said.
  private(set) var limit: Int?
  private(set) var interrupted: Set<Int> = []
  private(set) var waitingWorkers = 0
  private var sampler: String?
  private var pruner: String?
  private var metrics: [String] = []
  private var hasCommand = false
  private var note = StudyNote()
  private(set) var extent = ExtentReader()

  /// Reads it anew.
  ///
  /// - Parameter waitingWorkers: How many workers wait for its trials.
  mutating func read(
    of record: StudyRecord, in store: any StudyStore, waitingWorkers: Int
  ) throws {
    control = try store.control(of: record)
    isStoppedAsFailing = try store.failure(of: record) != nil
    hasComeToItsEnd = try store.ending(of: record) != nil
    interrupted = try store.interruptedTrials(in: record)
    self.waitingWorkers = waitingWorkers
    let system = try store.attributes(.system, of: record)
    note = StudyNote(system)
    let extent = try extent.read(StoredStudy(record, in: store))
    limit = extent.budget
    sampler = extent.file?.sampler?.name
    pruner = extent.file?.pruner?.name
    hasCommand = extent.file?.isRunnable ?? false
    let named = system.first { $0.key == StoredStudy.metricNamesKey }?.value
    metrics =
      extent.file.map { $0.objectives.map(\.name) }.flatMap { $0.isEmpty ? nil : $0 }
      ?? named?.array?.compactMap(\.string) ?? []
  }

  /// The objectives' names, one each; nil when they are not known.
  var metricNames: [String]? { metrics.isEmpty ? nil : metrics }

  /// How the study stands when these are its trials.
  func facts(of history: TrialHistory) -> StudyFacts {
    var facts = StudyFacts(counts: history.counts, budget: limit)
    facts.control = control
    facts.isStoppedAsFailing = isStoppedAsFailing
    facts.hasComeToItsEnd = hasComeToItsEnd
    facts.interrupted = interrupted.filter { $0 < history.count && history.states[$0] == .running }
    facts.waitingWorkers = waitingWorkers
    let latest = history.finishedOrder.suffix(StudyFacts.failuresAllowed)
    facts.failuresInARow = latest.reversed().prefix { history.states[$0] == .failed }.count
    if facts.finished == facts.total, facts.total > 0, let extent = extent.latest {
      facts.isExhausted = extent.trialLimit(given: history).map { $0 <= history.count } ?? false
    }
    return facts
  }

  static func == (a: Self, b: Self) -> Bool {
    a.control == b.control && a.isStoppedAsFailing == b.isStoppedAsFailing
      && a.hasComeToItsEnd == b.hasComeToItsEnd && a.limit == b.limit && a.sampler == b.sampler
      && a.pruner == b.pruner
      && a.metrics == b.metrics && a.hasCommand == b.hasCommand && a.note == b.note
  }

  /// Keys: `control`, `limit`, `sampler`, `pruner`, `metrics`, `has_command`, `note`,
  /// `note_version`.
  var members: [JSONValue.Member] {
    [
      .init("control", .string(control.rawValue)),
      .init("limit", limit.map(JSONValue.integer) ?? .null),
      .init("sampler", sampler.map(JSONValue.string) ?? .null),
      .init("pruner", pruner.map(JSONValue.string) ?? .null),
      .init("metrics", .array(metrics.map(JSONValue.string))),
      .init("has_command", .bool(hasCommand)),
      .init("note", .string(note.text)),
      .init("note_version", .integer(note.version)),
    ]
  }
}

/// A study's extent, whose file is only parsed again when it has changed.
struct ExtentReader: Sendable {
  private var plan: StudyPlan?
  /// What was read last; nil before the first time.
  private(set) var latest: StudyExtent?

  mutating func read(_ study: StoredStudy) throws -> StudyExtent {
    let plan = try study.plan()
    if let latest, plan == self.plan { return latest }
    let extent = StudyExtent(plan)
    (self.plan, latest) = (plan, extent)
    return extent
  }
}
