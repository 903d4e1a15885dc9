internal import System

extension Figure {
  /// The figure in text for a terminal: braille dots, and blocks for beams.
  ///
  /// - Parameters:
  ///   - columns: The terminal's width; at least 20 is used.
  ///   - rows: The lines of one panel with its texts; at least 8 are used.
  ///   - hasColor: Whether escape sequences colour it.
  public func terminalText(columns: Int, rows: Int, hasColor: Bool) -> String {
    let (columns, rows) = (max(columns, 20), max(rows, 8))
    var lines = [title.forTerminal(columns)]
    if !subtitle.isEmpty { lines.append(subtitle.forTerminal(columns)) }
    if let emptyReason {
      lines.append(contentsOf: ["", "  " + emptyReason.forTerminal(max(columns - 2, 1))])
    } else {
      let limit = 6
      for panel in panels.prefix(limit) {
        let share = panels.count == 1 ? rows - 5 : max(rows / 2, 7)
        lines += TerminalPanel(panel, columns: columns, rows: share).lines(hasColor: hasColor)
      }
      if panels.count > limit {
        let rest = "… and \(panels.count - limit) more panels; -o FILE draws all of them."
        lines.append(rest.forTerminal(columns))
      }
      let entries = legend.compactMap { entry -> String? in
        if let shades = entry.shades {
          return "\(entry.name): " + shades.text
        }
        return entry.name
      }
      if !entries.isEmpty { lines.append(entries.joined(separator: " · ").forTerminal(columns)) }
    }
    lines += notes.map { $0.forTerminal(columns) }
    return lines.joined(separator: "\n")
  }
}

/// One panel in characters.
private struct TerminalPanel {
  private let panel: Figure.Panel
  private let columns: Int
  private let ticks: [Axis.Tick]
  private let margin: Int
  private var canvas: TerminalCanvas

  init(_ panel: Figure.Panel, columns: Int, rows: Int) {
    self.panel = panel
    self.columns = columns
    let hasBeams = panel.layers.contains { if case .bar = $0.mark { true } else { false } }
    // A beam has a line of its own, as far as they fit.
    let height = hasBeams ? min(panel.y.categories.count, max(rows, 30)) : max(rows - 3, 4)
    ticks =
      panel.uprights.isEmpty
      ? panel.y.ticks(about: max(height / 4, 2), most: height).filter {
        (0...1).contains(panel.y.position(of: $0.value))
      } : []
    let widest = ticks.map { $0.label.forTerminal(columns / 3).count }.max() ?? 0
    margin = widest + 2
    let beside = panel.labels.map { $0.string.count + 1 }.max() ?? 0
    canvas = TerminalCanvas(
      columns: max(columns - margin - 1 - beside, 4), rows: max(height, 1))
    draw()
  }

  private func place(_ point: Point) -> Point {
    Point(
      panel.x.position(of: point.x) * Double(canvas.width - 1),
      (1 - panel.y.position(of: point.y)) * Double(canvas.height - 1))
  }

  private mutating func draw() {
    for layer in panel.layers {
      // Areas, rings around points and strips have no place among so few dots.
      guard layer.mark != .area, layer.ink != .background, layer.rugLane == nil else { continue }
      for run in layer.runs {
        switch layer.mark {
        case .line:
          for (a, b) in zip(run, run.dropFirst()) {
            canvas.line(from: place(a), to: place(b), layer.ink)
          }
        case .bar:
          guard run.count == 2 else { continue }
          let row = Int(clamped: (1 - panel.y.position(of: run[0].y)) * Double(canvas.rows))
          let width = Double(canvas.columns)
          canvas.beam(
            from: panel.x.position(of: run[0].x) * width,
            to: panel.x.position(of: run[1].x) * width, row: row, layer.ink)
        case .dots, .squares, .crosses, .ticks, .area:
          for point in run {
            let dot = place(point)
            canvas.set(Int(clamped: dot.x.rounded()), Int(clamped: dot.y.rounded()), layer.ink)
          }
        }
      }
    }
  }

