internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Objectives
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel

/// `needletail study check <study.yaml>`
package struct StudyCheckVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "check"],
    abstract: "Check a study file, and show what a run of it would do first.",
    discussion: [
      "Shows the space and how many points it has, the first five suggestions as if they ran at once, the "
        + "first command line, and the changes against the study of that name where it is stored. "
        + "Nothing is run, and nothing is written. needletail run --dry-run does the same with the "
        + "options of run.",
      "A file with a mistake, or one that does not fit the stored study, is refused in a sentence.",
    ],
    arguments: [SourceStudy.argument, SourceStudy.commandArgument],
    options: [
      .init(
        name: "--name", placeholder: "STUDY",
        help: "The study's name; else 'name' of the study file, else the file's name."),
      .init(
        name: "--seed", placeholder: "N",
        help: "The seed of the suggestions; a stored study keeps its own."),
    ] + SourceStudy.options + StudyPlace.options,
    examples: [
      .init("needletail study check study.yaml", "Checks it against needletail.db."),
      .init(
        "needletail study check study.yaml --to http://127.0.0.1:7654",
        "Checks it against the study at a coordinator."),
    ])

  private let source: SourceStudy
  private let name: String?
  private let seed: UInt64?
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    source = try SourceStudy(&arguments, verb: "study check")
    name = arguments.value("--name")
    seed = try arguments.seed("--seed")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let file = try source.read(telling: context.console, needsCommand: false)
    guard let client = try place.client(context) else {
      let plan = try RunPlan(
        file: file, RunOptions(name: name, seed: seed, store: place.storeOption),
        environment: context.environment)
      if file.command != nil {
        try TrialObjective.check(file, toolFolder: OwnFiles.toolFolder)
      }
      return try DryRun(plan).show(context.console, json: json)
    }
    let name = name ?? file.studyName
    try StoreError.checkStudyName(name)
    let dry = DryRun(
      file: file, name: name, workers: nil, trials: nil, seed: seed,
      stored: try client.contents(of: name), location: "\(client.address)",
      trialFolder: "needletail-trials", token: "")
    return try dry.show(context.console, json: json)
  }
}
