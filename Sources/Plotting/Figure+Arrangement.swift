internal import System

extension Figure {
  /// The width of a page's second picture, for phones, in pixels.
  static let phoneWidth = 390

  /// The narrowest panel that is still read, in pixels.
  private static let leastPanelWidth = 150.0
  /// What an upright axis needs with its labels, in pixels.
  private static let uprightWidth = 74.0

  /// The figure with its panels in as many columns as that width has room for, and upright axes in
  /// as many panels as they need; unchanged where all fit.
  func arranged(forWidth width: Int) -> Figure {
    var figure = self
    if let panel = panels.first, panels.count == 1, !panel.uprights.isEmpty {
      let room = max(Int(clamped: Double(width - 44) / Self.uprightWidth), 3)
      // Axes that just fit are better than two panels.
      guard panel.uprights.count > room + 1, width < Self.defaultSize.width else { return self }
      figure.panels = Self.parted(panel, into: room)
      return figure
    }
    let columns = gridSize.columns
    let room = max(Int(clamped: Double(width - 44 + 16) / (Self.leastPanelWidth + 16)), 1)
    guard columns > room else { return self }
    let ordered = panels.sorted { ($0.row, $0.column) < ($1.row, $1.column) }
    figure.panels = ordered.enumerated().map { place, panel in
      var panel = panel
      if panel.y.label.isEmpty, let first = ordered.first(where: { $0.row == panel.row }) {
        panel.y = first.y
      }
      (panel.row, panel.column) = (place / room, place % room)
      (panel.hidesX, panel.hidesY) = (false, false)
      return panel
    }
    return figure
  }

  /// Upright axes in panels below each other, each with the first axis and some of the others.
  private static func parted(_ panel: Panel, into room: Int) -> [Panel] {
    let others = Array(panel.uprights.indices.dropFirst())
    return stride(from: 0, to: others.count, by: room - 1).enumerated().map { row, start in
      let shown = [0] + others[start..<min(start + room - 1, others.count)]
      var part = panel
      part.row = row
      part.uprights = shown.map { panel.uprights[$0] }
      part.x = Axis("", from: panel.x.low, to: Double(room) - 0.25)
      part.layers = panel.layers.map { layer in
        var layer = layer
        layer.runs = layer.runs.map { run in
          shown.enumerated().map { Point(Double($0), run[$1].y) }
        }
        let count = panel.uprights.count
        layer.rows = stride(from: 0, to: layer.rows.count, by: count).flatMap { first in
          shown.map { layer.rows[first + $0] }
        }
        return layer
      }
      return part
    }
  }

  /// The height that suits the figure at that width, in pixels.
  func preferredHeight(forWidth width: Int) -> Int {
    let figure = arranged(forWidth: width)
    let (rows, columns) = figure.gridSize
    guard width < Self.defaultSize.width, rows > 1 || panels.count > 1 else {
      return figure.preferredSize.height
    }
    if figure.panels[0].uprights.isEmpty {
      return 150 + rows * max(min(width / columns * 4 / 5, 260), 190)
    }
    return 150 + rows * 300
  }

  /// The figure with fewer points of each kind, for a small picture.
  func thinnedForPhone() -> Figure {
    let limit = 1_500
    var figure = self
    for place in figure.panels.indices {
      figure.panels[place].layers = figure.panels[place].layers.map { layer in
        let count = layer.runs.reduce(0) { $0 + $1.count }
        guard count > limit, layer.rows.isEmpty || layer.rows.count == count else { return layer }
        let stretch = (count + limit - 1) / limit
        var thin = layer
        switch layer.mark {
        case .area: return layer
        case .bar, .line:
          guard layer.runs.count > 1 else { return layer }
          let kept = Set(stride(from: 0, to: layer.runs.count, by: stretch))
          thin.runs = layer.runs.indices.filter(kept.contains).map { layer.runs[$0] }
          guard !layer.rows.isEmpty else { return thin }
          thin.rows = []
          var first = 0
          for (index, run) in layer.runs.enumerated() {
            if kept.contains(index) { thin.rows += layer.rows[first..<first + run.count] }
            first += run.count
          }
        case .dots, .squares, .crosses, .ticks:
          let points = layer.runs.flatMap(\.self)
          let kept = stride(from: 0, to: points.count, by: stretch)
          thin.runs = [kept.map { points[$0] }]
          if !layer.rows.isEmpty { thin.rows = kept.map { layer.rows[$0] } }
        }
        return thin
      }
    }
    return figure
  }
}
