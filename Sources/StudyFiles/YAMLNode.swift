internal import StudyModel

/// A value in a YAML or JSON document, with its place.
struct YAMLNode: Sendable {
  let content: Content
  let location: SourceLocation

  enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    /// The entries in their order; the parser has refused repeated keys.
    case mapping([Entry])
  }

  struct Entry: Sendable {
    let key: String
    let keyLocation: SourceLocation
    let value: YAMLNode
    /// Whether the key of a Python literal has quotes, and so is a text whatever it spells.
    var isKeyQuoted = false
  }

  /// The value in the words of a message: `'abc'`, `a list`, `a mapping`, `nothing`.
  var summary: String {
    switch content {
    case .scalar(let scalar):
      scalar.isNull
        ? "nothing" : scalar.isPlain ? shortened(scalar.text) : "'\(shortened(scalar.text))'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The number of nodes in the tree; aliases count as often as they are used.
  var size: Int {
    switch content {
    case .scalar: 1
    case .sequence(let elements): elements.reduce(1) { $0 + $1.size }
    case .mapping(let entries): entries.reduce(1) { $0 + 1 + $1.value.size }
    }
  }
}

/// The text with its middle left out when it is too long for a message.
func shortened(_ text: String) -> String {
  let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
  return line.count > 60 ? "\(line.prefix(40))…\(line.suffix(10))" : line
}

/// A scalar and how it was written, which decides its type.
struct YAMLScalar: Sendable {
  let text: String
  /// Whether it stood without quotes and is not a block of text.
  let isPlain: Bool
  /// `str`, `int`, `float`, `bool` or `null` when a tag such as `!!float` says so.
  let tag: String?

  /// Whether it is one of the spellings of nothing.
  var isNull: Bool {
    tag == "null" || (tag == nil && isPlain && ["", "~", "null", "Null", "NULL"].contains(text))
  }

  /// The value after the core schema of YAML 1.2.2 (§10.3.2), with the numbers of JSON, of YAML 1.1
  /// and of Python's `json` besides: `1e-5`, `.inf`, `NaN` and `Infinity` are numbers. A number
  /// that overflows is text here; see ``number``.
  var value: ParameterValue {
    if isNull { return .null }
    guard isPlain || (tag != nil && tag != "str"), tag != "str" else { return .string(text) }
    if tag == nil || tag == "bool", let flag = Self.coreFlags[text] { return .bool(flag) }
    if tag == nil || tag == "int", let integer { return .int(integer) }
    if let float = number, !isOverflowing { return .float(float) }
    return .string(text)
  }

  /// The whole number that the text spells; nil when it is none or beyond 64 bits.
  var integer: Int? {
    var digits = text[...]
    if text.hasPrefix("0x") || text.hasPrefix("0o") {
      return Int(text.dropFirst(2), radix: text.hasPrefix("0x") ? 16 : 8)
    }
    if digits.first == "+" || digits.first == "-" { digits = digits.dropFirst() }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(text)
  }

  /// The number that the text spells, whole or not, infinite when it overflows; nil when it is
  /// none.
  var number: Double? {
    if let integer { return Double(integer) }
    switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "Infinity", "+Infinity": return .infinity
    case "-.inf", "-.Inf", "-.INF", "-Infinity": return -.infinity
    case ".nan", ".NaN", ".NAN", "NaN": return .nan
    default: break
    }
    guard isSpelledLikeNumber else { return nil }
    return Double(text)
  }

  /// Whether the text spells a finite number that no double holds.
  var isOverflowing: Bool {
    guard isSpelledLikeNumber, let value = Double(text) else { return false }
    return value.isInfinite
  }

  /// A Boolean in the wide spelling of YAML 1.1, for places where only a Boolean makes sense.
  var flag: Bool? {
    guard tag == nil || tag == "bool" else { return nil }
    switch text.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: return nil
    }
  }

  private static let coreFlags = [
    "true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
  ]

  /// `[-+]? ( [0-9]+ ( \. [0-9]* )? | \. [0-9]+ ) ( [eE] [-+]? [0-9]+ )?`
  private var isSpelledLikeNumber: Bool {
    var rest = text.utf8[...]
    func takeDigits() -> Int {
      let digits = rest.prefix { (48...57).contains($0) }.count
      rest = rest.dropFirst(digits)
      return digits
    }
    if let sign = rest.first, sign == 43 || sign == 45 { rest = rest.dropFirst() }
    var digits = takeDigits()
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      digits += takeDigits()
    }
    guard digits > 0 else { return false }
    if let exponent = rest.first, exponent == 0x65 || exponent == 0x45 {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == 43 || sign == 45 { rest = rest.dropFirst() }
      guard takeDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}
