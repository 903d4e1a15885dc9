/// A message in the encoding of Protocol Buffers, read by the numbers of its fields; those that are
/// not asked for are passed over.
struct WireMessage: Sendable {
  /// Bytes that are no message, or none of the kind that was expected.
  struct Fault: Error, Hashable {}

  private enum Value: Sendable {
    case varint(UInt64)
    case fixed(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private var fields: [(number: UInt64, value: Value)] = []

  /// Reads a message.
  ///
  /// - Throws: ``Fault`` for what ends in the middle of a field, and for types of fields that the
  ///   third version of the encoding does not have.
  init(_ bytes: ArraySlice<UInt8>) throws(Fault) {
    var rest = bytes
    while !rest.isEmpty {
      let tag = try Self.varint(&rest)
      guard tag >> 3 > 0, tag >> 3 <= 536_870_911 else { throw Fault() }
      let value: Value
      switch tag & 7 {
      case 0: value = .varint(try Self.varint(&rest))
      case 1: value = .fixed(try Self.fixed(8, &rest))
      case 2:
        let count = try Self.varint(&rest)
        guard count <= UInt64(rest.count) else { throw Fault() }
        value = .bytes(rest.prefix(Int(count)))
        rest = rest.dropFirst(Int(count))
      case 5: value = .fixed(try Self.fixed(4, &rest))
      default: throw Fault()
      }
      fields.append((tag >> 3, value))
    }
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) throws(Fault) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.first else { throw Fault() }
      rest = rest.dropFirst()
      guard shift < 63 || byte <= 1 else { throw Fault() }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw Fault()
  }

  private static func fixed(_ count: Int, _ rest: inout ArraySlice<UInt8>) throws(Fault) -> UInt64 {
    guard rest.count >= count else { throw Fault() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func last(_ number: UInt64) -> Value? { fields.last { $0.number == number }?.value }

  /// A whole number, an enumeration's or a truth value; 0 when it is left out.
  func integer(_ number: UInt64) throws(Fault) -> Int {
    switch last(number) {
    case nil: return 0
    case .varint(let value)?: return Int(truncatingIfNeeded: value)
    default: throw Fault()
    }
  }

  /// A number of double precision; 0 when it is left out.
  func double(_ number: UInt64) throws(Fault) -> Double {
    switch last(number) {
    case nil: return 0
    case .fixed(let bits)?: return Double(bitPattern: bits)
    default: throw Fault()
    }
  }

  /// Text; empty when it is left out.
  func text(_ number: UInt64) throws(Fault) -> String {
    switch last(number) {
    case nil: return ""
    case .bytes(let bytes)?:
      guard let text = String(validating: bytes, as: UTF8.self) else { throw Fault() }
      return text
    default: throw Fault()
    }
  }

  /// The message inside; an empty one when it is left out.
  func message(_ number: UInt64) throws(Fault) -> WireMessage {
    switch last(number) {
    case nil: return try WireMessage([])
    case .bytes(let bytes)?: return try WireMessage(bytes)
    default: throw Fault()
    }
  }

  /// The messages of a repeated field, among which a map's entries are.
  func messages(_ number: UInt64) throws(Fault) -> [WireMessage] {
    var found: [WireMessage] = []
    for field in fields where field.number == number {
      guard case .bytes(let bytes) = field.value else { throw Fault() }
      found.append(try WireMessage(bytes))
    }
    return found
  }

  /// The whole numbers of a repeated field, packed or not.
  func integers(_ number: UInt64) throws(Fault) -> [Int] {
    var found: [Int] = []
    for field in fields where field.number == number {
      switch field.value {
      case .varint(let value): found.append(Int(truncatingIfNeeded: value))
      case .bytes(var rest):
        while !rest.isEmpty { found.append(Int(truncatingIfNeeded: try Self.varint(&rest))) }
      case .fixed: throw Fault()
      }
    }
    return found
  }

  /// The numbers of double precision of a repeated field, packed or not.
  func doubles(_ number: UInt64) throws(Fault) -> [Double] {
    var found: [Double] = []
    for field in fields where field.number == number {
      switch field.value {
      case .fixed(let bits): found.append(Double(bitPattern: bits))
      case .bytes(var rest):
        while !rest.isEmpty { found.append(Double(bitPattern: try Self.fixed(8, &rest))) }
      case .varint: throw Fault()
      }
    }
    return found
  }
}
