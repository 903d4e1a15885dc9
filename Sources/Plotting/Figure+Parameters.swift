internal import Analysis
internal import JSON
internal import StudyModel
internal import System

extension Figure {
  /// The number of points that one of many panels draws.
  private static let panelPointLimit = 3_000

  /// The value over each parameter, of several objectives each; later trials are drawn stronger.
  static func slice(_ study: StudySeries, _ options: PlotOptions) -> Figure {
    let title = "Slices of \(study.name)"
    let objectives = options.objective.map { [$0] } ?? Array(study.directions.indices)
    let all = objectives.map { ScoredTrials(study, objective: $0, scale: options.scale) }
    guard let scored = all.first(where: { $0.emptyReason() == nil }) else {
      return Figure(
        empty: all[0].emptyReason() ?? noSuchParameter, title: title, subtitle: study.summary,
        notes: all[0].notes)
    }
    let (names, note) = scored.chosen(
      options.parameters, limit: max(12 / objectives.count, 4), across: objectives.count > 1)
    guard !names.isEmpty else {
      return Figure(empty: noSuchParameter, title: title, subtitle: study.summary)
    }
    let columns = names.count <= 4 ? names.count : [5, 6, 9].contains(names.count) ? 3 : 4
    let rows = (names.count + columns - 1) / columns
    let last = study.trials.last?.number ?? 0
    let legend = shadeLegend(
      "trial", Shades(low: "first", high: "last", ticks: trialTicks(last)),
      hasInfeasible: scored.isFeasible.contains(false))
    var notes = note.map { [$0] } ?? []
    var panels: [Panel] = []
    for (block, scored) in all.enumerated() {
      for note in scored.notes where !notes.contains(note) { notes.append(note) }
      var thinning: [String] = []
      let kept = thinnedPositions(
        scored, to: max(panelPointLimit * 3 / (names.count * all.count), 600), &thinning)
      if block == 0 { notes += thinning }
      panels += names.enumerated().map { place, name in
        let view = ParameterView(name, of: scored)
        var panel = Panel(
          x: view.axis,
          y: scored.valueAxis(
            place % columns == 0 ? nil : "",
            column: all.count > 1 ? "value_\(scored.objective)" : nil),
          row: block * rows + place / columns, column: place % columns)
        panel.hidesY = place % columns > 0
        let points = kept.filter { !view.places[$0].isNaN }
        panel.layers = shadedDots(
          points, scored, radius: points.count <= 200 ? 3 : points.count <= 800 ? 2.4 : 1.8,
          at: { Point(view.drawnPlace($0), scored.values[$0]) },
          shade: { Double(study.trials[scored.indices[$0]].number) / Double(max(last, 1)) })
        return panel
      }
    }
    let objective = objectives.count == 1 ? objectives[0] : nil
    return Figure(
      title: title,
      subtitle: objective.map { subtitle(study, objective: $0) } ?? study.summary, notes: notes,
      panels: panels, legend: legend,
      makeTable: { trialTable([study], objective: objective, rows: $0) },
      makeData: { sliceData(all, names) })
  }

  /// The first, the middle and the last trial's number.
  private static func trialTicks(_ last: Int) -> [Axis.Tick] {
    guard last > 0 else { return [Axis.Tick(value: 0, label: "0")] }
    let numbers = last > 1 ? [0, last / 2, last] : [0, last]
    return numbers.map { Axis.Tick(value: Double($0) / Double(last), label: $0.grouped) }
  }

  /// Pairs of parameters with the rank of the value: the best trials stand out.
  static func rank(_ study: StudySeries, _ options: PlotOptions) -> Figure {
    let title = "Ranks of \(study.name)"
    let scored = ScoredTrials(study, objective: options.objective ?? 0, scale: options.scale)
    if let reason = scored.emptyReason(leastNames: 2) {
      return Figure(empty: reason, title: title, subtitle: study.summary, notes: scored.notes)
    }
    let (names, note) = scored.chosen(options.parameters, limit: 5)
    guard names.count > 1 else {
      return Figure(empty: noSuchPair, title: title, subtitle: study.summary)
    }
    var notes = scored.notes + (note.map { [$0] } ?? [])
    let ranks = averagedRanks(scored.values)
    let isMinimized = study.directions[scored.objective] == .minimize
    let kept = thinnedPositions(
      scored, to: max(panelPointLimit * 4 / (names.count * (names.count - 1)), 800), &notes)
    let panels = pairs(names, scored) { x, y in
      let points = kept.filter { !x.places[$0].isNaN && !y.places[$0].isNaN }
      return shadedDots(
        // The best are painted last.
        points.sorted { isMinimized ? ranks[$0] > ranks[$1] : ranks[$0] < ranks[$1] }, scored,
        radius: points.count <= 200 ? 3.2 : 2.2,
        at: { Point(x.drawnPlace($0), y.drawnPlace($0)) },
        shade: { isMinimized ? 1 - ranks[$0] : ranks[$0] })
    }
    return Figure(
      title: title, subtitle: subtitle(study, objective: scored.objective), notes: notes,
      panels: panels,
      legend: shadeLegend(
        study.label(of: scored.objective), quantiles(scored),
        hasInfeasible: scored.isFeasible.contains(false)),
      makeTable: { trialTable([study], objective: scored.objective, rows: $0) },
      makeData: { pairData(scored, names, third: ("rank", ranks)) })
  }

