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
    let (unit, name) = unit(for: seconds(last))
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
    return Figure(
      title: title, subtitle: study.summary, notes: notes,
      x: Axis("\(name) since \(start) UTC", covering: [0, max(seconds(last), 1e-3) / unit]),
      y: Axis("", categories: lanes.names.reversed()), layers: layers, legend: legend,
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

  /// A unit in which a stretch of seconds is a number of everyday size.
  private static func unit(for seconds: Double) -> (size: Double, name: String) {
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

  /// Long names without what stands in their middle, as long as that keeps them apart.
  ///
  /// Workers are called after their host, and at the end after what tells them from the others
  /// there.
  private static func shortened(_ names: [String]) -> [String: String] {
    for (head, tail) in [(12, 8), (20, 20)] {
      let short = names.map { name in
        guard name.count > head + tail + 2 else { return name }
        let end = name.suffix(tail)
        return "\(name.prefix(head))…\(end[(end.lastIndex(of: "/") ?? end.startIndex)...])"
      }
      if Set(short).count == names.count {
        return Dictionary(uniqueKeysWithValues: zip(names, short))
      }
    }
    return [:]
  }
}
