internal import JSON

/// Python literals and calls with literal arguments, as some tools keep them in texts: read, never
/// evaluated.
struct PythonLiteral {
  /// A call such as `loguniform(1e-5, 1.0, precision=3)`.
  struct Call {
    let name: String
    let arguments: [YAMLNode]
    let named: [(name: String, value: YAMLNode)]

    subscript(name: String) -> YAMLNode? { named.last { $0.name == name }?.value }
  }

  private let scalars: [Unicode.Scalar]
  private var place = 0
  private let start: SourceLocation?
  private static let deepest = 60

  private init(_ text: String, at start: SourceLocation?) {
    scalars = Array(text.unicodeScalars)
    self.start = start
  }

  /// Reads a dictionary, list, tuple, text, number, True, False or None; JSON's words are read,
  /// too.
  static func value(_ text: String, at start: SourceLocation? = nil) throws(LocatedFault)
    -> YAMLNode
  {
    var reader = PythonLiteral(text, at: start)
    let node = try reader.value(depth: 0)
    reader.skip()
    guard reader.place == reader.scalars.count else {
      throw reader.fault("'\(shortened(reader.rest))' stands behind the value; remove it")
    }
    return node
  }

  /// Reads a call; nil for a text that is none.
  static func call(_ text: String, at start: SourceLocation? = nil) throws(LocatedFault) -> Call? {
    var reader = PythonLiteral(text.trimmed, at: start)
    let name = reader.name()
    guard !name.isEmpty, reader.take("(") else { return nil }
    let call = try reader.call(name, depth: 0)
    reader.skip()
    guard reader.place == reader.scalars.count else {
      throw reader.fault("'\(shortened(reader.rest))' stands behind '\(name)(…)'; remove it")
    }
    return call
  }

  private var rest: String {
    var text = ""
    text.unicodeScalars.append(contentsOf: scalars[place...].prefix(200))
    return text
  }

  private func fault(_ problem: String) -> LocatedFault {
    LocatedFault(location: location, problem: problem)
  }

  private var location: SourceLocation {
    if let start { return start }
    var (line, column) = (1, 1)
    for scalar in scalars[..<min(place, scalars.count)] {
      if scalar == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
    }
    return SourceLocation(line: line, column: column)
  }

  private mutating func skip() {
    while place < scalars.count {
      if scalars[place].properties.isWhitespace {
        place += 1
      } else if scalars[place] == "#" {
        while place < scalars.count, scalars[place] != "\n" { place += 1 }
      } else {
        return
      }
    }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    skip()
    guard place < scalars.count, scalars[place] == scalar else { return false }
    place += 1
    return true
  }

  private mutating func name() -> String {
    skip()
    var text = ""
    while place < scalars.count {
      let next = scalars[place]
      guard
        next == "_" || next == "." || next.properties.isAlphabetic
          || (next.properties.numericType != nil && !text.isEmpty)
      else { break }
      text.unicodeScalars.append(next)
      place += 1
    }
    return text
  }

  private mutating func call(_ name: String, depth: Int) throws(LocatedFault) -> Call {
    var arguments: [YAMLNode] = []
    var named: [(name: String, value: YAMLNode)] = []
    while !take(")") {
      let mark = place
      let key = self.name()
      if !key.isEmpty, take("="), !peek("=") {
        named.append((key, try value(depth: depth + 1)))
      } else {
        place = mark
        arguments.append(try value(depth: depth + 1))
      }
      if take(",") { continue }
      guard take(")") else { throw fault("'\(name)(' has no closing parenthesis; add ')'") }
      break
    }
    return Call(name: name, arguments: arguments, named: named)
  }

  private func peek(_ scalar: Unicode.Scalar) -> Bool {
    place < scalars.count && scalars[place] == scalar
  }