  /// The value over pairs of parameters as areas, estimated between the trials.
  static func contour(_ study: StudySeries, _ options: PlotOptions) -> Figure {
    let title = "Contours of \(study.name)"
    let scored = ScoredTrials(study, objective: options.objective ?? 0, scale: options.scale)
    if let reason = scored.emptyReason(leastNames: 2) {
      return Figure(empty: reason, title: title, subtitle: study.summary, notes: scored.notes)
    }
    let (names, note) = scored.chosen(options.parameters, limit: 4)
    guard names.count > 1 else {
      return Figure(empty: noSuchPair, title: title, subtitle: study.summary)
    }
    var notes = scored.notes + (note.map { [$0] } ?? [])
    notes.append("Areas are estimated from the trials around; dots are the trials.")
    let kept = thinnedPositions(
      scored, to: max(panelPointLimit / (names.count * (names.count - 1) / 2), 500), &notes)
    let (shares, scale) = scored.goodness()
    let panels = pairs(names, scored) { x, y in
      let points = kept.filter { !x.places[$0].isNaN && !y.places[$0].isNaN }
      let field = ContourField(
        points.map {
          (Point(x.axis.position(of: x.places[$0]), y.axis.position(of: y.places[$0])), shares[$0])
        })
      var layers = field.layers { Point(x.axis.value(at: $0.x), y.axis.value(at: $0.y)) }
      for isFeasible in [true, false] {
        let own = points.filter { scored.isFeasible[$0] == isFeasible }
        guard !own.isEmpty else { continue }
        let radius = own.count <= 200 ? 2.6 : 1.6
        let places = [own.map { Point(x.places[$0], y.places[$0]) }]
        if isFeasible {
          // An outline, so that a dot is seen on any shade.
          layers.append(Layer(mark: .dots(radius: radius + 1), ink: .background, runs: places))
        }
        layers.append(
          Layer(
            mark: isFeasible ? .dots(radius: radius) : .crosses(radius: 2.5), ink: .text,
            opacity: isFeasible ? 1 : 0.75, runs: places, rows: own.map { scored.indices[$0] }))
      }
      return layers
    }
    return Figure(
      title: title, subtitle: subtitle(study, objective: scored.objective), notes: notes,
      panels: panels,
      legend: shadeLegend(
        study.label(of: scored.objective), scale,
        hasInfeasible: scored.isFeasible.contains(false), infeasible: .text),
      makeTable: { trialTable([study], objective: scored.objective, rows: $0) },
      makeData: { pairData(scored, names, third: nil) })
  }

  private static let noSuchParameter = "No completed trial has one of these parameters."
  private static let noSuchPair =
    "This picture shows pairs of parameters; name at least two of them."

  /// The summary with the best trial.
  static func subtitle(_ study: StudySeries, objective: Int) -> String {
    guard let best = study.bestTrial(objective: objective) else { return study.summary }
    let trial = study.trials[best]
    let value = (trial.value(of: objective) ?? .nan).text(significantDigits: 6)
    return "\(study.summary) · best \(value) in trial \(trial.number)"
  }

  /// What values the shades of ranks stand for: the quartiles.
  private static func quantiles(_ scored: ScoredTrials) -> Shades {
    let direction = scored.study.directions[scored.objective]
    let sorted = scored.values.sorted { direction.loss($0) > direction.loss($1) }
    let ticks = [0, 0.25, 0.5, 0.75, 1].map { share in
      let place = Int(clamped: (share * Double(sorted.count - 1)).rounded())
      return Axis.Tick(value: share, label: sorted[place].text(significantDigits: 3))
    }
    return Shades(low: "worst", high: "best", ticks: ticks)
  }

  /// A panel for each pair, in a grid that they fill.
  private static func pairs(
    _ names: [String], _ scored: ScoredTrials,
    _ layers: (ParameterView, ParameterView) -> [Layer]
  ) -> [Panel] {
    let views = names.map { ParameterView($0, of: scored) }
    let pairs = views.indices.flatMap { row in (0..<row).map { (x: $0, y: row) } }
    let columns = pairs.count <= 3 ? pairs.count : pairs.count <= 6 ? 3 : pairs.count == 10 ? 5 : 4
    return pairs.enumerated().map { place, pair in
      var panel = Panel(
        x: views[pair.x].axis, y: views[pair.y].axis, row: place / columns,
        column: place % columns)
      panel.layers = layers(views[pair.x], views[pair.y])
      return panel
    }
  }

