public import JSON

/// A parameter's value that is neither text nor a number here: a list, a mapping, or a whole number
/// beyond 64 bits.
///
/// It is shown, stored and compared as it is written; its parts mean nothing to samplers.
public struct OpaqueValue: Sendable {
  /// The value.
  public let json: JSONValue
  /// The value as text, always spelled in one way: what makes two values the same.
  public let text: String

  /// Creates the value. A ``ParameterValue`` has this form only for what it has no other for: see
  /// ``JSON/JSONValue/parameterValue``.
  public init(_ json: JSONValue) {
    self.json = json
    text = json.text()
  }

  /// Whether the two count as the same choice: numbers and Booleans inside compare by value, as
  /// ``ParameterValue/isEquivalent(to:)`` has it, and the members of mappings in any order.
  public func isEquivalent(to other: OpaqueValue) -> Bool {
    text == other.text || Self.areAlike(json, other.json)
  }

  private static func areAlike(_ left: JSONValue, _ right: JSONValue) -> Bool {
    switch (left, right) {
    case (.array(let a), .array(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { areAlike($0, $1) }
    case (.object(let a), .object(let b)):
      let (names, others) = (Set(a.map(\.name)), Set(b.map(\.name)))
      return names == others
        && names.allSatisfy { name in areAlike(left[name] ?? .null, right[name] ?? .null) }
    case (.wideInteger(let a), .wideInteger(let b)): return a == b
    default:
      let (a, b) = (left.parameterValue, right.parameterValue)
      if case .opaque = a { return false }
      if case .opaque = b { return false }
      return a.isEquivalent(to: b)
    }
  }
}

extension OpaqueValue: Hashable {
  public static func == (left: OpaqueValue, right: OpaqueValue) -> Bool { left.text == right.text }

  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension JSONValue {
  /// The whole number that a double is, with all its digits; nil for a fraction and what is not
  /// finite.
  package init?(wholeNumber value: Double) {
    if let short = Int(exactly: value) {
      self = .integer(short)
      return
    }
    guard value.isFinite, value == value.rounded() else { return nil }
    // The significand, then doubled digit by digit: more digits than any integer type has.
    var digits = String(UInt64(value.significandBitPattern | 1 << 52)).utf8.reversed().map {
      Int($0) - 48
    }
    for _ in 0..<(Int(value.exponent) - 52) {
      var carry = 0
      for place in digits.indices {
        let doubled = digits[place] * 2 + carry
        digits[place] = doubled % 10
        carry = doubled / 10
      }
      if carry > 0 { digits.append(carry) }
    }
    self = .wideInteger(
      (value < 0 ? "-" : "") + digits.reversed().map { String($0) }.joined())
  }
}
