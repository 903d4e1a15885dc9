/// Protocol buffers' text format, without a schema: fields with scalars or messages, repeated
/// fields as lists.
struct TextProto {
  private let scalars: [Unicode.Scalar]
  private var place = 0
  private var line = 1
  private var lineStart = 0

  /// Reads a message as a mapping.
  static func document(_ text: String) throws(LocatedFault) -> YAMLNode {
    var reader = TextProto(scalars: Array(text.unicodeScalars))
    return YAMLNode(
      content: .mapping(try reader.fields(until: nil, depth: 0)),
      location: SourceLocation(line: 1, column: 1))
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private var location: SourceLocation {
    SourceLocation(line: line, column: place - lineStart + 1)
  }

  private func fault(_ problem: String) -> LocatedFault {
    LocatedFault(location: location, problem: "not a text proto: \(problem)")
  }

  private mutating func skip() {
    while place < scalars.count {
      let next = scalars[place]
      if next == "\n" {
        place += 1
        (line, lineStart) = (line + 1, place)
      } else if next.properties.isWhitespace || next == "," || next == ";" {
        place += 1
      } else if next == "#" {
        while place < scalars.count, scalars[place] != "\n" { place += 1 }
      } else {
        return
      }
    }
  }

  private func peek() -> Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

  private mutating func word() -> String {
    var text = ""
    while let next = peek(),
      next.properties.isAlphabetic || next.properties.numericType != nil
        || "_.+-".unicodeScalars.contains(next)
    {
      text.unicodeScalars.append(next)
      place += 1
    }
    return text
  }

  private mutating func fields(until end: Unicode.Scalar?, depth: Int) throws(LocatedFault)
    -> [YAMLNode.Entry]
  {
    guard depth < 60 else { throw fault("nested too deeply") }
    var order: [String] = []
    var values: [String: [YAMLNode]] = [:]
    var places: [String: SourceLocation] = [:]
    while true {
      skip()
      guard let next = peek() else {
        guard end == nil else { throw fault("a message is not closed; add '}'") }
        break
      }
      if next == end {
        place += 1
        break
      }
      let start = location
      let name = word()
      guard !name.isEmpty else { throw fault("'\(next)' is no field's name") }
      skip()
      if values[name] == nil {
        order.append(name)
        places[name] = start
      }
      values[name, default: []] += try value(depth: depth)
    }
    return order.map { name in
      let all = values[name] ?? []
      let start = places[name] ?? location
      return YAMLNode.Entry(
        key: name, keyLocation: start,
        value: all.count == 1 ? all[0] : YAMLNode(content: .sequence(all), location: start))
    }
  }

  private mutating func value(depth: Int) throws(LocatedFault) -> [YAMLNode] {
    if peek() == ":" {
      place += 1
      skip()
    }
    let start = location
    switch peek() {
    case "{", "<":
      let end: Unicode.Scalar = peek() == "{" ? "}" : ">"
      place += 1
      return [
        YAMLNode(content: .mapping(try fields(until: end, depth: depth + 1)), location: start)
      ]
    case "[":
      place += 1
      var all: [YAMLNode] = []
      while true {
        skip()
        if peek() == "]" {
          place += 1
          return all
        }
        guard peek() != nil else { throw fault("a list is not closed; add ']'") }
        all += try value(depth: depth + 1)
      }
    case "\"", "'":
      var text = ""
      while peek() == "\"" || peek() == "'" {
        text += try quoted()
        skip()
      }
      return [
        YAMLNode(
          content: .scalar(YAMLScalar(text: text, isPlain: false, tag: nil)), location: start)
      ]
    default:
      let text = word()
      guard !text.isEmpty else { throw fault("a value is missing") }
      return [
        YAMLNode(content: .scalar(YAMLScalar(text: text, isPlain: true, tag: nil)), location: start)
      ]
    }
  }

  private mutating func quoted() throws(LocatedFault) -> String {
    guard let quote = peek() else { return "" }
    place += 1
    var text = ""
    while let next = peek(), next != "\n" {
      place += 1
      if next == quote { return text }
      if next == "\\", let escaped = peek() {
        place += 1
        text.unicodeScalars.append(escaped == "n" ? "\n" : escaped)
      } else {
        text.unicodeScalars.append(next)
      }
    }
    throw fault("a text is not closed; add \(quote)")
  }
}