  /// Feasible trials as dots of a shade each, infeasible ones as crosses.
  private static func shadedDots(
    _ positions: [Int], _ scored: ScoredTrials, radius: Double, at place: (Int) -> Point,
    shade: (Int) -> Double
  ) -> [Layer] {
    var layers: [Layer] = []
    let crosses = positions.filter { !scored.isFeasible[$0] }
    if !crosses.isEmpty {
      layers.append(
        Layer(
          mark: .crosses(radius: 2.6), ink: .muted, runs: [crosses.map(place)],
          rows: crosses.map { scored.indices[$0] }, series: 1))
    }
    var bins = [[Int]](repeating: [], count: Ink.shadeCount)
    for position in positions where scored.isFeasible[position] {
      if case .shade(let bin) = Ink.shade(of: shade(position)) { bins[bin].append(position) }
    }
    for (bin, own) in bins.enumerated() where !own.isEmpty {
      layers.append(
        Layer(
          mark: .dots(radius: radius), ink: .shade(bin), opacity: positions.count > 500 ? 0.8 : 0.9,
          runs: [own.map(place)], rows: own.map { scored.indices[$0] }))
    }
    return layers
  }

  private static func shadeLegend(
    _ name: String, _ shades: Shades, hasInfeasible: Bool, infeasible ink: Ink = .muted
  ) -> [LegendEntry] {
    var legend = [
      LegendEntry(name: name, mark: .dots(radius: 3), ink: .shade(0), shades: shades)
    ]
    if hasInfeasible {
      legend.append(LegendEntry(name: "infeasible", mark: .crosses(radius: 3.5), ink: ink))
    }
    return legend
  }

  /// The positions of at most that many trials, with the least and greatest values of every
  /// stretch.
  private static func thinnedPositions(
    _ scored: ScoredTrials, to limit: Int, _ notes: inout [String]
  ) -> [Int] {
    let kept = thinned(scored.values, to: limit)
    if kept.count < scored.values.count {
      notes.append(
        "Of \(scored.values.count.grouped) trials \(kept.count.grouped) are drawn: evenly chosen, "
          + "with the smallest and the largest value of every stretch.")
    }
    return kept
  }

  /// The rank of each value from 0 to 1, the mean of theirs for equals; 0.5 for one value alone.
  static func averagedRanks(_ values: [Double]) -> [Double] {
    guard values.count > 1 else { return values.map { _ in 0.5 } }
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      let rank = Double(start + end - 1) / 2 / Double(values.count - 1)
      for place in start..<end { ranks[order[place]] = rank }
      start = end
    }
    return ranks
  }

  /// One row per parameter and trial: parameter, trial, x, value, feasible; of several objectives
  /// for each of them, with its index.
  private static func sliceData(_ all: [ScoredTrials], _ names: [String]) -> FigureTable {
    var columns: [(name: String, cells: [JSONValue])] = [
      ("parameter", []), ("trial", []), ("x", []), ("value", []), ("feasible", []),
    ]
    if all.count > 1 { columns.append(("objective", [])) }
    for scored in all {
      for name in names {
        for (position, index) in scored.indices.enumerated() {
          let trial = scored.study.trials[index]
          guard let value = trial[parameter: name] else { continue }
          columns[0].cells.append(.string(name))
          columns[1].cells.append(.integer(trial.number))
          columns[2].cells.append(JSONValue(value))
          columns[3].cells.append(.float(scored.values[position]))
          columns[4].cells.append(.bool(scored.isFeasible[position]))
          if all.count > 1 { columns[5].cells.append(.integer(scored.objective)) }
        }
      }
    }
    return FigureTable(columns)
  }

  /// One row per pair of parameters and trial: x_parameter, y_parameter, trial, x, y, value,
  /// feasible.
  private static func pairData(
    _ scored: ScoredTrials, _ names: [String], third: (name: String, values: [Double])?
  ) -> FigureTable {
    var columns: [(name: String, cells: [JSONValue])] = [
      ("x_parameter", []), ("y_parameter", []), ("trial", []), ("x", []), ("y", []), ("value", []),
      ("feasible", []),
    ]
    if let third { columns.append((third.name, [])) }
    for (row, y) in names.enumerated() {
      for x in names[..<row] {
        for (position, index) in scored.indices.enumerated() {
          let trial = scored.study.trials[index]
          guard let across = trial[parameter: x], let up = trial[parameter: y] else { continue }
          columns[0].cells.append(.string(x))
          columns[1].cells.append(.string(y))
          columns[2].cells.append(.integer(trial.number))
          columns[3].cells.append(JSONValue(across))
          columns[4].cells.append(JSONValue(up))
          columns[5].cells.append(.float(scored.values[position]))
          columns[6].cells.append(.bool(scored.isFeasible[position]))
          if let third { columns[7].cells.append(.float(third.values[position])) }
        }
      }
    }
    return FigureTable(columns)
  }
}
