public import JSON

extension JSONValue {
  /// The JSON form of a parameter's value.
  public init(_ value: ParameterValue) {
    switch value {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .integer(value)
    case .float(let value): self = .float(value)
    case .string(let value): self = .string(value)
    case .opaque(let value): self = value.json
    }
  }

  /// The value as a parameter's.
  public var parameterValue: ParameterValue {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .integer(let value): .int(value)
    case .float(let value): .float(value)
    case .string(let value): .string(value)
    case .array, .object, .wideInteger: .opaque(OpaqueValue(self))
    }
  }
}
