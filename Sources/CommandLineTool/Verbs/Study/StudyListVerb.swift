internal import Coordination
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import Trials

/// `needletail study list`
package struct StudyListVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "list"],
    abstract: "List the studies of a store with their status, trials and best values.",
    discussion: [
      "The status is running, waiting for workers, paused, stopped, complete (it has its trials), "
        + "exhausted (all points were tried) or failing (the last trials all failed)."
    ],
    options: [
      .init(name: "--names", help: "Print the names only, one per line."),
      .store, .json,
    ],
    examples: [
      .init("needletail study list", "Lists the studies of needletail.db."),
      .init(
        "needletail study list --store all.db --json", "One line of JSON per study of all.db."),
    ])

  private let namesOnly: Bool
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    namesOnly = arguments.flag("--names")
    store = arguments.value("--store")
    json = arguments.flag("--json")
    if namesOnly && json { throw .conflict("--names and --json exclude each other; remove one") }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let studies = try store.studies()
    if namesOnly {
      for study in studies { context.console.write(study.name.printable) }
      return studies.isEmpty ? .nothingFound : .success
    }
    var table = TextTable(
      ["study", "status", "direction", "trials", "completed", "pruned", "failed", "best"],
      rightAligned: [3, 4, 5, 6, 7])
    // One study that makes no sense hides no other.
    var damaged = try store.damagedStudies()
    for study in studies {
      let overview: StudyOverview
      do {
        overview = try StudyOverview(withStatusOf: StoredStudy(study, in: store))
      } catch let error as StoreError {
        guard case .damaged = error else { throw error }
        damaged.append(DamagedStudy(name: study.name, problem: error))
        continue
      }
      if json {
        context.console.writeJSON(overview.jsonForm)
        continue
      }
      func count(_ state: TrialState) -> String { String(overview.counts[state] ?? 0) }
      table.append([
        study.name, overview.facts?.status.words ?? "-", study.directions.text, overview.progress,
        count(.completed), count(.pruned), count(.failed), overview.best?.value?.brief ?? "-",
      ])
    }
    for study in damaged { context.console.warn(study.sentence) }
    guard !studies.isEmpty || !damaged.isEmpty else {
      context.console.warn(
        "\(store.location.printable) has no studies; start one: needletail run study.yaml")
      return .nothingFound
    }
    if !json { table.lines.forEach(context.console.write) }
    return .success
  }
}

extension DamagedStudy {
  /// What to say of it beside the others.
  var sentence: String { "study '\(name.printable)' cannot be read: \(problem)" }
}
