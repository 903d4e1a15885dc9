internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// The share of completed trials up to a value, at 100 points between the extremes of all
  /// studies.
  static func empiricalDistribution(
    _ studies: [StudySeries], objective: Int, scale: ValueScale
  ) -> Figure {
    let title =
      studies.count == 1
      ? "Empirical distribution of \(studies[0].name)"
      : "Empirical distribution of \(studies.count) studies"
    let all = studies.map { study in
      study.trials.filter { $0.state == .completed }.compactMap { $0.value(of: objective) }
    }
    let subtitle = StudySeries(
      name: "", directions: studies[0].directions, unordered: studies.flatMap(\.trials)
    ).summary
    let points = EmpiricalDistribution.points(across: all.lazy.joined())
    let infinite = all.joined().count { !$0.isFinite }
    guard !points.isEmpty else {
      let reason =
        studies.allSatisfy { $0.trials.isEmpty }
        ? "The study has no trials yet."
        : infinite > 0
          ? "No completed trial has a finite value."
          : "No trial has completed, so there is no value to show."
      return Figure(empty: reason, title: title, subtitle: subtitle)
    }
    var notes: [String] = []
    if infinite > 0 {
      notes.append(
        "\(sentence(infinite, "completed trial has", "completed trials have")) a value "
          + "that is not finite and \(infinite == 1 ? "does" : "do") not count.")
    }
    let isLogarithmic =
      points[0] > 0
      && scale.isLogarithmic(for: points, directions: studies.map { $0.directions[objective] })
    var (layers, legend): ([Layer], [LegendEntry]) = ([], [])
    var lines: [(name: String, shares: [Double])] = []
    var steps: [DistributionStep] = []
    let ends = (points[0], points[points.count - 1])
    for (index, values) in all.enumerated() where values.contains(where: \.isFinite) {
      let ink = Ink.series[index % Ink.series.count]
      let mark = Mark.line(width: 2, dashed: index / Ink.series.count % 2 == 1)
      let shares = EmpiricalDistribution(of: values, at: points).shares
      let own = DistributionStep.steps(of: values, name: studies[index].name)
      if own.isThinned, !notes.contains(thinnedSteps) { notes.append(thinnedSteps) }
      // From the smallest of all studies along each step to the greatest of all.
      var (line, rows, share) = ([Point(ends.0, 0)], [steps.count], 0.0)
      for (place, step) in own.steps.enumerated() {
        line += [Point(step.value, share), Point(step.value, step.share)]
        rows += [steps.count + place, steps.count + place]
        share = step.share
      }
      line.append(Point(ends.1, share))
      rows.append(steps.count + own.steps.count - 1)
      steps += own.steps
      layers.append(
        Layer(
          mark: mark, ink: ink, runs: [line], rows: rows,
          series: studies.count > 1 ? legend.count : nil))
      if studies.count > 1 {
        legend.append(LegendEntry(name: studies[index].name, mark: mark, ink: ink))
      }
      lines.append((studies[index].name, shares))
    }
    let (found, drawn) = (lines, steps)
    let panel = Panel(
      x: Axis(
        valueLabel(studies, objective: objective), covering: points,
        scale: isLogarithmic ? .logarithmic : .linear),
      y: Axis("share of the completed trials", from: 0, to: 1.04), layers: layers)
    return Figure(
      title: title, subtitle: subtitle, notes: notes, panels: [panel], legend: legend,
      makeTable: { rows in
        let own = (rows ?? Array(drawn.indices)).map { drawn[$0] }
        return FigureTable([
          ("study", own.map { .string($0.study) }), ("value", own.map { .float($0.value) }),
          ("share", own.map { .float($0.share) }),
        ])
      },
      makeData: {
        let rows = 0..<found.count * points.count
        return FigureTable([
          ("study", rows.map { .string(found[$0 / points.count].name) }),
          ("value", rows.map { .float(points[$0 % points.count]) }),
          ("share", rows.map { .float(found[$0 / points.count].shares[$0 % points.count]) }),
        ])
      })
  }

  private static let thinnedSteps = "Of very many steps 1,000 are drawn."

  /// Several studies as their mean value by trial number, and the mean of the best so far with a
  /// band of one standard deviation. Only feasible completed trials count, as in Optuna.
  static func errorBand(
    _ studies: [StudySeries], objective: Int, scale: ValueScale
  ) -> Figure {
    let title = "Mean optimization history of \(sentence(studies.count, "study", "studies"))"
    let subtitle = StudySeries(
      name: "", directions: studies[0].directions, unordered: studies.flatMap(\.trials)
    ).summary
    let means = MeanHistory(studies, objective: objective)
    guard !means.rows.isEmpty else {
      return Figure(
        empty: studies.allSatisfy { $0.trials.isEmpty }
          ? "None of the studies has trials yet."
          : "No feasible trial has completed with a finite value.", title: title,
        subtitle: subtitle)
    }
    let shown = thinned(means.rows.map(\.mean), to: 4_000)
    let edges = shown.flatMap { place -> [Double] in
      let row = means.rows[place]
      return [row.best - row.bestDeviation, row.best + row.bestDeviation, row.mean]
    }
    let isLogarithmic =
      scale.isLogarithmic(for: edges, directions: studies.map { $0.directions[objective] })
      && edges.allSatisfy { $0 > 0 }
    let upper = shown.map { place in
      Point(
        Double(means.rows[place].trial), means.rows[place].best + means.rows[place].bestDeviation)
    }
    let lower = shown.reversed().map { place in
      Point(
        Double(means.rows[place].trial), means.rows[place].best - means.rows[place].bestDeviation)
    }
    let legend = [
      LegendEntry(name: "mean", mark: .dots(radius: 3.5), ink: .blue),
      LegendEntry(name: "mean best so far", mark: .line(width: 2), ink: .vermillion),
      LegendEntry(name: "± standard deviation", mark: .area, ink: .orange),
    ]
    let layers = [
      Layer(mark: .area, ink: .orange, opacity: 0.25, runs: [upper + lower]),
      Layer(
        mark: .dots(radius: shown.count <= 400 ? 2.6 : 1.6), ink: .blue, opacity: 0.6,
        runs: [shown.map { Point(Double(means.rows[$0].trial), means.rows[$0].mean) }], rows: shown),
      Layer(
        mark: .line(width: 2), ink: .vermillion,
        runs: [shown.map { Point(Double(means.rows[$0].trial), means.rows[$0].best) }]),
    ]
    var notes: [String] = []
    if means.notFinite > 0 {
      notes.append(
        "At \(sentence(means.notFinite, "trial number", "trial numbers")) the deviation is not finite."
      )
    }
    if shown.count < means.rows.count {
      notes.append(
        "Of \(means.rows.count.grouped) trial numbers \(shown.count.grouped) are drawn.")
    }
    let rows = means.rows
    return Figure(
      title: title, subtitle: subtitle, notes: notes,
      x: Axis("trial", covering: rows.map { Double($0.trial) }, isInteger: true),
      y: Axis(
        valueLabel(studies, objective: objective), covering: edges,
        scale: isLogarithmic ? .logarithmic : .linear),
      layers: connected(layers, to: legend), legend: legend,
      makeTable: { chosen in
        let own = (chosen ?? Array(rows.indices)).map { rows[$0] }
        return FigureTable([
          ("trial", own.map { .integer($0.trial) }), ("mean", own.map { .float($0.mean) }),
          ("deviation", own.map { .float($0.deviation) }),
          ("mean_best", own.map { .float($0.best) }),
          ("deviation_best", own.map { .float($0.bestDeviation) }),
        ])
      })
  }
}

