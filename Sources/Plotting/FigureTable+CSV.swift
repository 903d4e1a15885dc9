internal import JSON
internal import StudyModel

extension FigureTable {
  /// The rows as comma-separated values after RFC 4180, with line feeds and a line of headings.
  /// Nothing is an empty cell; NaN and infinities are `nan`, `inf` and `-inf`.
  public var csv: String {
    var text = Self.line(columns.map(\.name))
    for row in 0..<count { text += Self.line(columns.map { Self.text(of: $0.cells[row]) }) }
    return text
  }

  private static func text(of cell: JSONValue) -> String {
    switch cell {
    case .null: ""
    case .string(let string): string
    case .float(let value) where !value.isFinite: value.text(significantDigits: 17)
    case .bool, .integer, .wideInteger, .float, .array, .object: cell.text(nonFinite: .strings)
    }
  }

  private static func line(_ cells: [String]) -> String {
    cells.map { cell in
      guard cell.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 10 || $0 == 13 }) else {
        return cell
      }
      let parts = cell.split(separator: "\"", omittingEmptySubsequences: false)
      return "\"" + parts.joined(separator: "\"\"") + "\""
    }.joined(separator: ",") + "\n"
  }
}
