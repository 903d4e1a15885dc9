package import JSON
internal import System

/// Puts other values into places of a YAML, JSON or TOML text, and leaves all else of it as it is,
/// comments and spellings included.
package struct FilePatch {
  /// Why a text cannot be patched, in a sentence.
  package struct Fault: Error {
    /// What is wrong and what to do.
    package let problem: String

    package init(problem: String) { self.problem = problem }
  }

  /// How a text is written.
  enum Format {
    /// JSON is YAML, too.
    case yaml
    case toml

    init?(ofFile name: String) {
      switch name.split(separator: ".").last?.lowercased() {
      case "yaml", "yml", "json": self = .yaml
      case "toml": self = .toml
      default: return nil
      }
    }
  }

  /// The text of the file of that name with another value at a place.
  ///
  /// - Parameter path: Names with dots between them, numbers for elements of lists.
  /// - Throws: ``Fault`` for a text that is not read, a place that is not there, one that does not
  ///   hold a single value, and a value that the format has not.
  package static func text(
    _ text: String, ofFile name: String, setting path: String, to value: JSONValue
  ) throws(Fault) -> String {
    guard let format = Format(ofFile: name) else {
      throw Fault(problem: "'\(name)' is no .yaml, .json or .toml file; give one")
    }
    let bytes = Array(text.utf8)
    let place =
      switch format {
      case .yaml: try yamlPlace(of: path, in: bytes, text)
      case .toml: try tomlPlace(of: path, in: bytes)
      }
    let literal = try literal(of: value, format, isJSON: name.lowercased().hasSuffix(".json"))
    return String(
      decoding: bytes[..<place.lowerBound] + Array(literal.utf8) + bytes[place.upperBound...],
      as: UTF8.self)
  }

  // MARK: Values

  private static func literal(
    of value: JSONValue, _ format: Format, isJSON: Bool
  ) throws(Fault) -> String {
    switch value {
    case .float(let number) where !number.isFinite:
      guard !isJSON else {
        throw Fault(problem: "JSON has no \(number); choose finite values")
      }
      let word = number.isNaN ? "nan" : "inf"
      let sign = number < 0 ? "-" : ""
      return format == .toml ? sign + word : "\(sign).\(word)"
    case .float(let number):
      let text = "\(number)"
      // YAML 1.1, as Python has it, takes 1e-05 for a text.
      guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
      return text[..<exponent] + ".0" + text[exponent...]
    case .null where format == .toml:
      throw Fault(problem: "TOML has no null; choose other values")
    case .object where format == .toml:
      throw Fault(problem: "a mapping is not written into TOML; choose other values")
    default: return value.text()
    }
  }

  // MARK: YAML and JSON

  private static func yamlPlace(
    of path: String, in bytes: [UInt8], _ text: String
  ) throws(Fault) -> Range<Int> {
    let root: YAMLNode
    do throws(LocatedFault) {
      root = try YAMLParser.parse(bytes)
    } catch {
      let line = error.location.map { " in line \($0.line)" } ?? ""
      throw Fault(problem: "it cannot be read\(line): \(error.problem)")
    }
    guard let node = node(at: path[...], in: root) else {
      throw Fault(problem: "it has no '\(path)'; give a place that is there")
    }
    return try range(of: node, in: bytes, path)
  }

  /// The node under a path; of names with dots of their own, the longest that fits.
  private static func node(at path: Substring, in node: YAMLNode) -> YAMLNode? {
    switch node.content {
    case .scalar: return nil
    case .sequence(let elements):
      let first = path.prefix { $0 != "." }
      guard let place = Int(first), elements.indices.contains(place) else { return nil }
      let rest = path.dropFirst(first.count)
      return rest.isEmpty ? elements[place] : self.node(at: rest.dropFirst(), in: elements[place])
    case .mapping(let entries):
      if let entry = entries.last(where: { $0.key == path }) { return entry.value }
      var end = path.endIndex
      while let dot = path[..<end].lastIndex(of: ".") {
        if let entry = entries.last(where: { $0.key == path[..<dot] }),
          let found = self.node(at: path[path.index(after: dot)...], in: entry.value)
        {
          return found
        }
        end = dot
      }
      return nil
    }
  }

  /// Where a single value stands.
  private static func range(
    of node: YAMLNode, in bytes: [UInt8], _ path: String
  ) throws(Fault) -> Range<Int> {
    let fault = Fault(
      problem: "'\(path)' is not a single value in one line; give a place that holds one")
    guard case .scalar(let scalar) = node.content,
      let start = offset(of: node.location, in: bytes), start < bytes.count
    else { throw fault }
    let first = bytes[start]
    if first == 0x22 || first == 0x27 {
      guard let end = quotedEnd(in: bytes, from: start) else { throw fault }
      return start..<end
    }
    // Anchors, aliases, tags and blocks have more to them than a value.
    guard scalar.isPlain, !"&*!|>".utf8.contains(first) else { throw fault }
    let end = start + scalar.text.utf8.count
    guard end <= bytes.count, bytes[start..<end].elementsEqual(scalar.text.utf8) else {
      throw fault
    }
    return start..<end
  }

  /// Where a quoted text ends, behind its quote; nil when it is not closed.
  private static func quotedEnd(in bytes: [UInt8], from start: Int) -> Int? {
    let quote = bytes[start]
    var place = start + 1
    while place < bytes.count {
      if bytes[place] == 0x5C, quote == 0x22 {
        place += 2
      } else if bytes[place] == quote {
        guard quote == 0x27, place + 1 < bytes.count, bytes[place + 1] == quote else {
          return place + 1
        }
        place += 2
      } else {
        place += 1
      }
    }
    return nil
  }

  /// The byte at a line and a column, which counts characters as Unicode scalars.
  private static func offset(of location: SourceLocation, in bytes: [UInt8]) -> Int? {
    var line = 1
    var start = 0
    while line < location.line {
      guard let end = bytes[start...].firstIndex(of: 0x0A) else { return nil }
      (line, start) = (line + 1, end + 1)
    }
    var left = location.column - 1
    while left > 0, start < bytes.count {
      start += 1
      while start < bytes.count, bytes[start] & 0xC0 == 0x80 { start += 1 }
      left -= 1
    }
    return start
  }

  // MARK: TOML

  /// Where the value of `name = value` stands, with the name in dots behind that of its table.
  private static func tomlPlace(of path: String, in bytes: [UInt8]) throws(Fault) -> Range<Int> {
    var table: String? = ""
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      defer { start = end + 1 }
      let line = bytes[start..<end].drop { $0 == 0x20 || $0 == 0x09 }
      guard let first = line.first, first != 0x23 else { continue }
      if first == 0x5B {
        let name = line.dropFirst().prefix { $0 != 0x5D }
        // Tables of an array have no name of their own.
        table = name.first == 0x5B ? nil : tomlName(name)
        continue
      }
      guard let table, let equals = line.firstIndex(of: 0x3D) else { continue }
      let name = tomlName(line[..<equals])
      guard (table.isEmpty ? name : "\(table).\(name)") == path else { continue }
      let value = line[(equals + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
      let fault = Fault(
        problem: "'\(path)' is not a single value in one line; give a place that holds one")
      guard let head = value.first, head != 0x5B, head != 0x7B,
        !value.starts(with: [0x22, 0x22, 0x22]), !value.starts(with: [0x27, 0x27, 0x27])
      else { throw fault }
      if head == 0x22 {
        guard let close = quotedEnd(in: Array(bytes[..<end]), from: value.startIndex) else {
          throw fault
        }
        return value.startIndex..<close
      }
      if head == 0x27 {
        guard let close = value.dropFirst().firstIndex(of: head) else { throw fault }
        return value.startIndex..<(close + 1)
      }
      let token = value.prefix { $0 != 0x23 && $0 != 0x0D }
      let trimmed = token.reversed().drop { $0 == 0x20 || $0 == 0x09 }.count
      return value.startIndex..<(value.startIndex + trimmed)
    }
    throw Fault(problem: "it has no '\(path)'; give a place that is there")
  }

  /// A name without the blanks and quotes around its parts.
  private static func tomlName(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self).split(separator: ".").map { part in
      part.filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    }.joined(separator: ".")
  }
}
