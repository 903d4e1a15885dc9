internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// How much less was known when each trial started than if all earlier ones had ended: the simple
  /// regret of delayed feedback.
  static func parallelism(
    _ study: StudySeries, objective: Int, scale: ValueScale
  ) -> Figure {
    let title = "Regret of parallelism of \(study.name)"
    let asks = ParallelAsks(study, objective: objective)
    let rows = asks.rows
    let drawn = rows.indices.filter { rows[$0].earlier != nil }
    guard !drawn.isEmpty else {
      return Figure(
        empty: study.trials.isEmpty
          ? "The study has no trials yet."
          : rows.isEmpty
            ? "No trial has been started, so none has a time."
            : "No trial was asked for after one with a finite value, so there was nothing to know.",
        title: title, subtitle: study.summary)
    }
    let isLogarithmic =
      scale.isLogarithmic(
        for: drawn.flatMap { [rows[$0].earlier, rows[$0].known].compactMap { $0 } },
        directions: [study.directions[objective]])
      && drawn.allSatisfy { (rows[$0].earlier ?? 1) > 0 && (rows[$0].known ?? 1) > 0 }
    let lines: [(name: String, ink: Ink, value: (ParallelAsks.Row) -> Double?)] = [
      ("best of all earlier trials", .orange, { $0.earlier }),
      ("best known when it was asked for", .blue, { $0.known }),
    ]
    var notes = asks.notes(study.directions[objective])
    var kept = Array(drawn.indices)
    if drawn.count > pointLimit {
      kept = thinned(drawn.map { rows[$0].regret ?? 0 }, to: pointLimit)
      notes.append(
        "Of \(drawn.count.grouped) trials \(kept.count.grouped) are drawn: evenly chosen, with the "
          + "smallest and the largest regret of every stretch.")
    }
    let shown = kept.map { drawn[$0] }
    var (layers, legend): ([Layer], [LegendEntry]) = ([], [])
    for line in lines {
      let own = shown.filter { line.value(rows[$0]) != nil }
      guard !own.isEmpty else { continue }
      layers.append(
        Layer(
          mark: .line(width: 2), ink: line.ink,
          runs: [staircase(own.map { Point(Double(rows[$0].trial), line.value(rows[$0]) ?? 0) })],
          series: legend.count))
      legend.append(LegendEntry(name: line.name, mark: .line(width: 2), ink: line.ink))
    }
    let places = shown.filter { rows[$0].known != nil }
    if !places.isEmpty {
      layers.append(
        Layer(
          mark: .dots(radius: places.count <= 200 ? 3 : 1.6), ink: .blue,
          runs: [places.map { Point(Double(rows[$0].trial), rows[$0].known ?? 0) }], rows: places,
          series: legend.count - 1))
    }
    let x = Axis("trial", covering: shown.map { Double(rows[$0].trial) }, isInteger: true)
      .showing("trial")
    let upper = Panel(
      x: x,
      y: Axis(
        study.label(of: objective),
        covering: shown.flatMap { [rows[$0].earlier, rows[$0].known].compactMap { $0 } },
        scale: isLogarithmic ? .logarithmic : .linear), layers: layers)
    let counts = shown.map { Point(Double(rows[$0].trial), Double(rows[$0].running)) }
    let lower = Panel(
      x: x, y: Axis("running meanwhile", covering: counts.map(\.y) + [0], isInteger: true),
      layers: [
        Layer(
          mark: .dots(radius: counts.count <= 200 ? 3 : 1.6), ink: .green, runs: [counts],
          rows: shown, series: legend.count)
      ], row: 1)
    legend.append(
      LegendEntry(name: "trials that were still running", mark: .dots(radius: 3.5), ink: .green))
    return Figure(
      title: title, subtitle: study.summary, notes: notes, panels: [upper, lower], legend: legend,
      makeTable: { chosen in
        let own = (chosen ?? Array(rows.indices)).map { rows[$0] }
        func cell(_ value: Double?) -> JSONValue { value.map { .float($0) } ?? .null }
        return FigureTable([
          ("trial", own.map { .integer($0.trial) }),
          ("running", own.map { .integer($0.running) }),
          ("best_known", own.map { cell($0.known) }),
          ("best_earlier", own.map { cell($0.earlier) }),
          ("regret", own.map { cell($0.regret) }),
        ])
      })
  }

  /// The points with a level step between neighbours.
  private static func staircase(_ points: [Point]) -> [Point] {
    var steps: [Point] = []
    for point in points {
      if let last = steps.last, last.y != point.y { steps.append(Point(point.x, last.y)) }
      steps.append(point)
    }
    return steps
  }
}

