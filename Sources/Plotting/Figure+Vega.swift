public import JSON
internal import StudyModel

extension Figure {
  /// The figure as a Vega-Lite specification, version 5, with its points within.
  ///
  /// Each layer of marks is a layer of the specification, and panels stand in a grid; `title` and
  /// `description` carry the texts. A figure without data is a text.
  public var vegaLite: JSONValue {
    let title: JSONValue = [
      "text": .string(title), "subtitle": .string(subtitle), "anchor": "start",
    ]
    var members: [JSONValue.Member] = [
      .init("$schema", "https://vega.github.io/schema/vega-lite/v5.json"),
      .init("title", title),
    ]
    if !notes.isEmpty {
      members.append(.init("description", .string(notes.joined(separator: " "))))
    }
    if let emptyReason {
      members += [
        .init("data", ["values": [["text": .string(emptyReason)]]]),
        .init("mark", ["type": "text", "fontSize": 14]),
        .init("encoding", ["text": ["field": "text", "type": "nominal"]]),
      ]
      return .object(members)
    }
    let size = preferredSize
    let width = panels.count == 1 ? size.width - 120 : 190
    let height = panels.count == 1 ? size.height - 140 : 170
    if panels.count == 1 {
      members += vegaMembers(of: panels[0], width: width, height: height)
      return .object(members)
    }
    let rows = Dictionary(grouping: panels, by: \.row).sorted { $0.key < $1.key }
    let grid = rows.map { row -> JSONValue in
      let own = row.value.sorted { $0.column < $1.column }
      return [
        "hconcat": .array(own.map { .object(vegaMembers(of: $0, width: width, height: height)) })
      ]
    }
    members.append(.init("vconcat", .array(grid)))
    return .object(members)
  }

  private func vegaMembers(of panel: Panel, width: Int, height: Int) -> [JSONValue.Member] {
    var layers: [JSONValue] = []
    for layer in panel.layers { layers.append(vegaLayer(layer, of: panel)) }
    if !panel.labels.isEmpty {
      let values = panel.labels.map { label -> JSONValue in
        ["x": .float(label.at.x), "y": .float(label.at.y), "text": .string(label.string)]
      }
      layers.append([
        "data": ["values": .array(values)],
        "mark": ["type": "text", "align": "left", "dx": 5],
        "encoding": [
          "x": encoding(of: panel.x, "x", of: panel), "y": encoding(of: panel.y, "y", of: panel),
          "text": ["field": "text", "type": "nominal"],
        ],
      ])
    }
    return [
      .init("width", .integer(width)), .init("height", .integer(height)),
      .init("layer", .array(layers)),
    ]
  }

  private func vegaLayer(_ layer: Layer, of panel: Panel) -> JSONValue {
    var values: [JSONValue] = []
    var index = 0
    for (run, points) in layer.runs.enumerated() {
      if case .bar = layer.mark {
        guard points.count == 2 else { continue }
        values.append([
          "x": .float(points[0].x), "x2": .float(points[1].x), "y": .float(points[0].y),
        ])
        index += 2
        continue
      }
      for (order, point) in points.enumerated() {
        // Areas are estimates of many points, whose last digits say nothing.
        let place = layer.mark == .area ? Point(point.x.rounded6, point.y.rounded6) : point
        var row: [JSONValue.Member] = [.init("x", .float(place.x)), .init("y", .float(place.y))]
        if case .line = layer.mark {
          row += [.init("run", .integer(run)), .init("o", .integer(order))]
        }
        if layer.mark == .area {
          row += [.init("run", .integer(run)), .init("o", .integer(order))]
        }
        if layer.rows.indices.contains(index) {
          row.append(.init("row", .integer(layer.rows[index])))
        }
        index += 1
        values.append(.object(row))
      }
    }
    let colour = JSONValue.string(layer.ink.light)
    let opacity = JSONValue.float(layer.opacity)
    var encoding: [JSONValue.Member] = [
      .init("x", self.encoding(of: panel.x, "x", of: panel)),
      .init("y", self.encoding(of: panel.y, "y", of: panel)),
    ]
    let mark: JSONValue
    switch layer.mark {
    case .dots(let radius):
      mark = [
        "type": "circle", "size": .float(4 * radius * radius), "color": colour, "opacity": opacity,
      ]
    case .squares(let radius):
      mark = [
        "type": "square", "size": .float(4 * radius * radius), "color": colour, "opacity": opacity,
      ]
    case .crosses(let radius):
      mark = [
        "type": "point", "shape": "M-1-1L1 1M-1 1L1-1", "size": .float(9 * radius * radius),
        "color": colour, "opacity": opacity,
      ]
    case .ticks(let height, let width):
      if layer.rugLane != nil {
        let bottom = 6 + 9 * (layer.rugLane ?? 0)
        encoding[1] = .init("y", ["value": .integer(-bottom)])
      }
      mark = [
        "type": "tick", "orient": "vertical", "size": .float(height), "thickness": .float(width),
        "color": colour, "opacity": opacity,
      ]
    case .line(let width, let dashed):
      mark = [
        "type": "line", "strokeWidth": .float(width), "color": colour, "opacity": opacity,
        "strokeDash": dashed ? [5, 4] : [1, 0],
      ]
      encoding += [
        .init("order", ["field": "o", "type": "quantitative"]),
        .init("detail", ["field": "run", "type": "nominal"]),
      ]
    case .bar(let thickness):
      mark = [
        "type": "bar", "color": colour, "opacity": opacity,
        "height": .float(
          max(thickness * Double(preferredSize.height - 140) / (panel.y.high - panel.y.low), 1)),
      ]
      encoding.append(.init("x2", ["field": "x2"]))
    case .area:
      // Vega-Lite's own areas reach to an axis; a closed line is filled.
      mark = [
        "type": "line", "filled": true, "color": colour, "fill": colour, "strokeWidth": 0,
        "opacity": opacity,
      ]
      encoding += [
        .init("order", ["field": "o", "type": "quantitative"]),
        .init("detail", ["field": "run", "type": "nominal"]),
      ]
    }
    return [
      "data": ["values": .array(values)], "mark": mark, "encoding": .object(encoding),
    ]
  }

  private func encoding(of axis: Axis, _ field: String, of panel: Panel) -> JSONValue {
    var axisMembers: [JSONValue.Member] = [
      .init("title", axis.label.isEmpty ? nil : .string(axis.label)), .init("grid", false),
    ]
    let texts = panel.uprights.isEmpty ? axis.categories : panel.uprights.map(\.label)
    if axis.scale == .categories || (field == "x" && !panel.uprights.isEmpty) {
      axisMembers += [
        .init("values", .array(texts.indices.map { .integer($0) })),
        .init("labelExpr", .string(Self.vegaLabels(texts))),
      ]
    } else if axis.isInteger {
      axisMembers.append(.init("tickMinStep", 1))
    }
    let hasNoTicks = field == "y" && !panel.uprights.isEmpty
    return [
      "field": .string(field), "type": "quantitative",
      "scale": [
        "type": axis.scale == .logarithmic ? "log" : "linear",
        "domain": [.float(axis.low), .float(axis.high)], "nice": false, "zero": false,
      ],
      "axis": hasNoTicks ? nil : .object(axisMembers),
    ]
  }

  /// An expression that turns a place into its text; texts are quoted as JSON strings.
  private static func vegaLabels(_ texts: [String]) -> String {
    JSONValue.array(texts.map { .string($0) }).text() + "[datum.value]"
  }
}

extension Double {
  /// The number to six digits.
  fileprivate var rounded6: Double { Double(text(significantDigits: 6)) ?? self }
}
