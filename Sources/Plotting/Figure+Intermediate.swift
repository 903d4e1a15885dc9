internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// What each trial reported at each step; the best trial stands out, pruned ones end in a cross.
  public static func intermediate(
    _ study: StudySeries, scale: ValueScale = .automatic
  ) -> Figure {
    let title = "Intermediate values of \(study.name)"
    var curves: [ReportCurve] = []
    var firstRow = 0
    for (index, trial) in study.trials.enumerated() where !trial.intermediateValues.isEmpty {
      curves.append(ReportCurve(trial, index: index, firstRow: firstRow))
      firstRow += trial.intermediateValues.count
    }
    let best = study.bestTrial(objective: 0)
    var subtitle = study.summary
    if let best, let value = study.trials[best].value(of: 0) {
      subtitle +=
        " · best \(value.text(significantDigits: 6)) in trial \(study.trials[best].number)"
    }
    var notes: [String] = []
    let notFinite = curves.reduce(0) { $0 + $1.notFinite }
    if notFinite > 0 {
      notes.append("\(sentence(notFinite, "report is", "reports are")) not finite and left out.")
    }
    let isLogarithmic = scale.isLogarithmic(
      for: curves.lazy.flatMap { $0.points.lazy.map(\.y) }, directions: [study.directions[0]])
    if isLogarithmic {
      let dropped = curves.indices.reduce(0) { $0 + curves[$1].keepPositive() }
      if dropped > 0 {
        notes.append(
          "\(sentence(dropped, "report", "reports")) not above 0 "
            + "\(dropped == 1 ? "has" : "have") no place on the logarithmic axis.")
      }
    }
    let reporters = curves.count
    curves.removeAll { $0.points.isEmpty }
    guard !curves.isEmpty else {
      let reason =
        study.trials.isEmpty
        ? "The study has no trials yet."
        : reporters == 0
          ? "No trial has reported an intermediate value."
          : isLogarithmic && notFinite == 0
            ? "No report is above 0, so a logarithmic axis has no place for any."
            : "No report has a finite value."
      return Figure(empty: reason, title: title, subtitle: subtitle, notes: notes)
    }
    if let note = thin(&curves, keeping: best) { notes.append(note) }

    let (layers, legend) = intermediateLayers(curves, study: study, best: best)
    return Figure(
      title: title, subtitle: subtitle, emptyReason: nil, notes: notes,
      x: Axis(
        "step", covering: curves.lazy.flatMap { $0.points.lazy.map(\.x) }, isInteger: true),
      y: Axis(
        "reported " + valueLabel([study], objective: 0),
        covering: curves.lazy.flatMap { $0.points.lazy.map(\.y) },
        scale: isLogarithmic ? .logarithmic : .linear),
      layers: layers, legend: legend, makeTable: { reportTable(study, rows: $0) })
  }

  /// The number of reports that are drawn before curves are thinned out.
  static let reportLimit = 20_000
  /// The number of curves beyond which more show nothing.
  static let curveLimit = 1_000

  /// Leaves out reports and then curves until no more than ``reportLimit`` reports remain; returns
  /// the sentence that says so.
  private static func thin(_ curves: inout [ReportCurve], keeping best: Int?) -> String? {
    guard curves.count > curveLimit || curves.reduce(0, { $0 + $1.points.count }) > reportLimit
    else { return nil }
    for index in curves.indices { curves[index].thin(to: max(100, reportLimit / curves.count)) }
    let length = curves.reduce(0) { $0 + $1.points.count } / curves.count
    let limit = min(max(reportLimit / max(length, 1), 4), curveLimit)
    guard curves.count > limit else {
      return "Long curves are drawn with their turning points only."
    }
    let total = curves.count
    let least = curves.indices.min { curves[$0].least < curves[$1].least }
    let greatest = curves.indices.max { curves[$0].greatest < curves[$1].greatest }
    let spaced = Set((0..<limit).map { $0 * (total - 1) / (limit - 1) })
    curves = curves.indices.filter {
      spaced.contains($0) || $0 == least || $0 == greatest || curves[$0].trial == best
    }.map { curves[$0] }
    return
      "Of \(total.grouped) trials with reports \(curves.count.grouped) are drawn: evenly chosen, "
      + "with the best and those that reach furthest up and down."
  }

  private static func intermediateLayers(
    _ curves: [ReportCurve], study: StudySeries, best: Int?
  ) -> (layers: [Layer], legend: [LegendEntry]) {
    let others = curves.filter { $0.trial != best }
    let isCrowded = curves.count > 150
    let width = curves.count <= 30 ? 1.6 : isCrowded ? 0.9 : 1.2
    let opacity =
      curves.count <= 30 ? 0.9 : !isCrowded ? 0.55 : curves.count <= 400 ? 0.32 : 0.18
    let states: [(state: TrialState, ink: Ink)] = [
      (.completed, .blue), (.pruned, .orange), (.failed, .purple), (.running, .green),
    ]
    var layers: [Layer] = []
    var crosses: [Layer] = []
    // Curves within one layer do not add up where they cross, and a state's layers would hide those
    // below, so many curves are spread over sheets that hold some of each state.
    let sheets = min(others.count, 40)
    for sheet in 0..<sheets {
      let members = stride(from: sheet, to: others.count, by: sheets).map { others[$0] }
      for (state, ink) in states {
        let own = members.filter { study.trials[$0.trial].state == state }
        guard !own.isEmpty else { continue }
        let boost = state == .completed ? 1 : 1.5
        layers.append(
          Layer(
            mark: .line(width: width, dashed: state == .running), ink: ink,
            opacity: min(opacity * boost, 1), runs: own.flatMap(\.runs), rows: own.flatMap(\.rows)))
        guard state == .pruned else { continue }
        let ends = own.compactMap { $0.points.last }
        crosses.append(
          Layer(
            mark: .crosses(radius: isCrowded ? 2.2 : 3), ink: ink,
            opacity: min(opacity * 2, 1), runs: [ends]))
      }
    }
    layers += crosses
    var legend = states.compactMap { state, ink in
      others.contains { study.trials[$0.trial].state == state }
        ? LegendEntry(
          name: state.name, mark: .line(width: 2, dashed: state == .running), ink: ink) : nil
    }
    if let best, let curve = curves.first(where: { $0.trial == best }) {
      layers.append(
        Layer(
          mark: .line(width: 2.6), ink: .vermillion, runs: curve.runs, rows: curve.rows))
      let name = "best: trial \(study.trials[best].number)"
      legend.append(LegendEntry(name: name, mark: .line(width: 2.6), ink: .vermillion))
    }
    return (connected(layers, to: legend), legend)
  }

  /// One row per report: trial, state, step, value.
  private static func reportTable(_ study: StudySeries, rows: [Int]?) -> FigureTable {
    var places: [(trial: Int, report: Int)] = []
    for (index, trial) in study.trials.enumerated() {
      for report in trial.intermediateValues.indices { places.append((index, report)) }
    }
    if let rows { places = rows.map { places[$0] } }
    func column(_ name: String, _ cell: (Trial, Int) -> JSONValue) -> FigureTable.Column {
      .init(name: name, cells: places.map { cell(study.trials[$0.trial], $0.report) })
    }
    return FigureTable(
      columns: [
        column("trial") { trial, _ in .integer(trial.number) },
        column("state") { trial, _ in .string(trial.state.name) },
        column("step") { trial, report in .integer(trial.intermediateValues[report].step) },
        column("value") { trial, report in .float(trial.intermediateValues[report].value) },
      ], count: places.count)
  }
}