/// What was known when each trial started.
///
/// With the feedback mapping of Desautels, Krause and Burdick, "Parallelizing
/// Exploration-Exploitation Tradeoffs in Gaussian Process Bandit Optimization", JMLR 15 (2014):
/// trial `t` is chosen by the results of the trials below `t` that have ended, where one at a time
/// all of them would have.
private struct ParallelAsks {
  struct Row: Sendable {
    let trial: Int
    /// How many trials with smaller numbers were started and had not ended.
    let running: Int
    /// The best value of the trials with smaller numbers that had ended; nil without one.
    let known: Double?
    /// The best value of all trials with smaller numbers; nil without one.
    let earlier: Double?

    /// How much worse the known value is; not negative.
    var regret: Double? {
      guard let known, let earlier else { return nil }
      return abs(known - earlier)
    }
  }

  /// One per trial that was started, by number.
  private(set) var rows: [Row] = []
  private let idle: (most: Int, share: Double)

  init(_ study: StudySeries, objective: Int) {
    let direction = study.directions[objective]
    let started = study.trials.filter { $0.startedAt != nil }
    let ends = started.compactMap(\.completedAt).sorted()
    /// How many of the ends are not after that moment.
    func rank(_ moment: Timestamp) -> Int {
      var (low, high) = (0, ends.count)
      while low < high {
        let middle = (low + high) / 2
        if ends[middle] <= moment { low = middle + 1 } else { high = middle }
      }
      return low
    }
    func better(_ a: Double?, _ b: Double?) -> Double? {
      guard let a, let b else { return a ?? b }
      return direction.isBetter(b, than: a) ? b : a
    }
    // A tree of prefixes over the ends, in which those of smaller numbers stand.
    var counts = [Int](repeating: 0, count: ends.count + 1)
    var bests = [Double?](repeating: nil, count: ends.count + 1)
    var earlier: Double?
    for (place, trial) in started.enumerated() {
      guard let start = trial.startedAt else { continue }
      var (ended, known): (Int, Double?) = (0, nil)
      var node = rank(start)
      while node > 0 {
        ended += counts[node]
        known = better(known, bests[node])
        node -= node & -node
      }
      rows.append(
        Row(trial: trial.number, running: place - ended, known: known, earlier: earlier))
      guard let end = trial.completedAt else { continue }
      let isScored = trial.state == .completed && trial.isFeasible
      let value = isScored ? trial.value(of: objective).flatMap { $0.isFinite ? $0 : nil } : nil
      earlier = better(earlier, value)
      node = rank(end)
      while node < counts.count {
        counts[node] += 1
        bests[node] = better(bests[node], value)
        node += node & -node
      }
    }
    idle = Self.idle(started)
  }

  /// The most trials that ran at once, and the share of as many slots' time that stood idle while
  /// at least one trial ran; of trials that have ended.
  private static func idle(_ trials: [Trial]) -> (most: Int, share: Double) {
    var events: [(moment: Int64, step: Int)] = []
    for trial in trials {
      guard let start = trial.startedAt, let end = trial.completedAt, end > start else { continue }
      events += [(start.microseconds, 1), (end.microseconds, -1)]
    }
    events.sort { ($0.moment, $0.step) < ($1.moment, $1.step) }
    var (running, most, last): (Int, Int, Int64) = (0, 0, 0)
    var (busy, open) = (0.0, 0.0)
    for event in events {
      if running > 0 {
        let length = Double(event.moment - last)
        busy += Double(running) * length
        open += length
      }
      running += event.step
      most = max(most, running)
      last = event.moment
    }
    return (most, open > 0 ? 1 - busy / (Double(most) * open) : 0)
  }

  func notes(_ direction: Direction) -> [String] {
    var notes: [String] = []
    let running = Double(rows.reduce(0) { $0 + $1.running }) / Double(max(rows.count, 1))
    let regrets = rows.compactMap(\.regret)
    let behind = regrets.count { $0 > 0 }
    if behind == 0 {
      notes.append("Every trial was asked for with the best earlier value known.")
    } else {
      // Each is divided first: the sum of huge values can overflow.
      let mean = regrets.reduce(0) { $0 + $1 / Double(regrets.count) }
      notes.append(
        "\(Figure.sentence(behind, "trial was", "trials were")) asked for while a better value was "
          + "under way; the best known was \(mean.text(significantDigits: 3)) worse on average.")
    }
    if idle.most > 1 {
      notes.append(
        "\(running.text(significantDigits: 2)) other trials ran on average, at most \(idle.most) at "
          + "once; of their slots' time \((100 * idle.share).text(significantDigits: 2)) % stood "
          + "idle.")
    }
    return notes
  }
}