/// Where an empirical distribution rises.
private struct DistributionStep: Sendable {
  let study: String
  let value: Double
  /// The share of the values that are not above it.
  let share: Double

  private static let limit = 1_000

  /// A step for each finite value, ascending; of very many those that are evenly chosen, with the
  /// first and the last.
  static func steps(
    of values: [Double], name: String
  ) -> (steps: [DistributionStep], isThinned: Bool) {
    let sorted = values.filter(\.isFinite).sorted()
    let ends = sorted.indices.filter {
      $0 == sorted.count - 1 || sorted[$0] != sorted[$0 + 1]
    }
    let isThinned = ends.count > limit
    let kept = isThinned ? (0..<limit).map { ends[$0 * (ends.count - 1) / (limit - 1)] } : ends
    let steps = kept.map { place in
      DistributionStep(
        study: name, value: sorted[place],
        share: Double(place + 1) / Double(sorted.count))
    }
    return (steps, isThinned)
  }
}

/// Means over studies by trial number.
private struct MeanHistory {
  struct Row: Sendable {
    let trial: Int
    let mean: Double
    let deviation: Double
    let best: Double
    let bestDeviation: Double
  }

  /// How many numbers are left out because their deviation is not finite.
  private(set) var notFinite = 0
  /// Numbers at which a study has a feasible completed trial, ascending.
  private(set) var rows: [Row] = []

  init(_ studies: [StudySeries], objective: Int) {
    let count = studies.reduce(0) { max($0, ($1.trials.last?.number ?? -1) + 1) }
    var values = [[Double]](repeating: [], count: count)
    var bests = values
    for study in studies {
      let direction = study.directions[objective]
      var best: Double?
      for trial in study.trials {
        if trial.state == .completed, trial.isFeasible, let value = trial.value(of: objective) {
          if value.isFinite { values[trial.number].append(value) }
          if best.map({ direction.isBetter(value, than: $0) }) ?? !value.isNaN { best = value }
        }
        if let best, best.isFinite { bests[trial.number].append(best) }
      }
    }
    for trial in 0..<count where !values[trial].isEmpty && !bests[trial].isEmpty {
      let (mean, deviation) = Self.moments(values[trial])
      let (best, bestDeviation) = Self.moments(bests[trial])
      // Squares of huge values are more than a number can hold.
      guard deviation.isFinite, bestDeviation.isFinite else {
        notFinite += 1
        continue
      }
      rows.append(
        Row(
          trial: trial, mean: mean, deviation: deviation, best: best, bestDeviation: bestDeviation))
    }
  }

  /// The mean and the standard deviation, with the count as divisor.
  private static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count)).squareRoot())
  }
}
