internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// The values of the trials by number, with the best so far; of several studies in one picture.
  ///
  /// Completed trials are dots, infeasible ones crosses. Of a single study pruned and failed trials
  /// are strokes along the bottom, for they have no value to compare.
  ///
  /// - Parameters:
  ///   - studies: In the order of their colours.
  ///   - objective: The index of the objective to show; not negative.
  public static func history(
    _ studies: [StudySeries], objective: Int = 0, scale: ValueScale = .automatic
  ) -> Figure {
    precondition(objective >= 0, "objective \(objective)")
    let title =
      studies.count == 1
      ? "Optimization history of \(studies[0].name)"
      : "Optimization history of \(studies.count) studies"
    if let missing = studies.first(where: { objective >= $0.directions.count }) {
      let count = missing.directions.count
      return Figure(
        empty: "The study '\(missing.name)' has \(count) objective\(count == 1 ? "" : "s"), "
          + "so there is none with the index \(objective).", title: title)
    }
    var parts: [HistoryPart] = []
    var firstRow = 0
    for study in studies {
      parts.append(HistoryPart(study, objective: objective, firstRow: firstRow))
      firstRow += study.trials.count
    }
    let subtitle = historySubtitle(studies, objective: objective)
    var notes: [String] = []
    let infinite = parts.reduce(0) { $0 + $1.notFinite }
    if infinite > 0 {
      notes.append(
        "\(sentence(infinite, "completed trial has", "completed trials have")) a value "
          + "that is not finite and \(infinite == 1 ? "is" : "are") not drawn.")
    }
    let isLogarithmic = scale.isLogarithmic(
      for: parts.lazy.flatMap(\.values), directions: parts.map(\.direction))
    if isLogarithmic {
      let dropped = parts.indices.reduce(0) { $0 + parts[$1].keepPositive() }
      if dropped > 0 {
        notes.append(
          "\(sentence(dropped, "value", "values")) not above 0 "
            + "\(dropped == 1 ? "has" : "have") no place on the logarithmic axis.")
      }
    }
    guard parts.contains(where: { !$0.isEmpty }) else {
      let reason = historyEmptiness(studies, infinite: infinite, isLogarithmic: isLogarithmic)
      return Figure(empty: reason, title: title, subtitle: subtitle, notes: notes)
    }

    let total = parts.reduce(0) { $0 + $1.feasible.count + $1.infeasible.count }
    if total > pointLimit {
      notes.append(
        "Of \(total.grouped) points about \(pointLimit.grouped) are drawn: evenly chosen, "
          + "with the smallest and the largest of every stretch.")
      for index in parts.indices { parts[index].thin(share: Double(pointLimit) / Double(total)) }
    }
    let strokes = parts.reduce(0) { $0 + $1.pruned.count + $1.failed.count }
    if parts.count == 1, parts[0].thinStrokes(to: strokeLimit) {
      notes.append(
        "Of \(strokes.grouped) pruned and failed trials "
          + "\((parts[0].pruned.count + parts[0].failed.count).grouped) are marked.")
    }
    let (layers, legend) = historyLayers(parts, total: total)
    let panel = Panel(
      x: Axis("trial", covering: studies.flatMap(\.ends), isInteger: true).showing("trial"),
      y: Axis(
        valueLabel(studies, objective: objective),
        covering: parts.lazy.flatMap(\.values),
        scale: isLogarithmic ? .logarithmic : .linear
      ).showing("value"), layers: layers)
    return Figure(
      title: title, subtitle: subtitle, notes: notes, panels: [panel], legend: legend,
      makeTable: { trialTable(studies, objective: objective, rows: $0) },
      makeData: {
        let trials = trialTable(studies, objective: objective, rows: nil)
        let best = studies.flatMap { bestSoFar($0, objective: objective) }
        let place = (trials.columns.firstIndex { $0.name == "value" } ?? 0) + 1
        var columns = trials.columns
        columns.insert(.init(name: "best", cells: best), at: place)
        return FigureTable(columns: columns, count: trials.count)
      })
  }

  /// The best feasible value up to each trial; null before the first.
  private static func bestSoFar(_ study: StudySeries, objective: Int) -> [JSONValue] {
    let direction = study.directions[objective]
    var best: Double?
    return study.trials.map { trial in
      if trial.state == .completed, let value = trial.value(of: objective), !value.isNaN,
        best.map({ direction.isBetter(value, than: $0) }) ?? true, trial.isFeasible
      {
        best = value
      }
      return best.map { .float($0) } ?? .null
    }
  }

  /// The number of points that are drawn before they are thinned out.
  static let pointLimit = 10_000
  /// The number of strokes, for pruned and for failed trials, beyond which more show nothing.
  static let strokeLimit = 2_000

  /// A figure that only says why there is nothing to show.
  init(empty reason: String, title: String, subtitle: String = "", notes: [String] = []) {
    self.init(
      title: title, subtitle: subtitle, emptyReason: reason, notes: notes,
      x: Axis("", covering: []), y: Axis("", covering: []), layers: [], legend: [],
      makeTable: { _ in FigureTable(columns: [], count: 0) })
  }

  /// `validation accuracy (maximized)`.
  static func valueLabel(_ studies: [StudySeries], objective: Int) -> String {
    let direction = studies[0].directions[objective]
    return studies.allSatisfy({ $0.directions[objective] == direction })
      ? studies[0].label(of: objective) : studies[0].name(of: objective)
  }

  static func sentence(_ count: Int, _ one: String, _ many: String) -> String {
    "\(count.grouped) \(count == 1 ? one : many)"
  }

  private static func historySubtitle(
    _ studies: [StudySeries], objective: Int
  ) -> String {
    guard let first = studies.first else { return "" }
    if studies.count > 1 {
      let all = studies.flatMap(\.trials)
      return StudySeries(name: "", directions: first.directions, unordered: all).summary
    }
    guard let best = first.bestTrial(objective: objective) else { return first.summary }
    let trial = first.trials[best]
    let value = (trial.value(of: objective) ?? .nan).text(significantDigits: 6)
    return "\(first.summary) · best \(value) in trial \(trial.number)"
  }

  private static func historyEmptiness(
    _ studies: [StudySeries], infinite: Int, isLogarithmic: Bool
  ) -> String {
    guard !studies.isEmpty else { return "Nothing to show: no study was given." }
    let subject = studies.count == 1 ? "The study" : "None of the \(studies.count) studies"
    if studies.allSatisfy({ $0.trials.isEmpty }) {
      return "\(subject) has \(studies.count == 1 ? "no trials" : "trials") yet."
    }
    if isLogarithmic && !studies.isEmpty
      && studies.contains(where: { $0.trials.contains { $0.state == .completed } }) && infinite == 0
    {
      return "No value is above 0, so a logarithmic axis has no place for any."
    }
    if infinite > 0 { return "No completed trial has a finite value." }
    return studies.count == 1
      ? "No trial has completed, so there is no value to show."
      : "No trial of the \(studies.count) studies has completed, so there is no value to show."
  }

  private static func historyLayers(
    _ parts: [HistoryPart], total: Int
  ) -> (layers: [Layer], legend: [LegendEntry]) {
    var (points, rugs, lines, stars): ([Layer], [Layer], [Layer], [Layer]) = ([], [], [], [])
    var legend: [LegendEntry] = []
    let radius = total <= 60 ? 4.0 : total <= 400 ? 3.2 : total <= 2_500 ? 2.4 : 1.7
    let opacity = total <= 60 ? 0.9 : total <= 400 ? 0.75 : total <= 2_500 ? 0.6 : 0.45
    let isSingle = parts.count == 1
    for (index, part) in parts.enumerated() {
      let ink = Ink.series[index % Ink.series.count]
      let isSecondRound = index / Ink.series.count % 2 == 1
      let mark = isSecondRound ? Mark.squares(radius: radius) : Mark.dots(radius: radius)
      // Points within one layer do not add up where they overlap, so many are spread over several.
      let sheets = part.feasible.count > 1_000 ? 4 : 1
      for sheet in 0..<sheets {
        let own = stride(from: sheet, to: part.feasible.count, by: sheets).map { part.feasible[$0] }
        points.append(layer(own, mark, ink, opacity: opacity))
      }
      points.append(
        layer(part.infeasible, .crosses(radius: max(radius, 2.5)), isSingle ? .muted : ink))
      lines.append(
        Layer(
          mark: .line(width: 2, dashed: isSecondRound), ink: isSingle ? .vermillion : ink,
          runs: [part.bestSoFar]))
      if let best = part.best {
        let ink = isSingle ? Ink.vermillion : ink
        for (growth, ink) in [(3.5, Ink.background), (2, ink)] {
          let mark = Mark.dots(radius: radius + growth)
          stars.append(Layer(mark: mark, ink: ink, runs: [[best.place]]))
        }
      }
      guard isSingle else {
        legend.append(LegendEntry(name: part.name, mark: mark.enlarged, ink: ink))
        continue
      }
      if !part.feasible.isEmpty {
        legend.append(LegendEntry(name: "completed", mark: mark.enlarged, ink: ink))
        legend.append(LegendEntry(name: "best so far", mark: .line(width: 2), ink: .vermillion))
      }
      if !part.infeasible.isEmpty {
        legend.append(LegendEntry(name: "infeasible", mark: .crosses(radius: 3.5), ink: .muted))
      }
      for (lane, name, strokes, ink) in [
        (0, "pruned", part.pruned, Ink.orange), (1, "failed", part.failed, Ink.purple),
      ] where !strokes.isEmpty {
        let width = strokes.count <= 200 ? 1.5 : strokes.count <= 1_000 ? 1 : 0.7
        var rug = layer(
          strokes, .ticks(height: 6, width: width), ink, opacity: strokes.count > 1_000 ? 0.6 : 1)
        rug.rugLane = lane
        rugs.append(rug)
        legend.append(LegendEntry(name: name, mark: .ticks(height: 10, width: 1.5), ink: ink))
      }
    }
    if !isSingle {
      legend.append(LegendEntry(name: "best so far", mark: .line(width: 2), ink: .muted))
      if parts.contains(where: { !$0.infeasible.isEmpty }) {
        legend.append(LegendEntry(name: "infeasible", mark: .crosses(radius: 3.5), ink: .muted))
      }
    }
    // Among few points the line would hide the best of them, among many it would be hidden.
    let middle = total > 1_000 ? points + lines : lines + points
    let layers = (rugs + middle + stars).filter { !$0.runs.isEmpty && !$0.runs[0].isEmpty }
    return (connected(layers, to: legend), legend)
  }

  private static func layer(
    _ points: [HistoryPart.Item], _ mark: Mark, _ ink: Ink, opacity: Double = 1
  ) -> Layer {
    Layer(
      mark: mark, ink: ink, opacity: opacity, runs: [points.map(\.place)], rows: points.map(\.row))
  }
}

extension Mark {
  /// The mark at a size that is seen in a legend.
  fileprivate var enlarged: Mark {
    switch self {
    case .dots(let radius): .dots(radius: max(radius, 3.5))
    case .squares(let radius): .squares(radius: max(radius, 3.5))
    case .crosses, .ticks, .line, .bar, .area: self
    }
  }
}
