internal import Analysis
internal import JSON
internal import StudyModel
internal import System

extension Figure {
  /// How much each parameter matters, as beams.
  static func importances(_ study: StudySeries, _ options: PlotOptions) -> Figure {
    let title = "Importance of the parameters of \(study.name)"
    let found: ParameterImportances
    do throws(AnalysisError) {
      let objective = options.evaluator == .fANOVA ? options.objective ?? 0 : options.objective
      found = try ParameterImportances.assess(
        study.trials, directions: study.directions,
        objective: study.directions.count > 1 ? objective : nil, by: options.evaluator)
    } catch {
      return Figure(empty: "\(error)", title: title, subtitle: study.summary)
    }
    var entries = found.entries
    if let wanted = options.parameters.map(Set.init) {
      entries.removeAll { !wanted.contains($0.parameter) }
    }
    guard !entries.isEmpty else {
      let scored = ScoredTrials(study, objective: options.objective ?? 0, scale: .linear)
      let reason = scored.emptyReason() ?? "No completed trial has one of these parameters."
      return Figure(empty: reason, title: title, subtitle: study.summary)
    }
    var notes = found.notes
    let limit = 30
    if entries.count > limit {
      notes.append("Of \(entries.count.grouped) parameters the \(limit) most important are shown.")
    }
    let shown = Array(entries.prefix(limit).reversed())
    let beams = shown.enumerated().map { place, entry in
      [Point(0, Double(place)), Point(100 * entry.importance, Double(place))]
    }
    let greatest = max(100 * (shown.last?.importance ?? 0), 1e-6)
    let target =
      study.directions.count == 1
      ? study.name(of: 0)
      : options.objective.map { study.name(of: $0) }
        ?? (options.evaluator == .fANOVA ? study.name(of: 0) : "reaching the Pareto front")
    let method = options.evaluator == .pedANOVA ? "PED-ANOVA" : "fANOVA"
    var panel = Panel(
      x: Axis("share of the importance for \(target), %", from: 0, to: greatest * 1.13),
      y: Axis("", categories: shown.map(\.parameter)))
    panel.layers = [
      Layer(
        mark: .bar(thickness: 0.66), ink: .blue, runs: beams,
        rows: shown.indices.flatMap {
          [entries.startIndex + shown.count - 1 - $0, shown.count - 1 - $0]
        })
    ]
    panel.labels = shown.enumerated().reversed().map { place, entry in
      Label(string: percentage(entry.importance), at: Point(100 * entry.importance, Double(place)))
    }
    let all = entries
    return Figure(
      title: title, subtitle: "\(method) · \(study.summary)", notes: notes, panels: [panel],
      makeTable: { rows in
        let rows = rows ?? Array(all.indices)
        return FigureTable([
          ("parameter", rows.map { .string(all[$0].parameter) }),
          ("importance", rows.map { .float(all[$0].importance) }),
        ])
      })
  }

  /// `12.3 %`.
  private static func percentage(_ share: Double) -> String {
    let tenths = Int(clamped: (share * 1_000).rounded())
    return share > 0 && tenths == 0 ? "< 0.1 %" : "\(tenths / 10).\(tenths % 10) %"
  }
}
