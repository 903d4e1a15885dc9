internal import System

/// Places a figure's parts on a canvas so that no text meets another.
struct FigureLayout {
  private let figure: Figure
  private var scene: Scene
  /// The lower edge of what stands at the top so far.
  private var top = 0.0

  private static let margin = 22.0
  private static let labelSize = PanelLayout.labelSize

  /// The figure's shapes on a canvas of that size in pixels; at least 320 by 300.
  static func scene(of figure: Figure, width: Double, height: Double) -> Scene {
    var layout = FigureLayout(figure, width: width, height: height)
    layout.placeHeading()
    let bottom = layout.placeNotes()
    if let reason = figure.emptyReason {
      layout.placeEmptyReason(reason, bottom: bottom)
    } else {
      layout.placePlot(bottom: bottom)
    }
    return layout.scene
  }

  private init(_ figure: Figure, width: Double, height: Double) {
    self.figure = figure
    scene = Scene(width: width, height: height, title: figure.title + ". " + figure.subtitle)
    scene.shapes.append(
      .fill(Scene.Rectangle(x: 0, y: 0, width: width, height: height), .background))
  }

  private var innerWidth: Double { scene.width - 2 * Self.margin }

  private mutating func write(
    _ string: String, x: Double, y: Double, size: Double, _ ink: Ink,
    anchor: Scene.Text.Anchor = .start, isBold: Bool = false
  ) {
    let text = Scene.Text(
      string: string, at: Point(x, y), size: size, anchor: anchor, isBold: isBold)
    scene.shapes.append(.text(text, ink))
  }

  private mutating func placeHeading() {
    let title = figure.title.truncated(to: innerWidth, size: 17, isBold: true)
    write(title, x: Self.margin, y: 33, size: 17, .text, isBold: true)
    top = 40
    for line in figure.subtitle.wrapped(to: innerWidth, size: 12.5, limit: 2) {
      top += 16
      write(line, x: Self.margin, y: top - 2, size: 12.5, .secondaryText)
    }
  }

  /// Writes the notes along the lower edge; returns where they begin.
  private mutating func placeNotes() -> Double {
    let lines = figure.notes.flatMap { $0.wrapped(to: innerWidth, size: 11, limit: 2) }
    var y = scene.height - 12 - 15 * Double(lines.count)
    let begin = y
    for line in lines {
      y += 15
      write(line, x: Self.margin, y: y - 3, size: 11, .secondaryText)
    }
    return begin
  }

  private mutating func placeEmptyReason(_ reason: String, bottom: Double) {
    let area = Scene.Rectangle(
      x: Self.margin, y: top + 16, width: innerWidth, height: max(bottom - top - 24, 40))
    frame(area)
    let lines = reason.wrapped(to: area.width - 40, size: 14, limit: 4)
    for (index, line) in lines.enumerated() {
      let offset = (Double(index) - Double(lines.count - 1) / 2) * 20 + 5
      write(
        line, x: area.x + area.width / 2, y: area.y + area.height / 2 + offset, size: 14,
        .secondaryText, anchor: .middle)
    }
  }

  /// Draws the area's outline.
  private mutating func frame(_ area: Scene.Rectangle) {
    let corners = [
      Point(area.x, area.y), Point(area.maxX, area.y), Point(area.maxX, area.maxY),
      Point(area.x, area.maxY), Point(area.x, area.y),
    ]
    scene.shapes.append(.marks(.init(mark: .line(width: 1), ink: .grid, runs: [corners])))
  }

  private mutating func placePlot(bottom: Double) {
    let isSingle = figure.panels.count == 1
    if isSingle {
      placeLegendAndLabel(figure.panels[0].y.label)
    } else if !figure.legend.isEmpty {
      placeLegendRows(figure.legend.map { Self.width(of: $0, within: innerWidth) })
    }
    // The names of upright axes stand above them, in two rows.
    let namesHeight = figure.panels.contains { !$0.uprights.isEmpty } ? 46.0 : 9
    let area = Scene.Rectangle(
      x: Self.margin, y: top + namesHeight, width: innerWidth,
      height: max(bottom - top - namesHeight - 2, 60))
    scene.shapes += PanelLayout.shapes(of: figure, in: area)
  }

  /// Writes the vertical axis's label above it, and the legend to its right if there is room, else
  /// in rows above it.
  private mutating func placeLegendAndLabel(_ name: String) {
    let label = name.truncated(to: innerWidth, size: Self.labelSize)
    let room = innerWidth - label.width(size: Self.labelSize) - 36
    let widths = figure.legend.map { Self.width(of: $0, within: innerWidth) }
    let total = widths.reduce(0, +) - Self.entryGap
    if !figure.legend.isEmpty && total <= room {
      top += 26
      var x = scene.width - Self.margin - total
      for (index, width) in widths.enumerated() {
        place(index, x: x, y: top)
        x += width
      }
      if figure.legend.contains(where: { $0.shades != nil }) { top += Self.scaleHeight }
    } else {
      placeLegendRows(widths)
      guard !label.isEmpty else { return }
      top += 26
    }
    write(label, x: Self.margin, y: top, size: Self.labelSize, .text)
  }

