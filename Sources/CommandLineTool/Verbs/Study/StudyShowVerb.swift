internal import Coordination
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import Trials

/// `needletail study show <study>`
package struct StudyShowVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "show"],
    abstract: "Show a study: status, directions, trials by state, parameters, best trial.",
    arguments: [.study],
    options: [
      .init(
        name: "--file", help: "Print the study file that it was last run from, and nothing else."),
      .store, .json,
    ],
    examples: [
      .init("needletail study show digits", "Shows the study digits of needletail.db."),
      .init("needletail study show digits --file > study.yaml", "Gets the study file back."),
    ])

  private let name: String
  private let fileOnly: Bool
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    fileOnly = arguments.flag("--file")
    store = arguments.value("--store")
    json = arguments.flag("--json")
    if fileOnly && json { throw .conflict("--file and --json exclude each other; remove one") }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let console = context.console
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    if fileOnly {
      guard let text = try StoredStudy(study, in: store).plan().text else {
        console.warn("study '\(name.printable)' was not run from a study file")
        return .nothingFound
      }
      console.writeText(text)
      return .success
    }
    let overview = try StudyOverview(withStatusOf: StoredStudy(study, in: store))
    let attributes = try store.attributes(.user, of: study)
    let parameters = try Self.parameters(of: study, in: store)
    if json {
      console.writeJSON(
        .object(
          overview.members + [
            .init(
              "parameters", .object(parameters.map { .init($0.name, $0.distribution.json) })),
            .init("user_attributes", .object(attributes.map { .init($0.key, $0.value) })),
            .init("store", .string(store.location)),
          ]))
      return .success
    }
    console.write("study      \(study.name.printable)")
    console.write("store      \(store.location.printable)")
    console.write("direction  \(study.directions.text)")
    if let facts = overview.facts { console.write("status     \(facts.status.words)") }
    let states = overview.statesText
    console.write("trials     \(overview.progress)" + (states.isEmpty ? "" : ": " + states))
    for attribute in attributes {
      console.write(
        "attribute  \(attribute.key.printable) = \(attribute.value.readableText.printable)")
    }
    if !parameters.isEmpty {
      console.write("parameters")
      let width = parameters.map(\.name.printable.columns).max() ?? 0
      for parameter in parameters {
        let name = parameter.name.printable.padded(to: width)
        console.write("  \(name)  \(parameter.distribution.summary.printable)")
      }
    }
    if let best = overview.best {
      console.write("best")
      for line in best.summaryLines { console.write("  " + line) }
    }
    return .success
  }

  /// Every parameter that a trial had, with its latest distribution, in order of appearance.
  private static func parameters(
    of study: StudyRecord, in store: any StudyStore
  ) throws(StoreError) -> [Parameter] {
    var cursor = StoreCursor()
    var order: [String] = []
    var latest: [String: Distribution] = [:]
    for change in try store.changes(in: study, since: &cursor) {
      guard case .parameterSet(let assignment) = change.event else { continue }
      if latest.updateValue(assignment.distribution, forKey: assignment.name) == nil {
        order.append(assignment.name)
      }
    }
    return order.compactMap { name in latest[name].map { Parameter(name, $0) } }
  }
}
