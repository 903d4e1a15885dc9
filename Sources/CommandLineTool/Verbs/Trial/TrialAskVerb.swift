internal import Coordination
internal import JSON
internal import Messages
internal import Pruners
internal import Samplers
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System

/// `needletail trial ask <study>`
package struct TrialAskVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "ask"],
    abstract: "Start a trial by hand: print its number and its parameters.",
    discussion: [
      "Run the trial wherever you like and finish it with trial tell. The search space is that of "
        + "the study file that the study was last run from, or the one given with --space, which a "
        + "study without a study file keeps for the next time. Queued trials come first.",
      "The trial is yours for the time of --lease; after that a run may take it.",
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--space", placeholder: "JSON",
        help: "The search space: an object of {\"type\": \"float\", \"low\": 0, \"high\": 1, "
          + "\"log\": false, \"step\": null}, the same with int, or {\"type\": \"categorical\", "
          + "\"choices\": [...]}."),
      .init(
        name: "--sampler", placeholder: "NAME",
        help: "A sampler such as auto, gp, tpe or random; else that of the study file, else auto.",
        completion: .words(["auto", "gp", "tpe", "cmaes", "nsga2", "qmc", "random"])),
      .init(
        name: "--seed", placeholder: "N",
        help: "The seed of a study that has none yet; the others keep their own."),
      .init(
        name: "--lease", placeholder: "TIME", help: "How long the trial is yours; 1d by default."),
      .store, .json,
    ],
    examples: [
      .init("needletail trial ask digits --json", "Starts a trial of the study digits."),
      .init(
        "needletail trial ask lr --space '{\"x\": {\"type\": \"float\", \"low\": 0, \"high\": 1}}'",
        "The same for a study without a study file."),
    ])

  private let name: String
  private let space: String?
  private let sampler: String?
  private let seed: UInt64?
  private let lease: Duration
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    space = arguments.value("--space")
    sampler = arguments.value("--sampler")
    seed = try arguments.seed("--seed")
    lease = try arguments.duration("--lease") ?? .seconds(86_400)
    store = arguments.value("--store")
    json = arguments.flag("--json")
    if lease < .seconds(2) {
      throw .badValue(option: "--lease", value: lease.brief, expected: "two seconds or more")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let given = try space.map(Self.readSpace)
    let setting = try sampler.map { try AlgorithmSetting(.sampler, named: $0, source: "--sampler") }
    let store = try selection.openExisting()
    let study = try StoredStudy.load(name, in: store)
    let file = try study.file()
    guard let space = try given ?? study.space(), !space.parameters.isEmpty else {
      throw CommandError.noSearchSpace(study: name)
    }
    // A trial that is asked for by hand comes beside the budget, and no coordinator's rules are for
    // it.
    let coordinator = try study.coordinator(
      file, budget: nil, sampler: try setting?.makeSampler(), pruner: NopPruner(), seed: seed,
      worker: "\(StoredStudy.byHandPrefix)\(getpid())", leaseDuration: lease)
    try coordinator.checkCompatibility(of: space)
    if given != nil, file == nil { try study.rememberAsked(space) }
    guard let active = try coordinator.ask(assigning: space) else {
      throw CommandError.other("study '\(name.printable)' takes no more trials")
    }
    let trial = active.snapshot
    if json {
      context.console.writeJSON(trial.jsonForm)
    } else {
      context.console.write("trial \(trial.number)")
      for parameter in trial.parameters {
        context.console.write("  \(parameter.name.printable) = \("\(parameter.value)".printable)")
      }
    }
    return .success
  }

  /// Reads a search space from JSON.
  private static func readSpace(_ text: String) throws -> SearchSpace {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: text)
    } catch {
      throw CommandError.other("--space is \(error)")
    }
    guard case .object(let members) = document else {
      throw CommandError.other("--space is no JSON object of parameters; see trial ask --help")
    }
    var space = SearchSpace()
    for member in members {
      do {
        try space.append(Parameter(member.name, try Distribution(json: member.value)))
      } catch {
        throw CommandError.badParameter(member.name, problem: "of --space: \(error)")
      }
    }
    return space
  }
}
