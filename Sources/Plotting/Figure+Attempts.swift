internal import JSON
internal import StudyModel

extension Figure {
  /// The time of all attempts by how they ended: what was kept, and what was lost.
  static func attempts(_ study: StudySeries) -> Figure {
    let title = "Attempts of \(study.name)"
    let counted = CountedAttempts(study)
    guard !counted.attempts.isEmpty else {
      return Figure(
        empty: study.trials.isEmpty
          ? "The study has no trials yet."
          : "No attempt is recorded; workers record them, but trials that are only told have none.",
        title: title, subtitle: study.summary)
    }
    let longest = counted.rows.reduce(0) { max($0, $1.seconds) }
    let (unit, name) = timeUnit(for: longest)
    let rows = counted.rows
    let fates: [(fate: CountedAttempts.Fate, ink: Ink)] = [
      (.kept, .blue), (.repeated, .orange), (.givenUp, .purple), (.running, .green),
    ]
    let outcomes = counted.outcomes
    var starts = [Double](repeating: 0, count: outcomes.count)
    var (layers, legend): ([Layer], [LegendEntry]) = ([], [])
    for (fate, ink) in fates {
      let own = rows.indices.filter { rows[$0].fate == fate }
      guard !own.isEmpty else { continue }
      let beams = own.map { row in
        let place = rows[row].place
        let y = Double(outcomes.count - 1 - place)
        let start = starts[place]
        starts[place] += rows[row].seconds / unit
        return [Point(start, y), Point(starts[place], y)]
      }
      layers.append(
        Layer(
          mark: .bar(thickness: 0.7), ink: ink, runs: beams, rows: own.flatMap { [$0, $0] },
          series: legend.count))
      legend.append(
        LegendEntry(name: fate.rawValue, mark: .bar(thickness: 1), ink: ink))
    }
    // Room behind the longest beam for the number of attempts.
    var panel = Panel(
      x: Axis("\(name) in all", from: 0, to: max(starts.max() ?? 0, 1e-3) * 1.15),
      y: Axis("", categories: outcomes.reversed()), layers: layers)
    panel.labels = outcomes.indices.map { place in
      let count = rows.reduce(0) { $0 + ($1.place == place ? $1.count : 0) }
      return Label(
        string: count.grouped, at: Point(starts[place], Double(outcomes.count - 1 - place)))
    }
    return Figure(
      title: title, subtitle: study.summary, notes: counted.notes, panels: [panel],
      legend: legend,
      makeTable: { chosen in
        let own = (chosen ?? Array(rows.indices)).map { rows[$0] }
        return FigureTable([
          ("outcome", own.map { .string(outcomes[$0.place]) }),
          ("fate", own.map { .string($0.fate.rawValue) }),
          ("attempts", own.map { .integer($0.count) }),
          ("seconds", own.map { .float($0.seconds) }),
        ])
      }, makeData: { counted.table })
  }
}

/// The attempts of a study with what became of them.
private struct CountedAttempts: Sendable {
  enum Fate: String, Sendable {
    case kept
    case repeated = "lost and repeated"
    case givenUp = "lost for good"
    case running
  }

  /// The attempts that ended alike.
  struct Row: Sendable {
    /// The place of the outcome's name in ``outcomes``.
    let place: Int
    let fate: Fate
    var count = 0
    var seconds = 0.0
  }

  private(set) var attempts: [(attempt: Attempt, outcome: String, fate: Fate, seconds: Double)] = []
  /// The names of the outcomes that there are, those of success first.
  private(set) var outcomes: [String] = []
  private(set) var rows: [Row] = []

