internal import StudyModel
internal import System

/// Draws a run in place on a terminal, at most ten times a second.
///
/// It moves the cursor and clears, and changes no mode of the terminal, so there is nothing to
/// restore, whatever ends the process. Each frame is one write: nothing flickers.
struct LiveView {
  private let console: Console
  /// What is on the screen.
  private var lastFrame: [String] = []
  private var drawnAt = Timestamp(microseconds: 0)

  /// The shortest time between two frames.
  static let interval: Duration = .milliseconds(100)

  init(_ console: Console) {
    self.console = console
  }

  /// Draws the snapshot, unless the last frame is too young.
  mutating func draw(_ snapshot: RunSnapshot, at now: Timestamp) {
    guard now.since(drawnAt) >= Self.interval else { return }
    let frame = Self.lines(
      snapshot, at: now, width: console.width - 1, height: console.height - 1)
    drawnAt = now
    guard frame != lastFrame else { return }
    show(frame)
  }

  /// Draws lines that are made elsewhere.
  mutating func draw(lines: [String]) {
    guard lines != lastFrame else { return }
    show(lines)
  }

  /// Whether anything is on the screen.
  var isShown: Bool { !lastFrame.isEmpty }

  /// Writes lines above the view, where they stay.
  mutating func insert(_ lines: [String]) {
    show(lastFrame, below: lines)
  }

  /// Removes the view.
  mutating func clear() {
    guard !lastFrame.isEmpty else { return }
    console.writeMessage(toTheTop + "\u{1B}[J")
    lastFrame = []
  }

  /// Moves the cursor to the frame's first line. A terminal that became narrower since has broken
  /// lines in two.
  private var toTheTop: String {
    let width = max(1, console.width)
    let height = lastFrame.reduce(0) { rows, line in
      rows + max(1, (Self.visible(line).columns + width - 1) / width)
    }
    return height > 0 ? "\r\u{1B}[\(height)A" : "\r"
  }

  /// The line without the codes of color.
  private static func visible(_ line: String) -> String {
    [bold, dim, plain].reduce(line) { $0.replacing($1, with: "") }
  }

  private mutating func show(_ frame: [String], below lines: [String] = []) {
    var text = toTheTop
    for line in lines + frame { text += line + "\u{1B}[K\n" }
    // What an earlier, longer frame left below.
    text += "\u{1B}[J"
    console.writeMessage(text)
    lastFrame = frame
  }

  // MARK: What a frame says

  private static let bold = "\u{1B}[1m"
  private static let dim = "\u{1B}[2m"
  private static let plain = "\u{1B}[0m"

  /// The lines of a frame, none wider than `width` columns and at most `height`.
  static func lines(
    _ snapshot: RunSnapshot, at now: Timestamp, width: Int, height: Int
  ) -> [String] {
    var lines = [progress(snapshot, width: width)]
    if let best = snapshot.best {
      let text = "best  \(best.valuesText)  trial \(best.number)  \(best.parametersText.printable)"
      lines.append(bold + text.cut(to: width) + plain)
    }
    let states: [TrialState] = [.completed, .pruned, .failed, .waiting]
    let counts = states.compactMap { state in
      let count = snapshot.counts[state] ?? 0
      return count > 0 || state == .completed ? "\(count) \(state.name)" : nil
    }
    lines.append(("done  " + counts.joined(separator: "  ")).cut(to: width))
    if let notice = snapshot.notice { lines.append(notice.cut(to: width)) }
    let room = max(1, height - lines.count)
    var running = snapshot.running.map { self.line($0, at: now).cut(to: width) }
    if running.count > room {
      let rest = "… and \(running.count - room + 1) more".cut(to: width)
      running = running.prefix(room - 1) + [rest]
    }
    return Array((lines + running.map { dim + $0 + plain }).prefix(max(1, height)))
  }

  private static func line(_ trial: RunSnapshot.RunningTrial, at now: Timestamp) -> String {
    var parts = ["trial \(trial.number)"]
    if trial.attempt > 1 { parts.append("attempt \(trial.attempt)") }
    if let report = trial.lastReport { parts.append("step \(report.step): \(report.value.brief)") }
    // Whole seconds: tenths would make every frame another one.
    parts.append("\(max(0, Int(clamped: now.since(trial.startedAt).inSeconds)))s")
    parts.append(trial.parameters.printable)
    return parts.joined(separator: "  ")
  }

  /// The name, a bar if there is a budget, and the figures, in one line.
  private static func progress(_ snapshot: RunSnapshot, width: Int) -> String {
    let finished = snapshot.finished
    var figures: [String] = []
    if let limit = snapshot.limit {
      let percent = Int(clamped: 100 * Double(finished) / Double(max(1, limit)))
      figures.append("\(finished)/\(limit)  \(percent)%")
    } else {
      figures.append("\(finished) trials")
    }
    figures.append("\(rateText(snapshot.rate)) trials/s")
    figures.append(snapshot.elapsed.clock)
    if let remaining = snapshot.remaining { figures.append("ETA \(remaining.clock)") }
    let tail = figures.joined(separator: "  ")
    let name = snapshot.study.printable.cut(to: max(8, width / 4))
    guard let limit = snapshot.limit else { return "\(name)  \(tail)".cut(to: width) }
    let room = min(40, width - name.columns - tail.columns - 4)
    guard room >= 5 else { return "\(name)  \(tail)".cut(to: width) }
    let share = min(1, Double(finished) / Double(max(1, limit)))
    let filled = Int(clamped: share * Double(room))
    let bar = String(repeating: "━", count: filled)
    let rest = String(repeating: "─", count: room - filled)
    return "\(name)  \(bold)\(bar)\(plain)\(dim)\(rest)\(plain)  \(tail)"
  }

  private static func rateText(_ rate: Double) -> String {
    if rate >= 100 { return String(Int(clamped: rate.rounded())) }
    if rate >= 1 { return "\((rate * 10).rounded() / 10)" }
    return "\((rate * 1_000).rounded() / 1_000)"
  }
}

extension Duration {
  /// Whole seconds for a view: `7s`, `4m05s`, `2h07m`.
  var clock: String {
    let seconds = Int(clamped: max(0, inSeconds))
    return seconds < 60 ? "\(seconds)s" : Duration.seconds(seconds).brief
  }
}