  func lines(hasColor: Bool) -> [String] {
    var lines: [String] = []
    if !panel.y.label.isEmpty { lines.append(panel.y.label.forTerminal(columns)) }
    var labels = [String](repeating: "", count: canvas.rows)
    for tick in ticks {
      let share = 1 - panel.y.position(of: tick.value)
      let row =
        panel.y.scale == .categories
        ? Int(clamped: share * Double(canvas.rows))
        : Int(clamped: (share * Double(canvas.rows - 1)).rounded())
      if labels[min(max(row, 0), canvas.rows - 1)].isEmpty {
        labels[min(max(row, 0), canvas.rows - 1)] = tick.label.forTerminal(columns / 3)
      }
    }
    var texts: [Int: String] = [:]
    for label in panel.labels {
      texts[Int(clamped: (1 - panel.y.position(of: label.at.y)) * Double(canvas.rows))] =
        label.string
    }
    for row in 0..<canvas.rows {
      let label = labels[row]
      let fill = String(repeating: " ", count: max(margin - 1 - label.count, 0))
      var line =
        fill + label + (label.isEmpty ? " │" : " ┤") + canvas.text(ofRow: row, hasColor: hasColor)
      if let text = texts[row] { line = Self.trimmed(line) + " " + text }
      lines.append(Self.trimmed(line))
    }
    lines.append(
      String(repeating: " ", count: margin) + "└" + String(repeating: "─", count: canvas.columns))
    let names = axisTexts
    if !Self.trimmed(names).isEmpty { lines.append(names) }
    if !panel.x.label.isEmpty {
      let label = panel.x.label.forTerminal(columns - margin)
      let indent = max(min(margin + (canvas.columns - label.count) / 2, columns - label.count), 0)
      lines.append(String(repeating: " ", count: indent) + label)
    }
    return lines
  }

  /// The horizontal axis's labels, those that do not meet.
  private var axisTexts: String {
    var line = [Character](repeating: " ", count: columns)
    var end = -1
    let names =
      panel.uprights.isEmpty
      ? panel.x.ticks(about: max(canvas.columns / 14, 2), most: canvas.columns / 8)
      : panel.uprights.enumerated().map { Axis.Tick(value: Double($0), label: $1.label) }
    for tick in names {
      let share = panel.x.position(of: tick.value)
      guard (0...1).contains(share) else { continue }
      let label = Array(tick.label.forTerminal(max(columns / max(names.count, 1) - 1, 6)))
      let middle = margin + 1 + Int(clamped: (share * Double(canvas.columns - 1)).rounded())
      let start = min(max(middle - label.count / 2, end + 2), columns - label.count)
      guard start > end + 1 || end < 0, start >= 0 else { continue }
      for (offset, character) in label.enumerated() { line[start + offset] = character }
      end = start + label.count - 1
    }
    return Self.trimmed(String(line))
  }

  private static func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }
}

extension Figure.Shades {
  /// The scale in words: `worst 0.2 faint to best 0.9 strong, between them 0.4, 0.6, 0.8`.
  fileprivate var text: String {
    guard let first = ticks.first, let last = ticks.last, ticks.count > 1 else {
      return "\(low) faint to \(high) strong"
    }
    let middle = ticks.dropFirst().dropLast().map(\.label).joined(separator: ", ")
    return "\(low) \(first.label) faint to \(high) \(last.label) strong"
      + (middle.isEmpty ? "" : ", between them " + middle)
  }
}

extension String {
  /// The beginning of the text that fits, without anything that steers a terminal or turns its
  /// writing.
  fileprivate func forTerminal(_ columns: Int) -> String {
    var clean = ""
    for scalar in unicodeScalars.prefix(2 * columns + 2) {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .surrogate,
        .format where scalar != "\u{200D}":
        clean += "\u{FFFD}"
      default: clean.unicodeScalars.append(scalar)
      }
    }
    return clean.count > columns ? clean.prefix(max(columns - 1, 0)) + "…" : clean
  }
}
