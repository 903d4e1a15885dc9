internal import Analysis
internal import StudyModel

extension Figure {
  /// The number of lines beyond which more show nothing.
  private static let lineLimit = 1_500
  /// Where lines end that belong to trials without a parameter.
  private static let missingPlace = -0.09

  /// A line per trial across an axis per parameter, behind the axes of the objectives.
  static func parallel(_ study: StudySeries, _ options: PlotOptions) -> Figure {
    let title = "Parallel coordinates of \(study.name)"
    let scored = ScoredTrials(study, objective: options.objective ?? 0, scale: options.scale)
    if let reason = scored.emptyReason() {
      return Figure(empty: reason, title: title, subtitle: study.summary, notes: scored.notes)
    }
    let (names, note) = scored.chosen(options.parameters, limit: 11)
    guard !names.isEmpty else {
      return Figure(
        empty: "No completed trial has one of these parameters.", title: title,
        subtitle: study.summary)
    }
    var notes = scored.notes + (note.map { [$0] } ?? [])
    let objectives =
      options.objective != nil || study.directions.count == 1
      ? [scored.objective] : Array(study.directions.indices)
    var axes: [(axis: Axis, places: [Double])] = []
    for objective in objectives {
      let own = scored.indices.map { study.trials[$0].value(of: objective) ?? .nan }
      let finite = own.filter(\.isFinite)
      let isLogarithmic =
        options.scale.isLogarithmic(
          for: finite, directions: [study.directions[objective]])
        && own.allSatisfy { $0 > 0 }
      axes.append(
        (
          Axis(
            study.name(of: objective), covering: finite,
            scale: isLogarithmic ? .logarithmic : .linear
          ).showing(objectives.count > 1 ? "value_\(objective)" : "value"), own
        ))
    }
    for name in names {
      let view = ParameterView(name, of: scored)
      axes.append((view.axis, view.places))
    }
    let (shares, scale) = parallelShades(scored, objectives)
    var kept = thinned(scored.values, to: lineLimit)
    if kept.count < scored.values.count {
      notes.append(
        "Of \(scored.values.count.grouped) trials \(kept.count.grouped) are drawn: evenly chosen, "
          + "with the smallest and the largest value of every stretch.")
    }
    // The best are painted last.
    kept.sort { shares[$0] == shares[$1] ? $0 < $1 : shares[$0] < shares[$1] }
    if axes.contains(where: { $0.places.contains { !$0.isFinite } }) {
      notes.append("Lines that pass below an axis belong to trials without that parameter.")
    }
    func line(_ position: Int) -> [Point] {
      axes.enumerated().map { place, item in
        let value = item.places[position]
        return Point(
          Double(place), value.isFinite ? item.axis.position(of: value) : missingPlace)
      }
    }
    let width = kept.count <= 100 ? 1.6 : kept.count <= 400 ? 1.2 : 0.9
    let opacity = kept.count <= 100 ? 0.85 : kept.count <= 400 ? 0.65 : 0.45
    var layers: [Layer] = []
    func append(_ own: [Int], _ mark: Mark, _ ink: Ink, series: Int?) {
      guard !own.isEmpty else { return }
      layers.append(
        Layer(
          mark: mark, ink: ink, opacity: opacity, runs: own.map(line),
          rows: own.flatMap { [Int](repeating: scored.indices[$0], count: axes.count) },
          series: series))
    }
    append(
      kept.filter { !scored.isFeasible[$0] }, .line(width: width, dashed: true), .muted, series: 1)
    for bin in 0..<Ink.shadeCount {
      let own = kept.filter { scored.isFeasible[$0] && Ink.shade(of: shares[$0]) == .shade(bin) }
      append(own, .line(width: width), .shade(bin), series: nil)
    }
    var legend = [
      LegendEntry(
        name: objectives.count > 1 ? "Pareto rank" : study.label(of: scored.objective),
        mark: .line(width: 2), ink: .shade(0), shades: scale)
    ]
    if scored.isFeasible.contains(false) {
      legend.append(
        LegendEntry(name: "infeasible", mark: .line(width: 2, dashed: true), ink: .muted))
    }
    let hasMissing = axes.contains { $0.places.contains { !$0.isFinite } }
    let panel = Panel(
      x: Axis("", from: -0.3, to: Double(axes.count) - 0.25),
      y: Axis("", from: hasMissing ? missingPlace - 0.03 : 0, to: 1), layers: layers,
      uprights: axes.map(\.axis))
    let indices = scored.indices
    return Figure(
      title: title,
      subtitle: objectives.count > 1
        ? study.summary : subtitle(study, objective: scored.objective), notes: notes,
      panels: [panel], legend: legend,
      makeTable: {
        trialTable([study], objective: objectives.count > 1 ? nil : scored.objective, rows: $0)
      },
      makeData: {
        trialTable(
          [study], objective: objectives.count > 1 ? nil : scored.objective, rows: indices)
      })
  }

  /// How good each trial is: by its value, or by its place among the Pareto fronts.
  private static func parallelShades(
    _ scored: ScoredTrials, _ objectives: [Int]
  ) -> (shares: [Double], scale: Shades) {
    guard objectives.count > 1 else { return scored.goodness() }
    let losses = scored.indices.map { index in
      objectives.map { objective -> Double in
        let value = scored.study.trials[index].value(of: objective) ?? .nan
        let loss = scored.study.directions[objective].loss(value)
        return loss.isNaN ? .infinity : loss
      }
    }
    let groups = ParetoOrder.ranks(losses, atLeast: losses.count)
    var shares = [Double](repeating: 0, count: losses.count)
    let bins = rankShades(groups.count)
    for (rank, group) in groups.enumerated() {
      for position in group {
        shares[position] = (Double(bins[rank]) + 0.5) / Double(Ink.shadeCount)
      }
    }
    // As many cells as there are shades in use, the worst rank first.
    var cells: [(bin: Int, rank: Int)] = []
    for (rank, bin) in bins.enumerated().reversed() where cells.last?.bin != bin {
      cells.append((bin, rank))
    }
    let shown = cells.count > 2 ? [0, cells.count / 2, cells.count - 1] : Array(cells.indices)
    let ticks = shown.map { place in
      Axis.Tick(
        value: (Double(place) + 0.5) / Double(cells.count), label: cells[place].rank.grouped)
    }
    return (
      shares,
      Shades(
        low: "last", high: "the front", ticks: ticks, inks: cells.map { .shade($0.bin) })
    )
  }

  /// A shade for each of that many Pareto ranks: one of its own as far as there are enough, and in
  /// any case for the front.
  static func rankShades(_ count: Int) -> [Int] {
    let last = Ink.shadeCount - 1
    guard count > 1 else { return [Int](repeating: last, count: count) }
    return (0..<count).map { rank in
      if count <= Ink.shadeCount { return last - rank * last / (count - 1) }
      return rank == 0 ? last : (last - 1) - (rank - 1) * (last - 1) / (count - 2)
    }
  }
}
