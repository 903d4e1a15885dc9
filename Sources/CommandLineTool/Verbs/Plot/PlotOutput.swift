internal import JSON
internal import Plotting
internal import StudyFiles
internal import StudyModel
internal import System

/// Where figures go: into a file, into a file of data, to the terminal.
struct PlotOutput: Sendable {
  /// A figure with what it shows.
  struct Item {
    let kind: PlotKind
    let studies: [String]
    let figure: Figure
  }

  private let path: String?
  private let data: String?
  private let vega: String?
  private let opens: Bool
  /// Whether the figures are written as text beside files, too.
  private let isText: Bool
  private let width: Int?
  private let height: Int?
  private let json: Bool

  init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    path = arguments.value("--output")
    data = arguments.value("--data")
    vega = arguments.value("--vega")
    opens = arguments.flag("--open")
    isText = arguments.flag("--terminal")
    width = try arguments.integer("--width", in: 1...1_000_000)
    height = try arguments.integer("--height", in: 1...1_000_000)
    json = arguments.flag("--json")
    if let path, PlotFormat(path: path) == nil {
      throw .badValue(
        option: "--output", value: path, expected: "a name that ends in .svg, .png, .pdf or .html")
    }
    if let data, data != "-", Self.ending(data) != "csv", Self.ending(data) != "json" {
      throw .badValue(
        option: "--data", value: data, expected: "a name that ends in .csv or .json, or -")
    }
    let takers = [("--data -", data == "-"), ("--vega -", vega == "-"), ("--terminal", isText)]
      .filter(\.1).map(\.0)
    if takers.count > 1 {
      throw .conflict("\(takers[0]) and \(takers[1]) both want standard output")
    }
  }

  /// Writes the figures. One without data is written, too, and says so; the exit code as well.
  func write(_ items: [Item], _ context: Context) throws -> ExitCode {
    let console = context.console
    var written: [String] = []
    if let path { written += try writePictures(items, to: path) }
    if let data { try writeData(items, to: data, console, &written) }
    if let vega { try writeVega(items, to: vega, console, &written) }
    var openable = written.first
    if opens, path == nil {
      let folder = context.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
      let page = "\(folder)/needletail-plot-\(getpid()).html"
      written += try writePictures(items, to: page)
      openable = page
    }
    for file in written {
      if json {
        console.writeJSON(["file": .string(file)])
      } else if data != "-", vega != "-" {
        console.write("wrote \(file.printable)")
      }
    }
    if opens, let openable {
      // A path that looks like an option is none.
      try Opener.open(openable.hasPrefix("-") ? "./" + openable : openable)
    }
    let isTextOnly = written.isEmpty && data == nil && vega == nil
    if isText || isTextOnly {
      for item in items { console.write(Self.terminal(item.figure, console)) }
      if isTextOnly, console.isResultTerminal {
        console.note("drawn in the terminal; -o FILE writes a picture (.svg, .png, .pdf, .html)")
      }
    }
    for item in items {
      guard let reason = item.figure.emptyReason else { continue }
      let kind = items.count > 1 ? "the picture '\(item.kind.rawValue)'" : "the picture"
      console.warn("\(kind) is empty: \(reason)")
    }
    return items.allSatisfy { $0.figure.emptyReason != nil } ? .nothingFound : .success
  }

  private func writePictures(_ items: [Item], to path: String) throws -> [String] {
    guard let format = PlotFormat(path: path) else { return [] }
    if items.count == 1 || format.takesSeveral {
      try PlotFile.write(
        PlotFile.bytes(
          of: items.map(\.figure), format: format, width: width, height: height), to: path)
      return [path]
    }
    let kinds = Set(items.map(\.kind))
    let studies = Set(items.flatMap(\.studies))
    var taken: Set<String> = []
    return try items.map { item in
      var suffix = kinds.count > 1 ? "-\(item.kind.rawValue)" : ""
      if !item.kind.takesSeveralStudies, studies.count > 1 {
        suffix += "-\(Self.fileName(item.studies[0]))"
      }
      var name = Self.inserting(suffix, into: path)
      while !taken.insert(name).inserted {
        suffix += "-2"
        name = Self.inserting(suffix, into: path)
      }
      try PlotFile.write(item.figure, to: name, format: format, width: width, height: height)
      return name
    }
  }

  // MARK: Data

  private func writeData(
    _ items: [Item], to path: String, _ console: Console, _ written: inout [String]
  ) throws {
    if path == "-" || Self.ending(path) == "csv" {
      guard items.count == 1, let item = items.first else {
        throw CommandError.other(
          "CSV holds the data of one figure, and there are \(items.count); let the name of --data "
            + "end in .json")
      }
      let text = item.figure.data.csv
      if path == "-" { return console.writeText(text) }
      try PlotFile.write(Array(text.utf8), to: path)
    } else {
      let documents = items.map { item -> JSONValue in
        let data = item.figure.data
        return [
          "kind": .string(item.kind.rawValue),
          "studies": .array(item.studies.map { .string($0) }),
          "columns": .array(data.columns.map { .string($0.name) }),
          "rows": .array(
            (0..<data.count).map { row in .array(data.columns.map { $0.cells[row] }) }),
          "notes": .array(item.figure.notes.map { .string($0) }),
        ]
      }
      let document = documents.count == 1 ? documents[0] : .array(documents)
      try PlotFile.write(Array((document.text(nonFinite: .strings) + "\n").utf8), to: path)
    }
    written.append(path)
  }

  private func writeVega(
    _ items: [Item], to path: String, _ console: Console, _ written: inout [String]
  ) throws {
    guard items.count == 1, let item = items.first else {
      throw CommandError.other(
        "a Vega-Lite specification holds one figure, and there are \(items.count); name one kind")
    }
    let text = item.figure.vegaLite.text(nonFinite: .strings) + "\n"
    if path == "-" { return console.writeText(text) }
    try PlotFile.write(Array(text.utf8), to: path)
    written.append(path)
  }

  // MARK: Terminal, names

  private static func terminal(_ figure: Figure, _ console: Console) -> String {
    let size = console.resultSize
    return figure.terminalText(
      columns: min(size.columns, 160), rows: min(max(size.rows - 3, 12), 36),
      hasColor: console.hasColor)
  }

  /// The letters behind the last dot of a path.
  private static func ending(_ path: String) -> String {
    guard let dot = path.lastIndex(of: ".") else { return "" }
    return path[path.index(after: dot)...].lowercased()
  }

  /// The path with a text before its ending.
  private static func inserting(_ text: String, into path: String) -> String {
    guard let dot = path.lastIndex(of: ".") else { return path + text }
    return path[..<dot] + text + path[dot...]
  }

  /// A study's name with what file names had better not hold replaced.
  private static func fileName(_ name: String) -> String {
    let kept = name.unicodeScalars.prefix(60).map { scalar -> Character in
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      return isPlain || scalar == "-" || scalar == "_" ? Character(scalar) : "_"
    }
    return String(kept)
  }
}
