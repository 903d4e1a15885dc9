internal import Coordination
internal import Messages
internal import Stores
internal import StudyModel

/// `needletail trial list <study>`
package struct TrialListVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "list"],
    abstract: "List the trials of a study.",
    discussion: [
      "A trial that counts as running though nobody runs it, since its worker is gone or gave it back, is "
        + "shown as interrupted; the next run takes it."
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--state", placeholder: "STATE",
        help: "Only trials in this state: "
          + TrialState.allCases.map(\.name).joined(separator: ", ")
          + ".",
        completion: .words(TrialState.allCases.map(\.name))),
      .init(
        name: "--best", placeholder: "N",
        help: "Only the N best trials, best first: completed and feasible ones; with several "
          + "objectives those that no other one beats, by the first objective."),
      .init(name: "--last", placeholder: "N", help: "Only the last N trials."),
      .store, .json,
    ],
    examples: [
      .init("needletail trial list digits --best 5", "Shows the five best trials."),
      .init(
        "needletail trial list digits --state failed --json", "One line of JSON per failed trial."),
    ])

  private let name: String
  private let state: TrialState?
  private let best: Int?
  private let last: Int?
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    let word = try arguments.word("--state", of: TrialState.allCases.map(\.name))
    state = TrialState.allCases.first { $0.name == word }
    best = try arguments.integer("--best", in: 1...Int.max)
    last = try arguments.integer("--last", in: 1...Int.max)
    store = arguments.value("--store")
    json = arguments.flag("--json")
    if best != nil, last != nil {
      throw .conflict("--best and --last exclude each other; remove one")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    var numbers: [Int]?
    if let last, state == nil {
      let total = try store.counts(in: study).values.reduce(0, +)
      numbers = Array(max(0, total - last)..<total)
    }
    var trials = try store.trials(in: study, numbers: numbers)
    if let state { trials.removeAll { $0.state != state } }
    if let best {
      let found = BestTrials(of: trials, study.directions)
      for note in found.notes { context.console.warn(note) }
      trials = Array(found.trials.prefix(best))
    }
    if let last { trials = trials.suffix(last) }
    guard !trials.isEmpty else {
      context.console.warn("study '\(name.printable)' has no such trials")
      return .nothingFound
    }
    let interrupted =
      trials.contains { $0.state == .running } ? try store.interruptedTrials(in: study) : []
    if json {
      for trial in trials {
        context.console.writeJSON(
          trial.jsonForm(isInterrupted: interrupted.contains(trial.number)))
      }
      return .success
    }
    var table = TextTable(
      ["trial", "state", "value", "time", "parameters"], rightAligned: [0, 2, 3])
    for trial in trials {
      table.append([
        String(trial.number),
        interrupted.contains(trial.number) ? "interrupted" : trial.state.name, trial.valuesText,
        Duration.text(trial.duration), trial.parametersText,
      ])
    }
    table.lines.forEach(context.console.write)
    return .success
  }
}
