internal import Coordination
internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
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
      .init(name: "--reason", help: "A column with the reason of failed and pruned trials."),
      .init(
        name: "--attribute", placeholder: "NAME",
        help: "A column with this attribute of the user or of the program.", isRepeated: true),
    ] + StudyPlace.options,
    examples: [
      .init("needletail trial list digits --best 5", "Shows the five best trials."),
      .init(
        "needletail trial list digits --state failed --reason", "Shows why trials failed."),
      .init(
        "needletail trial list digits --state failed --json", "One line of JSON per failed trial."),
    ])

  private let name: String
  private let state: TrialState?
  private let best: Int?
  private let last: Int?
  private let hasReasons: Bool
  private let attributes: [String]
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    let word = try arguments.word("--state", of: TrialState.allCases.map(\.name))
    state = TrialState.allCases.first { $0.name == word }
    best = try arguments.integer("--best", in: 1...Int.max)
    last = try arguments.integer("--last", in: 1...Int.max)
    hasReasons = arguments.flag("--reason")
    attributes = arguments.values("--attribute")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
    if best != nil, last != nil {
      throw .conflict("--best and --last exclude each other; remove one")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    var (trials, interrupted, directions) = try read(context)
    if let state { trials.removeAll { $0.state != state } }
    if let best {
      let found = BestTrials(of: trials, directions)
      for note in found.notes { context.console.warn(note) }
      trials = Array(found.trials.prefix(best))
    }
    if let last { trials = trials.suffix(last) }
    guard !trials.isEmpty else {
      context.console.warn("study '\(name.printable)' has no such trials")
      return .nothingFound
    }
    if json {
      for trial in trials {
        context.console.writeJSON(
          trial.jsonForm(isInterrupted: interrupted.contains(trial.number)))
      }
      return .success
    }
    var table = TextTable(
      ["trial", "state", "value", "time"] + attributes + (hasReasons ? ["reason"] : [])
        + ["parameters"], rightAligned: [0, 2, 3])
    for trial in trials {
      let state =
        trial.isDeleted
        ? "deleted" : interrupted.contains(trial.number) ? "interrupted" : trial.state.name
      table.append(
        [String(trial.number), state, trial.valuesText, Duration.text(trial.duration)]
          + attributes.map { trial.attributeText($0) } + (hasReasons ? [trial.reasonText] : [])
          + [trial.parametersText])
    }
    table.lines.forEach(context.console.write)
    return .success
  }

  /// The trials that may be listed, those of them that no worker runs, and the study's directions.
  private func read(
    _ context: Context
  ) throws -> (trials: [Trial], interrupted: Set<Int>, directions: [Direction]) {
    if let client = try place.client(context) {
      let summary = try client.study(name)
      let directions = (summary["directions"]?.array ?? []).compactMap {
        $0.string.flatMap(Direction.init(rawValue:))
      }
      let found = try client.listedTrials(of: name, in: state)
      return (found.trials, found.interrupted, directions)
    }
    let store = try place.selection(context).openExisting()
    let study = try store.study(named: name)
    var numbers: [Int]?
    if let last, state == nil {
      let total = try store.counts(in: study).values.reduce(0, +)
      numbers = Array(max(0, total - last)..<total)
    }
    let trials = try store.trials(in: study, numbers: numbers)
    let interrupted =
      trials.contains { $0.state == .running } ? try store.interruptedTrials(in: study) : []
    return (trials, interrupted, study.directions)
  }
}

extension Trial {
  /// An attribute of the user, else one of the program, by its name; `-` without it.
  fileprivate func attributeText(_ name: String) -> String {
    let found =
      userAttributes.last { $0.key == name } ?? systemAttributes.last { $0.key == name }
    return found?.value.readableText ?? "-"
  }

  /// Why it failed or was pruned, in a sentence; `-` without one.
  fileprivate var reasonText: String {
    let pruned = systemAttributes.last { $0.key == "needletail:pruned" }?.value.string
    let text = failureReason.isEmpty ? pruned ?? "" : failureReason
    return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? "-"
  }
}
