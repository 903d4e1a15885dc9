internal import JSON
internal import StudyModel

/// Writes a scene as SVG 1.1.
///
/// Colours stand as attributes, for readers that know no style sheets; the style sheet only
/// replaces them on dark screens.
struct SVGWriter {
  private var text = SVGText()
  /// Whether marks carry the place of their first row, for scripts.
  private let isInteractive: Bool
  /// The table rows of the marks written so far, in their order.
  private(set) var rows: [Int] = []
  /// The place of each table row among ``rows``.
  private var places: [Int: Int] = [:]

  /// The SVG of a scene.
  static func write(_ scene: Scene) -> SVGText {
    var writer = SVGWriter(isInteractive: false)
    writer.write(scene, hasStyle: true)
    return writer.text
  }

  /// The pictures of one figure for a page, one for wide screens and one for phones unless there is
  /// one for all, with the table rows that the marks of both refer to by position.
  static func write(_ scenes: [Scene], hasStyle: Bool) -> (svg: SVGText, rows: [Int]) {
    var writer = SVGWriter(isInteractive: true)
    for (place, scene) in scenes.enumerated() {
      let name = scenes.count == 1 ? "" : place == 0 ? " wide" : " phone"
      writer.write(scene, hasStyle: hasStyle, class: name)
    }
    return (writer.text, writer.rows)
  }

  private init(isInteractive: Bool) {
    self.isInteractive = isInteractive
  }

