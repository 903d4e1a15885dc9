internal import JSON
internal import StudyModel
internal import System

extension SVGText {
  /// The number of cells that a page holds at most, so that it opens at once.
  private static var cellLimit: Int { 130_000 }

  /// Appends the table as JSON without `<`: the columns that fit, texts by their place in a list of
  /// levels, numbers to five digits.
  mutating func append(json table: FigureTable) {
    let fitting = max(4, Self.cellLimit / max(table.count, 1))
    let columns = table.columns.prefix(fitting)
    append("{\"columns\":[")
    for (index, column) in columns.enumerated() {
      append(index == 0 ? "{\"name\":" : ",\n{\"name\":")
      append(jsonString: column.name)
      append(cells: column.cells)
      append("}")
    }
    append("],\"more\":\(table.columns.count - columns.count)}")
  }

  private mutating func append(cells: [JSONValue]) {
    let isNumeric = cells.allSatisfy { cell in
      switch cell {
      case .null, .integer, .wideInteger: true
      case .float(let value): value.isFinite
      case .bool, .string, .array, .object: false
      }
    }
    var levels: [String] = []
    var places: [String: Int] = [:]
    append(",\"cells\":[")
    for (index, cell) in cells.enumerated() {
      if index > 0 { append(",") }
      if case .null = cell {
        append("null")
      } else if isNumeric, let number = cell.number {
        append(fiveDigits: number)
      } else {
        // By its text: NaN, which is a choice like any other, equals no key.
        let text = cell.parameterValue.description
        let place = places[text] ?? levels.count
        if place == levels.count {
          levels.append(text)
          places[text] = place
        }
        append(digitsOf: UInt(place))
      }
    }
    append("]")
    guard !isNumeric else { return }
    append(",\"levels\":[")
    for (index, level) in levels.enumerated() {
      if index > 0 { append(",") }
      append(jsonString: level)
    }
    append("]")
  }

  private mutating func append(jsonString text: String) {
    append("\"")
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": append("\\\"")
      case "\\": append("\\\\")
      case "<": append("\\u003c")
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{202A}"..."\u{202E}",
        "\u{2066}"..."\u{2069}", "\u{2028}", "\u{2029}":
        append("\u{FFFD}")
      default: append(scalar)
      }
    }
    append("\"")
  }

  /// Appends a finite number rounded to five digits, as JSON.
  private mutating func append(fiveDigits value: Double) {
    if value.magnitude < 1e15, value == value.rounded() {
      if value < 0 { append("-") }
      append(digitsOf: UInt(clamped: value.magnitude))
      return
    }
    // Numbers of everyday size without a detour over their shortest text.
    guard value.magnitude >= 0.001, value.magnitude < 100_000 else {
      append(value.text(significantDigits: 5))
      return
    }
    var (decimals, scale) = (0, 1.0)
    while value.magnitude * scale < 9_999.95 && decimals < 8 {
      decimals += 1
      scale *= 10
    }
    var scaled = UInt(clamped: (value.magnitude * scale).rounded())
    while decimals > 0, scaled.isMultiple(of: 10) {
      scaled /= 10
      decimals -= 1
    }
    if value < 0 { append("-") }
    var power: UInt = 1
    for _ in 0..<decimals { power *= 10 }
    append(digitsOf: scaled / power)
    guard decimals > 0 else { return }
    append(".")
    var (rest, unit) = (scaled % power, power / 10)
    while unit > 0 {
      append(digitsOf: rest / unit)
      rest %= unit
      unit /= 10
    }
  }
}
