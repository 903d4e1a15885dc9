internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import StudyFiles

/// `needletail study submit <study.yaml> --to URL`
package struct StudySubmitVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "submit"],
    abstract: "Hand a study file to a coordinator, whose workers then run it.",
    discussion: [
      "The same name again gives the study the new file: with more trials it goes on. What --trials said "
        + "holds until another number is said, by --trials or by another study file. The file is "
        + "checked here first. Its command runs where the workers are, in the folder that they "
        + "were given."
    ],
    arguments: [
      SourceStudy.argument, SourceStudy.commandArgument,
    ],
    options: [
      .init(
        name: "--to", placeholder: "URL",
        help: "The coordinator's address; else the environment variable NEEDLETAIL_COORDINATOR, "
          + "else http://127.0.0.1:7654."),
      .init(
        name: "--name", placeholder: "STUDY",
        help: "The study's name; else 'name' of the study file, else the file's name."),
      .init(
        name: "--trials", short: "-n", placeholder: "N",
        help: "How many trials the study gets in total; else 'trials' of the study file."),
      .init(
        name: "--wait",
        help: "Wait until the study is over, with the exit codes of needletail study wait."),
    ] + SourceStudy.options + [.json] + CoordinatorOptions.all,
    examples: [
      .init("needletail study submit study.yaml", "Hands it to the coordinator on this machine."),
      .init(
        "needletail study submit study.yaml --to https://tuning.example:7654 --ca ca.pem "
          + "--token-file admin",
        "Hands it to another one, with a token of the role admin."),
    ])

  private let source: SourceStudy
  private let url: String?
  private let name: String?
  private let trials: Int?
  private let waits: Bool
  private let json: Bool
  private let coordinator: CoordinatorOptions

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    source = try SourceStudy(&arguments, verb: "study submit")
    url = arguments.value("--to")
    name = arguments.value("--name")
    trials = try arguments.integer("--trials", in: 1...(1 << 40))
    waits = arguments.flag("--wait")
    json = arguments.flag("--json")
    coordinator = try CoordinatorOptions(&arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let file = try source.read(telling: context.console)
    let name = name ?? file.studyName
    try StoreError.checkStudyName(name)
    let client = try coordinator.client(
      url ?? CoordinatorOptions.defaultAddress(context.environment),
      environment: context.environment)
    let summary = try client.submit(.file(file.text, name: name, trials: trials))
    for warning in summary["warnings"]?.array ?? [] {
      context.console.warn((warning.string ?? warning.text()).printable)
    }
    if waits {
      context.console.note("study '\(name.printable)' is at \(client.address)")
      return try StudyWait(.over, timeout: nil).run(name, json: json, context.console) {
        try client.study(name)
      }
    }
    if json {
      context.console.writeJSON(summary)
    } else {
      context.console.write("study '\(name.printable)' is at \(client.address)")
    }
    return .success
  }
}