  private mutating func write(_ scene: Scene, hasStyle: Bool, class name: String = "") {
    // An image has no parts; a page's picture has keys to press.
    text.append("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"nt\(name)\" role=\"")
    text.append(isInteractive ? "group" : "img")
    text.append(#"" viewBox="0 0 "#)
    text.append(scene.width)
    text.append(" ")
    text.append(scene.height)
    text.append(#"" width=""#)
    text.append(scene.width)
    text.append(#"" height=""#)
    text.append(scene.height)
    text.append("\" font-family=\"'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif\"")
    // A browser would show a title over the data under the pointer.
    text.append(isInteractive ? " aria-label=\"" : ">\n<title>")
    text.append(escaping: scene.title)
    text.append(isInteractive ? "\">\n" : "</title>\n")
    if hasStyle { writeStyle(Set(scene.allShapes.map(\.ink))) }
    for shape in scene.shapes { write(shape) }
    text.append("</svg>\n")
  }

  /// Writes the dark colours of the inks: as the screen asks, and in a page as its switch says.
  private mutating func writeStyle(_ inks: Set<Ink>) {
    let used = Ink.all.filter(inks.contains)
    func rules(_ scope: String) -> String { used.map { $0.darkRules(scope) }.joined() }
    let automatic = isInteractive ? ":root:not([data-theme]) " : ""
    text.append("<style>@media screen and (prefers-color-scheme: dark) {\(rules(automatic)) }")
    if isInteractive { text.append(rules(":root[data-theme=dark] ")) }
    text.append("</style>\n")
  }

  private mutating func write(_ role: Scene.Role, _ shapes: [Scene.Shape]) {
    guard isInteractive else {
      for shape in shapes { write(shape) }
      return
    }
    switch role {
    case .panel(let area, let x, let y, let uprights):
      text.append("<g class=\"panel\" data-box=\"")
      for number in [area.x, area.y, area.width, area.height] {
        text.append(number)
        text.append(" ")
      }
      text.append("\" data-x=\"")
      text.append(escaping: x.json.text())
      text.append("\" data-y=\"")
      text.append(escaping: y.json.text())
      if !uprights.isEmpty {
        let places = uprights.map { upright -> JSONValue in
          ["x": .float(upright.x), "axis": upright.axis.json]
        }
        text.append("\" data-u=\"")
        text.append(escaping: JSONValue.array(places).text())
      }
      text.append("\">\n")
    case .ticks(let isHorizontal): text.append("<g class=\"\(isHorizontal ? "xt" : "yt")\">\n")
    case .key(let number):
      text.append(
        "<g class=\"key\" data-key=\"\(number)\" role=\"button\" tabindex=\"0\" aria-pressed=\"true\">\n"
      )
    }
    for shape in shapes { write(shape) }
    text.append("</g>\n")
  }

  private mutating func write(_ shape: Scene.Shape) {
    switch shape {
    case .group(let role, let shapes): write(role, shapes)
    case .fill(let area, let ink):
      text.append("<rect")
      write(area)
      text.append(" class=\"\(ink.name)\" fill=\"\(ink.light)\"/>\n")
    case .text(let words, let ink): write(words, ink)
    case .marks(let marks): if marks.runs.contains(where: { !$0.isEmpty }) { write(marks) }
    case .clipped(let area, let shapes):
      // A nested viewport clips without an identifier, which could meet another one in a page.
      text.append(#"<svg overflow="hidden""#)
      write(area)
      text.append(#" viewBox=""#)
      for (index, number) in [area.x, area.y, area.width, area.height].enumerated() {
        if index > 0 { text.append(" ") }
        text.append(number)
      }
      text.append("\">\n")
      for shape in shapes { write(shape) }
      text.append("</svg>\n")
    }
  }

  private mutating func write(_ area: Scene.Rectangle) {
    text.append(#" x=""#)
    text.append(area.x)
    text.append(#"" y=""#)
    text.append(area.y)
    text.append(#"" width=""#)
    text.append(area.width)
    text.append(#"" height=""#)
    text.append(area.height)
    text.append("\"")
  }

  private mutating func write(_ words: Scene.Text, _ ink: Ink) {
    text.append(#"<text x=""#)
    text.append(words.at.x)
    text.append(#"" y=""#)
    text.append(words.at.y)
    text.append(#"" font-size=""#)
    text.append(words.size)
    text.append("\"")
    if words.anchor != .start { text.append(" text-anchor=\"\(words.anchor.rawValue)\"") }
    if words.isBold { text.append(" font-weight=\"bold\"") }
    text.append(" class=\"\(ink.name)\" fill=\"\(ink.light)\">")
    text.append(escaping: words.string)
    text.append("</text>\n")
  }

  private mutating func write(_ marks: Scene.Marks) {
    if marks.mark == .area {
      return writeArea(marks)
    }
    text.append("<path class=\"\(marks.ink.name)s\" fill=\"none\" stroke=\"\(marks.ink.light)\"")
    if marks.opacity < 1 {
      text.append(#" stroke-opacity=""#)
      text.append(hundredths: marks.opacity)
      text.append("\"")
    }
    text.append(#" stroke-width=""#)
    switch marks.mark {
    case .area: break
    case .bar(let thickness): text.append(thickness)
    case .dots(let radius):
      text.append(2 * radius)
      text.append(#"" stroke-linecap="round"#)
    case .squares(let radius):
      text.append(1.8 * radius)
    case .crosses: text.append("1.5")
    case .ticks(_, let width): text.append(width)
    case .line(let width, let dashed):
      text.append(width)
      text.append(#"" stroke-linejoin="round"#)
      text.append(dashed ? #"" stroke-dasharray="5 4"# : #"" stroke-linecap="round"#)
    }
    text.append("\"")
    if isInteractive { writeData(of: marks) }
    text.append(#" d=""#)
    text.reserve(text.bytes.count + marks.runs.reduce(100) { $0 + 14 * $1.count })
    for run in marks.runs { write(run, marks.mark) }
    text.append("\"/>\n")
  }

  private mutating func writeArea(_ marks: Scene.Marks) {
    text.append(
      "<path class=\"\(marks.ink.name)\" fill=\"\(marks.ink.light)\" fill-rule=\"evenodd\"")
    if marks.opacity < 1 {
      text.append(#" fill-opacity=""#)
      text.append(hundredths: marks.opacity)
      text.append("\"")
    }
    if isInteractive { writeData(of: marks) }
    text.append(#" d=""#)
    for run in marks.runs where run.count > 2 {
      write(run, .line(width: 1))
      text.append("Z")
    }
    text.append("\"/>\n")
  }

  /// Writes what a page's script needs: the series, and where the rows of the points are.
  private mutating func writeData(of marks: Scene.Marks) {
    if let series = marks.series { text.append(" data-s=\"\(series)\"") }
    if marks.isRug { text.append(" data-rug=\"1\"") }
    if let offset = marks.mark.offset {
      text.append(" data-dx=\"\(offset.x)\" data-dy=\"\(offset.y)\"")
    }
    if case .bar = marks.mark { text.append(" data-bar=\"1\"") }
    guard !marks.rows.isEmpty else { return }
    let own = marks.rows.map { row in
      if let known = places[row] { return known }
      places[row] = rows.count
      rows.append(row)
      return rows.count - 1
    }
    text.append(" data-row=\"")
    if zip(own, own.dropFirst()).allSatisfy({ $1 == $0 + 1 }) {
      text.append(digitsOf: UInt(own[0]))
    } else {
      for (index, place) in own.enumerated() {
        if index > 0 { text.append(" ") }
        text.append(digitsOf: UInt(place))
      }
    }
    text.append("\"")
  }

  private mutating func write(_ run: [Point], _ mark: Mark) {
    for (index, point) in run.enumerated() {
      let start = point - (mark.offset ?? Point(0, 0))
      if mark.offset == nil, index > 0 {
        text.append(index == 1 ? "L" : " ")
      } else {
        text.append("M")
      }
      text.append(start.x)
      text.append(" ")
      text.append(start.y)
      switch mark {
      case .dots: text.append("h0")
      case .squares(let radius):
        text.append("h")
        text.append(1.8 * radius)
      case .crosses(let radius):
        for (letters, x, y) in [("l", 2.0, 2.0), ("m", 0, -2), ("l", -2, 2)] {
          text.append(letters)
          text.append(x * radius)
          text.append(" ")
          text.append(y * radius)
        }
      case .ticks(let height, _):
        text.append("v")
        text.append(height)
      case .line: if run.count == 1 { text.append("h0") }
      case .bar, .area: break
      }
    }
  }
}

extension Mark {
  /// From where the stroke of a point begins to the point; nil for what connects points.
  fileprivate var offset: Point? {
    switch self {
    case .dots: Point(0, 0)
    case .squares(let radius): Point(0.9 * radius, 0)
    case .crosses(let radius): Point(radius, radius)
    case .ticks(let height, _): Point(0, height / 2)
    case .line, .bar, .area: nil
    }
  }
}

extension Scene.Shape {
  /// The ink of one shape; that of a group is none of its own.
  fileprivate var ink: Ink {
    switch self {
    case .fill(_, let ink), .text(_, let ink): ink
    case .marks(let marks): marks.ink
    case .clipped, .group: .background
    }
  }
}

extension Axis {
  /// The axis as a page's script reads it: `k` linear, log or cat, `a` and `b` its ends, `i`
  /// whether integers, `n` the column of the table, `c` the categories, `p` the pauses with their
  /// beginning, end and length.
  fileprivate var json: JSONValue {
    let kind = scale == .linear ? "linear" : scale == .logarithmic ? "log" : "cat"
    var members: [JSONValue.Member] = [
      .init("k", .string(kind)), .init("a", .float(low)), .init("b", .float(high)),
      .init("i", .bool(isInteger)),
    ]
    if let column { members.append(.init("n", .string(column))) }
    if !pauses.isEmpty {
      let pauses = pauses.map { pause -> JSONValue in
        .array([.float(pause.from), .float(pause.to), .float(pause.drawn)])
      }
      members.append(.init("p", .array(pauses)))
    }
    if scale == .categories {
      members.append(.init("c", .array(categories.map { .string(String($0.prefix(60))) })))
    }
    return .object(members)
  }
}
