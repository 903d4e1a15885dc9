extension JSONValue {
  /// How numbers that JSON does not have are written.
  public enum NonFiniteSpelling: Sendable {
    /// `NaN`, `Infinity`, `-Infinity` as bare words: the study store's form.
    case bareWords
    /// `"nan"`, `"inf"`, `"-inf"` as strings: strict JSON, for other programs.
    case strings
  }

  /// The document on one line, with `, ` and `: ` between, and non-ASCII characters escaped.
  public func text(nonFinite: NonFiniteSpelling = .bareWords) -> String {
    String(decoding: bytes(nonFinite: nonFinite), as: UTF8.self)
  }

  /// The bytes of ``text(nonFinite:)``, all of them ASCII.
  package func bytes(nonFinite: NonFiniteSpelling = .bareWords) -> [UInt8] {
    var output: [UInt8] = []
    write(to: &output, nonFinite)
    return output
  }

  private func write(to output: inout [UInt8], _ nonFinite: NonFiniteSpelling) {
    switch self {
    case .null: output += "null".utf8
    case .bool(let value): output += (value ? "true" : "false").utf8
    case .integer(let value): output += String(value).utf8
    case .wideInteger(let digits): output += digits.utf8
    case .float(let value): Self.write(value, to: &output, nonFinite)
    case .string(let value): Self.write(value, to: &output)
    case .array(let elements):
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output += ", ".utf8 }
        element.write(to: &output, nonFinite)
      }
      output.append(UInt8(ascii: "]"))
    case .object(let members):
      output.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { output += ", ".utf8 }
        Self.write(member.name, to: &output)
        output += ": ".utf8
        member.value.write(to: &output, nonFinite)
      }
      output.append(UInt8(ascii: "}"))
    }
  }

  private static func write(
    _ value: Double, to output: inout [UInt8], _ nonFinite: NonFiniteSpelling
  ) {
    if value.isFinite {
      output += value.description.utf8
    } else {
      switch nonFinite {
      case .strings:
        output += (value.isNaN ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"").utf8
      case .bareWords:
        output += (value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity").utf8
      }
    }
  }

  private static func write(_ text: String, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
      output += text.utf8
    } else {
      for unit in text.utf16 { write(escaping: unit, to: &output) }
    }
    output.append(UInt8(ascii: "\""))
  }

  private static func write(escaping unit: UInt16, to output: inout [UInt8]) {
    switch unit {
    case 0x22: output += "\\\"".utf8
    case 0x5C: output += "\\\\".utf8
    case 0x0A: output += "\\n".utf8
    case 0x0D: output += "\\r".utf8
    case 0x09: output += "\\t".utf8
    case 0x20...0x7E: output.append(UInt8(unit))
    default:
      let digits = String(unit, radix: 16)
      output += "\\u".utf8
      output += repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count)
      output += digits.utf8
    }
  }

  /// Reads one document; bare `NaN`, `Infinity` and `-Infinity` are numbers.
  ///
  /// - Throws: ``JSONError`` with the byte offset of the first fault, also for nesting beyond 512.
  public init(parsing text: some StringProtocol) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }

  /// Reads one document in UTF-8; bytes that are none become U+FFFD.
  ///
  /// - Throws: As for a text.
  package init(parsing bytes: [UInt8]) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.parseDocument()
  }
}

/// Text that is not JSON.
public struct JSONError: Error, Hashable, CustomStringConvertible {
  /// The byte where reading stopped, counted from 0.
  public let offset: Int
  /// What was expected there.
  public let expected: String

  public var description: String { "not JSON: expected \(expected) at byte \(offset)" }
}

/// A recursive-descent parser over UTF-8 bytes.
private struct JSONParser {
  let bytes: [UInt8]
  private var position = 0
  private static let deepest = 512

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw fault("the end") }
    return value
  }

  private func fault(_ expected: String) -> JSONError {
    JSONError(offset: position, expected: expected)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func take(word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
    guard depth < Self.deepest else { throw fault("less nesting than \(Self.deepest)") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try parseObject(depth: depth)
    case UInt8(ascii: "["): return try parseArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): if take(word: "true") { return .bool(true) }
    case UInt8(ascii: "f"): if take(word: "false") { return .bool(false) }
    case UInt8(ascii: "n"): if take(word: "null") { return .null }
    case UInt8(ascii: "N"): if take(word: "NaN") { return .float(.nan) }
    case UInt8(ascii: "I"): if take(word: "Infinity") { return .float(.infinity) }
    case UInt8(ascii: "-"):
      if take(word: "-Infinity") { return .float(-.infinity) }
      return try parseNumber()
    case .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try parseNumber()
    default: break
    }
    throw fault("a value")
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try parseValue(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(elements) }
      guard take(UInt8(ascii: ",")) else { throw fault("',' or ']'") }
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> JSONValue {
    position += 1
    var members: [JSONValue.Member] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw fault("a member's name") }
      let name = try parseString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fault("':'") }
      members.append(JSONValue.Member(name, try parseValue(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw fault("',' or '}'") }
    }
  }

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = position
    _ = take(UInt8(ascii: "-"))
    let whole = takeDigits()
    guard whole > 0 else { throw fault("a digit") }
    let first = start < position && bytes[start] == UInt8(ascii: "-") ? start + 1 : start
    guard whole == 1 || bytes[first] != UInt8(ascii: "0") else {
      throw JSONError(offset: first, expected: "a number without leading zeros")
    }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      guard takeDigits() > 0 else { throw fault("a digit") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard takeDigits() > 0 else { throw fault("a digit") }
    }
    let spelling = text(start..<position)
    if isWhole { return Int(spelling).map(JSONValue.integer) ?? .wideInteger(spelling) }
    guard let value = Double(spelling) else { throw fault("a number") }
    return .float(value)
  }

  private mutating func takeDigits() -> Int {
    let start = position
    while let byte = next, byte >= 48, byte <= 57 { position += 1 }
    return position - start
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  private mutating func parseString() throws(JSONError) -> String {
    position += 1
    let start = position
    while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
      position += 1
    }
    if take(UInt8(ascii: "\"")) { return text(start..<position - 1) }
    var units = Array(bytes[start..<position])
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: units, as: UTF8.self)
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(into: &units)
      case 0..<0x20: throw fault("no raw control character in a string")
      default:
        units.append(byte)
        position += 1
      }
    }
    throw fault("the end of a string")
  }

  private mutating func parseEscape(into units: inout [UInt8]) throws(JSONError) {
    guard let byte = next else { throw fault("an escape") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
    case UInt8(ascii: "b"): units.append(0x08)
    case UInt8(ascii: "f"): units.append(0x0C)
    case UInt8(ascii: "n"): units.append(0x0A)
    case UInt8(ascii: "r"): units.append(0x0D)
    case UInt8(ascii: "t"): units.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = UInt32(try parseHex())
      if (0xD800..<0xDC00).contains(scalar), take(word: "\\u") {
        let low = UInt32(try parseHex())
        guard (0xDC00..<0xE000).contains(low) else { throw fault("a low surrogate") }
        scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00)
      }
      let character = Unicode.Scalar(scalar) ?? "\u{FFFD}"
      units.append(contentsOf: String(character).utf8)
    default:
      position -= 1
      throw fault("an escape")
    }
  }

  private mutating func parseHex() throws(JSONError) -> UInt16 {
    guard position + 4 <= bytes.count, let value = UInt16(text(position..<position + 4), radix: 16),
      bytes[position] != UInt8(ascii: "+")
    else { throw fault("four hexadecimal digits") }
    position += 4
    return value
  }
}
