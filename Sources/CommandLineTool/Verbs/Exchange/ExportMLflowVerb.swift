internal import Exchange
internal import HTTPClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System

/// `needletail export mlflow <study> --to <url or folder>`
package struct ExportMLflowVerb: Verb {
  package static let description = VerbDescription(
    words: ["export", "mlflow"],
    abstract: "Bring a study to MLflow: a run for the study, below it one for each trial.",
    discussion: [
      "Finished trials become runs with parameters, metrics with steps, tags, times and a status. "
        + "Done twice it adds nothing; after an interruption it completes what is missing; of a study "
        + "that has grown it adds what is new. A folder gets MLflow's file store (mlruns).",
      "User and password come from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, a token "
        + "from MLFLOW_TRACKING_TOKEN.",
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--to", placeholder: "PLACE",
        help: "The http:// or https:// address of a server, or a folder; else MLFLOW_TRACKING_URI.",
        completion: .file),
      .init(
        name: "--experiment", placeholder: "NAME",
        help: "The experiment, made if need be; named like the study by default."),
      .init(
        name: "--insecure", help: "Send the password over the network in plain text if need be."),
      .store, .json,
    ],
    examples: [
      .init(
        "needletail export mlflow digits --to http://127.0.0.1:5000",
        "Shows the study in a server's user interface."),
      .init("needletail export mlflow digits --to mlruns", "Writes MLflow's files."),
    ])

  private let name: String
  private let place: String?
  private let experiment: String?
  private let isInsecure: Bool
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    place = arguments.value("--to")
    experiment = arguments.value("--experiment")
    isInsecure = arguments.flag("--insecure")
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let place = try MLflowPlace.named(place, option: "--to", verb: "export mlflow", context)
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let metrics = try StoredStudy(study, in: store).file()?.objectives.map(\.name)
    let runs = StudyRuns(
      of: study, try store.trials(in: study, numbers: nil), metrics: metrics,
      attributes: try store.attributes(.user, of: study))
    let tracker = try MLflowPlace.tracker(place, isInsecure: isInsecure, context)
    let console = context.console
    let shown = Lock(0)
    let summary = try RunExport.run(runs, to: tracker, experiment: experiment ?? name) {
      done, total in
      guard console.isInteractive else { return }
      let isNews: Bool = shown.withLock { latest in
        guard done > latest, done - latest >= 25 || done == total else { return false }
        latest = done
        return true
      }
      if isNews {
        console.writeMessage("\r\(done) of \(total) trials" + (done == total ? "\n" : ""))
      }
    }
    if runs.changedNames > 0 {
      console.warn(
        "\(runs.changedNames) names of parameters have characters that MLflow does not take; they "
          + "have _ instead")
    }
    if json {
      console.writeJSON([
        "study": .string(name), "experiment": .string(experiment ?? name),
        "added": .integer(summary.added), "present": .integer(summary.present),
        "unfinished": .integer(summary.unfinished),
      ])
    } else {
      var line = "exported \(summary.added) trials of '\(name.printable)'"
      if summary.present > 0 { line += "; \(summary.present) were there" }
      if summary.unfinished > 0 {
        line += "; \(summary.unfinished) are not finished, export again later"
      }
      console.write(line)
    }
    return .success
  }
}

/// Where MLflow is, by an option or by the environment variable of MLflow's own client.
enum MLflowPlace {
  static func named(
    _ option: String?, option name: String, verb: String, _ context: Context
  ) throws(UsageError) -> String {
    if let option { return option }
    guard let place = context.environment("MLFLOW_TRACKING_URI"), !place.isEmpty else {
      throw .missingArgument("\(name) with a server's address or a folder", verb: verb)
    }
    return place
  }

  static func tracker(
    _ place: String, isInsecure: Bool, _ context: Context
  ) throws(ExchangeError) -> any RunTracker {
    guard WebAddress.isAddress(place) else { return try MLflowFolder(place) }
    return try MLflowServer(
      place, MLflowCredentials(environment: context.environment), version: Release.version,
      isInsecure: isInsecure)
  }
}
