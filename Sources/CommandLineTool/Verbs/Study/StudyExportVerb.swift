internal import JSON
internal import Messages
internal import Stores
internal import Studies
package import StudyModel
internal import System

/// `needletail study export <study> [--format FORMAT]`
package struct StudyExportVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "export"],
    abstract: "Write all trials of a study as CSV or JSON to standard output.",
    discussion: [
      "CSV has one row per trial with the columns number, state, value (value_0, value_1 … with "
        + "several objectives), started_at, completed_at, duration_seconds, then parameter_NAME "
        + "and attribute_NAME for each name that a trial has. JSON is one line per trial, as trial "
        + "list --json prints it.",
      "The other formats are for tools that people come from: params is the best trial's parameters "
        + "as one JSON object; sagemaker is what ListTrainingJobsForHyperParameterTuningJob answers; "
        + "vizier a study with trials of Vizier and Vertex AI; azure what "
        + "get_children_sorted_by_primary_metric returns; ax what attach_trial and complete_trial "
        + "take.",
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--format", placeholder: "FORMAT",
        help: "csv (default), json, params, sagemaker, vizier, azure or ax.",
        completion: .words(formats)),
      .store, .json,
    ],
    examples: [
      .init("needletail study export digits > digits.csv", "Writes a table for a spreadsheet."),
      .init("needletail study export digits --format json | jq .value", "Prints all values."),
      .init(
        "needletail study export digits --format params > best.json",
        "Writes the best parameters for a program that reads JSON."),
    ])

  private static let formats = ["csv", "json"] + ToolExport.Format.allCases.map(\.rawValue)

  private let name: String
  private let isCSV: Bool
  private let tool: ToolExport.Format?
  private let store: String?

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    let format = try arguments.word("--format", of: Self.formats)
    let json = arguments.flag("--json")
    if json, let format, format != "json" {
      throw .conflict("--json contradicts --format \(format); remove one")
    }
    isCSV = !json && format != "json"
    tool = format.flatMap(ToolExport.Format.init)
    store = arguments.value("--store")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let trials = try store.trials(in: study, numbers: nil)
    if let tool {
      let stored = try store.attributes(.system, of: study)
        .first { $0.key == StoredStudy.metricNamesKey }?.value.array
      let names = (stored ?? []).compactMap(\.string)
      let export = ToolExport(
        study: study,
        metrics: names.isEmpty && study.directions.count == 1 ? ["value"] : names, trials: trials,
        best: study.directions.count == 1 ? try store.bestTrial(in: study) : nil)
      guard let document = export.document(tool) else {
        context.console.warn(
          study.directions.count == 1
            ? "study '\(name.printable)' has no completed trial that is feasible"
            : "study '\(name.printable)' has several objectives and no single best trial")
        return .nothingFound
      }
      context.console.writeJSON(document)
    } else if isCSV {
      let table = TrialCSV(trials, objectives: study.directions.count)
      context.console.writeText(table.header)
      for trial in trials { context.console.writeText(table.row(trial)) }
    } else {
      for trial in trials { context.console.writeJSON(trial.jsonForm) }
    }
    return .success
  }
}

/// Trials as comma-separated values after RFC 4180, with line feeds.
package struct TrialCSV {
  private let objectives: Int
  private let parameters: [String]
  private let attributes: [String]

  /// Finds the columns of the trials.
  package init(_ trials: [Trial], objectives: Int) {
    self.objectives = objectives
    parameters = Self.names(trials) { $0.parameters.lazy.map(\.name) }
    attributes = Self.names(trials) { $0.userAttributes.lazy.map(\.key) }
  }

  /// The first line.
  package var header: String {
    let values = objectives == 1 ? ["value"] : (0..<objectives).map { "value_\($0)" }
    return Self.line(
      ["number", "state"] + values + ["started_at", "completed_at", "duration_seconds"]
        + parameters.map { "parameter_\($0)" } + attributes.map { "attribute_\($0)" })
  }

  /// The line of a trial.
  package func row(_ trial: Trial) -> String {
    var cells = [String(trial.number), trial.state.name]
    for objective in 0..<objectives {
      cells.append(trial.values.indices.contains(objective) ? "\(trial.values[objective])" : "")
    }
    cells.append(trial.startedAt?.rfc3339 ?? "")
    cells.append(trial.completedAt?.rfc3339 ?? "")
    cells.append(trial.duration.map { "\($0.inSeconds)" } ?? "")
    for name in parameters { cells.append(trial[parameter: name]?.description ?? "") }
    for key in attributes {
      let value = trial.userAttributes.first { $0.key == key }?.value
      cells.append(value.map { $0.string ?? $0.text(nonFinite: .strings) } ?? "")
    }
    return Self.line(cells)
  }

  private static func names<Names: Sequence<String>>(
    _ trials: [Trial], _ names: (Trial) -> Names
  ) -> [String] {
    var seen: Set<String> = []
    var order: [String] = []
    for trial in trials {
      for name in names(trial) where seen.insert(name).inserted { order.append(name) }
    }
    return order
  }

  private static func line(_ cells: [String]) -> String {
    cells.map { cell in
      guard cell.utf8.contains(where: { #",""#.utf8.contains($0) || $0 == 10 || $0 == 13 }) else {
        return cell
      }
      return "\""
        + cell.split(separator: "\"", omittingEmptySubsequences: false)
        .joined(separator: "\"\"") + "\""
    }.joined(separator: ",") + "\n"
  }
}
