internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// How many trials reached which rung of successive halving, and what became of them there.
  static func rungs(_ study: StudySeries) -> Figure {
    let title = "Pruning rungs of \(study.name)"
    let counts = RungCounts(study)
    guard !counts.rows.isEmpty else {
      return Figure(
        empty: study.trials.isEmpty
          ? "The study has no trials yet."
          : study.trials.allSatisfy(\.intermediateValues.isEmpty)
            ? "No trial has reported an intermediate value, so none was compared with others."
            : "No pruner with rungs has decided in this study; see intermediate.",
        title: title, subtitle: study.summary)
    }
    var notes: [String] = []
    let limit = 24
    var shown = Array(counts.rows.indices)
    if shown.count > limit {
      shown = (0..<limit).map { $0 * (counts.rows.count - 1) / (limit - 1) }
      notes.append("Of \(counts.rows.count.grouped) rungs \(limit), evenly chosen, are shown.")
    }
    let fates: [(name: String, ink: Ink, count: (RungCounts.Row) -> Int)] = [
      ("went on", .blue, { $0.wentOn }), ("completed here", .green, { $0.completed }),
      ("pruned here", .orange, { $0.pruned }), ("failed here", .purple, { $0.failed }),
      ("running", .sky, { $0.running }),
    ]
    let rows = counts.rows
    let top = shown.count - 1
    var starts = [Int](repeating: 0, count: shown.count)
    var (layers, legend): ([Layer], [LegendEntry]) = ([], [])
    for fate in fates where shown.contains(where: { fate.count(rows[$0]) > 0 }) {
      var (beams, own): ([[Point]], [Int]) = ([], [])
      for (place, row) in shown.enumerated() where fate.count(rows[row]) > 0 {
        let end = starts[place] + fate.count(rows[row])
        let y = Double(top - place)
        beams.append([Point(Double(starts[place]), y), Point(Double(end), y)])
        own += [row, row]
        starts[place] = end
      }
      layers.append(
        Layer(
          mark: .bar(thickness: 0.7), ink: fate.ink, runs: beams, rows: own, series: legend.count))
      legend.append(LegendEntry(name: fate.name, mark: .bar(thickness: 1), ink: fate.ink))
    }
    let most = Double(rows.map(\.reached).max() ?? 1)
    let names = shown.map { "rung \(rows[$0].name)" }
    var panel = Panel(
      x: Axis("trials that reached it", from: 0, to: max(most, 1) * 1.1),
      y: Axis("", categories: names.reversed()), layers: layers)
    panel.labels = shown.enumerated().map { place, row in
      Label(
        string: rows[row].reached.grouped, at: Point(Double(starts[place]), Double(top - place)))
    }
    return Figure(
      title: title, subtitle: study.summary, notes: notes, panels: [panel], legend: legend,
      makeTable: { chosen in
        let own = (chosen ?? Array(rows.indices)).map { rows[$0] }
        return FigureTable([
          ("rung", own.map { .integer($0.name) }),
          ("reached", own.map { .integer($0.reached) }),
          ("went_on", own.map { .integer($0.wentOn) }),
          ("completed", own.map { .integer($0.completed) }),
          ("pruned", own.map { .integer($0.pruned) }),
          ("failed", own.map { .integer($0.failed) }),
          ("running", own.map { .integer($0.running) }),
        ])
      })
  }
}

/// Trials counted by the rungs that they reached.
private struct RungCounts {
  struct Row: Sendable {
    /// The rung, counted from 0.
    let name: Int
    var wentOn = 0
    var completed = 0
    var pruned = 0
    var failed = 0
    var running = 0

    var reached: Int { wentOn + completed + pruned + failed + running }
  }

  /// By ascending rung; empty where no pruner recorded rungs.
  private(set) var rows: [Row] = []

  init(_ study: StudySeries) {
    var places: [Int: Int] = [:]
    var all: [Row] = []
    for trial in study.trials {
      let own = trial.systemAttributes.compactMap(\.completedRung).sorted()
      for (position, name) in own.enumerated() {
        let place = places[name] ?? all.count
        if place == all.count {
          places[name] = place
          all.append(Row(name: name))
        }
        guard position == own.count - 1 else {
          all[place].wentOn += 1
          continue
        }
        switch trial.state {
        case .completed: all[place].completed += 1
        case .pruned: all[place].pruned += 1
        case .failed: all[place].failed += 1
        case .waiting, .running: all[place].running += 1
        }
      }
    }
    rows = all.sorted { $0.name < $1.name }
  }
}
