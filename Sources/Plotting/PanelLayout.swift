internal import System

/// Places a figure's panels with their axes in a grid so that no text meets another.
struct PanelLayout {
  static let labelSize = 12.5
  private static let tickSize = 11.5
  private static let laneHeight = 9.0
  private static let gap = 16.0

  private let panel: Figure.Panel
  /// All that the panel may cover, texts included.
  private let cell: Scene.Rectangle
  /// The area of the data, strips at the bottom included.
  private var plot: Scene.Rectangle
  private let lanes: Int
  private let yTicks: [Axis.Tick]
  private let showsText: Bool
  private var shapes: [Scene.Shape] = []

  /// The shapes of all panels within the area.
  static func shapes(of figure: Figure, in area: Scene.Rectangle) -> [Scene.Shape] {
    let (rows, columns) = figure.gridSize
    let isSingle = figure.panels.count == 1
    let width = (area.width - gap * Double(columns - 1)) / Double(columns)
    let height = (area.height - gap / 2 * Double(rows - 1)) / Double(rows)
    let hasRoom = isSingle || (width >= 96 && height >= 96)
    let top = isSingle || !hasRoom ? 0.0 : 20
    // The margins of a row or column are alike, so that axes are aligned.
    var left = [Double](repeating: 0, count: columns)
    var bottom = [Double](repeating: 4, count: rows)
    for panel in figure.panels where hasRoom && !panel.hidesX {
      bottom[panel.row] = max(bottom[panel.row], panel.x.label.isEmpty ? 24 : 42)
    }
    for panel in figure.panels where hasRoom && !panel.hidesY && panel.uprights.isEmpty {
      let ticks = ticks(of: panel, height: max(height - top - bottom[panel.row], 10))
      let widest = ticks.map { $0.label.width(size: tickSize) }.max() ?? 0
      left[panel.column] = max(left[panel.column], min(widest, width / 3) + 8.5)
    }
    return figure.panels.map { panel in
      let cell = Scene.Rectangle(
        x: area.x + Double(panel.column) * (width + gap),
        y: area.y + Double(panel.row) * (height + gap / 2), width: width, height: height)
      let plot = Scene.Rectangle(
        x: cell.x + left[panel.column], y: cell.y + top, width: width - left[panel.column],
        height: max(height - top - bottom[panel.row], 10))
      var layout = PanelLayout(panel, cell: cell, plot: plot, showsText: hasRoom)
      if top > 0 { layout.placeTitle() }
      return layout.placed()
    }
  }

  private init(
    _ panel: Figure.Panel, cell: Scene.Rectangle, plot: Scene.Rectangle, showsText: Bool
  ) {
    self.panel = panel
    self.cell = cell
    self.plot = plot
    self.showsText = showsText
    lanes = panel.layers.compactMap(\.rugLane).max().map { $0 + 1 } ?? 0
    yTicks = Self.ticks(of: panel, height: plot.height)
  }

  /// The vertical axis's places that are seen.
  private static func ticks(of panel: Figure.Panel, height: Double) -> [Axis.Tick] {
    panel.y.ticks(about: Int(clamped: height / 58), most: Int(clamped: height / 14)).filter {
      (0...1).contains(panel.y.position(of: $0.value))
    }
  }

  /// The strips at the bottom.
  private var rug: Double { lanes == 0 ? 0 : 4 + Double(lanes) * Self.laneHeight }

  private mutating func placeTitle() {
    let text = panel.y.label.truncated(to: cell.width - 4, size: 11.5)
    guard !text.isEmpty else { return }
    write(text, x: cell.x, y: cell.y + 11, size: 11.5, .text)
  }

