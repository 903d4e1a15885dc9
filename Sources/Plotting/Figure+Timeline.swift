internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// The number of beams that a timeline draws.
  private static let beamLimit = 4_000
  private static let laneLimit = 400

  /// When each trial ran, by worker and state.
  static func timeline(_ study: StudySeries) -> Figure {
    let title = "Timeline of \(study.name)"
    let started = study.trials.indices.filter { study.trials[$0].startedAt != nil }
    let moments = study.trials.flatMap { [$0.startedAt, $0.completedAt].compactMap { $0 } }
    guard let first = moments.min(), let last = moments.max(), !started.isEmpty else {
      return Figure(
        empty: study.trials.isEmpty
          ? "The study has no trials yet." : "No trial has been started, so none has a time.",
        title: title, subtitle: study.summary)
    }
    func seconds(_ moment: Timestamp) -> Double {
      Double(moment.microseconds - first.microseconds) / 1e6
    }
    var notes: [String] = []
    let spans = started.map { index -> (start: Double, end: Double) in
      let start = seconds(study.trials[index].startedAt ?? first)
      // A running trial reaches to the last thing that is known.
      return (start, max(start, seconds(study.trials[index].completedAt ?? last)))
    }
    let turned = started.count { index in
      let trial = study.trials[index]
      if let start = trial.startedAt, let end = trial.completedAt { return end < start }
      return false
    }
    if turned > 0 {
      notes.append(
        "\(sentence(turned, "trial ends", "trials end")) before \(turned == 1 ? "its" : "their") "
          + "start and \(turned == 1 ? "is" : "are") drawn as a stroke.")
    }
    let lanes = TimelineLanes(study, started, spans, limit: laneLimit)
    if lanes.isCrowded {
      notes.append("More trials ran at once than there are rows, so some overlap.")
    }
    let pauses = pauses(between: spans)
    let paused = pauses.reduce(0) { $0 + $1.to - $1.from }
    let (unit, name) = timeUnit(for: seconds(last) - paused)
    if !pauses.isEmpty {
      let (unit, name) = timeUnit(for: paused)
      notes.append(
        "\(sentence(pauses.count, "pause", "pauses")) without a trial, "
          + "\((paused / unit).text(significantDigits: 3)) \(name) in all, "
          + "\(pauses.count == 1 ? "is" : "are") cut short at the broken lines.")
    }
    var kept = Array(started.indices)
    if kept.count > beamLimit {
      kept = thinned(spans.map { $0.end - $0.start }, to: beamLimit)
      notes.append(
        "Of \(started.count.grouped) trials \(kept.count.grouped) are drawn: evenly chosen, with "
          + "the shortest and the longest of every stretch.")
    }
    let states: [(name: String, ink: Ink, isOwn: (Trial) -> Bool)] = [
      ("completed", .blue, { $0.state == .completed && $0.isFeasible }),
      ("infeasible", .muted, { $0.state == .completed && !$0.isFeasible }),
      ("pruned", .orange, { $0.state == .pruned }),
      ("failed", .purple, { $0.state == .failed }),
      ("running", .green, { $0.state == .running || $0.state == .waiting }),
    ]
    var (layers, legend): ([Layer], [LegendEntry]) = ([], [])
    let top = Double(lanes.names.count - 1)
    for state in states {
      let own = kept.filter { state.isOwn(study.trials[started[$0]]) }
      guard !own.isEmpty else { continue }
      let beams = own.map { place in
        let y = top - Double(lanes.lane[place])
        return [Point(spans[place].start / unit, y), Point(spans[place].end / unit, y)]
      }
      // What is too short to see keeps a stroke of its own.
      let shortest = seconds(last) / 2_000
      let strokes = own.filter { spans[$0].end - spans[$0].start < shortest }.map {
        Point(spans[$0].start / unit, top - Double(lanes.lane[$0]))
      }
      layers.append(
        Layer(
          mark: .bar(thickness: lanes.names.count <= 40 ? 0.72 : 0.9), ink: state.ink,
          opacity: 0.85, runs: beams,
          rows: own.flatMap { [started[$0], started[$0]] }, series: legend.count))
      if !strokes.isEmpty {
        layers.append(
          Layer(
            mark: .ticks(height: min(240 / Double(lanes.names.count), 12), width: 1),
            ink: state.ink, opacity: 0.85, runs: [strokes], series: legend.count))
      }
      legend.append(LegendEntry(name: state.name, mark: .bar(thickness: 1), ink: state.ink))
    }
    let start = first.storeText.prefix(19)
    let shortened = pauses.map { $0.drawn }.reduce(max(seconds(last) - paused, 1e-3), +)
    let margin = 0.045 * shortened
    let time = Axis(
      "\(name) since \(start) UTC", from: -margin / unit,
      to: (max(seconds(last), 1e-3) + margin) / unit)
    let panel = timelinePanel(time, pauses, unit: unit, lanes.names, layers)
    return Figure(
      title: title, subtitle: study.summary, notes: notes, panels: [panel], legend: legend,
      makeTable: { rows in
        let rows = rows ?? study.trials.indices.filter { study.trials[$0].startedAt != nil }
        return FigureTable([
          ("trial", rows.map { .integer(study.trials[$0].number) }),
          ("state", rows.map { .string(study.trials[$0].state.name) }),
          (
            "started_at",
            rows.map { study.trials[$0].startedAt.map { .string($0.rfc3339) } ?? .null }
          ),
          (
            "completed_at",
            rows.map { study.trials[$0].completedAt.map { .string($0.rfc3339) } ?? .null }
          ),
          (
            "seconds",
            rows.map {
              study.trials[$0].duration.map { .float(Double($0 / .microseconds(1)) / 1e6) } ?? .null
            }
          ),
          (
            "worker",
            rows.map { study.workers[study.trials[$0].number].map { .string($0) } ?? .null }
          ),
          ("feasible", rows.map { .bool(study.trials[$0].isFeasible) }),
        ])
      })
  }

  /// The panel, with a broken line in each pause.
  private static func timelinePanel(
    _ time: Axis, _ pauses: [AxisPause], unit: Double, _ names: [String], _ layers: [Layer]
  ) -> Panel {
    var panel = Panel(x: time, y: Axis("", categories: names.reversed()), layers: layers)
    panel.x.pauses = pauses.map {
      AxisPause(from: $0.from / unit, to: $0.to / unit, drawn: $0.drawn / unit)
    }
    guard !pauses.isEmpty else { return panel }
    panel.layers.append(
      Layer(
        mark: .line(width: 1.2, dashed: true), ink: .muted,
        runs: panel.x.pauses.map { pause in
          let middle = pause.from + (pause.to - pause.from) / 2
          return [Point(middle, panel.y.low), Point(middle, panel.y.high)]
        }))
    return panel
  }

  /// The longest stretches in which no trial ran: those that are longer than a seventh of all the
  /// time in which some did, at most 20.
  private static func pauses(between spans: [(start: Double, end: Double)]) -> [AxisPause] {
    var gaps: [(from: Double, to: Double)] = []
    var (end, busy) = (0.0, 0.0)
    for span in spans.sorted(by: { $0.start < $1.start }) {
      if span.start > end { gaps.append((end, span.start)) }
      busy += max(span.end - max(span.start, end), 0)
      end = max(end, span.end)
    }
    guard busy > 0 else { return [] }
    let long = gaps.filter { $0.to - $0.from > busy / 7 }
      .sorted { $0.to - $0.from > $1.to - $1.from }.prefix(20)
    return long.sorted { $0.from < $1.from }.map {
      AxisPause(from: $0.from, to: $0.to, drawn: busy / 35)
    }
  }

  /// A unit in which a stretch of seconds is a number of everyday size.
  static func timeUnit(for seconds: Double) -> (size: Double, name: String) {
    switch seconds {
    case ..<0.2: (1e-3, "milliseconds")
    case ..<240: (1, "seconds")
    case ..<14_400: (60, "minutes")
    case ..<345_600: (3_600, "hours")
    default: (86_400, "days")
    }
  }
}