  private mutating func placeLegendRows(_ widths: [Double]) {
    // More rows would push the data out of the picture.
    let limit = max(1, Int(clamped: (scene.height - 260) / 60))
    var (x, row, hasScale) = (Self.margin, 0, false)
    defer { if hasScale { top += Self.scaleHeight } }
    if !figure.legend.isEmpty { top += 24 }
    for index in figure.legend.indices {
      let rest = figure.legend.count - index
      let more = "and \(rest) more"
      let isLastRow = row == limit - 1
      let reserve = isLastRow && rest > 1 ? more.width(size: 12) + Self.entryGap : 0
      if x > Self.margin, x + widths[index] - Self.entryGap + reserve > scene.width - Self.margin {
        if isLastRow {
          write(more, x: x, y: top, size: 12, .secondaryText)
          return
        }
        top += hasScale ? 20 + Self.scaleHeight : 20
        (x, row, hasScale) = (Self.margin, row + 1, false)
      }
      hasScale = hasScale || figure.legend[index].shades != nil
      place(index, x: x, y: top)
      x += widths[index]
    }
  }

  private static let swatchWidth = 24.0
  private static let entryGap = 20.0
  /// What the numbers below a scale of shades need.
  private static let scaleHeight = 14.0
  private static let scaleTextSize = 10.5

  private static func name(of entry: Figure.LegendEntry, within width: Double) -> String {
    entry.name.truncated(to: min(width - swatchWidth, 260), size: 12)
  }

  /// What stands before and behind the shades, and how long they are.
  private static func shadeTexts(
    of entry: Figure.LegendEntry, within width: Double
  ) -> (before: String, behind: String, length: Double)? {
    guard let shades = entry.shades else { return nil }
    let length = min(max(56 * Double(shades.ticks.count - 1), 108), width * 0.4)
    // Some of the row is left for entries behind it.
    let room = width * 0.72 - length - 24
    let low = shades.low.truncated(to: min(room / 3, 110), size: 12)
    let high = shades.high.truncated(to: min(room / 3, 110), size: 12)
    let rest = room - low.width(size: 12) - high.width(size: 12) - 12
    let name = entry.name.truncated(to: min(rest, 260), size: 12)
    return (name.isEmpty ? low : "\(name)  \(low)", high, length)
  }

  private static func width(of entry: Figure.LegendEntry, within width: Double) -> Double {
    if let texts = shadeTexts(of: entry, within: width) {
      return texts.before.width(size: 12) + texts.behind.width(size: 12)
        + texts.length + 14 + entryGap
    }
    return swatchWidth + name(of: entry, within: width).width(size: 12) + entryGap
  }

  private mutating func place(_ index: Int, x: Double, y: Double) {
    let entry = figure.legend[index]
    if let texts = Self.shadeTexts(of: entry, within: innerWidth) {
      let left = x + texts.before.width(size: 12) + 7
      write(texts.before, x: left - 7, y: y, size: 12, .text, anchor: .end)
      if let shades = entry.shades { place(shades, x: left, y: y, length: texts.length) }
      write(texts.behind, x: left + texts.length + 7, y: y, size: 12, .text)
      return
    }
    let middle = y - 4
    let points =
      switch entry.mark {
      case .line, .bar: [Point(x, middle), Point(x + 18, middle)]
      case .dots, .squares, .crosses, .ticks: [Point(x + 9, middle)]
      case .area:
        [
          Point(x, middle - 5), Point(x + 18, middle - 5), Point(x + 18, middle + 5),
          Point(x, middle + 5),
        ]
      }
    var mark = entry.mark
    if case .bar = mark { mark = .bar(thickness: 10) }
    let name = Scene.Text(
      string: Self.name(of: entry, within: innerWidth), at: Point(x + Self.swatchWidth, y), size: 12
    )
    let swatch = Scene.Marks(
      mark: mark, ink: entry.ink, opacity: entry.mark == .area ? 0.35 : 1, runs: [points])
    scene.shapes.append(.group(.key(index), [.marks(swatch), .text(name, .text)]))
  }

  /// Draws the shades with their labels below: the ends first, then what has room between them.
  private mutating func place(_ shades: Figure.Shades, x: Double, y: Double, length: Double) {
    let width = length / Double(shades.inks.count)
    for (index, ink) in shades.inks.enumerated() {
      let area = Scene.Rectangle(
        x: x + Double(index) * width, y: y - 10, width: width, height: 12)
      scene.shapes.append(.fill(area, ink))
    }
    var taken: [ClosedRange<Double>] = []
    let last = shades.ticks.count - 1
    let order = shades.ticks.indices.sorted { first, second in
      func isInner(_ place: Int) -> Int {
        place == 0 || place == last ? 0 : 2 * place == last ? 1 : 2
      }
      return (isInner(first), first) < (isInner(second), second)
    }
    for index in order {
      let tick = shades.ticks[index]
      let size = Self.scaleTextSize
      let half = tick.label.width(size: size) / 2
      let bounds = (Self.margin + half, scene.width - Self.margin - half)
      guard bounds.0 <= bounds.1 else { continue }
      let center = min(max(x + tick.value * length, bounds.0), bounds.1)
      let own = (center - half - 4)...(center + half + 4)
      guard !taken.contains(where: { $0.overlaps(own) }) else { continue }
      taken.append(own)
      write(tick.label, x: center, y: y + 13, size: size, .secondaryText, anchor: .middle)
    }
  }
}