  private mutating func placed() -> Scene.Shape {
    if panel.uprights.isEmpty {
      placeYTicks()
      placeXTicks()
    }
    var (inside, strips): ([Scene.Shape], [Scene.Shape]) = ([], [])
    for layer in panel.layers {
      let lane = layer.rugLane.map { plot.maxY - 5 - Double(lanes - 1 - $0) * Self.laneHeight }
      let runs = layer.runs.map { run in
        run.map { point in lane.map { Point(pixel(x: point.x), $0) } ?? pixel(point) }
      }
      let marks = Scene.Marks(
        mark: sized(layer.mark), ink: layer.ink, opacity: layer.opacity, runs: runs,
        rows: layer.rows, series: layer.series, isRug: lane != nil)
      if lane == nil { inside.append(.marks(marks)) } else { strips.append(.marks(marks)) }
    }
    placeLabels(into: &inside)
    // Marks at the very edge are seen whole.
    var data = plot
    data.height -= rug
    let edge = 7.0
    let area = Scene.Rectangle(
      x: data.x - edge, y: data.y - edge, width: data.width + 2 * edge,
      height: data.height + (lanes == 0 ? 2 : 1) * edge)
    shapes.append(.clipped(to: area, inside))
    if !strips.isEmpty {
      let strip = Scene.Rectangle(
        x: area.x, y: area.maxY - edge, width: area.width, height: rug + 2 * edge)
      shapes.append(.clipped(to: strip, strips))
    }
    placeUprights()
    let uprights = panel.uprights.enumerated().map { (x: pixel(x: Double($0)), axis: $1) }
    return .group(.panel(data, x: panel.x, y: panel.y, uprights: uprights), shapes)
  }

  private func pixel(x: Double) -> Double { plot.x + panel.x.position(of: x) * plot.width }

  private func pixel(_ point: Point) -> Point {
    let height = plot.height - rug
    return Point(pixel(x: point.x), plot.y + (1 - panel.y.position(of: point.y)) * height)
  }

  /// The mark with a beam's thickness in pixels.
  private func sized(_ mark: Mark) -> Mark {
    guard case .bar(let share) = mark else { return mark }
    let band = (plot.height - rug) / (panel.y.high - panel.y.low)
    return .bar(thickness: min(max(share * band, 0.8), 34))
  }

  private mutating func write(
    _ string: String, x: Double, y: Double, size: Double, _ ink: Ink,
    anchor: Scene.Text.Anchor = .start
  ) {
    let text = Scene.Text(string: string, at: Point(x, y), size: size, anchor: anchor)
    shapes.append(.text(text, ink))
  }

  /// Groups the shapes that were added since there were `count`.
  private mutating func group(from count: Int, as role: Scene.Role) {
    let own = Array(shapes[count...])
    shapes.removeSubrange(count...)
    shapes.append(.group(role, own))
  }

  private mutating func placeYTicks() {
    let first = shapes.count
    var last = Double.infinity
    for tick in yTicks {
      let y = plot.y + (1 - panel.y.position(of: tick.value)) * (plot.height - rug)
      if panel.y.scale != .categories {
        let line = [Point(plot.x, y), Point(plot.maxX, y)]
        shapes.append(.marks(.init(mark: .line(width: 1), ink: .grid, runs: [line])))
      }
      guard showsText, !panel.hidesY, last - y > Self.tickSize + 1.5 else { continue }
      last = y
      let label = tick.label.truncated(to: plot.x - cell.x - 8, size: Self.tickSize)
      write(label, x: plot.x - 8, y: y + 4, size: Self.tickSize, .secondaryText, anchor: .end)
    }
    group(from: first, as: .ticks(isHorizontal: false))
  }

  private mutating func placeXTicks() {
    let first = shapes.count
    let line = [Point(plot.x, plot.maxY), Point(plot.maxX, plot.maxY)]
    shapes.append(.marks(.init(mark: .line(width: 1), ink: .axis, runs: [line])))
    var end = -Double.infinity
    let band = plot.width / (panel.x.high - panel.x.low)
    let bounds = (max(cell.x - 6, 4), cell.maxX + 6)
    let count = max(2, Int(clamped: plot.width / (cell.width > 300 ? 90 : 64)))
    let widest = [panel.x.low, panel.x.high].map {
      Int(clamped: $0).grouped.width(size: Self.tickSize)
    }
    let apart = panel.x.isInteger && panel.x.scale != .categories ? 4.0 : 8
    let most = Int(clamped: plot.width / ((widest.max() ?? 0) + apart + 1))
    for tick in panel.x.ticks(about: count, most: most) {
      guard (0...1).contains(panel.x.position(of: tick.value)) else { continue }
      let x = pixel(x: tick.value)
      let stroke = [Point(x, plot.maxY), Point(x, plot.maxY + 4)]
      shapes.append(.marks(.init(mark: .line(width: 1), ink: .axis, runs: [stroke])))
      guard showsText, !panel.hidesX else { continue }
      var label = tick.label
      if panel.x.scale == .categories {
        label = label.truncated(to: max(band - 8, 36), size: Self.tickSize)
      }
      let width = label.width(size: Self.tickSize)
      // A label that would leave the canvas moves in; one that would meet the last is left out.
      let center = min(max(x, bounds.0 + width / 2), bounds.1 - width / 2)
      guard center - width / 2 > end + apart, width < bounds.1 - bounds.0 else { continue }
      end = center + width / 2
      write(
        label, x: center, y: plot.maxY + 18, size: Self.tickSize, .secondaryText, anchor: .middle)
    }
    group(from: first, as: .ticks(isHorizontal: true))
    guard showsText, !panel.hidesX else { return }
    let label = panel.x.label.truncated(to: plot.width, size: Self.labelSize)
    write(
      label, x: plot.x + plot.width / 2, y: plot.maxY + 36, size: Self.labelSize, .text,
      anchor: .middle)
  }

