internal import Analysis
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel

/// `needletail study best <study>`
package struct StudyBestVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "best"],
    abstract: "Show which trial of a study to use: the best one as far as can be told.",
    discussion: [
      "Values are noisy, and the best of many is also a lucky one. From ten completed trials on, a "
        + "Gaussian process over the parameters says what each would be worth without noise: the trial "
        + "with the best mean is shown, with where its worth lies and how probably it is the best of all, "
        + "and the one with the best value beside it when that is another.",
      "With several objectives it lists the feasible trials that no other one beats in all of them, by "
        + "number, and the volume that they dominate.",
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--parameter", placeholder: "NAME", help: "Print only the value of this parameter."),
      .store, .json,
    ],
    examples: [
      .init(
        "needletail study best digits", "Prints the value, the parameters and how sure they are."),
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
    var best: [Trial] = []
    var front: ParetoFront?
    var recommendation: Recommendation?
    if study.directions.count == 1 {
      let trials = try store.trials(in: study, numbers: nil)
      recommendation = Recommendation.assess(trials, direction: study.directions[0])
      if let found = recommendation,
        let trial = trials.first(where: { $0.number == found.chosen.number })
      {
        best = [trial]
      }
    } else {
      let found = ParetoFront(
        of: try store.trials(in: study, numbers: nil), study.directions)
      best = found.trials
      front = found
    }
    guard let first = best.first else {
      let completed = try store.counts(in: study)[.completed] ?? 0
      context.console.warn(
        completed > 0
          ? "study '\(name.printable)' has \(completed) completed trials, and none is feasible"
          : "study '\(name.printable)' has no completed trial; needletail study show tells its state"
      )
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
    if json {
      for trial in best { context.console.writeJSON(Self.form(of: trial, recommendation)) }
    } else if front == nil {
      first.summaryLines.forEach(context.console.write)
    } else {
      ParetoFront.table(best, try StoredStudy(study, in: store).metricNames()).forEach(
        context.console.write)
    }
    if !json, let recommendation { Self.lines(of: recommendation).forEach(context.console.write) }
    if !json, let line = front?.volumeLine { context.console.write(line) }
    return .success
  }

  /// The trial with what is believed of it, and the number and the value of the luckiest one.
  private static func form(of trial: Trial, _ found: Recommendation?) -> JSONValue {
    guard let found, case .object(let members) = trial.jsonForm else { return trial.jsonForm }
    return .object(
      members + found.chosen.beliefMembers + [
        .init("luckiest", .integer(found.luckiest.number)),
        .init("luckiest_value", .float(found.luckiest.value)),
      ])
  }

  /// How sure the answer is, and what the luckiest trial is, if another one.
  private static func lines(of found: Recommendation) -> [String] {
    guard let belief = found.chosen.belief else { return [] }
    func brief(_ value: Double) -> String { value.text(significantDigits: 5) }
    func percent(_ share: Double) -> String { "\((100 * share).text(significantDigits: 3)) %" }
    var lines = [
      "without noise \(brief(belief.expected)) is expected, with 95 % between "
        + "\(brief(belief.interval.lowerBound)) and \(brief(belief.interval.upperBound))",
      "the best of \(found.completed) completed trials with a probability of "
        + percent(belief.probabilityOfBest),
    ]
    if found.luckiest.number != found.chosen.number {
      var line = "luckiest: trial \(found.luckiest.number) with \(brief(found.luckiest.value))"
      if let belief = found.luckiest.belief {
        line +=
          ", of which \(brief(belief.expected)) is expected without noise; the best with "
          + percent(belief.probabilityOfBest)
      }
      lines.append(line)
    }
    return lines
  }
}

/// The feasible completed trials that no other one beats in one objective while being as good in
/// all, by number, as Optuna lists them.
struct ParetoFront {
  let trials: [Trial]
  /// The volume that they dominate, up to ``reference``; nil when values are infinite.
  let volume: Double?
  /// The worst value of each objective among all feasible completed trials.
  let reference: [Double]

  init(of all: [Trial], _ directions: [Direction]) {
    func losses(_ trial: Trial) -> [Double] { zip(directions, trial.values).map { $0.loss($1) } }
    trials = BestTrials(of: all, directions).trials.sorted { $0.number < $1.number }
    let feasible = all.filter {
      $0.state == .completed && $0.values.count == directions.count
        && Trial.violation(of: $0.systemAttributes) <= 0
    }
    let worst = directions.indices.map { objective in
      feasible.reduce(-.infinity) { max($0, losses($1)[objective]) }
    }
    reference = zip(directions, worst).map { $0.loss($1) }
    let front = trials.map(losses)
    let isFinite = (front + [worst]).allSatisfy { $0.allSatisfy(\.isFinite) }
    volume = isFinite && !front.isEmpty ? Hypervolume.volume(front, below: worst) : nil
  }

  /// The trials as a table with a column for each objective, by its name.
  static func table(_ trials: [Trial], _ names: [String]) -> [String] {
    var parameters: [String] = []
    for trial in trials {
      for parameter in trial.parameters where !parameters.contains(parameter.name) {
        parameters.append(parameter.name)
      }
    }
    var table = TextTable(
      ["trial"] + names.map(\.printable) + parameters.map(\.printable),
      rightAligned: Set(0...names.count))
    for trial in trials {
      table.append(
        [String(trial.number)] + trial.values.map(\.brief)
          + parameters.map { trial[parameter: $0]?.brief ?? "-" })
    }
    return table.lines
  }

  /// `4 trials dominate a volume of 0.83 up to the worst values 1.2, 30`.
  var volumeLine: String? {
    guard let volume else { return nil }
    let worst = reference.map { $0.text(significantDigits: 6) }.joined(separator: ", ")
    return
      "\(trials.count) \(trials.count == 1 ? "trial dominates" : "trials dominate") a volume of "
      + "\(volume.text(significantDigits: 6)) up to the worst values \(worst)"
  }
}
