internal import JSON
internal import StudyFiles

/// `needletail convert <file>`
package struct ConvertVerb: Verb {
  package static let description = VerbDescription(
    words: ["convert"],
    abstract: "Print the study file that another tool's sweep file stands for.",
    discussion: [
      "Reads files of W&B, Katib, Kubeflow OptimizationJob, Azure ML, Polyaxon, SageMaker, NNI, "
        + "Determined, Vizier and Vertex AI, Ray, Hydra, ClearML, Comet, Valohai, ConfigSpace and "
        + "PCS, Orion, SigOpt, KerasTuner, Syne Tune, H2O, DVC, MLRun, Guild and Optuna's command "
        + "line. Which it is, the content tells; --format overrules.",
      "What the study file cannot say stands in its comments. run, serve, launch and study submit "
        + "read such files, too, without converting them first.",
    ],
    arguments: [
      .init(name: "file", help: "The other tool's file.", completion: .file)
    ],
    options: [
      .init(
        name: "--format", placeholder: "TOOL",
        help: "Whose file it is, such as wandb or katib; else the content tells.",
        completion: .words(ForeignTool.allCases.map(\.rawValue))),
      .init(
        name: "--select", placeholder: "NAME",
        help: "Which of several experiments or tasks in the file is meant."),
      SourceStudy.containerOption,
      .init(
        name: "--neutral",
        help:
          "Print JSON in which files of all tools compare: bounds as actual values, one name for "
          + "each method."),
    ],
    examples: [
      .init("needletail convert sweep.yaml > study.yaml", "Writes a W&B sweep as a study file."),
      .init(
        "needletail convert valohai.yaml --select tune",
        "Prints the study file of one of the file's tasks."),
    ])

  private let path: String
  private let format: String?
  private let selection: String?
  private let runsInImage: Bool
  private let isNeutral: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    path = try arguments.positional("file")
    format = arguments.value("--format")
    selection = arguments.value("--select")
    runsInImage = arguments.flag("--container")
    isNeutral = arguments.flag("--neutral")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let console = context.console
    guard
      var study = try ForeignStudy.read(
        contentsOf: path, format: format, selecting: selection)
    else {
      let file = try StudyFile(contentsOf: path)
      console.warn("'\(path)' is a study file already")
      if isNeutral {
        console.writeJSON(file.neutral)
      } else {
        console.writeText(file.text)
      }
      return .success
    }
    try study.fill(inImage: runsInImage)
    console.note(study.announcement.harmless)
    for suspicion in study.suspicions { console.warn(suspicion) }
    if isNeutral {
      console.writeJSON(study.neutral)
    } else {
      console.writeText(try study.studyFileText())
    }
    return .success
  }
}
