internal import Messages
internal import StudyModel

/// `needletail study best <study>`
package struct StudyBestVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "best"],
    abstract: "Show the best completed trial of a study.",
    discussion: [
      "With several objectives it lists the trials that no other one beats in all of them."
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--parameter", placeholder: "NAME", help: "Print only the value of this parameter."),
      .store, .json,
    ],
    examples: [
      .init("needletail study best digits", "Prints the value and the parameters."),
      .init(
        "python3 train.py --lr=$(needletail study best digits --parameter learning_rate)",
        "Uses the best learning rate in a script."),
    ])

  private let name: String
  private let parameter: String?
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    parameter = arguments.value("--parameter")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let best =
      study.directions.count == 1
      ? try store.bestTrial(in: study).map { [$0] } ?? []
      : try store.trials(in: study, numbers: nil).undominated(study.directions)
    guard let first = best.first else {
      context.console.warn(
        "study '\(name.printable)' has no completed trial; needletail study show tells its state")
      return .nothingFound
    }
    if let parameter {
      guard let value = first[parameter: parameter] else {
        let names = first.parameters.map(\.name.printable).joined(separator: ", ")
        throw CommandError.badParameter(
          parameter, problem: "is not one of trial \(first.number); it has \(names)")
      }
      context.console.write(json ? JSONValue(value).text(nonFinite: .strings) : "\(value)")
      return .success
    }
    for trial in best {
      if json {
        context.console.writeJSON(trial.jsonForm)
      } else {
        trial.summaryLines.forEach(context.console.write)
      }
    }
    return .success
  }
}

extension [Trial] {
  /// The completed trials that no other one beats in one objective while being as good in all.
  func undominated(_ directions: [Direction]) -> [Trial] {
    let completed = filter { $0.state == .completed && $0.values.count == directions.count }
    let losses = completed.map { trial in
      zip(directions, trial.values).map { $0.loss($1) }
    }
    return (ParetoOrder.ranks(losses, atLeast: 1).first ?? []).map { completed[$0] }
  }
}
