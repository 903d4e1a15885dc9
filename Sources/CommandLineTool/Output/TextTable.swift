/// Rows of text in aligned columns, for people.
package struct TextTable {
  private let titles: [String]
  private let rightAligned: Set<Int>
  private var rows: [[String]] = []

  /// - Parameter rightAligned: The columns, counted from 0, that hold numbers.
  package init(_ titles: [String], rightAligned: Set<Int> = []) {
    self.titles = titles
    self.rightAligned = rightAligned
  }

  /// Adds a row with one cell per title; control characters are spelled out.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == titles.count, "\(cells.count) cells for \(titles.count) columns")
    rows.append(cells.map(\.printable))
  }

  /// The lines, titles first.
  package var lines: [String] {
    let widths = titles.indices.map { column in
      rows.reduce(titles[column].columns) { max($0, $1[column].columns) }
    }
    return ([titles] + rows).map { cells in
      let line = cells.indices.map { column in
        cells[column].padded(to: widths[column], right: rightAligned.contains(column))
      }.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}