  init(_ study: StudySeries) {
    var trials: [Int: Trial] = [:]
    for trial in study.trials { trials[trial.number] = trial }
    let own = study.attempts.filter { trials[$0.trialNumber] != nil }
    var last: [Int: Int] = [:]
    for attempt in own {
      last[attempt.trialNumber] = max(last[attempt.trialNumber] ?? 0, attempt.number)
    }
    // An open attempt reaches to the last thing that is known.
    let latest = own.flatMap { [$0.startedAt, $0.endedAt].compactMap { $0 } }.max()
    for attempt in own {
      guard let trial = trials[attempt.trialNumber] else { continue }
      let isLast = attempt.number == last[attempt.trialNumber]
      let end = attempt.endedAt ?? latest ?? attempt.startedAt
      let seconds =
        Double(max(end.microseconds - attempt.startedAt.microseconds, 0)) / 1e6
      let fate: Fate =
        !isLast || trial.state == .waiting
        ? .repeated
        : trial.state == .running
          ? (attempt.endedAt == nil ? .running : .repeated)
          : trial.state == .failed ? .givenUp : .kept
      // How a failed trial ended is noted with the trial.
      let noted =
        isLast && trial.state == .failed
        ? trial.systemAttributes.first { $0.key == "needletail:outcome" }?.value.string : nil
      let outcome = noted ?? attempt.outcome?.rawValue ?? trial.state.name
      attempts.append(
        (attempt, outcome.replacing("_", with: " "), fate, seconds))
    }
    let order =
      AttemptOutcome.allCases.map { $0.rawValue.replacing("_", with: " ") } + [
        "running", "waiting",
      ]
    let names = Set(attempts.map(\.outcome))
    outcomes = order.filter(names.contains) + names.subtracting(order).sorted()
    var places: [String: Int] = [:]
    for (place, name) in outcomes.enumerated() { places[name] = place }
    var found: [Int: [Fate: Row]] = [:]
    for (_, outcome, fate, seconds) in attempts {
      guard let place = places[outcome] else { continue }
      found[place, default: [:]][fate, default: Row(place: place, fate: fate)].count += 1
      found[place]?[fate]?.seconds += seconds
    }
    rows = outcomes.indices.flatMap { place in
      [Fate.kept, .repeated, .givenUp, .running].compactMap { found[place]?[$0] }
    }
  }

  var notes: [String] {
    let total = rows.reduce(0) { $0 + $1.seconds }
    var notes: [String] = []
    for (fate, verb) in [(Fate.repeated, "repeated"), (.givenUp, "given up")] {
      let own = rows.filter { $0.fate == fate }
      let count = own.reduce(0) { $0 + $1.count }
      guard count > 0 else { continue }
      let seconds = own.reduce(0) { $0 + $1.seconds }
      let (unit, name) = Figure.timeUnit(for: seconds)
      let share = total > 0 ? (100 * seconds / total).text(significantDigits: 2) : "0"
      notes.append(
        "\(Figure.sentence(count, "attempt was", "attempts were")) \(verb): "
          + "\((seconds / unit).text(significantDigits: 3)) \(name), \(share) % of all.")
    }
    if rows.contains(where: { $0.fate == .repeated }) {
      notes.append("What went on from a checkpoint has lost less than its attempt's time.")
    }
    return notes.isEmpty ? ["No attempt was lost."] : notes
  }

  /// One row per attempt.
  var table: FigureTable {
    FigureTable([
      ("trial", attempts.map { .integer($0.attempt.trialNumber) }),
      ("attempt", attempts.map { .integer($0.attempt.number) }),
      ("outcome", attempts.map { .string($0.outcome) }),
      ("fate", attempts.map { .string($0.fate.rawValue) }),
      ("seconds", attempts.map { .float($0.seconds) }),
      ("started_at", attempts.map { .string($0.attempt.startedAt.rfc3339) }),
      ("ended_at", attempts.map { $0.attempt.endedAt.map { .string($0.rfc3339) } ?? .null }),
      ("worker", attempts.map { .string($0.attempt.worker) }),
      ("reason", attempts.map { .string($0.attempt.reason) }),
    ])
  }
}
