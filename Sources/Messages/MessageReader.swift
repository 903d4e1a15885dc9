internal import JSON
internal import StudyModel

/// Reads an object's members, and names the one that is wrong.
struct MessageReader {
  private let json: JSONValue
  /// Where the object is in the body, such as `results[2].`; empty for the body itself.
  private let path: String

  init(_ json: JSONValue, at path: String = "") throws(MessageError) {
    guard case .object = json else {
      let place = path.isEmpty ? "the body" : "'\(path.dropLast())'"
      throw MessageError("\(place) must be a JSON object")
    }
    self.json = json
    self.path = path
  }

  /// The member's value; nil when it is missing or null.
  func optional(_ name: String) -> JSONValue? {
    guard let value = json[name], value != .null else { return nil }
    return value
  }

  func value(_ name: String) throws(MessageError) -> JSONValue {
    guard let value = json[name] else { throw MessageError("'\(path)\(name)' is missing") }
    return value
  }

  private func mistake(
    _ name: String, _ value: JSONValue?, _ expected: String
  ) -> MessageError {
    guard let value else { return MessageError("'\(path)\(name)' is missing; give \(expected)") }
    let text = value.text(nonFinite: .strings)
    let shown = text.utf8.count > 60 ? "\(text.prefix(60))…" : text
    return MessageError("'\(path)\(name)' is \(shown); give \(expected)")
  }

  func text(_ name: String, atMost length: Int = 4_096) throws(MessageError) -> String {
    guard let text = optional(name)?.string, text.utf8.count <= length else {
      throw mistake(name, optional(name), "a text of at most \(length) bytes")
    }
    return text
  }

  func optionalText(_ name: String, atMost length: Int = 4_096) throws(MessageError) -> String? {
    optional(name) == nil ? nil : try text(name, atMost: length)
  }

  /// A text that names something: not empty, without control characters.
  func name(_ name: String) throws(MessageError) -> String {
    let text = try text(name, atMost: 512)
    guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
    else { throw mistake(name, optional(name), "a name without control characters") }
    return text
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(MessageError) -> Int {
    guard let value = optional(name)?.number.flatMap({ Int(exactly: $0) }), range.contains(value)
    else {
      throw mistake(
        name, optional(name), "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func optionalInteger(
    _ name: String, in range: ClosedRange<Int>
  ) throws(MessageError) -> Int? {
    optional(name) == nil ? nil : try integer(name, in: range)
  }

  func flag(_ name: String) throws(MessageError) -> Bool {
    guard let value = optional(name) else { return false }
    guard case .bool(let flag) = value else { throw mistake(name, value, "true or false") }
    return flag
  }

  func number(_ name: String) throws(MessageError) -> Double {
    guard let value = optional(name), let number = Self.number(value) else {
      throw mistake(name, optional(name), "a number")
    }
    return number
  }

  func numbers(_ name: String) throws(MessageError) -> [Double] {
    var numbers: [Double] = []
    for (index, value) in try elements(name).enumerated() {
      guard let number = Self.number(value) else {
        throw mistake("\(name)[\(index)]", value, "a number")
      }
      numbers.append(number)
    }
    return numbers
  }

  func texts(_ name: String) throws(MessageError) -> [String] {
    var texts: [String] = []
    for (index, value) in try elements(name).enumerated() {
      guard let text = value.string, text.utf8.count <= 4_096 else {
        throw mistake("\(name)[\(index)]", value, "a text")
      }
      texts.append(text)
    }
    return texts
  }

  /// The array's elements, read one by one; none when it is missing.
  func list<Element>(
    _ name: String, _ read: (MessageReader) throws(MessageError) -> Element
  ) throws(MessageError) -> [Element] {
    var list: [Element] = []
    for (index, value) in try elements(name).enumerated() {
      list.append(try read(try MessageReader(value, at: "\(path)\(name)[\(index)].")))
    }
    return list
  }

  func attribute() throws(MessageError) -> Attribute {
    Attribute(try text("key"), try value("value"))
  }

  func report() throws(MessageError) -> IntermediateValue {
    IntermediateValue(step: try integer("step", in: 0...Int.max), value: try number("value"))
  }

  func distribution(_ name: String) throws(MessageError) -> Distribution {
    let json = try value(name)
    do throws(SearchSpaceError) {
      return try Distribution(json: json)
    } catch {
      throw MessageError("'\(path)\(name)' is no distribution: \(error)")
    }
  }

  private func elements(_ name: String) throws(MessageError) -> [JSONValue] {
    guard let value = optional(name) else { return [] }
    guard let array = value.array else { throw mistake(name, value, "an array") }
    guard array.count <= WireProtocol.longestList else {
      throw MessageError(
        "'\(path)\(name)' has \(array.count) elements; send at most \(WireProtocol.longestList)")
    }
    return array
  }

  /// A number, or the text that stands for one that strict JSON does not have; nil for anything
  /// else.
  static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .string("nan"): .nan
    case .string("inf"): .infinity
    case .string("-inf"): -.infinity
    default: value.number
    }
  }
}
