internal import StudyModel

/// How values are laid out along an axis.
public enum ValueScale: String, Sendable, CaseIterable {
  /// Logarithmic when a minimized value is always positive and spans two powers of ten.
  case automatic
  case linear
  /// Values that are not positive are left out, and the figure says so.
  case logarithmic = "log"
}

extension Figure {
  /// The values of the trials by number, with the best so far; of several studies in one picture.
  ///
  /// Completed trials are dots, infeasible ones crosses. Of a single study pruned and failed trials are
  /// strokes along the bottom, for they have no value to compare.
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
    let isLogarithmic = scale.isLogarithmic(for: parts)
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
    let (layers, legend) = historyLayers(parts, total: total)
    return Figure(
      title: title, subtitle: subtitle, emptyReason: nil, notes: notes,
      x: Axis("trial", covering: studies.flatMap(\.ends), isInteger: true),
      y: Axis(
        valueLabel(studies, objective: objective),
        covering: parts.lazy.flatMap { ($0.feasible + $0.infeasible).lazy.map(\.place.y) },
        scale: isLogarithmic ? .logarithmic : .linear),
      layers: layers, legend: legend,
      makeTable: { trialTable(studies, objective: objective, rows: $0) })
  }

  /// The number of points that are drawn before they are thinned out.
  static let pointLimit = 10_000

  /// A figure that only says why there is nothing to show.
  init(empty reason: String, title: String, subtitle: String = "", notes: [String] = []) {
    self.init(
      title: title, subtitle: subtitle, emptyReason: reason, notes: notes,
      x: Axis("", covering: []), y: Axis("", covering: []), layers: [], legend: [],
      makeTable: { _ in FigureTable(columns: [], count: 0) })
  }

  /// `validation accuracy (maximized)`.
  static func valueLabel(_ studies: [StudySeries], objective: Int) -> String {
    let first = studies[0]
    let order = first.directions.count > 1 ? " \(objective + 1) of \(first.directions.count)" : ""
    let direction = first.directions[objective]
    guard studies.allSatisfy({ $0.directions[objective] == direction }) else {
      return first.metric + order
    }
    return first.metric + order + (direction == .minimize ? " (minimized)" : " (maximized)")
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
    return "\(first.summary) · best \(value) in trial \(trial.number.grouped)"
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
      legend.append(LegendEntry(name: "completed", mark: mark.enlarged, ink: ink))
      if !part.bestSoFar.isEmpty {
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
    return ((rugs + middle + stars).filter { !$0.runs.isEmpty && !$0.runs[0].isEmpty }, legend)
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
    case .crosses, .ticks, .line: self
    }
  }
}

extension ValueScale {
  fileprivate func isLogarithmic(for parts: [HistoryPart]) -> Bool {
    switch self {
    case .linear: return false
    case .logarithmic: return true
    case .automatic:
      return Self.suggestsLogarithm(
        parts.lazy.flatMap { ($0.feasible + $0.infeasible).lazy.map(\.place.y) },
        directions: parts.map(\.direction))
    }
  }

  /// Whether these finite values are better seen on a logarithmic axis.
  static func suggestsLogarithm(
    _ values: some Sequence<Double>, directions: [Direction]
  ) -> Bool {
    guard directions.allSatisfy({ $0 == .minimize }) else { return false }
    var (least, greatest) = (Double.infinity, -Double.infinity)
    for value in values {
      least = min(least, value)
      greatest = max(greatest, value)
    }
    return least > 0 && greatest / 100 >= least
  }
}

/// One study's share of a history.
private struct HistoryPart {
  /// A trial in the picture.
  struct Item {
    var place: Point
    var row: Int
  }

  let name: String
  let direction: Direction
  /// The best trial, if it is drawn.
  private(set) var best: Item?
  var feasible: [Item] = []
  var infeasible: [Item] = []
  var pruned: [Item] = []
  var failed: [Item] = []
  /// The corners of the line of best values.
  private(set) var bestSoFar: [Point] = []
  /// Completed trials whose value is infinite or missing.
  private(set) var notFinite = 0
  private let lastNumber: Int

  var isEmpty: Bool { feasible.isEmpty && infeasible.isEmpty }

  init(_ study: StudySeries, objective: Int, firstRow: Int) {
    name = study.name
    direction = study.directions[objective]
    lastNumber = study.trials.last?.number ?? 0
    feasible.reserveCapacity(study.trials.count)
    for (index, trial) in study.trials.enumerated() {
      var item = Item(place: Point(Double(trial.number), 0), row: firstRow + index)
      switch trial.state {
      case .completed:
        guard let value = trial.value(of: objective), value.isFinite else {
          notFinite += 1
          continue
        }
        item.place.y = value
        if trial.isFeasible { feasible.append(item) } else { infeasible.append(item) }
      case .pruned: pruned.append(item)
      case .failed: failed.append(item)
      case .waiting, .running: continue
      }
    }
    connectBest()
  }

  /// Leaves out what is not positive and returns how many points that were.
  mutating func keepPositive() -> Int {
    let before = feasible.count + infeasible.count
    feasible.removeAll { $0.place.y <= 0 }
    infeasible.removeAll { $0.place.y <= 0 }
    connectBest()
    return before - feasible.count - infeasible.count
  }

  mutating func thin(share: Double) {
    func kept(_ items: [Item]) -> [Item] {
      let limit = max(4, Int(Double(items.count) * share))
      return thinned(items.map(\.place.y), to: limit).map { items[$0] }
    }
    (feasible, infeasible) = (kept(feasible), kept(infeasible))
    for path in [\HistoryPart.pruned, \HistoryPart.failed] {
      let items = self[keyPath: path]
      self[keyPath: path] = thinned(items.map(\.place.y), to: 2_000).map { items[$0] }
    }
  }

  private mutating func connectBest() {
    (bestSoFar, best) = ([], nil)
    for item in feasible {
      if let last = bestSoFar.last {
        guard direction.isBetter(item.place.y, than: last.y) else { continue }
        bestSoFar.append(Point(item.place.x, last.y))
      }
      bestSoFar.append(item.place)
      best = item
    }
    if let last = bestSoFar.last { bestSoFar.append(Point(Double(lastNumber), last.y)) }
  }
}