  /// Writes the texts beside points that have room.
  private func placeLabels(into inside: inout [Scene.Shape]) {
    var last = Double.infinity
    for label in panel.labels where showsText {
      let place = pixel(label.at)
      let width = label.string.width(size: Self.tickSize)
      guard (place.y - last).magnitude > Self.tickSize + 1.5, place.x + 6 + width < plot.maxX + 6
      else { continue }
      last = place.y
      let text = Scene.Text(
        string: label.string, at: Point(place.x + 6, place.y + 4), size: Self.tickSize)
      inside.append(.text(text, .secondaryText))
    }
  }

  /// Draws the upright axes with their names above, in two rows where one is too narrow.
  private mutating func placeUprights() {
    guard !panel.uprights.isEmpty else { return }
    let spacing = plot.width / (panel.x.high - panel.x.low)
    let isStaggered = panel.uprights.contains {
      $0.label.width(size: Self.tickSize) > spacing - 10
    }
    for (index, axis) in panel.uprights.enumerated() {
      let x = pixel(x: Double(index))
      let ends = [pixel(Point(Double(index), 0)), pixel(Point(Double(index), 1))]
      shapes.append(.marks(.init(mark: .line(width: 1), ink: .axis, runs: [ends])))
      guard showsText else { continue }
      // The outer names move in; see ``Figure/Panel/uprights`` for the margins beside them.
      let share =
        index == 0
        ? (isStaggered ? 1.3 : 0.8)
        : index == panel.uprights.count - 1 ? (isStaggered ? 1.7 : 1) : isStaggered ? 2 : 1
      let name = axis.label.truncated(to: share * spacing - 12, size: Self.tickSize)
      let width = name.width(size: Self.tickSize)
      if share * spacing > 30 {
        let center = min(max(x, cell.x + width / 2), cell.maxX - width / 2)
        let y = plot.y - (isStaggered && index.isMultiple(of: 2) ? 24 : 9)
        write(name, x: center, y: y, size: Self.tickSize, .text, anchor: .middle)
      }
      guard spacing > 34 else { continue }
      placeTicks(of: axis, x: x, room: min(spacing, cell.maxX - x) - 12)
    }
  }

  /// A tick's label that fits; a number is left out rather than cut.
  private static func label(of tick: Axis.Tick, on axis: Axis, within room: Double) -> String? {
    if axis.scale == .categories { return tick.label.truncated(to: room, size: 11) }
    return [tick.label, Axis.powerLabel(of: tick.value)].lazy.compactMap { $0 }
      .first { $0.width(size: 11) <= room }
  }

  private mutating func placeTicks(of axis: Axis, x: Double, room: Double) {
    guard room > 14 else { return }
    var last = Double.infinity
    for tick in axis.ticks(
      about: Int(clamped: plot.height / 58), most: Int(clamped: plot.height / 15))
    {
      let position = axis.position(of: tick.value)
      guard (-0.001...1.001).contains(position) else { continue }
      let y = pixel(Point(0, position)).y
      guard last - y > Self.tickSize + 2, let label = Self.label(of: tick, on: axis, within: room)
      else { continue }
      last = y
      let width = label.width(size: 11)
      let (left, right) = (x + 3, x + 6 + width)
      let corners = [
        Point(left, y - 7), Point(right, y - 7), Point(right, y + 7), Point(left, y + 7),
      ]
      shapes.append(
        .marks(.init(mark: .area, ink: .background, runs: [corners])))
      write(label, x: x + 5, y: y + 4, size: 11, .secondaryText)
    }
  }
}
