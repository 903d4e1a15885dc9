/// Places a figure's parts on a canvas so that no text meets another.
struct FigureLayout {
  private let figure: Figure
  private var scene: Scene
  /// The area of the data, once its margins are known.
  private var plot: Scene.Rectangle
  /// The lower edge of what stands at the top so far.
  private var top = 0.0

  private static let margin = 22.0
  private static let tickSize = 11.5
  private static let labelSize = 12.5
  private static let laneHeight = 9.0

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
    plot = Scene.Rectangle(x: 0, y: 0, width: width, height: height)
    scene = Scene(width: width, height: height, title: figure.title + ". " + figure.subtitle)
    scene.shapes.append(.fill(plot, .background))
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
    placeLegendAndLabel()
    plot.y = top + 8
    let axisHeight = 42.0
    plot.height = max(bottom - axisHeight - plot.y, 40)
    let lanes = figure.layers.compactMap(\.rugLane).max().map { $0 + 1 } ?? 0
    let rug = lanes == 0 ? 0 : 4 + Double(lanes) * Self.laneHeight
    let yTicks = figure.y.ticks(about: Int((plot.height - rug) / 58))
      .filter { (0...1).contains(figure.y.position(of: $0.value)) }
    let widest = yTicks.map { $0.label.width(size: Self.tickSize) }.max() ?? 0
    plot.x = Self.margin + min(widest, scene.width / 3) + 8
    plot.width = scene.width - Self.margin - plot.x
    placeYTicks(yTicks, rug: rug)
    placeXTicks()

    var inside: [Scene.Shape] = []
    for layer in figure.layers {
      let lane = layer.rugLane.map { plot.maxY - 5 - Double(lanes - 1 - $0) * Self.laneHeight }
      let runs = layer.runs.map { run in
        run.map { point in lane.map { Point(pixel(x: point.x), $0) } ?? pixel(point, rug: rug) }
      }
      inside.append(
        .marks(
          Scene.Marks(
            mark: layer.mark, ink: layer.ink, opacity: layer.opacity, runs: runs, rows: layer.rows))
      )
    }
    // Marks at the very edge are seen whole.
    let area = Scene.Rectangle(
      x: plot.x - 7, y: plot.y - 7, width: plot.width + 14, height: plot.height + 14)
    scene.shapes.append(.clipped(to: area, inside))
  }

  private func pixel(x: Double) -> Double { plot.x + figure.x.position(of: x) * plot.width }

  private func pixel(_ point: Point, rug: Double) -> Point {
    let height = plot.height - rug
    return Point(pixel(x: point.x), plot.y + (1 - figure.y.position(of: point.y)) * height)
  }

  private mutating func placeYTicks(_ ticks: [Axis.Tick], rug: Double) {
    for tick in ticks {
      let y = plot.y + (1 - figure.y.position(of: tick.value)) * (plot.height - rug)
      let line = [Point(plot.x, y), Point(plot.maxX, y)]
      scene.shapes.append(.marks(.init(mark: .line(width: 1), ink: .grid, runs: [line])))
      let label = tick.label.truncated(to: scene.width / 3, size: Self.tickSize)
      write(label, x: plot.x - 8, y: y + 4, size: Self.tickSize, .secondaryText, anchor: .end)
    }
  }

  private mutating func placeXTicks() {
    let line = [Point(plot.x, plot.maxY), Point(plot.maxX, plot.maxY)]
    scene.shapes.append(.marks(.init(mark: .line(width: 1), ink: .axis, runs: [line])))
    var end = -Double.infinity
    for tick in figure.x.ticks(about: Int(plot.width / 90)) {
      guard (0...1).contains(figure.x.position(of: tick.value)) else { continue }
      let x = pixel(x: tick.value)
      let width = tick.label.width(size: Self.tickSize)
      let stroke = [Point(x, plot.maxY), Point(x, plot.maxY + 4)]
      scene.shapes.append(.marks(.init(mark: .line(width: 1), ink: .axis, runs: [stroke])))
      // A label that would leave the canvas moves in; one that would meet the last is left out.
      let center = min(max(x, width / 2 + 4), scene.width - width / 2 - 4)
      guard center - width / 2 > end + 8 else { continue }
      end = center + width / 2
      write(
        tick.label, x: center, y: plot.maxY + 18, size: Self.tickSize, .secondaryText,
        anchor: .middle)
    }
    let label = figure.x.label.truncated(to: plot.width, size: Self.labelSize)
    write(
      label, x: plot.x + plot.width / 2, y: plot.maxY + 36, size: Self.labelSize, .text,
      anchor: .middle)
  }

  /// Writes the vertical axis's label above it, and the legend to its right if there is room, else in
  /// rows above it.
  private mutating func placeLegendAndLabel() {
    let label = figure.y.label.truncated(to: innerWidth, size: Self.labelSize)
    let room = innerWidth - label.width(size: Self.labelSize) - 36
    let widths = figure.legend.map { Self.width(of: $0, within: innerWidth) }
    let total = widths.reduce(0, +) - Self.entryGap
    if !figure.legend.isEmpty && total <= room {
      top += 26
      var x = scene.width - Self.margin - total
      for (entry, width) in zip(figure.legend, widths) {
        place(entry, x: x, y: top)
        x += width
      }
    } else {
      placeLegendRows(widths)
      top += 26
    }
    write(label, x: Self.margin, y: top, size: Self.labelSize, .text)
  }

  private mutating func placeLegendRows(_ widths: [Double]) {
    // More rows would push the data out of the picture.
    let limit = max(1, Int((scene.height - 260) / 60))
    var (x, row) = (Self.margin, 0)
    if !figure.legend.isEmpty { top += 24 }
    for (index, entry) in figure.legend.enumerated() {
      let rest = figure.legend.count - index
      let more = "and \(rest) more"
      let isLastRow = row == limit - 1
      let reserve = isLastRow && rest > 1 ? more.width(size: 12) + Self.entryGap : 0
      if x > Self.margin, x + widths[index] - Self.entryGap + reserve > scene.width - Self.margin {
        if isLastRow {
          write(more, x: x, y: top, size: 12, .secondaryText)
          return
        }
        (x, row) = (Self.margin, row + 1)
        top += 20
      }
      place(entry, x: x, y: top)
      x += widths[index]
    }
  }

  private static let swatchWidth = 24.0
  private static let entryGap = 20.0

  private static func name(of entry: Figure.LegendEntry, within width: Double) -> String {
    entry.name.truncated(to: min(width - swatchWidth, 260), size: 12)
  }

  private static func width(of entry: Figure.LegendEntry, within width: Double) -> Double {
    swatchWidth + name(of: entry, within: width).width(size: 12) + entryGap
  }

  private mutating func place(_ entry: Figure.LegendEntry, x: Double, y: Double) {
    let middle = y - 4
    let points =
      switch entry.mark {
      case .line: [Point(x, middle), Point(x + 18, middle)]
      case .dots, .squares, .crosses, .ticks: [Point(x + 9, middle)]
      }
    scene.shapes.append(.marks(.init(mark: entry.mark, ink: entry.ink, runs: [points])))
    let name = Self.name(of: entry, within: innerWidth)
    write(name, x: x + Self.swatchWidth, y: y, size: 12, .text)
  }
}