  private mutating func value(depth: Int) throws(LocatedFault) -> YAMLNode {
    guard depth < Self.deepest else { throw fault("nested too deeply; flatten it") }
    skip()
    guard place < scalars.count else { throw fault("a value is missing at the end of the text") }
    let location = location
    switch scalars[place] {
    case "{":
      place += 1
      return YAMLNode(content: try dictionary(depth: depth), location: location)
    case "[":
      place += 1
      return YAMLNode(
        content: .sequence(try elements(until: "]", depth: depth)), location: location)
    case "(":
      place += 1
      return YAMLNode(
        content: .sequence(try elements(until: ")", depth: depth)), location: location)
    case "'", "\"":
      let scalar = YAMLScalar(text: try quoted(), isPlain: false, tag: nil)
      return YAMLNode(content: .scalar(scalar), location: location)
    default: return YAMLNode(content: .scalar(try bare()), location: location)
    }
  }

  private mutating func dictionary(depth: Int) throws(LocatedFault) -> YAMLNode.Content {
    var entries: [YAMLNode.Entry] = []
    var names: Set<String> = []
    while !take("}") {
      let key = try value(depth: depth + 1)
      guard case .scalar(let scalar) = key.content else {
        throw fault("a key is \(key.summary); give a text")
      }
      guard names.insert(scalar.text).inserted else {
        throw fault("the key '\(shortened(scalar.text))' stands twice; remove one")
      }
      guard take(":") else { throw fault("a ':' is missing behind '\(shortened(scalar.text))'") }
      entries.append(
        YAMLNode.Entry(
          key: scalar.text, keyLocation: key.location, value: try value(depth: depth + 1),
          isKeyQuoted: !scalar.isPlain))
      if take(",") { continue }
      guard take("}") else { throw fault("a ',' or '}' is missing before '\(shortened(rest))'") }
      break
    }
    return .mapping(entries)
  }

  private mutating func elements(until end: Unicode.Scalar, depth: Int) throws(LocatedFault)
    -> [YAMLNode]
  {
    var elements: [YAMLNode] = []
    while !take(end) {
      elements.append(try value(depth: depth + 1))
      if take(",") { continue }
      guard take(end) else {
        throw fault("a ',' or '\(end)' is missing before '\(shortened(rest))'")
      }
      break
    }
    return elements
  }

  private mutating func quoted() throws(LocatedFault) -> String {
    let quote = scalars[place]
    place += 1
    var text = ""
    while place < scalars.count {
      let next = scalars[place]
      place += 1
      if next == quote { return text }
      guard next == "\\", place < scalars.count else {
        text.unicodeScalars.append(next)
        continue
      }
      let escaped = scalars[place]
      place += 1
      switch escaped {
      case "n": text += "\n"
      case "t": text += "\t"
      case "r": text += "\r"
      case "u":
        let digits = String(String.UnicodeScalarView(scalars[place...].prefix(4)))
        guard digits.unicodeScalars.count == 4, let code = UInt32(digits, radix: 16) else {
          throw fault("'\\u' needs four hexadecimal digits")
        }
        text.unicodeScalars.append(Unicode.Scalar(code) ?? "\u{FFFD}")
        place += 4
      default: text.unicodeScalars.append(escaped)
      }
    }
    throw fault("a text is not closed; add \(quote)")
  }

  private mutating func bare() throws(LocatedFault) -> YAMLScalar {
    var text = ""
    while place < scalars.count, !",:]})(=".unicodeScalars.contains(scalars[place]),
      !scalars[place].properties.isWhitespace
    {
      text.unicodeScalars.append(scalars[place])
      place += 1
    }
    switch text {
    case "None", "null": return YAMLScalar(text: "null", isPlain: true, tag: nil)
    case "True", "False", "true", "false": return YAMLScalar(text: text, isPlain: true, tag: nil)
    default: break
    }
    let scalar = YAMLScalar(text: text, isPlain: true, tag: nil)
    guard scalar.number != nil else {
      throw fault(
        "'\(shortened(text.isEmpty ? rest : text))' is no value; give a number, a text in quotes, "
          + "a list, True, False or None")
    }
    return scalar
  }
}
