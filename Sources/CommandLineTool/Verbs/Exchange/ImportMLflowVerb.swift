internal import Exchange
internal import HTTPClient
internal import Messages

/// `needletail import mlflow <study> --from <url or folder>`
package struct ImportMLflowVerb: Verb {
  package static let description = VerbDescription(
    words: ["import", "mlflow"],
    abstract: "Import finished runs from MLflow as trials, for samplers to start from.",
    discussion: [
      "Takes the runs of an experiment that are no other run's parent, their parameters and the "
        + "latest values of their metrics. The objective is the metric value unless --value or a "
        + "study file names another. Credentials are those of export mlflow."
    ] + EvidenceImport.discussion,
    arguments: [.study],
    options: [
      .init(
        name: "--from", placeholder: "PLACE",
        help: "The http:// or https:// address of a server, or a folder; else MLFLOW_TRACKING_URI.",
        completion: .file),
      .init(
        name: "--experiment", placeholder: "NAME",
        help: "The experiment; named like the study by default."),
      .init(
        name: "--insecure", help: "Send the password over the network in plain text if need be."),
    ] + EvidenceImport.options + [.store, .json],
    examples: [
      .init(
        "needletail import mlflow digits --from http://127.0.0.1:5000 --value val_loss",
        "Imports the runs of the experiment digits."),
      .init(
        "needletail import mlflow digits --from mlruns --experiment Default --study-file study.yaml",
        "Imports from MLflow's files."),
    ])

  private let place: String?
  private let experiment: String?
  private let isInsecure: Bool
  private let evidence: EvidenceImport

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let study = try arguments.positional("study")
    place = arguments.value("--from")
    experiment = arguments.value("--experiment")
    isInsecure = arguments.flag("--insecure")
    evidence = try EvidenceImport(&arguments, study: study)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let place = try MLflowPlace.named(place, option: "--from", verb: "import mlflow", context)
    let name = experiment ?? evidence.name
    guard WebAddress.isAddress(place) else {
      let folder = try MLflowFolder(place)
      return try evidence.run(context) { (options) throws(ExchangeError) in
        try EvidenceList(of: folder, experiment: name, options: options)
      }
    }
    let server = try MLflowServer(
      place, MLflowCredentials(environment: context.environment), version: Release.version,
      isInsecure: isInsecure)
    return try evidence.run(context) { (options) throws(ExchangeError) in
      try EvidenceList(of: server, experiment: name, options: options)
    }
  }
}