/// Rows for trials that ran at the same time: a group of rows per worker.
private struct TimelineLanes {
  /// The row of each trial, counted from above.
  private(set) var lane: [Int]
  /// The worker's name beside the first of its rows; empty beside the others.
  private(set) var names: [String] = []
  private(set) var isCrowded = false

  init(
    _ study: StudySeries, _ trials: [Int], _ spans: [(start: Double, end: Double)], limit: Int
  ) {
    lane = [Int](repeating: 0, count: trials.count)
    var groups: [String: [Int]] = [:]
    for place in trials.indices {
      groups[study.workers[study.trials[trials[place]].number] ?? "", default: []].append(place)
    }
    let short = Self.shortened(Array(groups.keys))
    for (worker, places) in groups.sorted(by: { $0.key < $1.key }) {
      let first = names.count
      var ends: [Double] = []
      for place in places.sorted(by: {
        spans[$0].start == spans[$1].start ? $0 < $1 : spans[$0].start < spans[$1].start
      }) {
        var own = ends.firstIndex { $0 <= spans[place].start }
        if own == nil, first + ends.count >= max(limit, first + 1) {
          isCrowded = true
          own = ends.indices.min { ends[$0] < ends[$1] }
        }
        if let own {
          ends[own] = spans[place].end
          lane[place] = first + own
        } else {
          lane[place] = first + ends.count
          ends.append(spans[place].end)
        }
      }
      names += ends.indices.map { index in
        worker.isEmpty ? "slot \(index + 1)" : index == 0 ? short[worker] ?? worker : ""
      }
    }
  }

  /// Short names that keep the workers apart: a worker is called after its host, and at the end
  /// after what tells it from the others there, which is left out where the host has one.
  private static func shortened(_ names: [String]) -> [String: String] {
    let parts = names.map { $0.split(separator: "/", omittingEmptySubsequences: true) }
    let hosts = Dictionary(grouping: parts.compactMap(\.first)) { $0 }
    let short = zip(names, parts).map { name, parts in
      guard let host = parts.first, let last = parts.last, parts.count > 1 else {
        return name.count > 24 ? "\(name.prefix(15))…\(name.suffix(8))" : name
      }
      let start = host.count > 16 ? "\(host.prefix(15))…" : String(host)
      return hosts[host]?.count == 1 ? start : "\(start)/\(last.suffix(8))"
    }
    guard Set(short).count == names.count else { return [:] }
    return Dictionary(uniqueKeysWithValues: zip(names, short))
  }
}
