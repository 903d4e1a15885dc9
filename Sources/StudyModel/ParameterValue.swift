/// A parameter's value as an objective sees it, or one choice of a categorical parameter.
///
/// Equality is strict about kind, except that NaN equals NaN; ``isEquivalent(to:)`` is the
/// baseline's looser rule.
public enum ParameterValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  /// A list, a mapping, or a whole number beyond 64 bits.
  case opaque(OpaqueValue)

  /// Whether the two count as the same choice: numbers and Booleans compare by value
  /// (1, 1.0 and true are alike) and NaN equals NaN. The rule of Optuna 5's distributions.
  public func isEquivalent(to other: ParameterValue) -> Bool {
    switch (self, other) {
    case (.null, .null): true
    case (.string(let a), .string(let b)): a == b
    case (.opaque(let a), .opaque(let b)): a.isEquivalent(to: b)
    case (.int(let a), .int(let b)): a == b
    case (.int(let a), .float(let b)), (.float(let b), .int(let a)): Int(exactly: b) == a
    default:
      if let a = number, let b = other.number { a == b || (a.isNaN && b.isNaN) } else { false }
    }
  }

  /// The value as a number; nil for null, text and what is opaque. A Boolean is 0 or 1.
  public var number: Double? {
    switch self {
    case .null, .string, .opaque: nil
    case .bool(let value): value ? 1 : 0
    case .int(let value): Double(value)
    case .float(let value): value
    }
  }

  public static func == (left: ParameterValue, right: ParameterValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a == b || (a.isNaN && b.isNaN)
    case (.string(let a), .string(let b)): a == b
    case (.opaque(let a), .opaque(let b)): a == b
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .int(let value): hasher.combine(value)
    case .float(let value): hasher.combine(value.isNaN ? .nan : value)
    case .string(let value): hasher.combine(value)
    case .opaque(let value): hasher.combine(value)
    }
  }
}

extension ParameterValue: CustomStringConvertible {
  /// The value as a command line would spell it: `0.1`, `8`, `true`, `adam`, `null`, `[64, 32]`.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): String(value)
    case .float(let value): value.description
    case .string(let value): value
    case .opaque(let value): value.text
    }
  }
}

extension ParameterValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .float(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
}
