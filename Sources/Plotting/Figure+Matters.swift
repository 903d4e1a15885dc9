internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// The least number of completed trials that importances are assessed of.
  private static let leastAssessed = 10
  /// At how many moments of a study they are assessed.
  private static let momentCount = 12

  /// How much each parameter matters by what was known at several moments of the study.
  static func matters(_ study: StudySeries, _ options: PlotOptions) -> Figure {
    let title = "What mattered when in \(study.name)"
    let completed = study.trials.indices.filter { study.trials[$0].state == .completed }
    guard completed.count > leastAssessed else {
      let count = sentence(completed.count, "trial has", "trials have")
      return Figure(
        empty: study.trials.isEmpty
          ? "The study has no trials yet."
          : "Only \(count) completed, and more than \(leastAssessed) are needed to see a change.",
        title: title, subtitle: study.summary)
    }
    let span = completed.count - leastAssessed
    let steps = min(momentCount - 1, span)
    var moments: [(trial: Int, shares: [String: Double])] = []
    var problem: String?
    for step in 0...steps {
      let last = completed[leastAssessed + span * step / steps - 1]
      do throws(AnalysisError) {
        let found = try ParameterImportances.assess(
          Array(study.trials[...last]), directions: study.directions,
          objective: study.directions.count > 1 ? options.objective : nil, by: options.evaluator)
        guard !found.entries.isEmpty else { continue }
        let shares = found.entries.map { ($0.parameter, $0.importance) }
        moments.append(
          (study.trials[last].number, Dictionary(shares, uniquingKeysWith: { first, _ in first })))
      } catch {
        problem = "\(error)"
      }
    }
    guard let final = moments.last, moments.count > 1 else {
      return Figure(
        empty: problem ?? "No completed trial has a parameter.", title: title,
        subtitle: study.summary)
    }
    let wanted = options.parameters.map(Set.init)
    let names = final.shares.keys.filter { wanted?.contains($0) ?? true }
      .sorted { (final.shares[$1] ?? 0, $0) < (final.shares[$0] ?? 0, $1) }
    let shown = Array(names.prefix(Ink.series.count))
    guard !shown.isEmpty else {
      return Figure(
        empty: "No completed trial has one of these parameters.", title: title,
        subtitle: study.summary)
    }
    var notes = ["Each point goes by the trials up to it; early ones rest on few."]
    if shown.count < names.count {
      notes.append(
        "Of \(names.count.grouped) parameters the \(shown.count) that matter most in the end are shown."
      )
    }
    let rows = moments.flatMap { moment in
      shown.map { (trial: moment.trial, name: $0, share: moment.shares[$0] ?? 0) }
    }
    let (layers, legend) = mattersLayers(moments.count, shown) { moment, name in
      let row = moment * shown.count + name
      return (Point(Double(rows[row].trial), 100 * rows[row].share), row)
    }
    let panel = Panel(
      x: Axis("trial", covering: moments.map { Double($0.trial) }, isInteger: true),
      y: Axis(
        "share of the importance, %", from: 0,
        to: max(rows.reduce(0) { max($0, 108 * $1.share) }, 1e-6)), layers: layers)
    let method = options.evaluator == .pedANOVA ? "PED-ANOVA" : "fANOVA"
    return Figure(
      title: title, subtitle: "\(method) · \(study.summary)", notes: notes, panels: [panel],
      legend: legend,
      makeTable: { chosen in
        let own = (chosen ?? Array(rows.indices)).map { rows[$0] }
        return FigureTable([
          ("trial", own.map { .integer($0.trial) }), ("parameter", own.map { .string($0.name) }),
          ("importance", own.map { .float($0.share) }),
        ])
      })
  }

  /// A line with dots for each parameter, the most important on top.
  private static func mattersLayers(
    _ count: Int, _ names: [String], _ place: (Int, Int) -> (point: Point, row: Int)
  ) -> (layers: [Layer], legend: [LegendEntry]) {
    var (layers, legend): ([Layer], [LegendEntry]) = ([], [])
    for (index, name) in names.enumerated() {
      let own = (0..<count).map { place($0, index) }
      let ink = Ink.series[index]
      let points = own.map(\.point)
      layers.insert(
        contentsOf: [
          Layer(mark: .line(width: 2), ink: ink, runs: [points], series: index),
          Layer(
            mark: .dots(radius: 3), ink: ink, runs: [points], rows: own.map(\.row), series: index),
        ], at: 0)
      legend.append(LegendEntry(name: name, mark: .line(width: 2), ink: ink))
    }
    return (layers, legend)
  }
}
