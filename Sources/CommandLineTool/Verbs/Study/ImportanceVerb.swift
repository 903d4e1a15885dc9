internal import Analysis
internal import JSON
internal import Stores
internal import StudyModel
internal import System

/// `needletail importance <study> [--evaluator ped-anova|fanova] [--objective N]`
package struct ImportanceVerb: Verb {
  package static let description = VerbDescription(
    words: ["importance"],
    abstract: "Show how much each parameter matters for the objective.",
    discussion: [
      "The shares sum to 1. ped-anova compares the best tenth of the trials with all of them and "
        + "covers parameters that only some trials have; fanova fits a random forest and takes "
        + "parameters that all trials have. Of several objectives, ped-anova assesses what leads to "
        + "the Pareto front unless one is chosen."
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--evaluator", placeholder: "NAME", help: "ped-anova (default) or fanova.",
        completion: .words(ImportanceMethod.allCases.map(\.rawValue))),
      .init(
        name: "--objective", placeholder: "N",
        help: "Which of several objectives, counted from 0."),
      .init(name: "--seed", placeholder: "SEED", help: "Of fanova's trees; 0 by default."),
      .store, .json,
    ],
    examples: [
      .init("needletail importance digits", "A table, the most important parameter first."),
      .init(
        "needletail importance digits --evaluator fanova --json",
        "One line of JSON per parameter: parameter, importance."),
    ])

  private let name: String
  private let method: ImportanceMethod
  private let objective: Int?
  private let seed: UInt64
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    let word = try arguments.word("--evaluator", of: ImportanceMethod.allCases.map(\.rawValue))
    method = word.flatMap { ImportanceMethod(rawValue: $0) } ?? .pedANOVA
    objective = try arguments.integer("--objective", in: 0...1_000)
    seed = try arguments.seed("--seed") ?? 0
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let trials = try store.trials(in: study, numbers: nil)
    let found: ParameterImportances
    do throws(AnalysisError) {
      found = try ParameterImportances.assess(
        trials, directions: study.directions, objective: objective, by: method, seed: seed)
    } catch {
      throw CommandError.other("study '\(name.printable)': \(error)")
    }
    for note in found.notes { context.console.warn(note) }
    guard !found.entries.isEmpty else {
      if !found.notes.isEmpty { return .nothingFound }
      context.console.warn(
        found.notes.isEmpty
          ? "study '\(name.printable)' has no completed trial with parameters, so none has an importance"
          : "none of its parameters is left to assess in study '\(name.printable)'; ped-anova assesses "
            + "those that some trials lack or have with another range")
      return .nothingFound
    }
    if json {
      for entry in found.entries {
        context.console.writeJSON([
          "parameter": .string(entry.parameter), "importance": .float(entry.importance),
        ])
      }
      return .success
    }
    var table = TextTable(["parameter", "importance", ""], rightAligned: [1])
    for entry in found.entries {
      let bar = String(
        repeating: "▇", count: Int(clamped: (entry.importance * 40).rounded(), to: 0...40))
      table.append([entry.parameter, Self.percentage(entry.importance), bar])
    }
    table.lines.forEach(context.console.write)
    return .success
  }

  private static func percentage(_ share: Double) -> String {
    let tenths = Int(clamped: (share * 1_000).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
