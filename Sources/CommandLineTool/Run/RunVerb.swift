internal import Coordination
internal import Objectives

/// `needletail run <study.yaml>`
package struct RunVerb: Verb {
  package static let description = VerbDescription(
    words: ["run"],
    abstract: "Run a study file: create its study, or go on with it.",
    discussion: [
      "Runs the study file's command in trial after trial until the study has its number of trials. "
        + "Typed again it goes on where it stopped, also after a crash: finished trials are kept, "
        + "and those that were running are run again. Any number of processes may run one study "
        + "on one store; together they never run more trials than asked for.",
      "Ctrl-C lets the running trials finish and starts no others; a second one stops them, to be "
        + "run again by the next run; a third one kills them. SIGTERM is like the second.",
      "A study whose first attempts all fail is stopped with the reason, so that a typing error does "
        + "not use up the budget: half of the trials that are left count, from 3 to 10 of them. Run "
        + "it again when that is mended.",
      "What --trials said holds for every way of running the study until another number is said, by "
        + "--trials or by the study file.",
      "The study is kept in the store (needletail help store), what the trials print in the folder "
        + "needletail-trials beside it.",
    ],
    arguments: [
      SourceStudy.argument, SourceStudy.commandArgument,
    ],
    options: [
      .init(
        name: "--workers", short: "-w", placeholder: "N",
        help: "How many trials run at once; else 'workers' of the study file, else 1."),
      .init(
        name: "--trials", short: "-n", placeholder: "N",
        help: "How many trials the study gets in total; else 'trials' of the study file, else no "
          + "limit."),
      .init(
        name: "--timeout", placeholder: "TIME",
        help: "After this time no further trial starts: 90s, 10m, 1h30m."),
      .init(
        name: "--name", placeholder: "STUDY",
        help: "The study's name; else 'name' of the study file, else the file's name."),
      .init(
        name: "--seed", placeholder: "N",
        help: "The seed of a new study's suggestions; an existing study keeps its own."),
      .init(
        name: "--dry-run",
        help:
          "Run and write nothing: show the space, the first five suggestions, the first command "
          + "line, and the changes against the stored study."),
      .init(name: "--quiet", short: "-q", help: "No line per trial, and no live view."),
    ] + SourceStudy.options + [StoreBackup.option, .store, .json],
    examples: [
      .init("needletail run study.yaml", "Runs the study, or goes on with it."),
      .init(
        "needletail run study.yaml --workers 8 --trials 500",
        "Runs eight trials at a time until the study has 500."),
      .init(
        "needletail run study.yaml --name second --seed 7 --timeout 1h",
        "Runs the same file as another study, for an hour."),
      .init("needletail run study.yaml --dry-run", "Shows what would be run first."),
      .init(
        "needletail run space.json --metric loss --trials 50 -- python3 train.py {args}",
        "Runs a command with the parameters of a file that has only a search space."),
    ])

  private let source: SourceStudy
  private let options: RunOptions
  private let isDry: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    source = try SourceStudy(&arguments, verb: "run")
    isDry = arguments.flag("--dry-run")
    options = RunOptions(
      workers: try arguments.integer("--workers", in: 1...4_096),
      trials: try arguments.integer("--trials", in: 1...(1 << 40)),
      timeout: try arguments.duration("--timeout"), name: arguments.value("--name"),
      seed: try arguments.seed("--seed"), store: arguments.value("--store"),
      backup: arguments.value("--backup"), isQuiet: arguments.flag("--quiet"),
      json: arguments.flag("--json"))
  }

  package func run(_ context: Context) throws -> ExitCode {
    let plan = try RunPlan(
      file: source.read(telling: context.console), options, environment: context.environment)
    if isDry {
      try TrialObjective.check(plan.file, toolFolder: OwnFiles.toolFolder)
      return try DryRun(plan).show(context.console, json: options.json)
    }
    Adoption.begin()
    let guardian = Guardian.start()
    defer { guardian?.dismiss() }
    let run = try StudyRun(plan, context.console, mark: guardian?.mark)
    return try run.run()
  }
}

/// What the command line says of a run; nil where it says nothing.
struct RunOptions: Sendable {
  var workers: Int?
  var trials: Int?
  var timeout: Duration?
  var name: String?
  var seed: UInt64?
  var store: String?
  var backup: String?
  var isQuiet = false
  var json = false
}
