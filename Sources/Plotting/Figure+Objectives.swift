internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// The trials by their objectives, pair by pair, with those that no other one beats.
  static func pareto(_ study: StudySeries, scale: ValueScale = .automatic) -> Figure {
    let title = "Pareto front of \(study.name)"
    let count = study.directions.count
    guard count > 1 else {
      return Figure(
        empty: "The study has one objective, and a front needs several; see history.",
        title: title, subtitle: study.summary)
    }
    let front = ParetoFront(of: study.trials, directions: study.directions)
    func finite(_ indices: [Int]) -> [Int] {
      indices.filter { study.trials[$0].values.allSatisfy(\.isFinite) }
    }
    let (best, dominated) = (finite(front.best), finite(front.dominated))
    let infeasible = finite(front.infeasible)
    let all = front.best.count + front.dominated.count + front.infeasible.count
    let drawn = best.count + dominated.count + infeasible.count
    let subtitle =
      "\(study.summary) · \(sentence(front.best.count, "trial", "trials")) on the front"
    guard drawn > 0 else {
      let reason =
        study.trials.isEmpty
        ? "The study has no trials yet."
        : all > 0
          ? "No completed trial has finite values."
          : "No trial has completed, so there is no value to show."
      return Figure(empty: reason, title: title, subtitle: study.summary)
    }
    var notes: [String] = []
    if drawn < all {
      notes.append(
        "\(sentence(all - drawn, "completed trial has", "completed trials have")) a value that is "
          + "not finite and \(all - drawn == 1 ? "is" : "are") not drawn.")
    }
    let shown = min(count, 4)
    if shown < count { notes.append("Of \(count) objectives the first four are shown.") }
    let kept = thinned(dominated.map { study.trials[$0].values[0] }, to: 6_000)
      .map { dominated[$0] }
    if kept.count < dominated.count {
      notes.append(
        "Of \(dominated.count.grouped) other trials \(kept.count.grouped) are drawn, all of the front."
      )
    }
    var legend: [LegendEntry] = []
    if !best.isEmpty {
      legend.append(LegendEntry(name: "Pareto front", mark: .dots(radius: 4), ink: .vermillion))
    }
    if !kept.isEmpty {
      legend.append(LegendEntry(name: "other trials", mark: .dots(radius: 3.5), ink: .blue))
    }
    if !infeasible.isEmpty {
      legend.append(LegendEntry(name: "infeasible", mark: .crosses(radius: 3.5), ink: .muted))
    }
    let pairs =
      shown == 2
      ? [(0, 1, 0, 0)]
      : shown == 3
        ? [(0, 1, 0, 0), (0, 2, 0, 1), (1, 2, 0, 2)]
        : (1..<shown).flatMap { row in (0..<row).map { ($0, row, row - 1, $0) } }
    let panels = pairs.map { x, y, row, column in
      func axis(_ objective: Int) -> Axis {
        let values = (best + kept + infeasible).map { study.trials[$0].values[objective] }
        let isLogarithmic =
          scale.isLogarithmic(for: values, directions: [study.directions[objective]])
          && values.allSatisfy { $0 > 0 }
        return Axis(
          study.label(of: objective), covering: values,
          scale: isLogarithmic ? .logarithmic : .linear
        ).showing("value_\(objective)")
      }
      func points(_ indices: [Int]) -> [Point] {
        indices.map { Point(study.trials[$0].values[x], study.trials[$0].values[y]) }
      }
      let radius = drawn <= 400 ? 3.0 : drawn <= 2_500 ? 2.2 : 1.6
      var layers: [Layer] = []
      if !kept.isEmpty {
        layers.append(
          Layer(
            mark: .dots(radius: radius), ink: .blue, opacity: drawn > 400 ? 0.45 : 0.65,
            runs: [points(kept)], rows: kept))
      }
      if !infeasible.isEmpty {
        layers.append(
          Layer(
            mark: .crosses(radius: 2.8), ink: .muted, runs: [points(infeasible)], rows: infeasible))
      }
      if !best.isEmpty {
        if count == 2 {
          layers.append(
            Layer(
              mark: .line(width: 1.4), ink: .vermillion, opacity: 0.7,
              runs: [staircase(points(best), study.directions)]))
        }
        layers.append(
          Layer(
            mark: .dots(radius: radius + 1.2), ink: .vermillion, runs: [points(best)], rows: best))
      }
      return Panel(
        x: axis(x), y: axis(y), layers: connected(layers, to: legend), row: row, column: column)
    }
    let places = (
      best: Set(front.best), dominated: Set(front.dominated), infeasible: Set(front.infeasible)
    )
    return Figure(
      title: title, subtitle: subtitle, notes: notes, panels: panels, legend: legend,
      makeTable: { trialTable([study], objective: nil, rows: $0) },
      makeData: {
        let rows = study.trials.indices.filter {
          places.best.contains($0) || places.dominated.contains($0)
            || places.infeasible.contains($0)
        }
        let trials = trialTable([study], objective: nil, rows: rows)
        let kinds = rows.map { row -> JSONValue in
          places.best.contains(row)
            ? "front" : places.dominated.contains(row) ? "dominated" : "infeasible"
        }
        return FigureTable(
          columns: [.init(name: "group", cells: kinds)] + trials.columns, count: rows.count)
      })
  }

  /// The border of what the points dominate.
  private static func staircase(_ points: [Point], _ directions: [Direction]) -> [Point] {
    let sorted = points.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
    var line: [Point] = []
    for point in sorted {
      if let last = line.last {
        line.append(
          Point(
            directions[0] == .minimize ? point.x : last.x,
            directions[1] == .minimize ? max(point.y, last.y) : min(point.y, last.y)))
      }
      line.append(point)
    }
    return line
  }

  /// How the volume that the trials dominate has grown.
  static func hypervolume(_ study: StudySeries, reference: [Double]?) -> Figure {
    let title = "Hypervolume history of \(study.name)"
    guard study.directions.count > 1 else {
      return Figure(
        empty: "The study has one objective, and a volume needs several; see history.",
        title: title, subtitle: study.summary)
    }
    if let reference, reference.count != study.directions.count {
      return Figure(
        empty: "The reference point has \(reference.count) coordinates, and the study "
          + "\(study.directions.count) objectives.", title: title, subtitle: study.summary)
    }
    guard
      let history = HypervolumeHistory(
        of: study.trials, directions: study.directions, reference: reference),
      !history.trials.isEmpty
    else {
      return Figure(
        empty: study.trials.isEmpty
          ? "The study has no trials yet."
          : "No feasible trial has completed with finite values.", title: title,
        subtitle: study.summary)
    }
    let corner = history.reference.map { $0.text(significantDigits: 5) }.joined(separator: ", ")
    var notes: [String] = []
    if (history.volumes.last ?? 0) <= 0 {
      notes.append("No trial is better than the reference point in every objective.")
    }
    let volumes = Array(history.volumes.prefix { $0.isFinite })
    guard !volumes.isEmpty else {
      return Figure(
        empty: "The volume is more than a number can hold, because of infinite or huge values.",
        title: title, subtitle: study.summary)
    }
    if volumes.count < history.volumes.count {
      let number = study.trials[history.trials[volumes.count]].number
      notes.append("From trial \(number.grouped) on the volume is infinite and not drawn.")
    }
    let numbers = history.trials.map { Double(study.trials[$0].number) }
    // Only steps matter: where the volume changes, and the ends.
    var steps: [Point] = []
    for (place, volume) in volumes.enumerated() {
      let isLast = place == volumes.count - 1
      guard place == 0 || isLast || volume != volumes[place - 1] else { continue }
      if let last = steps.last, last.y != volume { steps.append(Point(numbers[place], last.y)) }
      steps.append(Point(numbers[place], volume))
    }
    let gains = volumes.indices.filter { volumes[$0] > ($0 == 0 ? 0 : volumes[$0 - 1]) }
    let layers = [
      Layer(mark: .line(width: 2), ink: .blue, runs: [steps]),
      Layer(
        mark: .dots(radius: gains.count <= 100 ? 3.5 : 2.2), ink: .vermillion,
        runs: [gains.map { Point(numbers[$0], volumes[$0]) }], rows: gains),
    ]
    let legend = [
      LegendEntry(name: "hypervolume", mark: .line(width: 2), ink: .blue),
      LegendEntry(name: "a trial that adds to it", mark: .dots(radius: 3.5), ink: .vermillion),
    ]
    return Figure(
      title: title, subtitle: "\(study.summary) · reference point (\(corner))", notes: notes,
      x: Axis("trial", covering: study.ends, isInteger: true),
      y: Axis("hypervolume (maximized)", covering: volumes),
      layers: connected(layers.filter { !$0.runs[0].isEmpty }, to: legend), legend: legend,
      makeTable: { rows in
        let rows = rows ?? Array(history.trials.indices)
        return FigureTable([
          ("trial", rows.map { .integer(study.trials[history.trials[$0]].number) }),
          ("hypervolume", rows.map { .float(history.volumes[$0]) }),
        ])
      })
  }
}
