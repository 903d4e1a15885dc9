internal import Exchange

/// `needletail import csv <study> <file>`
package struct ImportCSVVerb: Verb {
  package static let description = VerbDescription(
    words: ["import", "csv"],
    abstract: "Import finished trials from a table, for samplers to start from.",
    discussion: [
      "The header tells what the table is: one of study export, Optuna's trials_dataframe(), a sweep "
        + "exported from Weights & Biases, or any with a column per parameter and a column value. A "
        + "sweep's table does not tell parameters from results, so that --parameters and --value, "
        + "or --study-file, must name them."
    ] + EvidenceImport.discussion,
    arguments: [
      .study,
      .init(name: "file", help: "The table; - for standard input.", completion: .file),
    ],
    options: EvidenceImport.options + [.store, .json],
    examples: [
      .init("needletail import csv digits trials.csv", "Imports a table and shows the space."),
      .init(
        "needletail import csv digits sweep.csv --study-file study.yaml --value val_loss",
        "Takes the parameters' bounds from a study file."),
    ])

  private let file: String
  private let evidence: EvidenceImport

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let study = try arguments.positional("study")
    file = try arguments.positional("file")
    evidence = try EvidenceImport(&arguments, study: study)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let table = try CSVTable(path: file)
    return try evidence.run(context) { (options) throws(ExchangeError) in
      try EvidenceList(table, options: options)
    }
  }
}
