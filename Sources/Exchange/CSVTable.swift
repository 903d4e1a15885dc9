/// A table of texts after RFC 4180: cells between commas (or, when the first line has none,
/// semicolons or tabs), quoted cells with doubled quotes, lines that end in LF or CRLF.
package struct CSVTable: Sendable {
  /// One line of the table, which may span several lines of the file.
  package struct Row: Sendable {
    /// Where it begins, counted from 1.
    package let line: Int
    /// The texts of its cells from left to right, unquoted.
    package let cells: [String]
  }

  /// The names of the columns.
  package let header: [String]
  /// The lines behind the header; empty ones are left out.
  package let rows: [Row]

  /// The most bytes of a file.
  static let largest = 1 << 28

  /// Reads UTF-8, with or without a byte order mark.
  ///
  /// - Throws: ``ExchangeError/file(path:problem:)`` for text that is no table.
  package init(parsing bytes: [UInt8], path: String) throws(ExchangeError) {
    var parser = Parser(bytes, path: path)
    var records = try parser.records()[...]
    guard let first = records.popFirst() else {
      throw .file(path: path, problem: "it is empty; give a table with a header")
    }
    header = first.cells
    rows = Array(records)
    var seen: Set<String> = []
    for name in header where !seen.insert(name).inserted && !name.isEmpty {
      throw .file(path: path, problem: "two columns are called '\(name)'; rename one")
    }
  }

  /// Reads a file, or with `-` the standard input.
  package init(path: String) throws(ExchangeError) {
    let bytes: [UInt8]
    if path == "-" {
      bytes = try Folder.bytes(from: 0, path: "standard input", atMost: Self.largest)
    } else if let found = try Folder.bytes(of: path, atMost: Self.largest) {
      bytes = found
    } else {
      throw .file(path: path, problem: "there is no such file; check the path")
    }
    try self.init(parsing: bytes, path: path == "-" ? "standard input" : path)
  }

  private struct Parser {
    private let bytes: [UInt8]
    private let path: String
    private var position = 0
    private var line = 1
    private var comma = UInt8(ascii: ",")

    init(_ bytes: [UInt8], path: String) {
      self.path = path
      self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
      let first = self.bytes.prefix { $0 != 0x0A && $0 != 0x0D }
      if !first.contains(comma) {
        for other in [UInt8(ascii: ";"), 0x09] where first.contains(other) { comma = other }
      }
    }

    mutating func records() throws(ExchangeError) -> [Row] {
      guard !bytes.contains(0) else {
        throw .file(
          path: path, problem: "it has NUL bytes and is no text; give a CSV file in UTF-8")
      }
      var rows: [Row] = []
      while position < bytes.count {
        let start = line
        let cells = try record()
        if cells.count == 1, cells[0].isEmpty { continue }
        rows.append(Row(line: start, cells: cells))
      }
      return rows
    }

    private mutating func record() throws(ExchangeError) -> [String] {
      var cells: [String] = []
      while true {
        cells.append(try cell())
        guard position < bytes.count else { return cells }
        let byte = bytes[position]
        position += 1
        if byte == comma { continue }
        if byte == 0x0D, position < bytes.count, bytes[position] == 0x0A { position += 1 }
        line += 1
        return cells
      }
    }

    /// Reads up to a comma or the line's end, which stays.
    private mutating func cell() throws(ExchangeError) -> String {
      let isEnd: (UInt8) -> Bool = { [comma] in $0 == comma || $0 == 0x0A || $0 == 0x0D }
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        let start = position
        while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
      }
      let start = line
      position += 1
      var text: [UInt8] = []
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "\"") {
          guard position < bytes.count, bytes[position] == byte else {
            guard position >= bytes.count || isEnd(bytes[position]) else {
              throw .file(
                path: path, problem: "line \(line): text stands behind a closing quote; double it")
            }
            return String(decoding: text, as: UTF8.self)
          }
          position += 1
        }
        if byte == 0x0A { line += 1 }
        text.append(byte)
      }
      throw .file(path: path, problem: "line \(start): a quote is never closed; close it")
    }
  }
}
